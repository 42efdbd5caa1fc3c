/** What a file's offsets count: Unicode code points (Python), UTF-16 units (JavaScript, Java) or bytes of UTF-8. */
export type OffsetUnit = 'code_point' | 'utf16' | 'byte'

/** All units, the commonest first, with their names for people. */
export const unitNames: Readonly<Record<OffsetUnit, string>> = {
  code_point: 'code points',
  utf16: 'UTF-16 units',
  byte: 'bytes of UTF-8',
}

export const units = Object.keys(unitNames) as OffsetUnit[]

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000

/** Whether an offset lies inside a surrogate pair. */
export const splitsPair = (text: string, offset: number): boolean =>
  offset > 0 && isHigh(text.charCodeAt(offset - 1)) && isLow(text.charCodeAt(offset))

/** Whether a text has characters for which two units count differently. */
const differs: Record<OffsetUnit, RegExp | undefined> = {
  utf16: undefined,
  code_point: /[\ud800-\udfff]/,
  // eslint-disable-next-line no-control-regex
  byte: /[^\x00-\x7f]/,
}

/** How many units the character at an offset is long. */
const width: Record<OffsetUnit, (codePoint: number) => number> = {
  code_point: () => 1,
  utf16: (codePoint) => (codePoint > 0xffff ? 2 : 1),
  byte: (codePoint) => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint > 0xffff ? 4 : 3),
}

export interface Offsets {
  /** How long the text is, in the unit. */
  readonly length: number
  /** The UTF-16 offset of a whole number from 0 to `length`; undefined inside a character. */
  readonly toUtf16: (offset: number) => number | undefined
  /** The unit's offset of a UTF-16 offset; one inside a surrogate pair counts as at the pair's start. */
  readonly fromUtf16: (offset: number) => number
}

/** Turns offsets into a text to UTF-16 and back. O(length of the text) once, then O(1) an offset. */
export function offsetsOf(text: string, unit: OffsetUnit): Offsets {
  if (!differs[unit]?.test(text)) {
    const inside = unit === 'utf16'
    return {
      length: text.length,
      toUtf16: (offset) => (inside && splitsPair(text, offset) ? undefined : offset),
      fromUtf16: (offset) => offset,
    }
  }
  const fromUtf16 = new Int32Array(text.length + 1)
  const toUtf16: number[] = []
  let count = 0
  for (let offset = 0; offset < text.length;) {
    const codePoint = text.codePointAt(offset)!
    const units = width.utf16(codePoint)
    toUtf16[count] = offset
    fromUtf16.fill(count, offset, offset + units)
    count += width[unit](codePoint)
    offset += units
  }
  toUtf16[count] = text.length
  fromUtf16[text.length] = count
  return { length: count, toUtf16: (offset) => toUtf16[offset], fromUtf16: (offset) => fromUtf16[offset]! }
}

/** White space counts as one space: tools change line ends on the way through a browser. */
const loosely = (text: string) => text.replace(/\s+/g, ' ')

export const sameSurface = (a: string, b: string): boolean => a === b || loosely(a) === loosely(b)

/** A stretch as a file gives it, with what the file says is written there. */
export interface Quoted {
  readonly start: number
  readonly end: number
  readonly surface: string
}

/** The first unit under which every quotation is found where it is said to be; undefined if there is none. */
export function unitOfQuotations(text: string, quotations: readonly Quoted[]): OffsetUnit | undefined {
  return units.find((unit) => {
    const { toUtf16 } = offsetsOf(text, unit)
    return quotations.every(({ start, end, surface }) => {
      const [from, to] = [toUtf16(start), toUtf16(end)]
      return from !== undefined && to !== undefined && sameSurface(text.slice(from, to), surface)
    })
  })
}
