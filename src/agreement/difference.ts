import type { Document } from '../data/document.js'
import { NerError } from '../errors.js'
import type { Annotator } from './annotators.js'

type Pair<T> = readonly [T, T]

/** One document with two texts: where they first differ. */
export function differentText([a, b]: Pair<Document>, by: Pair<Annotator>): NerError {
  const at = commonStart(a.text, b.text)
  const isSpacing = withoutSpace(a.text) === withoutSpace(b.text)
  return new NerError('agreement/different-text', 'The annotators have different texts for one document.', {
    where: `${places([a, b], by)}; first at character ${at + 1}: ${around(a.text, at)} and ${around(b.text, at)}`,
    mend: isSpacing
      ? 'The texts differ in white space alone: write both with one tokenization.'
      : 'Export both from the same text, or give different documents different ids.',
  })
}

/** One text with two tokenizations: the first word that differs. */
export function differentTokens([a, b]: Pair<Document>, by: Pair<Annotator>): NerError {
  const word = ({ text, tokens }: Document, i: number) => {
    const token = tokens?.[i]
    return token === undefined ? 'none' : JSON.stringify(text.slice(token.start, token.end))
  }
  let i = 0
  while (a.tokens?.[i] && a.tokens[i]!.start === b.tokens?.[i]?.start && a.tokens[i]!.end === b.tokens[i]!.end) i++
  return new NerError('agreement/different-tokens', 'The annotators divide one text into different words.', {
    where: `${places([a, b], by)}; first word ${i + 1}: ${word(a, i)} and ${word(b, i)}`,
    mend: 'Write both with one tokenization, leave the words out of one, or give `unit` char.',
  })
}

const places = ([a, b]: Pair<Document>, [first, second]: Pair<Annotator>) =>
  `document ${a.id} of ${first.name} and ${b.id} of ${second.name}`

/** Whether two texts are one, changed somewhere, and not two: most of them is the same from either end. */
export function areAlike(a: string, b: string): boolean {
  if (withoutSpace(a) === withoutSpace(b)) return true
  const longer = Math.max(a.length, b.length)
  const start = commonStart(a, b)
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  return start + end > longer / 2
}

const withoutSpace = (text: string) => text.replace(/\s+/g, '')

function commonStart(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}

/** A few characters on either side of a place. */
const around = (text: string, at: number) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))
