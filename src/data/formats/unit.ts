import { offsetsOf, sameSurface, unitNames, type OffsetUnit } from '../offsets.js'

/*
 * What offsets count in a file that does not say, where tools have written both code points and UTF-16 units: told by where
 * they fall. A span begins and ends with a word, and not in its midst.
 */

/** A labelled stretch, as a file has it. */
export interface Stretch {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly label: string
  /** What the file says is written there. */
  readonly surface?: string
}

interface Told {
  readonly unit: OffsetUnit
  /** By words; else it is assumed. */
  readonly isTold: boolean
  /** For people; absent where nothing was told or assumed. */
  readonly note?: string
}

const tried = ['code_point', 'utf16'] as const

/**
 * The unit under which more stretches are whole words, or words that have the same label elsewhere. Code points are assumed,
 * and that is said, where both suit as well.
 */
export function tellUnit(stretches: Iterable<Stretch>): Told {
  const known = new Set<string>()
  const doubtful: Stretch[] = []
  for (const stretch of stretches) {
    const [first, second] = tried.map((unit) => surfaceOf(stretch, unit))
    if (first === second && first !== undefined) known.add(`${stretch.label}\n${first}`)
    else doubtful.push(stretch)
  }
  if (doubtful.length === 0) return { unit: 'code_point', isTold: false }
  const fits = (unit: OffsetUnit) => doubtful.reduce((sum, stretch) => sum + fit(stretch, unit, known), 0)
  const [codePoints, utf16] = [fits('code_point'), fits('utf16')]
  const count = `${doubtful.length} ${doubtful.length === 1 ? 'span comes' : 'spans come'} after a character beyond U+FFFF`
  if (codePoints === utf16) {
    const note = `${count}, and the file does not say what offsets count: ${unitNames.code_point} are assumed. If they count UTF-16 units, as some releases of doccano write, read it with --offset-unit utf16`
    return { unit: 'code_point', isTold: false, note }
  }
  const unit = utf16 > codePoints ? 'utf16' : 'code_point'
  return { unit, isTold: true, note: `offsets are read as ${unitNames[unit]}, as words show; ${count}` }
}

function surfaceOf({ text, start, end }: Stretch, unit: OffsetUnit): string | undefined {
  const { length, toUtf16 } = offsetsOf(text, unit)
  if (start < 0 || end > length || end <= start) return undefined
  const [from, to] = [toUtf16(start), toUtf16(end)]
  return from === undefined || to === undefined ? undefined : text.slice(from, to)
}

/** 1 for whole words, 2 for what the file quotes or what has the label elsewhere, 0 for what cuts a word or a space. */
function fit(stretch: Stretch, unit: OffsetUnit, known: ReadonlySet<string>): number {
  const surface = surfaceOf(stretch, unit)
  if (surface === undefined) return 0
  if (stretch.surface !== undefined) return sameSurface(surface, stretch.surface) ? 2 : 0
  if (known.has(`${stretch.label}\n${surface}`)) return 2
  const { text, start } = stretch
  const from = offsetsOf(text, unit).toUtf16(start)!
  const cuts = isInWord(text, from) || isInWord(text, from + surface.length) || surface !== surface.trim()
  return cuts ? 0 : 1
}

/** Between two letters of a script that writes spaces between words. */
const isInWord = (text: string, at: number): boolean =>
  /[\p{L}\p{N}\p{M}]$/u.test(text.slice(Math.max(0, at - 2), at)) &&
  /^[\p{L}\p{N}\p{M}]/u.test(text.slice(at, at + 2)) &&
  !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u.test(
    text.slice(Math.max(0, at - 2), at + 2),
  )
