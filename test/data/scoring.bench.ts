import { bench } from 'vitest'
import { schemeTags, spansFromTags } from '../../src/data/schemes.js'
import { bootstrap, countSpans, scoreTags } from '../../src/data/scoring.js'
import { random } from '../../src/random.js'

// `npx vitest bench`. One million tokens in sentences of 20, a fifth of them tagged, gold against a prediction that
// differs in a tenth of the tags: hz is millions of tokens a second.

const next = random('scoring bench')
const tags = schemeTags(['LOC', 'MISC', 'ORG', 'PER'], 'IOB2')
const anyTag = () => (next() < 0.8 ? 'O' : tags[Math.floor(next() * tags.length)]!)
const gold = Array.from({ length: 50_000 }, () => Array.from({ length: 20 }, anyTag))
const predicted = gold.map((sentence) => sentence.map((tag) => (next() < 0.1 ? anyTag() : tag)))

bench('scoreTags, strict', () => void scoreTags(gold, predicted, 'IOB2'))
bench('scoreTags, conlleval', () => void scoreTags(gold, predicted, 'IOB2', 'conlleval'))

const units = gold.slice(0, 3_500).map((sentence, i) => {
  const spans = (side: readonly string[]) => spansFromTags(side, 'IOB2')
  return countSpans(spans(sentence), spans(predicted[i]!))
})
bench('bootstrap, 1,000 resamples of 3,500 sentences', () => void bootstrap(units, { seed: 1 }))
