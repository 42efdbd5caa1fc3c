import { NerError } from '../errors.js'
import type { Token } from './document.js'
import { isList, isObject, type Json, type JsonObject } from './json.js'
import { offsetsOf, sameSurface, unitNames, unitOfQuotations, units, type OffsetUnit, type Quoted } from './offsets.js'

export const badRow = (what: string, where: string, mend: string): NerError =>
  new NerError('data/bad-row', what, { where, mend })

/** Checks a half-open range of the file's offsets, and what the file says is written there, and turns it to UTF-16. */
export type RangeReader = (entry: JsonObject, what: string) => Token

export function rangeReader(record: JsonObject, text: string, where: string, assumed?: OffsetUnit): RangeReader {
  const unit = (record['offset_unit'] ?? assumed ?? 'code_point') as OffsetUnit
  if (!units.includes(unit)) {
    const what = `The offset unit ${JSON.stringify(unit)} is not known.`
    throw badRow(what, where, `Write "offset_unit": ${units.map((known) => `"${known}"`).join(' or ')}.`)
  }
  const { length, toUtf16 } = offsetsOf(text, unit)
  return ({ start, end, text: surface }, what) => {
    const bad = (why: string, mend: string) => {
      const range = `${JSON.stringify(start)}–${JSON.stringify(end)}`
      return new NerError('data/bad-offset', `The ${what} ${range} ${why}.`, { where, mend })
    }
    if (typeof start !== 'number' || typeof end !== 'number' || !Number.isInteger(start) || !Number.isInteger(end)) {
      throw bad('has no whole numbers as ends', 'Give “start” and “end” as whole numbers; the end is exclusive.')
    }
    if (start < 0 || end > length) {
      throw bad(`lies outside the text of ${length} ${unitNames[unit]}`, unitMend(record, text, unit))
    }
    if (end <= start) throw bad('is empty', 'Remove it, or correct its ends: the end is exclusive.')
    const [from, to] = [toUtf16(start), toUtf16(end)]
    if (from === undefined || to === undefined) {
      throw bad(
        `has an end inside a ${unit === 'utf16' ? 'surrogate pair' : 'character'}`,
        unitMend(record, text, unit),
      )
    }
    const found = text.slice(from, to)
    if (typeof surface === 'string' && !sameSurface(found, surface)) {
      throw bad(`reads “${found}” where the file says “${surface}”`, unitMend(record, text, unit))
    }
    return { start: from, end: to }
  }
}

/** What to do about offsets that do not fit their text: often the unit is another one, and the quoted words show which. */
function unitMend(record: JsonObject, text: string, unit: OffsetUnit): string {
  const quotations = ['spans', 'tokens'].flatMap((key) => quotationsIn(record[key]))
  const right = quotations.length > 0 ? unitOfQuotations(text, quotations) : undefined
  if (right !== undefined && right !== unit) {
    return `The words are where the file says if offsets count ${unitNames[right]}: read it with \`offset-unit\` ${right}.`
  }
  const others = units.filter((other) => other !== unit).map((other) => `"${other}"`)
  return `Offsets are read as ${unitNames[unit]}, from 0; "offset_unit" may say ${others.join(' or ')}. Is the text the one that was labelled?`
}

/** Stretches that come with the words that stand there. */
export const quotationsIn = (field: Json | undefined): Quoted[] =>
  (isList(field) ? field : []).flatMap((entry) => {
    const { start, end, text } = isObject(entry) ? entry : {}
    return typeof start === 'number' && typeof end === 'number' && typeof text === 'string'
      ? [{ start, end, surface: text }]
      : []
  })
