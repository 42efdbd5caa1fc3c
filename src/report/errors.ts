import type { Span } from '../data/document.js'
import type { WrongSentence } from '../evaluation/emissions.js'
import { type Markup, markup } from './markup.js'

/**
 * The worst mistakes in their sentences, what is right above what the model said: those the model was surest of first,
 * then, since what a model missed has no confidence, sentences by how many spans it missed.
 */
export function highlightedErrors(sentences: readonly WrongSentence[], most = 50): Markup {
  const wrongest = sentences
    .map((sentence) => ({ ...sentence, ...mistakes(sentence) }))
    .filter(({ missed, wrong }) => missed.size + wrong.size > 0)
    .sort((a, b) => confidence(b.wrong) - confidence(a.wrong) || b.missed.size - a.missed.size)
  if (wrongest.length === 0) return markup`<p>No mistakes.</p>`
  const items = wrongest.slice(0, most).map(
    ({ text, where, gold, predicted, missed, wrong }) => markup`<li><div class="where">${where}</div>
<p><span>gold</span><span>${marked(text, gold, missed, 'missed')}</span></p>
<p><span>model</span><span>${marked(text, predicted, wrong, 'wrong')}</span></p></li>
`,
  )
  const [shown, all] = [items.length, wrongest.length]
  return markup`<p class="note">Sentences with mistakes: ${shown === all ? all : `${shown} of ${all}`}, those first in
which the model was surest of itself.</p>
<ol class="errors">
${items}</ol>
`
}

function mistakes({ gold, predicted }: WrongSentence) {
  const key = ({ start, end, label }: Span) => `${start} ${end} ${label}`
  const goldKeys = new Set(gold.map(key))
  const predictedKeys = new Set(predicted.map(key))
  return {
    missed: new Set(gold.filter((span) => !predictedKeys.has(key(span)))),
    wrong: new Set(predicted.filter((span) => !goldKeys.has(key(span)))),
  }
}

const confidence = (spans: ReadonlySet<Span>) => Math.max(-1, ...[...spans].map(({ score }) => score ?? 0))

/** The text with its spans, none of which overlap, marked; those in `bad` stand out. */
export function marked(
  text: string,
  spans: readonly Span[],
  bad: ReadonlySet<Span>,
  kind: 'missed' | 'wrong',
): Markup[] {
  const pieces: Markup[] = []
  let end = 0
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const isBad = bad.has(span)
    const score = isBad && span.score !== undefined ? ` ${Math.round(100 * span.score)} %` : ''
    const word = text.slice(span.start, span.end)
    pieces.push(markup`${text.slice(end, span.start)}`)
    pieces.push(markup`<mark class="${isBad ? kind : 'right'}">${word}<small>${span.label}${score}</small></mark>`)
    end = span.end
  }
  return [...pieces, markup`${text.slice(end)}`]
}
