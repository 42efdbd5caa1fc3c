/*
 * Words in rows of their own have lost what stood between them. Characters of scripts without spaces stood side by side.
 */

const withoutSpaces = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Bopomofo}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\u3000-\u303F\u30FC\uFF00-\uFFEF`
const ends = new RegExp(`[${withoutSpaces}]\\p{M}*$`, 'u')
const begins = new RegExp(`^[${withoutSpaces}]`, 'u')

/** Thai is the first of them. */
const firstOfThem = 0x0e00

/** Whether nothing stands between two words. */
export const areJoined = (word: string, next: string): boolean =>
  next.charCodeAt(0) >= firstOfThem && begins.test(next) && ends.test(word)

/** A sentence's text: its words with spaces between, where their scripts have any. */
export function joinWords(words: readonly string[]): string {
  const joined = words.some((word, i) => i > 0 && areJoined(words[i - 1]!, word))
  // One string, not a chain of as many as there are words: slices of a chain are slow.
  if (!joined) return words.join(' ')
  return words.map((word, i) => (i > 0 && !areJoined(words[i - 1]!, word) ? ` ${word}` : word)).join('')
}
