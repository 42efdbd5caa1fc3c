import { NerError } from '../../errors.js'
import { goldLayer, type Document, type Sentence, type Span, type Token } from '../document.js'
import { closestScheme, strayTags, tagMends } from '../repair.js'
import { detectScheme, firstIllegalTag, isTag, notATag, spansFromTags, type Scheme } from '../schemes.js'
import { type Lose, type Loss, tally } from '../losses.js'
import { describeLayout, isHeader, type Layout, layoutOf, layoutRows } from './columns/layout.js'
import { chain, isBlankRow, splitRow, withoutCommas } from './columns/rows.js'
import { readTag, spellingOf, tagsOfBrackets } from './columns/spelling.js'
import { areJoined, joinWords } from './columns/join.js'
import { rejectInto, type ReadOptions, type Reject, type Source } from '../source.js'

/*
 * CoNLL columns, as the shared tasks of 2000–2003 and their heirs write them: a token a row, its tag in the last
 * column, a blank line after each sentence, a `-DOCSTART-` row before each document.
 */

export interface ConllCorpus {
  readonly documents: Document[]
  /** Absent where the file has no tags. */
  readonly scheme?: Scheme
  readonly rejects: Reject[]
  /** What the file holds and no document does. */
  readonly losses: Loss[]
  readonly layout: Layout
  /** What was told, assumed or mended, a line each. */
  readonly notes: readonly string[]
}

/** The rows between two blank lines. */
interface Block {
  /** Number of the first row's line, from 1. */
  readonly line: number
  /** How many `-DOCSTART-` rows come before it. */
  readonly document: number
  readonly tokens: string[]
  /** Empty where the file has one column. */
  readonly tags: string[]
}

/** Stands for a token before each document. */
export const documentStart = '-DOCSTART-'

/**
 * Reads CoNLL columns (two or more; one where labels are optional), separated by tabs or spaces. Which of them hold words
 * and tags is told by what they hold. A document's text is its tokens joined by spaces (by nothing between characters of
 * scripts that have none), its sentences joined by line feeds. Without `-DOCSTART-` every block is a document of its
 * own. The form of WikiANN, with a language before each token (`en:Paris`), is recognised and the language left out.
 *
 * Throws `data/bad-row` with file and line, `data/unknown-scheme`, `data/ambiguous-scheme`. With `skipBad` a sentence
 * with a bad row is left out whole, since its text would be wrong without it.
 */
export function readConll(source: Source, options: ReadOptions = {}): ConllCorpus {
  const rejects: Reject[] = []
  const reject = rejectInto(rejects, options.skipBad)
  const { lose, losses } = tally()
  const lines = withoutCommas(source.lines, isHeader)
  const head = take(lines, layoutRows)
  const layout = options.layout ?? layoutOf(sentencesOf(head), options.columns, source.name)
  const reading = {
    name: source.name,
    before: source.before?.lines ?? 0,
    layout,
    labels: options.labels ?? 'required',
    reject,
    lose,
  }
  const all = chain(head, lines)
  const blocks = withoutLanguage([...readBlocks(all, reading)], source.name, lose)
  const tagged = blocks.some((block) => block.tags.length > 0)
  const placeOf = (block: Block, token: number) => `${source.name}:${block.line + token}`
  const told =
    options.scheme !== undefined || !tagged
      ? undefined
      : schemeOf(
          blocks.map((block) => block.tags),
          (block, token) => placeOf(blocks[block]!, token),
          options.onProblem,
        )
  const scheme = tagged ? (options.scheme ?? told?.scheme) : undefined
  const legal = (block: Block) => {
    const illegal = scheme ? firstIllegalTag(block.tags, scheme) : -1
    if (illegal < 0) return true
    const token = Math.min(illegal, block.tags.length - 1)
    const before = token > 0 ? `after ${block.tags[token - 1]}` : 'at the start of a sentence'
    const what =
      illegal < block.tags.length
        ? `${scheme} has no ${block.tags[token]} ${before}.`
        : `${scheme} has no ${block.tags[token]} at the end of a sentence.`
    const mend = 'Correct the tag, or let ner data validate mend all of them.'
    reject(new NerError('data/bad-row', what, { where: placeOf(block, token), mend }), rawBlock(block))
    return false
  }
  // A scheme that was detected is legal everywhere.
  const kept = options.scheme && !options.onProblem ? blocks.filter(legal) : blocks
  const withStarts = blocks.some((block) => block.document > 0)
  const documents = groupByDocument(kept).map((group, n) =>
    documentOf(group, `${source.base}:${(source.before?.documents ?? 0) + n + 1}`, {
      layer: options.layer ?? goldLayer,
      scheme,
      withStarts,
      file: source.name,
      isLenient: options.onProblem !== undefined || told?.strays !== undefined,
      onProblem: options.onProblem,
    }),
  )
  const columnsRead = describeLayout(layout)
  const layer = options.layer ?? goldLayer
  const notes = [
    ...(columnsRead === undefined ? [] : [columnsRead]),
    ...(told?.strays === undefined
      ? []
      : [`${plural(told.strays, 'span')} with I- where IOB2 begins with B-: read as seqeval and conlleval read them`]),
    ...(tagged && documents.every(({ layers }) => layers[layer]!.length === 0)
      ? ['every tag is O: no span is found']
      : []),
  ]
  return { documents, ...(scheme && { scheme }), rejects, losses: losses(), layout, notes }
}

/**
 * The scheme of a file's tags. Tags of IOB2 among which some `I-` begin a span are read as seqeval and the conlleval script
 * read them, and counted. Where problems are told of, tags that break every scheme are read by the closest.
 */
function schemeOf(
  sentences: readonly (readonly string[])[],
  where: (sentence: number, token: number) => string,
  onProblem: ReadOptions['onProblem'],
): { readonly scheme: Scheme; readonly strays?: number } {
  try {
    return { scheme: detectScheme(sentences, where) }
  } catch (error) {
    if (!(error instanceof NerError)) throw error
    const strays = strayTags(sentences)
    if (!onProblem && strays !== undefined) return { scheme: 'IOB2', strays }
    if (!onProblem) throw error
    const closest = closestScheme(sentences)
    // Tags that are wrong are told of one by one; where each could stand, the problem is the file's.
    const { what, detail } = error
    if (sentences.every((tags) => tagMends(tags, closest).length === 0))
      onProblem({ kind: 'scheme', where: detail.where ?? '', what, mend: detail.mend ?? '' })
    return { scheme: closest }
  }
}

function take<T>(items: Iterator<T>, count: number): T[] {
  const taken: T[] = []
  while (taken.length < count) {
    const next = items.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

const rawBlock = ({ tokens, tags }: Block) => tokens.map((token, i) => `${token}\t${tags[i]}`).join('\n')

/** What rows are read with. */
interface Reading {
  readonly name: string
  readonly before: number
  readonly layout: Layout
  readonly labels: NonNullable<ReadOptions['labels']>
  readonly reject: (error: NerError, raw: string) => void
  readonly lose: Lose
}

function* readBlocks(
  lines: Iterable<string>,
  { name, before, layout, labels, reject, lose }: Reading,
): Generator<Block> {
  // Cells of tags are many and alike: each is read once, and one string for all keeps the file's text from being held by
  // slices of it.
  const tagsOfCells = new Map<string, string>()
  const tagOf = (cell: string): string => {
    let tag = tagsOfCells.get(cell)
    if (tag === undefined) tagsOfCells.set(cell, (tag = readTag(cell, layout.spelling)))
    return tag
  }
  let columns: { count: number; line: number } | undefined
  let document = 0
  let block: Block | undefined
  let raw: string[] = []
  let bad: NerError | undefined
  let lineNumber = before
  let skipsHeader = layout.header
  let sentence: string | undefined
  const meant = [layout.word, layout.tag, layout.index, layout.sentence, ...layout.otherTags]
  const columnsRead = meant.filter((at) => at !== undefined).length
  const place = () => `${name}:${lineNumber}`
  const finish = () => {
    const finished = bad ? undefined : block
    if (bad) reject(bad, raw.join('\n'))
    block = bad = undefined
    raw = []
    if (finished && layout.spelling === 'brackets') finished.tags.splice(0, Infinity, ...tagsOfBrackets(finished.tags))
    return finished?.tokens.length === 0 ? undefined : finished
  }
  for (const line of lines) {
    lineNumber++
    if (isBlankRow(line)) {
      const finished = finish()
      if (finished) yield finished
      continue
    }
    const row = splitRow(line)
    if (isStart(row)) {
      const finished = finish()
      if (finished) yield finished
      document++
      continue
    }
    if (skipsHeader) {
      skipsHeader = false
      continue
    }
    if (isComment(line, row, layout)) {
      lose('comments', place())
      continue
    }
    if (layout.index !== undefined && /^\d+[-.]\d+$/.test(row[layout.index] ?? '')) {
      lose('words that stand for several, and empty ones', place())
      continue
    }
    if (layout.sentence !== undefined && isNewSentence(row[layout.sentence] ?? '', sentence)) {
      const finished = finish()
      if (finished) yield finished
      sentence = row[layout.sentence]
    }
    block ??= { line: lineNumber, document, tokens: [], tags: [] }
    raw.push(line)
    if (bad) continue
    const expected = columns ?? { count: row.length, line: lineNumber }
    const word = row[layout.word] ?? ''
    const cell = layout.tag === undefined ? undefined : row[layout.tag]
    const tag = cell === undefined ? undefined : tagOf(cell)
    bad = badRow({ columns: row.length, word, tag }, expected, layout, labels, place)
    if (bad) continue
    columns = expected
    if (layout.otherTags.length > 0) lose('further columns of tags', place())
    if (row.length > columnsRead) lose('columns that hold neither words nor tags', place())
    block.tokens.push(word)
    if (tag !== undefined) block.tags.push(tag)
  }
  const finished = finish()
  if (finished) yield finished
}

const isStart = (row: readonly string[]) => row[0] === documentStart || row[1] === documentStart

/** A line that begins with `#` and is no row: CoNLL-U, MultiCoNER and OntoNotes have such. */
const isComment = (line: string, row: readonly string[], { columns, tag, spelling }: Layout): boolean =>
  line.startsWith('#') && (row.length !== columns || (tag !== undefined && spellingOf([row[tag]!], 1) !== spelling))

/** Some name the sentence in its first row alone. */
const isNewSentence = (cell: string, before: string | undefined) => cell !== '' && cell !== before

interface Row {
  readonly columns: number
  readonly word: string
  readonly tag: string | undefined
}

function badRow(
  { columns, word, tag }: Row,
  expected: { readonly count: number; readonly line: number },
  { spelling }: Layout,
  labels: NonNullable<ReadOptions['labels']>,
  where: () => string,
): NerError | undefined {
  const bad = (what: string) =>
    new NerError('data/bad-row', what, {
      where: where(),
      mend: 'Write the token first and its tag last, with tabs or spaces between all columns, e.g. `Paris B-LOC`.',
    })
  if (columns === 1 && labels !== 'optional') return bad('The row has one column: a token without a tag.')
  if (columns !== expected.count) {
    return bad(`The row has ${plural(columns, 'column')} where line ${expected.line} has ${expected.count}.`)
  }
  if (word === '') return bad('The row has an empty token.')
  if (tag === '') return bad('The row has an empty tag.')
  if (tag !== undefined && spelling !== 'brackets' && !isTag(tag)) return notATag(tag, where())
  return undefined
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/**
 * Whether lines are columns and not text: half of those that are not blank or comments, or more, have a tag where most
 * have one. Of the others the reader complains.
 */
export function areColumns(lines: readonly string[]): boolean {
  if (isHeader((lines.find((line) => !isBlankRow(line)) ?? '').split(/[\t,]/))) return true
  const layout = layoutOf(sentencesOf(lines))
  const { tag, spelling } = layout
  const rows = lines
    .filter((line) => !isBlankRow(line) && !(line.startsWith('#') && !line.includes('\t')))
    .map(splitRow)
  const tagged = rows.filter(
    (row) => tag !== undefined && row[tag] !== undefined && spellingOf([row[tag]], 1) === spelling,
  )
  return 2 * tagged.length >= rows.length && tagged.length > 0
}

/** Lines between blank ones; comments and marks of documents tell nothing of columns. */
function sentencesOf(lines: readonly string[]): string[][] {
  const sentences: string[][] = [[]]
  for (const line of lines) {
    if (isBlankRow(line)) sentences.push([])
    else if (!(line.startsWith('#') && !line.includes('\t')) && !isStart(splitRow(line))) sentences.at(-1)!.push(line)
  }
  return sentences.filter(({ length }) => length > 0)
}

/** The codes of WikiANN's languages: `en:`, `zh-classical:`, `simple:`. */
const languagePrefix = /^(?:[a-z]{2,3}(?:-[a-z]+)*|simple):/

/** Takes the language off the tokens if every one of them has the same. */
function withoutLanguage(blocks: Block[], name: string, lose: Lose): Block[] {
  const language = languagePrefix.exec(blocks[0]?.tokens[0] ?? '')?.[0]
  if (!language || !blocks.every(({ tokens }) => tokens.every((token) => isPrefixed(token, language)))) return blocks
  for (const { line } of blocks) lose(`the language before each token, ${language}`, `${name}:${line}`)
  return blocks.map((block) => ({ ...block, tokens: block.tokens.map((token) => token.slice(language.length)) }))
}

const isPrefixed = (token: string, language: string) => token.length > language.length && token.startsWith(language)

function groupByDocument(blocks: readonly Block[]): Block[][] {
  if (blocks.every((block) => block.document === 0)) return blocks.map((block) => [block])
  const groups: Block[][] = []
  for (const block of blocks) {
    const last = groups.at(-1)
    if (last && last[0]!.document === block.document) last.push(block)
    else groups.push([block])
  }
  return groups
}

interface DocumentContext {
  readonly layer: string
  readonly scheme: Scheme | undefined
  /** Whether the file tells documents apart. */
  readonly withStarts: boolean
  readonly file: string
  /** Whether a tag that its scheme does not allow where it stands is read all the same. */
  readonly isLenient: boolean
  readonly onProblem: ReadOptions['onProblem']
}

function documentOf(
  blocks: readonly Block[],
  id: string,
  { layer, scheme, withStarts, file, isLenient, onProblem }: DocumentContext,
): Document {
  const tokens: Token[] = []
  const sentences: Sentence[] = []
  const spans: Span[] = []
  let offset = 0
  for (const block of blocks) {
    const first = tokens.length
    for (const [i, token] of block.tokens.entries()) {
      tokens.push({ start: offset, end: offset + token.length })
      const next = block.tokens[i + 1]
      offset += token.length + (next !== undefined && areJoined(token, next) ? 0 : 1)
    }
    sentences.push({ start: first, end: tokens.length })
    if (!scheme) continue
    for (const { token, tag } of onProblem ? tagMends(block.tags, scheme) : []) {
      const what = `${scheme} has no ${block.tags[token]} between ${block.tags[token - 1] ?? 'the start'} and ${block.tags[token + 1] ?? 'the end'} of a sentence.`
      const place = { document: id, where: `${file}:${block.line + token}`, ...tokens[first + token]! }
      onProblem!({ kind: 'scheme', ...place, what, mend: `Write ${tag}.` })
    }
    for (const { start, end, label } of spansFromTags(block.tags, scheme, isLenient ? 'conlleval' : 'strict')) {
      spans.push({ start: tokens[first + start]!.start, end: tokens[first + end - 1]!.end, label })
    }
  }
  return {
    id,
    text: blocks.map((block) => joinWords(block.tokens)).join('\n'),
    tokens,
    ...(withStarts && { sentences }),
    layers: scheme ? { [layer]: spans } : {},
  }
}
