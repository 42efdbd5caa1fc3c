import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { legalTransitions, schemeTags } from '../../src/data/schemes.js'
import { loadEncoder } from '../../src/models/folder.js'
import { saveModel } from '../../src/artifacts/model.js'
import { taggerParameters, type HeadKind } from '../../src/models/tagger.js'
import { normal, random } from '../../src/random.js'
import { tinyFolder } from '../models/tiny.js'

export const types = ['X', 'Y']

/**
 * The folder of a tagger on the golden tiny BERT, or on the encoder of a folder. Its head is drawn at random, by a seed
 * that gives both types, of one word and of several. The tiny vocabulary has the letters a, b and c; any other is unknown
 * to it.
 */
export async function tinyTagger(
  options: {
    head?: HeadKind
    window?: number
    context?: 'sentence' | 'document'
    encoder?: string
    /** Standard deviation of the head's weights. */
    spread?: number
  } = {},
): Promise<string> {
  const { head = 'crf', window = 32, context = 'sentence', spread = 1 } = options
  const { config, encoder, tokenizer, weights } = await loadEncoder(options.encoder ?? (await tinyFolder()))
  const tags = schemeTags(types, 'IOB2')
  const tagger = { encoder, head, tags, legal: legalTransitions(tags, 'IOB2'), dropout: 0 }
  const next = random('tiny tagger', 11)
  const headWeights = taggerParameters(tagger)
    .filter(({ name }) => !weights.has(name))
    .map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
      return [name, data.map(() => spread * normal(next))] as const
    })
  const folder = mkdtempSync(join(tmpdir(), 'ner-tagger-'))
  saveModel(folder, {
    config,
    tagger,
    tokenizer,
    weights: new Map([...weights, ...headWeights]),
    ner: { scheme: 'IOB2', window, context, contextPieces: 0, lineage: {} },
  })
  return folder
}
