import { offsetsOf, type OffsetUnit } from '../../data/offsets.js'
import { NerError } from '../../errors.js'
import type { Token } from '../../text/token.js'

/** A client's words as UTF-16 offsets. @throws NerError `serve/bad-request` where they do not fit the text */
export function tokensIn(text: string, tokens: readonly Token[], unit: OffsetUnit): Token[] {
  const { length, toUtf16 } = offsetsOf(text, unit)
  let previous = 0
  return tokens.map(({ start, end }, i) => {
    const from = start <= length ? toUtf16(start) : undefined
    const to = end <= length ? toUtf16(end) : undefined
    if (from === undefined || to === undefined || from >= to || from < previous) {
      throw new NerError('serve/bad-request', `Word ${i} (${start} to ${end}) does not fit the text.`, {
        mend: 'Give words in order, none empty or overlapping, by offsets of offset_unit.',
      })
    }
    previous = to
    return { start: from, end: to }
  })
}

/** Spans with offsets in a client's unit. */
export function spansOut<T extends Token>(text: string, spans: readonly T[], unit: OffsetUnit): T[] {
  if (spans.length === 0) return []
  const { fromUtf16 } = offsetsOf(text, unit)
  return spans.map((span) => ({ ...span, start: fromUtf16(span.start), end: fromUtf16(span.end) }))
}
