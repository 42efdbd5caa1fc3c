import { NerError } from '../errors.js'

/**
 * Ways to write labelled spans as one tag a token. In all of them `O` is outside and the others are a prefix, a dash and
 * the label; only the first dash divides, so labels may hold dashes.
 *
 * IOB1 and IOB2: Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999, who also name IOE1 and IOE2.
 * BILOU: Ratinov & Roth 2009; IOBES is the same with E for L and S for U.
 */
export type Scheme = 'IOB1' | 'IOB2' | 'IOE1' | 'IOE2' | 'IOBES' | 'BILOU'

/** `strict` reads what the scheme allows and nothing else; `conlleval` makes a span of every run of tags. */
export type TagMode = 'strict' | 'conlleval'

/** A labelled run of tokens, by token index, half open. */
export interface WordSpan {
  readonly start: number
  readonly end: number
  readonly label: string
}

/**
 * Which tags begin, continue and close a span; each string is a set of prefixes. IOB1 wants `B` only where a span
 * touches one of its own label, but a `B` elsewhere has one meaning too, and CoNLL-2003 has some: it is read. So is an
 * `E` of IOE1.
 */
interface Grammar {
  readonly begin: string
  /** A span goes on from one of `open` to one of `inside`, within one label. */
  readonly open: string
  readonly inside: string
  readonly close: string
}

const grammars: Record<Scheme, Grammar> = {
  IOB1: { begin: 'BI', open: 'BI', inside: 'I', close: 'BI' },
  IOB2: { begin: 'B', open: 'BI', inside: 'I', close: 'BI' },
  IOE1: { begin: 'IE', open: 'I', inside: 'IE', close: 'IE' },
  IOE2: { begin: 'IE', open: 'I', inside: 'IE', close: 'E' },
  IOBES: { begin: 'BS', open: 'BI', inside: 'IE', close: 'ES' },
  BILOU: { begin: 'BU', open: 'BI', inside: 'IL', close: 'LU' },
}

/** The conlleval script's reading, whatever the scheme: no tag but `O` is ever left out. */
const lenient: Grammar = { begin: 'BIESLU', open: 'BI', inside: 'IEL', close: 'BIESLU' }

/** The prefixes in the order of a model's tag list. */
const prefixes: Record<Scheme, string> = {
  IOB1: 'BI',
  IOB2: 'BI',
  IOE1: 'IE',
  IOE2: 'IE',
  IOBES: 'BIES',
  BILOU: 'BILU',
}

/** Prefixes of a span's only, first, inner and last token. */
interface Spelling {
  readonly only: string
  readonly first: string
  readonly inner: string
  readonly last: string
  /** Of the first token instead, where a span of the same label ends right before. */
  readonly firstTouching?: string
  /** Of the last token instead, where a span of the same label begins right after. */
  readonly lastTouching?: string
}

const spellings: Record<Scheme, Spelling> = {
  IOB1: { only: 'I', first: 'I', inner: 'I', last: 'I', firstTouching: 'B' },
  IOB2: { only: 'B', first: 'B', inner: 'I', last: 'I' },
  IOE1: { only: 'I', first: 'I', inner: 'I', last: 'I', lastTouching: 'E' },
  IOE2: { only: 'E', first: 'I', inner: 'I', last: 'E' },
  IOBES: { only: 'S', first: 'B', inner: 'I', last: 'E' },
  BILOU: { only: 'U', first: 'B', inner: 'I', last: 'L' },
}

/** All schemes, those that people use most first. */
export const schemes: readonly Scheme[] = ['IOB2', 'IOB1', 'IOBES', 'BILOU', 'IOE2', 'IOE1']

interface Tag {
  readonly prefix: string
  readonly label: string
}

const outside: Tag = { prefix: 'O', label: '' }

/** Whether a string has the form of a tag, in any scheme. */
export const isTag = (tag: string): boolean => tag === 'O' || (tag.length > 2 && tag[1] === '-')

function parseTag(tag: string): Tag {
  if (tag === 'O') return outside
  if (!isTag(tag)) throw notATag(tag)
  return { prefix: tag[0]!, label: tag.slice(2) }
}

/** The label of a tag, e.g. `GPE-X` of `B-GPE-X`; undefined for `O`. Throws `data/unknown-scheme` if it is no tag. */
export function tagLabel(tag: string): string | undefined {
  return tag === 'O' ? undefined : parseTag(tag).label
}

/** The labels of a model's tags. */
export const tagLabels = (tags: readonly string[]): Set<string> => new Set(tags.flatMap((tag) => tagLabel(tag) ?? []))

export const notATag = (tag: string, where?: string): NerError =>
  new NerError('data/unknown-scheme', `“${tag}” is not a tag.`, {
    ...(where !== undefined && { where }),
    mend: 'Write O, or a prefix, a dash and a label, e.g. B-PER.',
  })

const continues = ({ open, inside }: Grammar, from: Tag, to: Tag) =>
  from.label === to.label && open.includes(from.prefix) && inside.includes(to.prefix)

/** Whether `to` may follow `from`. A sentence starts after an `O` and ends before one. */
const follows = (grammar: Grammar, from: Tag, to: Tag) =>
  continues(grammar, from, to) ||
  ((from === outside || grammar.close.includes(from.prefix)) && (to === outside || grammar.begin.includes(to.prefix)))

/**
 * The spans that a sentence's tags stand for, in order.
 *
 * `strict` equals seqeval's strict mode: a span that does not begin or close as its scheme says is left out, as is an
 * orphan `I-` of IOB2. `conlleval` equals the conlleval script and seqeval's default: an orphan or a change of label
 * begins a span. Throws `data/unknown-scheme` on what is no tag, or, in strict mode, a prefix the scheme lacks.
 */
export function spansFromTags(tags: readonly string[], scheme: Scheme, mode: TagMode = 'strict'): WordSpan[] {
  const grammar = mode === 'strict' ? grammars[scheme] : lenient
  const known = mode === 'strict' ? prefixes[scheme] : lenient.begin
  const parsed = (index: number) => {
    const tag = tags[index]
    if (tag === undefined || tag === 'O') return outside
    const { prefix, label } = parseTag(tag)
    if (!known.includes(prefix)) throw foreignPrefix(tag, scheme)
    return { prefix, label }
  }
  const spans: WordSpan[] = []
  for (let start = 0; start < tags.length;) {
    let last = parsed(start)
    let end = start + 1
    if (grammar.begin.includes(last.prefix)) {
      for (let next = parsed(end); continues(grammar, last, next); next = parsed(++end)) last = next
      if (grammar.close.includes(last.prefix)) spans.push({ start, end, label: last.label })
    }
    start = end
  }
  return spans
}

const foreignPrefix = (tag: string, scheme: Scheme) =>
  new NerError('data/unknown-scheme', `The tag ${tag} does not exist in ${scheme}.`, {
    mend: `${scheme} has O and the prefixes ${[...prefixes[scheme]].join(', ')}.`,
  })

/** Tags of a sentence of `length` tokens. The spans, in any order, must lie inside it and not overlap. */
export function tagsFromSpans(spans: readonly WordSpan[], length: number, scheme: Scheme): string[] {
  const { only, first, inner, last, firstTouching, lastTouching } = spellings[scheme]
  const tags = new Array<string>(length).fill('O')
  const ordered = [...spans].sort((a, b) => a.start - b.start)
  for (const [i, { start, end, label }] of ordered.entries()) {
    const before = ordered[i - 1]
    const after = ordered[i + 1]
    if (start < (before?.end ?? 0) || end <= start || end > length) {
      throw new RangeError(`span ${start}–${end} ${label} is empty, overlaps another or leaves its ${length} tokens`)
    }
    for (let token = start; token < end; token++) tags[token] = `${inner}-${label}`
    tags[start] = `${first}-${label}`
    tags[end - 1] = `${end - start === 1 ? only : last}-${label}`
    if (firstTouching && before?.end === start && before.label === label) tags[start] = `${firstTouching}-${label}`
    if (lastTouching && after?.start === end && after.label === label) tags[end - 1] = `${lastTouching}-${label}`
  }
  return tags
}

/** The ordered tag list of a model: `O`, then every prefix of every label, labels sorted by code unit. */
export function schemeTags(labels: Iterable<string>, scheme: Scheme): string[] {
  const sorted = [...new Set(labels)].sort()
  return ['O', ...sorted.flatMap((label) => [...prefixes[scheme]].map((prefix) => `${prefix}-${label}`))]
}

/** Which tags may start a sentence, follow one another and end a sentence; indices are those of the tag list. */
export interface Transitions {
  readonly start: readonly boolean[]
  /** `follow[from][to]` */
  readonly follow: readonly (readonly boolean[])[]
  readonly end: readonly boolean[]
}

/** The transitions a scheme allows among a model's tags: the constraints of a CRF. */
export function legalTransitions(tags: readonly string[], scheme: Scheme): Transitions {
  const grammar = grammars[scheme]
  const parsed = tags.map(parseTag)
  return {
    start: parsed.map((to) => follows(grammar, outside, to)),
    follow: parsed.map((from) => parsed.map((to) => follows(grammar, from, to))),
    end: parsed.map((from) => follows(grammar, from, outside)),
  }
}

/**
 * Index of the first tag that is none, or that the scheme does not allow after the one before it; the sentence's length
 * where the sentence may not end; -1 where all is well.
 */
export function firstIllegalTag(tags: readonly string[], scheme: Scheme): number {
  const grammar = grammars[scheme]
  let from = outside
  for (let i = 0; i <= tags.length; i++) {
    const tag = tags[i] ?? 'O'
    if (!isTag(tag)) return i
    const to = parseTag(tag)
    if (!follows(grammar, from, to)) return i
    from = to
  }
  return -1
}

/** IOB1 and IOE1 are taken with so many spans spelled against their rules: CoNLL-2003's training set has 2 in 23,499. */
const oddSpellings = 0.01

/**
 * The scheme that admits every sentence. Where several do, they read the same spans (only `I-` tags: IOB1 and IOE1; no
 * tags but `O`: all), and the first of `schemes` is taken.
 *
 * `where` names a tag's place in messages. Throws `data/ambiguous-scheme` where the prefixes are those of several
 * schemes and each of them is broken somewhere, so that they would read different spans; `data/unknown-scheme` where
 * the prefixes belong to none, or to one that is broken.
 */
export function detectScheme(
  sentences: readonly (readonly string[])[],
  where: (sentence: number, token: number) => string = (sentence, token) =>
    `sentence ${sentence + 1}, token ${token + 1}`,
): Scheme {
  const seen = new Map<string, string>()
  for (const [s, tags] of sentences.entries()) {
    for (const [t, tag] of tags.entries()) {
      if (tag === 'O') continue
      if (!isTag(tag)) throw notATag(tag, where(s, t))
      if (!seen.has(tag[0]!)) seen.set(tag[0]!, where(s, t))
    }
  }
  const candidates = schemes.filter((scheme) => canBeWritten([...seen.keys()], scheme))
  if (candidates.length === 0) {
    throw new NerError(
      'data/unknown-scheme',
      `No scheme is written with the prefixes ${[...seen.keys()].join(', ')}.`,
      {
        where: [...seen].map(([prefix, place]) => `${prefix}- first at ${place}`).join('; '),
        mend: `Known are ${schemes.map((scheme) => `${scheme} (O${prefixes[scheme]})`).join(', ')}.`,
      },
    )
  }
  const breaks: string[] = []
  for (const scheme of candidates) {
    const broken = firstBreak(sentences, scheme)
    if (!broken) return scheme
    const { sentence, token } = broken
    breaks.push(`${scheme} at ${where(sentence, token)} (${describeBreak(sentences[sentence]!, token)})`)
  }
  const one = candidates.length === 1
  throw new NerError(
    one ? 'data/unknown-scheme' : 'data/ambiguous-scheme',
    one
      ? `The prefixes are those of ${candidates[0]}, but the tags break its rules.`
      : `The tags break the rules of ${candidates.join(' and ')}, which would read different spans.`,
    {
      where: breaks.join('; '),
      mend: 'Name the scheme with `scheme`, or data.scheme in a configuration; ner data validate mends what breaks it.',
    },
  )
}

/** Whether a scheme has all these prefixes, and with them can begin a span and close it. */
function canBeWritten(seen: readonly string[], scheme: Scheme): boolean {
  const { begin, close } = grammars[scheme]
  const someIn = (set: string) => seen.length === 0 || seen.some((prefix) => set.includes(prefix))
  return seen.every((prefix) => prefixes[scheme].includes(prefix)) && someIn(begin) && someIn(close)
}

/** Where the tags first are not what the scheme would write; undefined where that is nowhere, or negligible. */
function firstBreak(sentences: readonly (readonly string[])[], scheme: Scheme) {
  let spans = 0
  let odd = 0
  let firstOdd: { sentence: number; token: number } | undefined
  for (const [sentence, tags] of sentences.entries()) {
    const illegal = firstIllegalTag(tags, scheme)
    if (illegal >= 0) return { sentence, token: Math.min(illegal, tags.length - 1) }
    const read = spansFromTags(tags, scheme)
    spans += read.length
    if (read.length === 0) continue
    for (const [token, tag] of tagsFromSpans(read, tags.length, scheme).entries()) {
      if (tag === tags[token]) continue
      odd++
      firstOdd ??= { sentence, token }
    }
  }
  return odd > spans * oddSpellings ? firstOdd : undefined
}

const describeBreak = (tags: readonly string[], token: number) =>
  `${tags[token - 1] ?? 'sentence start'} → ${tags[token]} → ${tags[token + 1] ?? 'sentence end'}`
