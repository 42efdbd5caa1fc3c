import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toMetrics } from '../../data/scoring.js'
import { fillFolder, writeFileAtomically } from '../../io/write.js'
import { readJson, type ModelFolder } from '../../models/folder.js'
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
  quantization: Readonly<Record<string, unknown>>,
): void {
  const ner = readJson(model.folder, 'ner.json') as Record<string, unknown>
  const nerFile = { ...ner, graph: quantizedGraph, lineage: { ...model.ner.lineage, quantization } }
  fillFolder(folder, (aside) => {
    const put = (name: string, content: string | Uint8Array) => {
      writeFileAtomically(join(aside, name), content)
    }
    for (const [name, content] of Object.entries(model.tokenizer.files)) put(name, content)
    put('README.md', card)
    put('config.json', readFileSync(join(model.folder, 'config.json')))
    put('ner.json', `${JSON.stringify(nerFile, null, 2)}\n`)
    put(quantizedGraph, onnx)
  })
}

/** What was done to a model that is quantized already. */
export function quantizationOf({ ner }: ModelFolder): unknown {
  return ner.lineage['quantization']
}

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
  description: object,
  result: Quantized,
  { maxF1Drop, perTypeMaxDrop }: Budget,
  seconds: number,
): void {
  const run = {
    finished: true,
    ...description,
    device: 'cpu',
    ...measuredJson(result),
    gates: { max_f1_drop: maxF1Drop, per_type_max_drop: perTypeMaxDrop, failures: result.failures },
    seconds,
  }
  writeFileAtomically(join(folder, 'run.json'), `${JSON.stringify(run, null, 2)}\n`)
}

/** The gates that a quantized model failed, each in a sentence. @throws NerError `model/bad-config` */
export function failedGates(folder: string): readonly string[] {
  // An exported folder has no run.json: it would not be there, had a gate failed.
  if (!existsSync(join(folder, 'run.json'))) return []
  const { gates } = readJson(folder, 'run.json') as { gates?: { failures?: readonly string[] } }
  return gates?.failures ?? []
}
