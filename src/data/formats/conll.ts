import { NerError } from '../../errors.js'
import { goldLayer, type Document, type Sentence, type Span, type Token } from '../document.js'
import { closestScheme, tagMends } from '../repair.js'
import { detectScheme, firstIllegalTag, isTag, notATag, spansFromTags, type Scheme } from '../schemes.js'
import { type Lose, type Loss, tally } from '../losses.js'
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
 * Reads CoNLL columns (two or more; one where labels are optional), separated by tabs or spaces. A document's text is
 * its tokens joined by spaces, its sentences joined by line feeds. Without `-DOCSTART-` every block is a document of its
 * own. The form of WikiANN, with a language before each token (`en:Paris`), is recognised and the language left out.
 *
 * Throws `data/bad-row` with file and line, `data/unknown-scheme`, `data/ambiguous-scheme`. With `skipBad` a sentence
 * with a bad row is left out whole, since its text would be wrong without it.
 */
export function readConll(source: Source, options: ReadOptions = {}): ConllCorpus {
  const rejects: Reject[] = []
  const reject = rejectInto(rejects, options.skipBad)
  const { lose, losses } = tally()
  const blocks = withoutLanguage([...readBlocks(source, options, reject, lose)], source.name, lose)
  const tagged = blocks.some((block) => block.tags.length > 0)
  const placeOf = (block: Block, token: number) => `${source.name}:${block.line + token}`
  const scheme = !tagged
    ? undefined
    : (options.scheme ??
      schemeOf(
        blocks.map((block) => block.tags),
        (block, token) => placeOf(blocks[block]!, token),
        options.onProblem,
      ))
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
      onProblem: options.onProblem,
    }),
  )
  return { documents, ...(scheme && { scheme }), rejects, losses: losses() }
}

/** Where problems are told of, tags that break every scheme are read by the one they are closest to. */
function schemeOf(
  sentences: readonly (readonly string[])[],
  where: (sentence: number, token: number) => string,
  onProblem: ReadOptions['onProblem'],
): Scheme {
  try {
    return detectScheme(sentences, where)
  } catch (error) {
    if (!onProblem || !(error instanceof NerError)) throw error
    const closest = closestScheme(sentences)
    // Tags that are wrong are told of one by one; where each could stand, the problem is the file's.
    const { what, detail } = error
    if (sentences.every((tags) => tagMends(tags, closest).length === 0))
      onProblem({ kind: 'scheme', where: detail.where ?? '', what, mend: detail.mend ?? '' })
    return closest
  }
}

const rawBlock = ({ tokens, tags }: Block) => tokens.map((token, i) => `${token}\t${tags[i]}`).join('\n')

function* readBlocks(
  { name, lines, before }: Source,
  { labels = 'required' }: ReadOptions,
  reject: (error: NerError, raw: string) => void,
  lose: Lose,
): Generator<Block> {
  // Tags are few and many: one string for each keeps the file's text from being held by slices of it.
  const tagNames = new Map<string, string>()
  let columns: { count: number; line: number } | undefined
  let document = 0
  let block: Block | undefined
  let raw: string[] = []
  let bad: NerError | undefined
  let lineNumber = before?.lines ?? 0
  const finish = () => {
    const finished = bad ? undefined : block
    if (bad) reject(bad, raw.join('\n'))
    block = bad = undefined
    raw = []
    return finished
  }
  for (const line of lines) {
    lineNumber++
    const row = readRow(line)
    if (!row || row.first === documentStart) {
      const finished = finish()
      if (finished) yield finished
      if (row) document++
      continue
    }
    block ??= { line: lineNumber, document, tokens: [], tags: [] }
    raw.push(line)
    if (bad) continue
    const expected = columns ?? { count: row.columns, line: lineNumber }
    bad = badRow(row, expected, labels, `${name}:${lineNumber}`)
    if (bad) continue
    columns = expected
    if (row.columns > 2) lose('columns between the first and the last', `${name}:${lineNumber}`)
    block.tokens.push(row.first)
    if (row.columns > 1) block.tags.push(intern(tagNames, row.last))
  }
  const finished = finish()
  if (finished) yield finished
}

/** What is needed of a row; the columns between first and last are not read. */
interface Row {
  readonly columns: number
  readonly first: string
  readonly last: string
}

/** Undefined for a blank line. Only ASCII spaces and tabs divide: a no-break space may be a token, or in one. */
function readRow(line: string): Row | undefined {
  if (/^[\t ]*$/.test(line)) return undefined
  const divider = line.includes('\t') ? '\t' : ' '
  const padded = divider === ' ' && (line.startsWith(' ') || line.endsWith(' '))
  const row = padded ? line.replace(/^ +| +$/g, '') : line
  const firstEnd = row.indexOf(divider)
  if (firstEnd < 0) return { columns: 1, first: row, last: row }
  let columns = 1
  let last = firstEnd
  for (let at = firstEnd; at >= 0; at = row.indexOf(divider, at + 1)) {
    if (divider === '\t' || row[at + 1] !== ' ') columns++
    last = at
  }
  return { columns, first: row.slice(0, firstEnd), last: row.slice(last + 1) }
}

function badRow(
  { columns, first, last }: Row,
  expected: { readonly count: number; readonly line: number },
  labels: NonNullable<ReadOptions['labels']>,
  where: string,
): NerError | undefined {
  const bad = (what: string) =>
    new NerError('data/bad-row', what, {
      where,
      mend: 'Write the token first and its tag last, with tabs or spaces between all columns, e.g. `Paris B-LOC`.',
    })
  if (columns === 1 && labels !== 'optional') return bad('The row has one column: a token without a tag.')
  if (columns !== expected.count) {
    return bad(`The row has ${plural(columns, 'column')} where line ${expected.line} has ${expected.count}.`)
  }
  if (first === '') return bad('The row has an empty token.')
  if (last === '') return bad('The row has an empty tag.')
  if (columns > 1 && !isTag(last)) return notATag(last, where)
  return undefined
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

function intern(names: Map<string, string>, name: string): string {
  const known = names.get(name)
  if (known === undefined) names.set(name, name)
  return known ?? name
}

/**
 * Whether lines are columns and not text: half of those that are not blank, or more, end with a tag. Of the others the
 * reader complains.
 */
export function areColumns(lines: readonly string[]): boolean {
  const rows = lines.flatMap((line) => readRow(line) ?? [])
  return 2 * rows.filter(({ columns, last }) => columns > 1 && isTag(last)).length >= rows.length && rows.length > 0
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
  readonly onProblem: ReadOptions['onProblem']
}

function documentOf(
  blocks: readonly Block[],
  id: string,
  { layer, scheme, withStarts, file, onProblem }: DocumentContext,
): Document {
  const tokens: Token[] = []
  const sentences: Sentence[] = []
  const spans: Span[] = []
  let offset = 0
  for (const block of blocks) {
    const first = tokens.length
    for (const token of block.tokens) {
      tokens.push({ start: offset, end: offset + token.length })
      offset += token.length + 1
    }
    sentences.push({ start: first, end: tokens.length })
    if (!scheme) continue
    for (const { token, tag } of onProblem ? tagMends(block.tags, scheme) : []) {
      const what = `${scheme} has no ${block.tags[token]} between ${block.tags[token - 1] ?? 'the start'} and ${block.tags[token + 1] ?? 'the end'} of a sentence.`
      const place = { document: id, where: `${file}:${block.line + token}`, ...tokens[first + token]! }
      onProblem!({ kind: 'scheme', ...place, what, mend: `Write ${tag}.` })
    }
    for (const { start, end, label } of spansFromTags(block.tags, scheme, onProblem ? 'conlleval' : 'strict')) {
      spans.push({ start: tokens[first + start]!.start, end: tokens[first + end - 1]!.end, label })
    }
  }
  return {
    id,
    text: blocks.map((block) => block.tokens.join(' ')).join('\n'),
    tokens,
    ...(withStarts && { sentences }),
    layers: scheme ? { [layer]: spans } : {},
  }
}
