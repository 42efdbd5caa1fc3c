import type { ModelFolder } from '../artifacts/model.js'
import type { Example } from '../features/batch.js'
import type { TextPieces } from '../features/tokenizer.js'
import { overlappingWindows, placeWords } from '../features/windows.js'

/** More than this many pieces in a window would hold up everybody who waits. */
const longestWindow = 512

/**
 * A whole text as one example in which every piece has a place, so that each has logits of its own: as models read a text
 * that know neither its words nor its sentences. A text of more pieces than the encoder takes has overlapping windows.
 */
export function pieceExample({ ids }: TextPieces, { tokenizer, tagger }: ModelFolder): Example {
  const { prefix, suffix, maxLength } = tokenizer
  const window = Math.min(tagger.encoder.sizes.maxPositions, maxLength, longestWindow)
  const offsets = Int32Array.from({ length: ids.length + 1 }, (_, i) => i)
  const all = { start: 0, end: ids.length }
  const windows = overlappingWindows(offsets, all, window - prefix.length - suffix.length)
  const places = { window: new Int32Array(ids.length), piece: new Int32Array(ids.length) }
  placeWords(offsets, all, windows, (piece, window, place) => {
    places.window[piece] = window
    places.piece[piece] = prefix.length + place
  })
  return {
    windows: windows.map(({ start, end }) => Int32Array.of(...prefix, ...ids.subarray(start, end), ...suffix)),
    sentences: [{ document: 0, firstWord: 0, ...places }],
  }
}
