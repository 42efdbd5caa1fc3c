import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/schema.js'
import { NerError } from '../../errors.js'
import { originOf } from '../../hub/name.js'
import { architectureOf } from '../../models/architectures.js'
import { loadEncoder, type PretrainedEncoder } from '../../models/folder.js'
import { readNerFile } from '../../artifacts/ner-file.js'
import type { ParameterData } from '../../models/parameters.js'
import { taggerParameters } from '../../models/tagger.js'
import { readWeights } from '../../models/weights-file.js'
import { checkLabels, checkTokenizers, type Teacher } from './teachers.js'

/**
 * What a student starts from that is not made of its teacher: a pretrained encoder, or a trained model, whose weights then
 * have its head too.
 *
 * @throws NerError as `loadEncoder`; `compress/unlike-models`; `config/bad-value` for sizes that the folder has not, and for
 *   windows that it does not take
 */
export async function loadPretrained(
  folder: string,
  teacher: Teacher,
  distill: Config['distill'],
): Promise<PretrainedEncoder> {
  const given = await loadEncoder(folder)
  checkTokenizers(teacher.model.tokenizer, given.tokenizer, teacher.name, folder)
  checkSizes(given, distill, folder)
  checkPositions(given, teacher, folder)
  const trained = existsSync(join(folder, 'ner.json')) ? trainedWeights(given, teacher, folder) : undefined
  return { ...given, weights: new Map([...given.weights, ...(trained ?? [])]) }
}

type SizeKey = 'num_hidden_layers' | 'hidden_size' | 'num_attention_heads' | 'intermediate_size'

/** The first of a model's own sizes that the student is to have otherwise. */
export const otherSize = <K extends SizeKey>(
  distill: Config['distill'],
  own: Readonly<Record<K, unknown>>,
): K | undefined =>
  (Object.keys(own) as K[]).find((key) => own[key] !== undefined && (distill[key] ?? own[key]) !== own[key])

/** A folder has the sizes that it has. */
function checkSizes({ config, encoder }: PretrainedEncoder, distill: Config['distill'], folder: string): void {
  const own = {
    num_hidden_layers: encoder.sizes.layers,
    hidden_size: encoder.sizes.hiddenSize,
    num_attention_heads: encoder.sizes.heads,
    intermediate_size: config[architectureOf(config, folder).keys.intermediateSize],
  }
  const key = otherSize(distill, own)
  if (key === undefined) return
  const what = `The student is to have a ${key} of ${String(distill[key])}, and ${originOf(folder).name} has ${String(own[key])}.`
  throw new NerError('config/bad-value', what, {
    where: `distill.${key}`,
    mend: 'Leave it out to start from the folder as it is, or leave out distill.path to cut the student from its teacher.',
  })
}

function checkPositions({ encoder }: PretrainedEncoder, { name, model }: Teacher, folder: string): void {
  const { window } = model.ner
  const { maxPositions } = encoder.sizes
  if (window <= maxPositions) return
  throw new NerError(
    'config/bad-value',
    `The windows of ${name}, ${window} pieces, are longer than the student takes.`,
    {
      where: `distill.path; ${originOf(folder).name} has ${maxPositions} positions`,
      mend: `Start from a folder with ${window} positions or more, or train the teacher with a smaller features.window.`,
    },
  )
}

/** All of a trained model's weights. */
function trainedWeights({ config, encoder }: PretrainedEncoder, teacher: Teacher, folder: string): ParameterData {
  const { head, scheme } = readNerFile(folder)
  const labels = Object.values((config['id2label'] ?? {}) as Readonly<Record<string, unknown>>)
  checkLabels(teacher, { labels, scheme }, folder)
  const { tags, legal } = teacher.model.tagger
  return readWeights(
    join(folder, 'model.safetensors'),
    taggerParameters({ encoder, head, tags, legal, dropout: 0 }),
    '',
  )
}
