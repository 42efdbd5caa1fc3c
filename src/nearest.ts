import { distance } from 'fastest-levenshtein'

/** The candidate a mistyped word was most likely meant to be, or undefined where none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.ceil(word.length / 3) + 1
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < least && edits < candidate.length) [best, least] = [candidate, edits]
  }
  return best
}
