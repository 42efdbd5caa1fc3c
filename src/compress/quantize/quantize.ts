import { statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { NerError } from '../../errors.js'
import { claimOutput } from '../../io/claim.js'
import { hashFile } from '../../io/hash.js'
import { lockFolder } from '../../io/lock.js'
import { beforeSignals } from '../../io/temporary.js'
import { encodeModel } from '../../graph/onnx/encode.js'
import { quantizeDynamic, type Range } from '../../graph/rewrite/dynamic.js'
import { quantizeTables } from '../../graph/rewrite/tables.js'
import { verify } from '../../graph/verify.js'
import type { Quantization } from '../../artifacts/lineage.js'
import { loadModel, loadWeights, type ModelFolder } from '../../artifacts/model.js'
import { servingGraph } from '../../models/serving.js'
import { modelCard } from '../../training/outcome/model-card.js'
import { versions } from '../../runtime/versions.js'
import { auto } from './auto.js'
import { quantizeAware } from './aware.js'
import { calibrated } from './calibrated.js'
import { cpus, detectCpu, type Cpu } from './cpu.js'
import { dropsBetween, overBudget, type Budget } from './gates.js'
import { quantizableLayers } from './layers.js'
import { measure, readLabelled, type LabelledSet, type Measurement } from './measure.js'
import type { Plan, RangedTask } from './plan.js'
import type { Method, Quantized } from './result.js'
import { quantizationOf, saveQuantized, writeRun } from './save.js'
import { measureRanges } from './ranges.js'
import type { Calibration } from './thresholds.js'
import type { Job } from '../../job.js'

export interface QuantizeOptions extends Budget {
  /** `auto` needs a dev file, `static` one to calibrate on. */
  readonly method: Method
  /** The processor that the file is for; this one's kind where absent. */
  readonly cpu?: Cpu | undefined
  /** Also the table that pieces are looked up in. */
  readonly embeddings: boolean
  /** Labelled text to calibrate or fine-tune on. */
  readonly calib?: string | undefined
  readonly calibration: Calibration
  /** Steps of quantization-aware fine-tuning on `calib`, before anything else. */
  readonly qatSteps: number
  /** Labelled text to measure the loss on. */
  readonly dev?: string | undefined
  /** The folder to write; the model's name with `-int8` where absent. */
  readonly out?: string | undefined
  readonly threads: number
}

/**
 * Writes a model folder whose linear layers run in int8. Yields what it is doing, a line each.
 *
 * @throws NerError `quantize/already` for a quantized model; `usage/bad-option` where a file is missing that the method needs;
 *   `model/*` for a folder that is incomplete or damaged, `data/*` for bad data, `output/occupied`, `output/locked`, `file/*`,
 *   `runtime/*`
 */
export async function* quantize(modelDir: string, options: QuantizeOptions): Job<Quantized> {
  const began = performance.now()
  checkOptions(options)
  const model = await loadModel(modelDir)
  if (quantizationOf(model) !== undefined) throw alreadyQuantized(model.folder)
  const dev = options.dev === undefined ? undefined : await readLabelled(model, options.dev)
  const calib = options.calib === undefined ? undefined : await readLabelled(model, options.calib)
  const name = basename(resolve(model.folder))
  const output = options.out ?? join(model.folder, '..', `${name}-int8`)
  const lock = lockFolder(output)
  const endSignals = beforeSignals(() => {
    lock.release()
  })
  try {
    claimOutput(output)
    return yield* quantizeInto(output, { model, name, dev, calib, began }, options)
  } finally {
    endSignals()
    lock.release()
  }
}

interface Source {
  readonly model: ModelFolder
  readonly name: string
  readonly dev: LabelledSet | undefined
  readonly calib: LabelledSet | undefined
  /** When the run began, of `performance.now`. */
  readonly began: number
}

async function* quantizeInto(
  output: string,
  { model, name, dev, calib, began }: Source,
  options: QuantizeOptions,
): Job<Quantized> {
  const { method, cpu = detectCpu(), threads } = options
  const trained = loadWeights(model)
  const original = servingGraph(model.tagger, trained)
  const layers = quantizableLayers(original, model)
  const { limit, activations } = cpus[cpu]
  if (dev) yield 'measuring in float'
  const before = dev && (await measure(original, model, dev, threads))
  const { qatSteps } = options
  const common = { model, layers, limit, activations, threads }
  const weights = qatSteps > 0 ? yield* quantizeAware(common, trained, calib!, qatSteps) : trained
  const tuned = qatSteps > 0 ? servingGraph(model.tagger, weights) : original
  const table = model.tagger.encoder.pieceTable
  const whole = options.embeddings ? quantizeTables(tuned, (name) => name === table).graph : tuned
  const { graph: float, ...ranged } =
    method === 'static'
      ? { graph: whole, ranges: new Map<string, Range>(), balanced: [] }
      : await measureRanges(whole, model, layers, threads)
  const plan = yield* plans[method]({ ...common, float, ...ranged }, options, { calib, dev, before })
  verify(plan.graph)

  if (dev && !plan.after) yield 'measuring in int8'
  const after = plan.after ?? (dev && (await measure(plan.graph, model, dev, threads)))
  const scores = before &&
    after && { before: before.scores, after: after.scores, drops: dropsBetween(before.scores, after.scores) }

  const onnx = encodeModel(plan.graph)
  const kept = new Set(plan.float)
  const result: Quantized = {
    output,
    method,
    cpu,
    quantized: layers.filter((layer) => !kept.has(layer)),
    float: plan.float,
    balanced: plan.balanced.filter((layer) => !kept.has(layer)),
    ...(plan.costs && { costs: plan.costs }),
    bytes: { before: statSync(model.onnx).size, after: onnx.length },
    ...(scores && { dev: scores }),
    failures: scores ? overBudget(scores.drops, options) : [],
  }
  const named = (set: LabelledSet | undefined) => set && { file: set.file, sha256: set.sha256 }
  const description: Quantization = {
    method,
    cpu,
    largest_weight: limit,
    embeddings: options.embeddings ? 'int8' : 'float32',
    float_layers: result.float,
    balanced_layers: result.balanced,
    ...(method === 'static' && { calibration: options.calibration }),
    ...(qatSteps > 0 && { qat_steps: qatSteps }),
    source: { name, sha256: hashFile(join(model.folder, 'model.safetensors')) },
    data: { calib: named(calib), dev: named(dev) },
    versions: versions(),
  }
  saveQuantized(output, model, onnx, cardOf(model, name, result, description.data), description)
  writeRun(output, description, result, options, (performance.now() - began) / 1000)
  return result
}

function cardOf(
  { tagger, ner }: ModelFolder,
  source: string,
  { output, method, cpu, dev }: Quantized,
  data: Quantization['data'],
): string {
  const { data: trained } = ner.lineage
  return modelCard({
    name: basename(resolve(output)),
    tagger,
    origin: `Quantized from ${source} to int8 for ${cpu} (${method})`,
    data: { ...trained, ...(data.calib && { calib: data.calib }), ...(data.dev && { dev: data.dev }) },
    scored: dev && { on: 'dev', scores: dev.after },
    hasWeights: false,
  })
}

interface Data {
  readonly calib: LabelledSet | undefined
  readonly dev: LabelledSet | undefined
  readonly before: Measurement | undefined
}

type Planner = (task: RangedTask, options: QuantizeOptions, data: Data) => AsyncGenerator<string, Plan>

const plans: Readonly<Record<Method, Planner>> = {
  // eslint-disable-next-line @typescript-eslint/require-await -- it is called as the others are
  async *dynamic({ float, ranges, balanced, layers, limit }) {
    yield `quantizing ${layers.length} layers`
    const { graph } = quantizeDynamic(float, { limit, ranges, includes: (layer) => layers.includes(layer) })
    return { graph, float: [], balanced }
  },
  async *static(task, { calibration }, { calib }) {
    yield 'calibrating'
    return calibrated(task, calib!, calibration)
  },
  auto: (task, budget, { dev, before }) => auto(task, dev!, before!, budget),
}

function checkOptions({ method, cpu, dev, calib, qatSteps }: QuantizeOptions): void {
  if (cpu === 'gpu' && method !== 'static') {
    throw new NerError('usage/bad-option', `TensorRT has no operators for \`method\` ${method}.`, {
      mend: 'Give `method` static and text as `calib` for a GPU.',
    })
  }
  const missing = (option: string, why: string) =>
    new NerError('usage/bad-option', `\`${option}\` is missing: ${why}.`, {
      mend: `Name labelled text with \`${option}\`.`,
    })
  if (method === 'auto' && dev === undefined) throw missing('dev', '`method` auto measures every layer on it')
  if (method === 'static' && calib === undefined) throw missing('calib', '`method` static calibrates on it')
  if (qatSteps > 0 && calib === undefined) throw missing('calib', '`qat-steps` fine-tunes on it')
  if (calib !== undefined && method !== 'static' && qatSteps === 0) {
    throw new NerError('usage/bad-option', `\`method\` ${method} calibrates on nothing.`, {
      where: '`calib`',
      mend: 'Leave it out, or give `method` static, or `qat-steps`, which fine-tunes on it.',
    })
  }
}

function alreadyQuantized(folder: string): NerError {
  return new NerError('quantize/already', 'The model is quantized already.', {
    where: folder,
    mend: 'Quantize the model it was made from; ner.json names that one under lineage.quantization.source.',
  })
}
