import { z } from 'zod'
import type { Span } from '../../data/document.js'
import { offsetsOf, units } from '../../data/offsets.js'
import { NerError } from '../../errors.js'
import { numberOf, stringAt, type Vocabulary, vocabularyBuilder } from '../../gazetteer/vocabulary.js'
import { linesOf } from '../../io/lines.js'
import { sentinelLabel } from '../../sources/source.js'

/*
 * What people decided by hand, a line of JSON each: the entities of a text that reads exactly so, or the type of a surface
 * wherever it stands, or none.
 */

const offset = z.int().min(0)

const line = z.union([
  z.strictObject({
    text: z.string().min(1),
    entities: z.array(z.strictObject({ start: offset, end: offset, label: z.string().min(1) })),
    offset_unit: z.enum(units).default('code_point'),
  }),
  z.strictObject({ surface: z.string().min(1), label: z.string().min(1).nullable() }),
])

/** Whole texts with their entities; threads share them without a copy. */
export interface ExactTexts {
  readonly texts: Vocabulary
  /** Lists of entities as JSON. */
  readonly answers: Vocabulary
  /** The answer to each text, by number. */
  readonly answerOf: Int32Array
}

export interface Overrides {
  readonly exact: ExactTexts
  /** Surfaces with their types, `O` for none. */
  readonly surfaces: readonly { readonly surface: string; readonly type: string }[]
}

/** @throws NerError `serve/bad-list` with the line */
export function readOverrides(bytes: Uint8Array, source: string): Overrides {
  const texts = vocabularyBuilder()
  const answers = vocabularyBuilder()
  const answerOf: number[] = []
  const surfaces: { surface: string; type: string }[] = []
  let number = 0
  for (const row of linesOf(bytes, source)) {
    number++
    if (row.trim() === '') continue
    const read = parsed(row, `${source}:${number}`)
    if ('surface' in read) surfaces.push({ surface: read.surface, type: read.label ?? sentinelLabel })
    else answerOf[texts.add(read.text)] = answers.add(JSON.stringify(spansOf(read, `${source}:${number}`)))
  }
  return {
    exact: { texts: texts.finish(), answers: answers.finish(), answerOf: sharedNumbers(answerOf) },
    surfaces,
  }
}

/** The entities that were decided for a text, or nothing where none were. */
export function exactAnswer({ texts, answers, answerOf }: ExactTexts, text: string): Span[] | undefined {
  const number = numberOf(texts, text)
  return number < 0 ? undefined : (JSON.parse(stringAt(answers, answerOf[number]!)) as Span[])
}

type Line = z.output<typeof line>

function parsed(row: string, where: string): Line {
  try {
    return line.parse(JSON.parse(row))
  } catch {
    throw bad('The line is no override', where)
  }
}

function spansOf({ text, entities, offset_unit: unit }: Extract<Line, { text: string }>, where: string): Span[] {
  const { length, toUtf16 } = offsetsOf(text, unit)
  let previous = 0
  return entities
    .toSorted((a, b) => a.start - b.start)
    .map(({ start, end, label }) => {
      const from = start <= length ? toUtf16(start) : undefined
      const to = end <= length ? toUtf16(end) : undefined
      if (from === undefined || to === undefined || from >= to || from < previous) {
        throw bad(`The entity ${start} to ${end} does not fit the text, or overlaps another`, where)
      }
      previous = to
      return { start: from, end: to, label }
    })
}

function sharedNumbers(numbers: readonly number[]): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(4 * numbers.length))
  array.set(numbers)
  return array
}

const bad = (what: string, where: string) =>
  new NerError('serve/bad-list', `${what}.`, {
    where,
    mend: 'Write {"text": …, "entities": [{"start", "end", "label"}]} or {"surface": …, "label": … or null} on each line.',
  })
