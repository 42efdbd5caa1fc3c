import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { NerError } from '../errors.js'
import { writeFileAtomically } from '../files.js'

/** One tensor of a safetensors file, widened to float32. */
export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** More than this is no header: the format's own reader refuses it too. */
const largestHeader = 100_000_000

/** An open file: its header, and its elements by position. */
interface OpenFile {
  readonly entries: readonly (readonly [string, Entry])[]
  readonly metadata: Readonly<Record<string, string>>
  /** Size of the elements' part in bytes. */
  readonly size: number
  read(from: number, to: number): Uint8Array<ArrayBuffer>
  corrupt(what: string): NerError
}

/**
 * Reads the float tensors of a safetensors file (huggingface.co/docs/safetensors): an 8-byte length, a JSON header, and
 * the elements. float16 and bfloat16 are widened; integer tensors, such as BERT's position ids, are left out.
 *
 * @throws NerError `model/missing-file`, `model/corrupt-weights`
 */
export function readSafetensors(path: string): Map<string, StoredTensor> {
  return withFile(path, ({ entries, size, read, corrupt }) => {
    const tensors = new Map<string, StoredTensor>()
    for (const [name, { dtype, shape, data_offsets: offsets }] of entries) {
      const widen = floats[dtype]
      if (!widen) continue
      const [from, to] = offsets
      const count = shape.reduce((product, dim) => product * dim, 1)
      if (to - from !== count * widen.bytes) {
        throw corrupt(`'${name}' has ${to - from} bytes for the shape [${shape.join(', ')}]`)
      }
      if (to > size) throw corrupt(`it ends before '${name}'`)
      tensors.set(name, { shape, data: widen.read(read(from, to)) })
    }
    return tensors
  })
}

/** The strings that a file says of itself. @throws NerError as {@link readSafetensors} */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  return withFile(path, ({ metadata }) => metadata)
}

function withFile<T>(path: string, use: (file: OpenFile) => T): T {
  const corrupt = (what: string) =>
    new NerError('model/corrupt-weights', `The weights file is damaged: ${what}.`, {
      where: path,
      mend: 'Copy or download the file again.',
    })
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (cause) {
    throw new NerError('model/missing-file', 'The weights cannot be read.', {
      where: path,
      mend: 'A model folder holds model.safetensors; pickled weights (pytorch_model.bin) are not read.',
      cause,
    })
  }
  const bytes = (position: number, length: number) => {
    const part = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const count = readSync(file, part, done, length - done, position + done)
      if (count === 0) throw corrupt(`it ends at byte ${position + done}`)
      done += count
    }
    return part
  }
  try {
    const size = fstatSync(file).size
    if (size < 8) throw corrupt(`it has ${size} bytes`)
    const headerSize = Number(new DataView(bytes(0, 8).buffer).getBigUint64(0, true))
    if (headerSize > Math.min(largestHeader, size - 8)) throw corrupt(`its header claims ${headerSize} bytes`)
    const start = 8 + headerSize
    return use({
      ...parseHeader(new TextDecoder().decode(bytes(8, headerSize)), corrupt),
      size: size - start,
      read: (from, to) => bytes(start + from, to - from),
      corrupt,
    })
  } finally {
    closeSync(file)
  }
}

function parseHeader(text: string, corrupt: (what: string) => NerError): Pick<OpenFile, 'entries' | 'metadata'> {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch {
    throw corrupt('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null) throw corrupt('its header is not an object')
  const { __metadata__: metadata, ...rest } = header as Record<string, unknown>
  const entries = Object.entries(rest).map(([name, entry]) => {
    if (!isEntry(entry)) throw corrupt(`the header's entry '${name}' is malformed`)
    return [name, entry] as const
  })
  return { entries, metadata: (metadata ?? {}) as Record<string, string> }
}

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Entry>
  const whole = (number: unknown) => Number.isSafeInteger(number) && (number as number) >= 0
  return (
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every(whole) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(whole) &&
    offsets[0] <= offsets[1]
  )
}

const floats: Readonly<Record<string, { readonly bytes: number; read(bytes: Uint8Array): Float32Array } | undefined>> =
  {
    F32: { bytes: 4, read: (bytes) => new Float32Array(bytes.buffer) },
    F16: { bytes: 2, read: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), halfToFloat) },
    BF16: {
      bytes: 2,
      read: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes.buffer), (bits) => bits << 16).buffer),
    },
  }

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Writes float32 tensors in order of their names, so that equal weights make equal files. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const names = [...tensors.keys()].sort()
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } }
  let offset = 0
  for (const name of names) {
    const { shape, data } = tensors.get(name)!
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, (offset += data.byteLength)] }
  }
  const json = JSON.stringify(header)
  // Spaces align the elements to 8 bytes, as the format asks.
  const head = new TextEncoder().encode(json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8))
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(head.length), true)
  const parts = names.map((name) => {
    const { data } = tensors.get(name)!
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  })
  writeFileAtomically(path, [length, head, ...parts])
}
