import { isList, isObject, type Json } from '../data/json.js'
import { linesOf } from '../io/lines.js'
import { readWhole } from '../io/open.js'
import { NerError } from '../errors.js'
import { findWords } from '../text/words.js'

/** A text is its words, as they are. */
export const phrase = (text: string): Json =>
  findWords(text).map(({ start, end }) => ({ TEXT: text.slice(start, end) }))

/** A pattern, or `{label, pattern}`, and its place. */
export interface PatternRow {
  readonly value: Json
  readonly where: string
}

/** The patterns that a configuration holds itself. */
export const inlineRows = (patterns: readonly unknown[], where: (i: number) => string): PatternRow[] =>
  patterns.map((value, i) => ({ value: value as Json, where: `${where(i)}, pattern ${i + 1}` }))

/**
 * The patterns of an EntityRuler's JSONL, of a JSON list of the same, or of lists by label.
 *
 * @throws NerError `file/unreadable`, `weak/bad-token-pattern`
 */
export async function readPatternFile(file: string): Promise<PatternRow[]> {
  const bad = (what: string, where: string, cause?: unknown) =>
    new NerError('weak/bad-token-pattern', what, {
      where,
      mend: 'Write a line for each pattern, e.g. {"label": "ORG", "pattern": [{"LOWER": "bank"}]}.',
      cause,
    })
  const { bytes } = await readWhole(file)
  const parse = (text: string, where: string): Json => {
    try {
      return JSON.parse(text) as Json
    } catch (cause) {
      throw bad(`This is not JSON: ${(cause as Error).message}.`, where, cause)
    }
  }
  const lines = [...linesOf(bytes, file)]
  if (!/\.json$/.test(file)) {
    return lines.flatMap((line, i) => {
      const where = `${file}:${i + 1}`
      return line.trim() === '' ? [] : [{ value: parse(line, where), where }]
    })
  }
  const tree = parse(lines.join('\n'), file)
  if (isList(tree)) return tree.map((value, i) => ({ value, where: `${file}, pattern ${i + 1}` }))
  if (!isObject(tree)) throw bad('The file is neither a list nor lists by label.', file)
  return Object.entries(tree).flatMap(([label, patterns]) => {
    if (!isList(patterns ?? null)) throw bad(`“${label}” is not a list of patterns.`, file)
    return (patterns as readonly Json[]).map((pattern, i) => ({
      value: { label, pattern },
      where: `${file}, ${label}, pattern ${i + 1}`,
    }))
  })
}
