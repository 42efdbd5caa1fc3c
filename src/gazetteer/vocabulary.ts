/**
 * Strings numbered from 0, in typed arrays: open addressing over the hashes of UTF-16 units, the units themselves one
 * after another. A million words take some 30 MB, and threads share them without a copy.
 */
export interface Vocabulary {
  readonly size: number
  /** Where each string begins in `units`, and last where the last one ends. */
  readonly starts: Int32Array
  readonly units: Uint16Array
  /** Number of a string + 1, or 0 where a place is free; a power of two of places. */
  readonly table: Int32Array
}

/** FNV-1a over UTF-16 units, its bits mixed so that the low ones can be taken. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash ^ (hash >>> 15)
}

/** The number of a string, or -1. */
export const numberOf = (vocabulary: Vocabulary, text: string): number => vocabulary.table[find(vocabulary, text)]! - 1

/** The string of a number. */
export function stringAt({ starts, units }: Vocabulary, number: number): string {
  const own = units.subarray(starts[number], starts[number + 1])
  return Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('utf16le')
}

/** The place of the table that holds a string's number, or would. */
function find({ starts, units, table }: Omit<Vocabulary, 'size'>, text: string): number {
  const mask = table.length - 1
  let place = hashOf(text) & mask
  while (table[place] !== 0) {
    const number = table[place]! - 1
    if (isAt(text, units, starts[number]!, starts[number + 1]!)) break
    place = (place + 1) & mask
  }
  return place
}

function isAt(text: string, units: Uint16Array, start: number, end: number): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (units[start + i] !== text.charCodeAt(i)) return false
  return true
}

export interface VocabularyBuilder {
  /** The string's number, which is new where the string is. */
  readonly add: (text: string) => number
  readonly finish: () => Vocabulary
}

export function vocabularyBuilder(): VocabularyBuilder {
  let size = 0
  let starts: Int32Array = new Int32Array(1 << 10)
  let units: Uint16Array = new Uint16Array(1 << 13)
  let table: Int32Array = new Int32Array(1 << 10)

  /** Twice as long where the next string would not fit, or the table would be half full. */
  const makeRoom = (length: number): void => {
    const used = starts[size]!
    if (size + 2 > starts.length) starts = grown(starts, 2 * starts.length)
    if (used + length > units.length) units = grown(units, 2 * (used + length))
    if (2 * size >= table.length) table = rehashed({ size, starts, units, table })
  }

  return {
    add(text) {
      makeRoom(text.length)
      const place = find({ starts, units, table }, text)
      if (table[place] !== 0) return table[place]! - 1
      const start = starts[size]!
      for (let i = 0; i < text.length; i++) units[start + i] = text.charCodeAt(i)
      starts[size + 1] = start + text.length
      table[place] = size + 1
      return size++
    },
    finish: () => ({
      size,
      starts: shared(starts, size + 1),
      units: shared(units, starts[size]!),
      table: shared(table, table.length),
    }),
  }
}

function rehashed({ size, starts, units, table }: Vocabulary): Int32Array {
  const wider = new Int32Array(2 * table.length)
  const mask = wider.length - 1
  for (let number = 0; number < size; number++) {
    let hash = 0x811c9dc5
    for (let i = starts[number]!; i < starts[number + 1]!; i++) hash = Math.imul(hash ^ units[i]!, 0x01000193)
    let place = (hash ^ (hash >>> 15)) & mask
    while (wider[place] !== 0) place = (place + 1) & mask
    wider[place] = number + 1
  }
  return wider
}

/** A copy with room for more. */
export function grown<T extends Int32Array | Uint16Array | Float32Array>(array: T, length: number): T {
  const wider = new (array.constructor as new (length: number) => T)(length)
  wider.set(array)
  return wider
}

/** The array's beginning, in memory that threads share. */
export function shared<T extends Int32Array | Uint16Array | Float32Array>(array: T, length: number): T {
  const memory = new SharedArrayBuffer(length * array.BYTES_PER_ELEMENT)
  const copy = new (array.constructor as new (memory: SharedArrayBuffer) => T)(memory)
  copy.set(array.subarray(0, length))
  return copy
}
