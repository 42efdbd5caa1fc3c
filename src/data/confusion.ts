import type { WordSpan } from './schemes.js'

/**
 * `type`: the ends are right, the type is not. `boundary`: the spans overlap, but an end is wrong (whatever the type).
 * `missed`: no prediction touches the gold span. `spurious`: the prediction touches no gold span that is still free.
 */
export type ErrorKind = 'type' | 'boundary' | 'missed' | 'spurious'

export interface SpanError {
  /** Index of the sentence. */
  readonly sentence: number
  readonly kind: ErrorKind
  readonly gold?: WordSpan
  readonly predicted?: WordSpan
}

/** A gold and a predicted span that belong together, or one that is alone. */
interface Match {
  readonly gold?: WordSpan
  readonly predicted?: WordSpan
}

/**
 * Pairs gold and predicted spans one to one: first those with the same ends, then, from the left, those that overlap.
 * Each list is flat: none of its own spans overlap.
 */
function pair(gold: readonly WordSpan[], predicted: readonly WordSpan[]): Match[] {
  const ends = ({ start, end }: WordSpan) => `${start} ${end}`
  const byEnds = new Map(predicted.map((span) => [ends(span), span]))
  const matches: Match[] = []
  const rest: WordSpan[] = []
  for (const wanted of gold) {
    const found = byEnds.get(ends(wanted))
    if (!found) rest.push(wanted)
    else {
      matches.push({ gold: wanted, predicted: found })
      byEnds.delete(ends(wanted))
    }
  }
  const byStart = (a: WordSpan, b: WordSpan) => a.start - b.start
  const wanted = rest.sort(byStart)
  const found = [...byEnds.values()].sort(byStart)
  let i = 0
  let j = 0
  while (i < wanted.length || j < found.length) {
    const left = wanted[i]
    const right = found[j]
    if (left && (!right || left.end <= right.start)) {
      matches.push({ gold: left })
      i++
    } else if (right && (!left || right.end <= left.start)) {
      matches.push({ predicted: right })
      j++
    } else {
      matches.push({ gold: left!, predicted: right! })
      i++
      j++
    }
  }
  return matches
}

const sameEnds = (a: WordSpan, b: WordSpan) => a.start === b.start && a.end === b.end

/** Every wrong span of a corpus, in order, for reports. A boundary or type error is one entry that holds both spans. */
export function spanErrors(
  gold: readonly (readonly WordSpan[])[],
  predicted: readonly (readonly WordSpan[])[],
): SpanError[] {
  return gold.flatMap((spans, sentence) =>
    pair(spans, predicted[sentence]!)
      .filter((match) => kindOf(match) !== 'right')
      .map((match) => ({ sentence, kind: kindOf(match) as ErrorKind, ...match }))
      .sort((a, b) => (a.gold ?? a.predicted)!.start - (b.gold ?? b.predicted)!.start),
  )
}

function kindOf({ gold, predicted }: Match): ErrorKind | 'right' {
  if (!predicted) return 'missed'
  if (!gold) return 'spurious'
  if (!sameEnds(gold, predicted)) return 'boundary'
  return gold.label === predicted.label ? 'right' : 'type'
}

export interface ConfusionMatrix {
  /** Types of gold and prediction, sorted: the indices of what follows. */
  readonly types: readonly string[]
  /** `exact[gold][predicted]`: pairs with the same ends; right on the diagonal. */
  readonly exact: readonly (readonly number[])[]
  /** `boundary[gold][predicted]`: pairs that overlap with different ends. */
  readonly boundary: readonly (readonly number[])[]
  /** Gold spans without a prediction, by type. */
  readonly missed: readonly number[]
  /** Predictions without a gold span, by type. */
  readonly spurious: readonly number[]
}

/** Where the predictions of a corpus went. Each row with its missed spans sums to the gold spans of its type. */
export function confusionMatrix(
  gold: readonly (readonly WordSpan[])[],
  predicted: readonly (readonly WordSpan[])[],
): ConfusionMatrix {
  const types = [...new Set([...gold.flat(), ...predicted.flat()].map(({ label }) => label))].sort()
  const index = new Map(types.map((type, i) => [type, i]))
  const zeros = () => new Array<number>(types.length).fill(0)
  const exact = types.map(zeros)
  const boundary = types.map(zeros)
  const missed = zeros()
  const spurious = zeros()
  for (const [i, spans] of gold.entries()) {
    for (const match of pair(spans, predicted[i]!)) {
      const row = index.get(match.gold?.label ?? '')!
      const column = index.get(match.predicted?.label ?? '')!
      if (!match.predicted) missed[row]!++
      else if (!match.gold) spurious[column]!++
      else if (sameEnds(match.gold, match.predicted)) exact[row]![column]!++
      else boundary[row]![column]!++
    }
  }
  return { types, exact, boundary, missed, spurious }
}
