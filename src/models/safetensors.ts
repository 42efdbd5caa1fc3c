import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { NerError } from '../errors.js'
import { writeFileAtomically } from '../io/write.js'

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
  readonly read: (from: number, to: number) => Uint8Array<ArrayBuffer>
  readonly corrupt: (what: string) => NerError
}

/**
 * Reads the float tensors of a safetensors file (huggingface.co/docs/safetensors): an 8-byte length, a JSON header, and
 * the elements. Other floats are converted; integer tensors, such as BERT's position ids, are left out.
 *
 * @throws NerError `model/missing-file`, `model/corrupt-weights`
 */
export function readSafetensors(path: string): Map<string, StoredTensor> {
  return withFile(path, ({ entries, read, corrupt }) => {
    const tensors = new Map<string, StoredTensor>()
    for (const [name, { dtype, shape, data_offsets: offsets }] of entries) {
      if (integers.has(dtype)) continue
      const widen = floats.get(dtype)
      if (!widen) throw corrupt(`'${name}' has elements of the unknown type '${dtype}'`)
      const [from, to] = offsets
      const count = shape.reduce((product, dim) => product * dim, 1)
      if (to - from !== count * widen.bytes) {
        throw corrupt(`'${name}' has ${to - from} bytes for the shape [${shape.join(', ')}]`)
      }
      tensors.set(name, { shape, data: widen.read(read(from, to)) })
    }
    return tensors
  })
}

/** The strings that a file says of itself. @throws NerError as {@link readSafetensors} */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  return withFile(path, ({ metadata }) => metadata)
}

/** The names of a file's tensors. @throws NerError as {@link readSafetensors} */
export function readNames(path: string): string[] {
  return withFile(path, ({ entries }) => entries.map(([name]) => name))
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
    const status = fstatSync(file)
    if (!status.isFile()) throw corrupt('it is no file')
    const { size } = status
    if (size < 8) throw corrupt(`it has ${size} bytes`)
    const headerSize = Number(new DataView(bytes(0, 8).buffer).getBigUint64(0, true))
    if (headerSize > Math.min(largestHeader, size - 8)) throw corrupt(`its header claims ${headerSize} bytes`)
    const start = 8 + headerSize
    const header = parseHeader(bytes(8, headerSize), corrupt)
    checkLayout(header.entries, size - start, corrupt)
    return use({
      ...header,
      read: (from, to) => bytes(start + from, to - from),
      corrupt,
    })
  } finally {
    closeSync(file)
  }
}

function parseHeader(bytes: Uint8Array, corrupt: OpenFile['corrupt']): Pick<OpenFile, 'entries' | 'metadata'> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
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

/** The format wants tensors one after another, without a gap, up to the end of the file. */
function checkLayout(entries: OpenFile['entries'], size: number, corrupt: OpenFile['corrupt']): void {
  const places = entries.map(([name, entry]) => [name, ...entry.data_offsets] as const)
  let end = 0
  for (const [name, from, to] of places.sort((a, b) => a[1] - b[1] || a[2] - b[2])) {
    if (from !== end) throw corrupt(`'${name}' begins at ${from}, where the one before it ends at ${end}`)
    end = to
  }
  if (end !== size) throw corrupt(`it has ${size} bytes of elements, its header speaks of ${end}`)
}

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<keyof Entry, unknown>
  const ordered = areCounts(offsets) && offsets.length === 2 && offsets[0]! <= offsets[1]!
  return typeof dtype === 'string' && areCounts(shape) && ordered
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0)
}

/** Elements that are no weights. */
const integers: ReadonlySet<string> = new Set(['BOOL', 'U8', 'I8', 'U16', 'I16', 'U32', 'I32', 'U64', 'I64'])

interface FloatType {
  readonly bytes: number
  readonly read: (bytes: Uint8Array<ArrayBuffer>) => Float32Array
}

const floats: ReadonlyMap<string, FloatType> = new Map<string, FloatType>([
  ['F64', { bytes: 8, read: ({ buffer }) => Float32Array.from(new Float64Array(buffer)) }],
  ['F32', { bytes: 4, read: ({ buffer }) => new Float32Array(buffer) }],
  ['F16', { bytes: 2, read: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), halfToFloat) }],
  ['BF16', { bytes: 2, read: ({ buffer }) => bfloatsToFloats(new Uint16Array(buffer)) }],
])

/** bfloat16 is the upper half of a float32. */
function bfloatsToFloats(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer)
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
