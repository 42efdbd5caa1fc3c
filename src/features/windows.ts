/** A run of words or of pieces, half open. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** The share of a window that overlaps the next one: a word then has a sixth of a window around it, or the text's end. */
const overlap = 1 / 3

/**
 * Windows over a run of words too long for one: ranges of pieces, each at most `capacity` long, each starting at a
 * word, together holding the first piece of every word.
 *
 * `offsets[i]` is the place of word i's first piece among the document's pieces; one more entry holds the end.
 */
export function overlappingWindows(offsets: Int32Array, words: Range, capacity: number): Range[] {
  const end = offsets[words.end]!
  const windows: Range[] = []
  let word = words.start
  for (;;) {
    const start = offsets[word]!
    if (end - start <= capacity) return [...windows, { start, end }]
    windows.push({ start, end: start + capacity })
    // The last window reaches back as far as it can; a word of more pieces than a step makes a longer step.
    const step = Math.max(1, Math.floor(capacity * (1 - overlap)))
    const next = Math.min(lastAtMost(offsets, start + step), firstAtLeast(offsets, end - capacity))
    word = Math.max(word + 1, next)
    if (word >= words.end) return windows
  }
}

/**
 * For every word, the window in which it has most context on its poorer side; the ends of the text are no lack.
 * Windows are sorted, and hold every word's first piece. `put` gets, once a word and in order, the window
 * and how many pieces lie before the word's first one in it. Linear time.
 */
export function placeWords(
  offsets: Int32Array,
  words: Range,
  windows: readonly Range[],
  put: (word: number, window: number, piece: number) => void,
): void {
  const textStart = windows[0]!.start
  const textEnd = windows.at(-1)!.end
  const context = (offset: number, { start, end }: Range) =>
    Math.min(start === textStart ? Infinity : offset - start, end === textEnd ? Infinity : end - 1 - offset)
  let window = 0
  for (let word = words.start; word < words.end; word++) {
    const offset = offsets[word]!
    while (window + 1 < windows.length && context(offset, windows[window + 1]!) > context(offset, windows[window]!))
      window++
    put(word, window, offset - windows[window]!.start)
  }
}

/**
 * Packs consecutive sentences into groups of at most `capacity` pieces. A sentence longer than that is a group of its
 * own.
 */
export function packSentences(offsets: Int32Array, sentences: readonly Range[], capacity: number): Range[][] {
  const groups: Range[][] = []
  let start = 0
  for (const sentence of sentences) {
    const group = groups.at(-1)
    if (group && offsets[sentence.end]! - start <= capacity) group.push(sentence)
    else {
      groups.push([sentence])
      start = offsets[sentence.start]!
    }
  }
  return groups
}

/**
 * Widens a run of words with its neighbours up to `capacity` pieces, evenly on both sides where there is enough text.
 * Only whole words are taken.
 */
export function widen(offsets: Int32Array, words: Range, capacity: number): Range {
  const start = offsets[words.start]!
  const end = offsets[words.end]!
  const spare = Math.max(0, capacity - (end - start))
  const available = offsets.at(-1)! - end
  const left = Math.min(start, Math.max(Math.floor(spare / 2), spare - available))
  const from = firstAtLeast(offsets, start - left)
  const to = lastAtMost(offsets, end + spare - (start - offsets[from]!))
  return { start: Math.min(from, words.start), end: Math.max(to, words.end) }
}

/**
 * Cuts a run of words into runs of at most `limit` pieces, never inside one of `spans` (sorted runs of words). Where a
 * span or a word is longer than the limit, so is its run.
 */
export function cutBetweenSpans(offsets: Int32Array, words: Range, spans: readonly Range[], limit: number): Range[] {
  const runs: Range[] = []
  let start = words.start
  let span = 0
  while (offsets[words.end]! - offsets[start]! > limit) {
    let cut = Math.max(start + 1, lastAtMost(offsets, offsets[start]! + limit))
    while (span < spans.length && spans[span]!.end <= cut) span++
    const across = spans[span]
    if (across && across.start < cut) cut = across.start > start ? across.start : across.end
    if (cut >= words.end) break
    runs.push({ start, end: cut })
    start = cut
  }
  return [...runs, { start, end: words.end }]
}

/** Joins the sentences that a span crosses; both are sorted runs of words. */
export function joinAcrossSpans(sentences: readonly Range[], spans: readonly Range[]): Range[] {
  const joined: Range[] = []
  let span = 0
  for (const sentence of sentences) {
    const previous = joined.at(-1)
    while (span < spans.length && spans[span]!.end <= sentence.start) span++
    const across = spans[span]
    if (previous && across && across.start < sentence.start)
      joined[joined.length - 1] = { start: previous.start, end: sentence.end }
    else joined.push(sentence)
  }
  return joined
}

/** Index of the first entry that is at least `value`; the number of entries where none is. */
function firstAtLeast(sorted: Int32Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! >= value) high = middle
    else low = middle + 1
  }
  return low
}

/** Index of the last entry that is at most `value`; -1 where none is. */
function lastAtMost(sorted: Int32Array, value: number): number {
  return firstAtLeast(sorted, value + 1) - 1
}
