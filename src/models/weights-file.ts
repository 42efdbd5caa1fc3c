import { NerError } from '../errors.js'
import { formatShape, sameShape } from '../graph/dims.js'
import type { Parameter } from './parameters.js'
import { readSafetensors } from './safetensors.js'

/** Parts of names of tensors for pretraining and of other heads, which a token classifier does not have. */
const ignored = [
  ...['pooler', 'cls', 'lm_head', 'predictions', 'seq_relationship', 'classifier', 'qa_outputs', 'crf', 'position_ids'],
  ...['discriminator_predictions', 'generator_predictions', 'generator_lm_head'],
  ...['vocab_transform', 'vocab_layer_norm', 'vocab_projector', 'pre_classifier'],
  ...['sop_classifier', 'lm_predictions', 'mask_predictions', 'position_embeddings', 'decoder', 'head'],
]

/**
 * The tensors of `parameters` from a weights file, and of `optional` those that it has; any other must be one of
 * {@link ignored}.
 *
 * @throws NerError `model/missing-file`, `model/missing-weight`, `model/misshapen-weight`, `model/extra-weight`,
 *   `model/corrupt-weights`
 */
export function readWeights(
  file: string,
  parameters: readonly Parameter[],
  prefix: string,
  optional: readonly Parameter[] = [],
): Map<string, Float32Array> {
  const stored = readSafetensors(file)
  const picked = new Map<string, Float32Array>()
  for (const parameter of [...parameters, ...optional]) {
    const { name, shape } = parameter
    const found = storedNames(name, prefix).find((candidate) => stored.has(candidate))
    if (found === undefined) {
      if (optional.includes(parameter)) continue
      throw new NerError('model/missing-weight', `The weights lack '${name}', ${formatShape(shape)}.`, {
        where: file,
        mend: 'config.json and model.safetensors must be of the same model.',
      })
    }
    const tensor = stored.get(found)!
    if (!sameShape(tensor.shape, shape)) {
      throw new NerError(
        'model/misshapen-weight',
        `'${found}' has the shape ${formatShape(tensor.shape)}; config.json asks for ${formatShape(shape)}.`,
        { where: file, mend: 'config.json and model.safetensors must be of the same model.' },
      )
    }
    picked.set(name, tensor.data)
    stored.delete(found)
  }
  const extra = [...stored.keys()].find((name) => !name.split('.').some((part) => ignored.includes(part)))
  if (extra !== undefined) {
    throw new NerError(
      'model/extra-weight',
      `The weights hold '${extra}', which the model of config.json does not have.`,
      {
        where: file,
        mend: 'config.json and model.safetensors must be of the same model; look at num_hidden_layers first.',
      },
    )
  }
  return picked
}

/** A parameter's names in files: without the prefix too, and a norm's as BERT's first release called them. */
function storedNames(name: string, prefix: string): string[] {
  const first = (it: string) =>
    it.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta')
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name
  return [name, bare].flatMap((it) => [it, first(it)])
}
