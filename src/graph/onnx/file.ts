import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { NerError } from '../../errors.js'
import { writeFileAtomically } from '../../io/write.js'
import type { Graph } from '../graph.js'
import { decodeModel } from './decode.js'
import { encodeModel, type ExternalBytes } from './encode.js'
import { externalReader } from './external.js'

/** A protobuf message ends at 2 GiB; the nodes get what is left of it. */
const largestInline = 2 ** 31 - 2 ** 26

/** What is smaller stays in the file: shapes and axes, which readers look at before they run anything. */
const smallestExternal = 1024

/** Readers map the file into memory, a page at a time. */
const alignment = 4096

export interface WriteOptions {
  readonly opset?: number | undefined
  /** Bytes of tensors that the file itself may hold. */
  readonly inline?: number
}

/**
 * Writes a graph as an ONNX file; tensors too large for one go to a file beside it, `NAME_data`, as transformers.js
 * and Optimum name it. Gives the names of the files.
 *
 * @throws NerError `graph/old-opset`, `file/*`
 */
export function writeModelFile(path: string, g: Graph, { opset, inline = largestInline }: WriteOptions = {}): string[] {
  const total = [...g.initializers.values()].reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0)
  if (total <= inline) {
    writeFileAtomically(path, encodeModel(g, { opset }))
    return [basename(path)]
  }
  const location = `${basename(path)}_data`
  const chunks: Uint8Array[] = []
  let end = 0
  const place = (bytes: Uint8Array): ExternalBytes | undefined => {
    if (bytes.length < smallestExternal) return undefined
    const padding = (alignment - (end % alignment)) % alignment
    const offset = end + padding
    chunks.push(new Uint8Array(padding), bytes)
    end = offset + bytes.length
    return { location, offset }
  }
  const model = encodeModel(g, { opset, place })
  // The data first: a model never stands there without what it refers to.
  writeFileAtomically(join(dirname(path), location), chunks)
  writeFileAtomically(path, model)
  return [basename(path), location]
}

/**
 * Reads an ONNX file, with external data that lies in its folder.
 *
 * @throws NerError `file/unreadable`, `graph/corrupt`, `graph/invalid`, `graph/external-data`
 */
export function readModelFile(path: string): Graph {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new NerError('file/unreadable', `The ONNX file cannot be read: ${(cause as Error).message}.`, {
      where: path,
      mend: 'Check the path, and that you may read it.',
      cause,
    })
  }
  return decodeModel(bytes, externalReader(dirname(path)))
}
