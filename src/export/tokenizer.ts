import type { ModelFolder } from '../artifacts/model.js'
import type { SegmentedDocument } from '../data/segment.js'
import { NerError } from '../errors.js'
import { loadTokenizer } from '../features/tokenizer.js'
import type { Manifest } from './manifest.js'
import type { Target } from './plan.js'
import { forTransformersJs, loadElsewhere } from './transformers-js.js'

const file = 'tokenizer.json'

const isForTransformersJs = (target: Target) => target === 'transformers.js' || target === 'all'

/**
 * The model as a target takes it: its tokenizer in parts that transformers.js knows.
 *
 * @throws NerError `export/not-transformers-js`; `usage/bad-option` where the model's own folder would be changed
 */
export function shippedModel(model: ModelFolder, target: Target, inPlace: boolean): ModelFolder {
  const own = model.tokenizer.files[file]!
  if (!isForTransformersJs(target)) return model
  const rewritten = forTransformersJs(own, model.folder)
  if (rewritten === JSON.stringify(JSON.parse(own))) return model
  if (inPlace) {
    throw new NerError('usage/bad-option', 'transformers.js needs tokenizer.json in other parts than the model has.', {
      where: model.folder,
      mend: 'Name another folder with `out`, in which the same tokenizer is written for it.',
    })
  }
  return { ...model, tokenizer: { ...model.tokenizer, files: { ...model.tokenizer.files, [file]: rewritten } } }
}

/** Most words that are compared. */
const mostWords = 2000

/** Characters that normalisers are there for: controls, blanks of all kinds, ligatures, circled digits, width, accents. */
const oddWords = [
  'a\u0007b',
  'a\u00a0b',
  'a\u200bb',
  'a\ufeffb',
  '…',
  'ﬁn',
  '①',
  '½',
  'Ⅳ',
  'ＡＢ',
  'naïve',
  'e\u0301',
  '漢字',
  '😀',
]

/** Share of words that may be other pieces in transformers.js, whose normalisers are not all to the letter. */
const tolerated = 0.01

export interface CheckedTokenizer {
  readonly misses: readonly string[]
  /** For the manifest, where transformers.js is installed. */
  readonly loaded: Manifest['transformers_js']
}

/**
 * Compares a shipped tokenizer, in `folder`, with the model's own: as it is written, and as the transformers.js that is
 * installed reads it.
 *
 * @throws NerError `export/not-transformers-js` where that cannot load it
 */
export async function checkTokenizer(
  { tokenizer }: ModelFolder,
  folder: string,
  documents: readonly SegmentedDocument[],
  target: Target,
): Promise<CheckedTokenizer> {
  if (!isForTransformersJs(target)) return { misses: [], loaded: undefined }
  const distinct = new Set(
    documents.flatMap(({ text, tokens }) => tokens.map(({ start, end }) => text.slice(start, end))),
  )
  const words = [...distinct].slice(0, mostWords)
  const shipped = await loadTokenizer(folder)
  const all = [...words, ...oddWords]
  const [own, other] = [await tokenizer.encodeWords(all), await shipped.encodeWords(all)]
  const changed = all.filter((_, i) => String(own[i]) !== String(other[i]))
  const elsewhere = await loadElsewhere(folder, tokenizer, words)
  const differing = elsewhere?.differing ?? []
  return {
    misses: [
      ...(changed.length > 0 ? [`tokenizer.json gives other pieces than the model's, of “${changed[0]}” first.`] : []),
      ...(differing.length > tolerated * words.length
        ? [
            `In transformers.js, ${differing.length} of ${words.length} words are other pieces, “${differing[0]}” first.`,
          ]
        : []),
    ],
    loaded: elsewhere && { version: elsewhere.version, words: words.length, differing: differing.length },
  }
}
