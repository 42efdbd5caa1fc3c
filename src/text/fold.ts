// eslint-disable-next-line no-control-regex
const ascii = /^[\x00-\x7f]*$/

/** One spelling for composed and decomposed characters. */
export const normal = (text: string): string => (ascii.test(text) ? text : text.normalize('NFC'))

/**
 * A word without its case: ß is ss, the ligature ﬁ is fi, İ is i. Only whole words are folded, to compare them; offsets
 * are the word's own, so that a change of length moves nothing.
 */
export const folded = (text: string): string =>
  ascii.test(text)
    ? text.toLowerCase()
    : text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('i\u0307', 'i').normalize('NFC')
