import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { schemes, type Scheme } from '../data/schemes.js'
import { NerError } from '../errors.js'
import type { Tokenizer } from '../features/tokenizer.js'
import type { Encoder } from '../models/encoder.js'
import { crfNames } from '../models/crf.js'
import { missing, readJson } from '../models/folder.js'
import { readNames } from '../models/safetensors.js'
import { readNerFile, type NerFile } from './ner-file.js'

/** All that a `ner.json` has to say of a model that `ner train` did not write. */
const told = z.strictObject({ scheme: z.enum(schemes) })

/** Windows of models that say nothing of them. */
const longestWindow = 512

/**
 * A folder's `ner.json`; of a token classifier of others, which has none, what stands for it: a softmax head over single
 * sentences, in the scheme that the prefixes of its labels tell, or that a `ner.json` of the one line `{"scheme": …}` does.
 *
 * @throws NerError `model/missing-file`, `model/bad-config` where labels are tags of no scheme
 */
export function settledNerFile(
  folder: string,
  tags: readonly string[],
  { sizes }: Encoder,
  { maxLength }: Tokenizer,
): NerFile {
  const isThere = existsSync(join(folder, 'ner.json'))
  const own = isThere ? told.safeParse(readJson(folder, 'ner.json')) : undefined
  if (own && !own.success) return readNerFile(folder)
  if (!own) requireForeign(folder)
  return {
    head: 'softmax',
    scheme: own ? own.data.scheme : schemeOf(tags, folder),
    window: Math.min(sizes.maxPositions, maxLength, longestWindow),
    context: 'sentence',
    contextPieces: 0,
    graph: 'onnx/model.onnx',
    lineage: {},
  }
}

/**
 * A model of ours that has lost its `ner.json` is refused: without its CRF it would find something else.
 *
 * @throws NerError `model/missing-file`
 */
function requireForeign(folder: string): void {
  const weights = join(folder, 'model.safetensors')
  if (!existsSync(weights) || readNames(weights).includes(crfNames.transitions)) throw missing(folder, 'ner.json')
}

/** Schemes by all the prefixes that they are written with, besides those of {@link schemeOf} that read two ways. */
const byPrefixes: Readonly<Record<string, Scheme>> = {
  BI: 'IOB2',
  BEIS: 'IOBES',
  BILU: 'BILOU',
  EI: 'IOE2',
}

/** Folders whose scheme was said to be assumed. */
const said = new Set<string>()

/** What the labels of others mean. Two schemes have the prefixes B- and I-: the one that nearly everybody writes is taken, and said. */
function schemeOf(tags: readonly string[], folder: string): Scheme {
  const labels = tags.filter((tag) => tag !== 'O')
  const prefixes = [...new Set(labels.map((tag) => (/^[A-Z]-./.test(tag) ? tag[0]! : '')))].sort().join('')
  const scheme = tags.includes('O') ? byPrefixes[prefixes] : undefined
  if (scheme === undefined) {
    throw new NerError(
      'model/bad-config',
      `The labels of config.json are tags of no scheme: ${tags.slice(0, 5).join(', ')} …`,
      {
        where: folder,
        mend:
          `There is no ner.json, and so labels are O and ${Object.keys(byPrefixes)
            .map((key) => [...key].join('-, '))
            .join('-; or ')}-. ` + 'Name them so in id2label.',
      },
    )
  }
  if ((scheme === 'IOB2' || scheme === 'IOE2') && !said.has(folder)) {
    said.add(folder)
    const other = scheme === 'IOB2' ? 'IOB1' : 'IOE1'
    process.emitWarning(
      `${folder} has no ner.json; its labels are read as ${scheme}. Where they are ${other}, write {"scheme": "${other}"} into ner.json.`,
      { type: 'Model' },
    )
  }
  return scheme
}
