import { alignSpans } from '../data/align.js'
import { goldLayer } from '../data/document.js'
import { bootstrap, countSpans, scoresFromCounts, sumCounts, type Intervals, type Scores } from '../data/scoring.js'
import { readDocuments } from '../data/read.js'
import { NerError } from '../errors.js'
import { segment, type SegmentedDocument } from '../data/segment.js'
import { random, shuffle } from '../random.js'
import { checkedLabels, knownStates } from './votes/checked.js'
import { fitLabelModel, labeller, weakLayer, type LabelModel, type Labeller } from './models/label-model.js'
import { evidenceOf, type Evidence } from './votes/segments.js'
import { checkBeliefs, type LabelModelSettings } from './models/settings.js'
import { collectVotes, layersOf } from './votes/votes.js'

/** Voted documents, and those of them that people have checked. */
export interface VotedCorpus {
  /** Those to be labelled, then the checked ones. */
  readonly documents: readonly SegmentedDocument[]
  /** How many are to be labelled. */
  readonly unchecked: number
  readonly evidence: Evidence
}

export interface VotesOptions {
  /** A checked set, which has gold labels beside the votes. */
  readonly dev?: string | undefined
  /** Types that are known, whether or not they are voted for. */
  readonly labels?: readonly string[]
}

/**
 * Reads documents with votes in their layers.
 *
 * Throws `weak/no-votes`, `weak/no-checked`, `weak/different-votes` where the checked set has votes of other functions,
 * and what `readDocuments` throws.
 */
export async function readVotes(
  files: readonly string[],
  { dev, labels = [] }: VotesOptions = {},
): Promise<VotedCorpus> {
  const read = async (file: string) => (await readDocuments(file, { labels: 'optional' })).documents.map(segment)
  const voted = (await Promise.all(files.map(read))).flat()
  const checked = dev === undefined ? [] : await read(dev)
  const inGold = dev === undefined ? [] : checkedLabels(checked, dev)
  if (dev !== undefined) checkVoted(checked, layersOf(voted), dev)
  const documents = [...voted, ...checked]
  const votes = collectVotes(documents, { labels: [...labels, ...inGold] })
  if (votes.sources.length === 0) {
    throw new NerError('weak/no-votes', 'No document has a layer of votes.', {
      where: files.join(', '),
      mend: 'Run ner weak apply first: it writes a layer for each labelling function.',
    })
  }
  return { documents, unchecked: voted.length, evidence: evidenceOf(votes) }
}

/** A function without votes there would seem to be silent where people found something. */
function checkVoted(checked: readonly SegmentedDocument[], sources: readonly string[], dev: string): void {
  const own = layersOf(checked)
  if (own.length === 0) {
    throw new NerError('weak/no-votes', 'The checked set has no layer of votes.', {
      where: dev,
      mend: 'Run ner weak apply on it too: it keeps the labels that are there.',
    })
  }
  const missing = sources.filter((name) => !own.includes(name))
  const unknown = own.filter((name) => !sources.includes(name))
  if (missing.length + unknown.length === 0) return
  const what = [
    ...(missing.length > 0 ? [`has no layer of ${missing.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`alone has a layer of ${unknown.join(', ')}`] : []),
  ]
  throw new NerError('weak/different-votes', `The checked set ${what.join(', and ')}.`, {
    where: dev,
    mend: 'Run ner weak apply with one configuration on both, and leave out other layers.',
  })
}

/** How a label model did on checked documents. */
export interface CheckedScores {
  readonly scores: Scores
  readonly intervals: Intervals
}

/** Voted documents, and what labels them. */
export interface WeakLabels {
  readonly corpus: VotedCorpus
  readonly model: LabelModel
  readonly label: Labeller
}

export interface WeakFit extends WeakLabels {
  /** On the checked set, by models that had not seen the labels they were scored on; beside it, plain majority. */
  readonly dev?: { readonly own: CheckedScores; readonly majority: CheckedScores } | undefined
}

/**
 * Fits a label model to votes, with the checked set's labels where there are any.
 *
 * Throws what `readVotes` and `fitLabelModel` throw.
 */
export async function fitWeakLabels(
  files: readonly string[],
  settings: LabelModelSettings,
  dev?: string,
): Promise<WeakFit> {
  const corpus = await readVotes(files, { dev })
  const { documents, unchecked, evidence } = corpus
  checkBeliefs(settings, evidence.votes)
  const known = dev === undefined ? undefined : knownStates(documents, evidence.votes, (index) => index >= unchecked)
  const model = fitLabelModel(evidence, settings, known)
  const scored = (method: LabelModelSettings['model']) => crossValidated(corpus, { ...settings, model: method })
  return {
    corpus,
    model,
    label: labeller(evidence, model),
    dev: dev === undefined ? undefined : { own: scored(settings.model), majority: scored('majority') },
  }
}

/** Labels each half of the checked set with a model that was given the other half's labels, and scores them. */
function crossValidated({ documents, unchecked, evidence }: VotedCorpus, settings: LabelModelSettings): CheckedScores {
  const checked = documents.flatMap((document, index) =>
    index >= unchecked && document.layers[goldLayer] !== undefined ? [index] : [],
  )
  const shuffled = shuffle([...checked], random('halves of the checked set', settings.seed))
  const half = new Set(shuffled.slice(0, Math.ceil(shuffled.length / 2)))
  const labellers = [true, false].map((inHalf) => {
    const isKnown = (index: number) => index >= unchecked && half.has(index) === inHalf
    return labeller(evidence, fitLabelModel(evidence, settings, knownStates(documents, evidence.votes, isKnown)))
  })
  const counts = checked.map((index) => {
    const document = documents[index]!
    const found = labellers[half.has(index) ? 1 : 0]!(document, index)
    return countSpans(
      alignSpans(document.layers[goldLayer]!, document.tokens).words,
      alignSpans(found.layers[weakLayer]!, document.tokens).words,
    )
  })
  return {
    scores: scoresFromCounts(sumCounts(counts)),
    intervals: bootstrap(counts, { seed: settings.seed }),
  }
}
