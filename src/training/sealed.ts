import { createHash } from 'node:crypto'
import { readMetadata, readSafetensors, writeSafetensors, type StoredTensor } from '../models/safetensors.js'

type Tensors = ReadonlyMap<string, StoredTensor>
type Metadata = Readonly<Record<string, string>>

/** Writes tensors with a checksum over them and what is said of them. */
export function writeSealed(path: string, tensors: Tensors, metadata: Metadata): void {
  writeSafetensors(path, tensors, { ...metadata, sha256: checksum(tensors, metadata) })
}

/** What `writeSealed` wrote. @throws Error where one bit of it is another; NerError as `readSafetensors` */
export function readSealed(path: string): { readonly tensors: Tensors; readonly metadata: Metadata } {
  const { sha256, format, ...metadata } = readMetadata(path)
  const tensors = readSafetensors(path)
  if (format !== 'pt' || checksum(tensors, metadata) !== sha256) throw new Error('its checksum is another')
  return { tensors, metadata }
}

function checksum(tensors: Tensors, metadata: Metadata): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify(Object.entries(metadata).sort()))
  for (const name of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(name)!
    hash.update(JSON.stringify([name, shape])).update(data)
  }
  return hash.digest('hex')
}
