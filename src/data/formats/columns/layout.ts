import { NerError } from '../../../errors.js'
import { splitRow } from './rows.js'
import { spellingOf, type TagSpelling } from './spelling.js'

/** Which columns of a file hold what, counted from 0. */
export interface Layout {
  readonly columns: number
  readonly word: number
  /** Absent where the file has no tags. */
  readonly tag: number | undefined
  readonly spelling: TagSpelling
  /** Columns of further tags: nested layers, or other annotators. */
  readonly otherTags: readonly number[]
  /** A column that counts the words of each sentence. */
  readonly index: number | undefined
  /** A column that changes where a sentence begins. */
  readonly sentence: number | undefined
  /** Whether the first row names the columns. */
  readonly header: boolean
}

/** Columns as a user names them, counted from 1. */
export interface ChosenColumns {
  readonly word?: number | undefined
  readonly tag?: number | undefined
}

/** Rows looked at: enough for some hundred sentences. */
export const layoutRows = 5000

/** The share of a column's cells that must be tags. A few may be mistakes, of which the reader complains. */
const mostly = 0.9

/** The phrases of CoNLL-2000, which stand before the entities in CoNLL-2003: tags of another kind. */
const phrases = new Set('ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP'.split(' '))

const wordNames = /^(tokens?|words?|form)$/i
const tagNames = /^(ne|ner|tags?|labels?|iob|bio|entity|entities)([-_ ].*)?$/i
const sentenceNames = /^(sentence|sent)([-_ ]?(#|id|no|number))?$/i

/** A column by its cells, in sentences. */
type Cells = readonly (readonly string[])[]

/**
 * Tells the columns of rows, in sentences, by what they hold: a column that counts 0 or 1, 2, 3 in each sentence is an
 * index; tags are tags, and of several columns of them the first is taken, after those that hold phrases; the word is the
 * first column that is none of these. Rows of another length than most are left to the reader to complain of.
 *
 * @throws NerError `usage/bad-option` where a chosen column is not there
 */
export function layoutOf(sentences: readonly (readonly string[])[], chosen: ChosenColumns = {}, name = ''): Layout {
  const rows = sentences.map((lines) => lines.map(splitRow))
  const columns = commonLength(rows)
  const first = rows[0]?.[0] ?? []
  const header = first.length === columns && isHeader(first)
  const body = rows.map((cells, i) =>
    cells.filter((row, at) => row.length === columns && !(header && i === 0 && at === 0)),
  )
  const column = (at: number): Cells =>
    body.map((cells) => cells.map((row) => row[at]!)).filter(({ length }) => length > 0)
  const all = Array.from({ length: columns }, (_, at) => at)
  const spellings = all.map((at) => spellingOf(column(at).flat(), mostly))
  const sentence = header ? first.findIndex((cell) => sentenceNames.test(cell)) : -1
  const tags = header
    ? all.filter((at) => isTagName(first[at]!) && (spellings[at] !== undefined || isBlank(column(at))))
    : all.filter((at) => at > 0 && spellings[at] !== undefined && !arePhrases(column(at).flat()))
  const words = all.filter((at) => spellings[at] === undefined && !isBlank(column(at)))
  const counter = words.find((at) => isCounter(column(at)))
  // What counts is an index where there is something else for a word.
  const index = words.some((at) => at !== counter) ? counter : undefined
  const word =
    chosenColumn(chosen.word, columns, name) ??
    (header ? first.findIndex(isWordName) : (words.find((at) => at !== index && !isConstant(column(at))) ?? 0))
  // Where no column holds tags, the last one is taken for what should: the reader says what is wrong with it.
  const tag =
    chosenColumn(chosen.tag, columns, name) ??
    (tags.length > 0 ? preferred(tags, column) : columns > 1 && columns - 1 !== word ? columns - 1 : undefined)
  return {
    columns,
    word,
    tag,
    spelling: (tag === undefined ? undefined : spellings[tag]) ?? 'plain',
    otherTags: tags.filter((at) => at !== tag),
    index,
    sentence: sentence < 0 ? undefined : sentence,
    header,
  }
}

/** Of columns of tags the first that holds an entity, else the last. */
const preferred = (tags: readonly number[], column: (at: number) => Cells): number =>
  tags.find((at) => column(at).some((cells) => cells.some((cell) => !/^[oO_]$/.test(cell)))) ?? tags.at(-1)!

/** Whether a row names columns: one of words, and one of tags. */
export const isHeader = (row: readonly string[]): boolean => row.some(isWordName) && row.some(isTagName)

const isWordName = (cell: string) => wordNames.test(cell.trim())
const isTagName = (cell: string) => tagNames.test(cell.trim())

function chosenColumn(column: number | undefined, columns: number, name: string): number | undefined {
  if (column === undefined) return undefined
  if (Number.isInteger(column) && column >= 1 && column <= columns) return column - 1
  throw new NerError('usage/bad-option', `There is no column ${column}: the rows have ${columns}.`, {
    where: name,
    mend: 'Give `columns` numbers from 1, e.g. word=2,tag=3.',
  })
}

/** How many columns most rows have. */
function commonLength(sentences: readonly (readonly (readonly string[])[])[]): number {
  const counts = new Map<number, number>()
  for (const { length } of sentences.flat()) counts.set(length, (counts.get(length) ?? 0) + 1)
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [1, 0])[0]
}

/** The same in every row, as a document's name is: OntoNotes begins its rows so. */
const isConstant = (cells: Cells) => cells.flat().length > 5 && new Set(cells.flat()).size === 1

const isBlank = (cells: Cells) => cells.flat().every((cell) => cell === '_' || cell === '')

/** Whether a column counts the words of each sentence, from 0 or 1; CoNLL-U has ranges (`1-2`) and decimals between. */
function isCounter(cells: Cells): boolean {
  if (!cells.some(({ length }) => length > 1)) return false
  return cells.every((column) => {
    const numbers = column
      .filter((cell) => !/^\d+[-.]\d+$/.test(cell))
      .map((cell) => (/^\d+$/.test(cell) ? Number(cell) : NaN))
    return numbers.every((number, i) => (i === 0 ? number === 0 || number === 1 : number === numbers[i - 1]! + 1))
  })
}

const arePhrases = (cells: readonly string[]) => {
  const labels = new Set(cells.flatMap((cell) => (cell === 'O' ? [] : [cell.slice(2)])))
  return labels.size > 0 && [...labels].every((label) => phrases.has(label))
}

/** A layout in a line, for people: nothing where it is a word and its tag. */
export function describeLayout({ columns, word, tag, index, otherTags, header }: Layout): string | undefined {
  if (columns <= 2 && !header && index === undefined) return undefined
  const tags = tag === undefined ? 'no tags' : `tags in column ${tag + 1}`
  const others =
    otherTags.length === 0 ? '' : `; tags in column ${otherTags.map((at) => at + 1).join(', ')} are not read`
  return `words in column ${word + 1}, ${tags} of ${columns}${others}`
}
