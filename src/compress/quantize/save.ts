import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '../../files.js'
import type { ModelFolder } from '../../models/folder.js'

/** Where the int8 graph is looked for, by this toolkit (`ner.json` says so) and by transformers.js. */
export const quantizedGraph = 'onnx/model_quantized.onnx'

/**
 * Writes a model folder around a quantized graph: everything of the source but its float weights and its reports. What
 * `describe` says goes into the lineage, which also marks the model as quantized.
 */
export function saveQuantized(
  folder: string,
  model: ModelFolder,
  onnx: Uint8Array,
  quantization: Readonly<Record<string, unknown>>,
): void {
  const json = (name: string, value: unknown) =>
    writeFileAtomically(join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  for (const [name, content] of Object.entries(model.tokenizer.files)) writeFileAtomically(join(folder, name), content)
  for (const name of ['README.md', 'config.json']) {
    const source = join(model.folder, name)
    if (existsSync(source)) writeFileAtomically(join(folder, name), readFileSync(source))
  }
  const ner = JSON.parse(readFileSync(join(model.folder, 'ner.json'), 'utf8')) as Record<string, unknown>
  json('ner.json', { ...ner, graph: quantizedGraph, lineage: { ...model.ner.lineage, quantization } })
  writeFileAtomically(join(folder, quantizedGraph), onnx)
}

/** What was done to a model that is quantized already. */
export function quantizationOf({ ner }: ModelFolder): unknown {
  return ner.lineage['quantization']
}
