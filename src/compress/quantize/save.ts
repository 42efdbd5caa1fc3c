import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Quantization } from '../../artifacts/lineage.js'
import type { ModelFolder } from '../../artifacts/model.js'
import { nerFileOf } from '../../artifacts/model.js'
import { nerFileName, writeNerFile } from '../../artifacts/ner-file.js'
import { readRunFile, writeRunFile } from '../../artifacts/run-file.js'
import { toMetrics } from '../../data/scoring.js'
import { fillFolder, writeFileAtomically } from '../../io/write.js'
import type { Budget, Drops } from './gates.js'
import type { Quantized } from './result.js'

/** Where the int8 graph is looked for, by this toolkit (`ner.json` says so) and by transformers.js. */
export const quantizedGraph = 'onnx/model_quantized.onnx'

/**
 * Writes a model folder around a quantized graph: everything of the source but its float weights, its reports and its card,
 * which has the float model's scores. What was done goes into the lineage, which also marks the model as quantized.
 */
export function saveQuantized(
  folder: string,
  model: ModelFolder,
  onnx: Uint8Array,
  card: string,
  quantization: Quantization,
): void {
  const ner = nerFileOf(model)
  fillFolder(
    folder,
    (aside) => {
      const put = (name: string, content: string | Uint8Array) => {
        writeFileAtomically(join(aside, name), content)
      }
      for (const [name, content] of Object.entries(model.tokenizer.files)) put(name, content)
      put('README.md', card)
      put('config.json', readFileSync(join(model.folder, 'config.json')))
      put(quantizedGraph, onnx)
      writeNerFile(aside, { ...ner, graph: quantizedGraph, lineage: { ...ner.lineage, quantization } })
    },
    nerFileName,
  )
}

/** What was done to a model that is quantized already. */
export const quantizationOf = ({ ner }: ModelFolder) => ner.lineage.quantization

/** What a model lost and gained, as files and `--json` have it. */
export const measuredJson = ({ bytes, dev, costs }: Quantized) => ({
  bytes,
  ...(dev && { metrics: { before: toMetrics(dev.before), after: toMetrics(dev.after), ...dropsJson(dev.drops) } }),
  ...(costs && { costs: costs.map(({ layer, drops, divergence }) => ({ layer, ...dropsJson(drops), divergence })) }),
})

const dropsJson = ({ overall, perType }: Drops) => ({ f1_drop: overall, f1_drop_by_type: perType })

/** `run.json`, which comes last: with it the run is finished. */
export function writeRun(
  folder: string,
  description: Quantization,
  result: Quantized,
  { maxF1Drop, perTypeMaxDrop }: Budget,
  seconds: number,
): void {
  writeRunFile(folder, {
    ...description,
    device: 'cpu',
    ...measuredJson(result),
    gates: { max_f1_drop: maxF1Drop, per_type_max_drop: perTypeMaxDrop, failures: result.failures },
    seconds,
  })
}

/** The gates that a quantized model failed, each in a sentence. An exported folder, which no failed gate allows, has no run.json. */
export const failedGates = (folder: string): readonly string[] => readRunFile(folder)?.gates?.failures ?? []
