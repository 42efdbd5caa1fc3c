import { NerError } from '../errors.js'
import { quantize } from '../compress/quantize/quantize.js'
import { methods, type Quantized } from '../compress/quantize/result.js'
import { measuredJson } from '../compress/quantize/save.js'
import type { Budget } from '../compress/quantize/gates.js'
import { cpus, type Cpu } from '../compress/quantize/cpu.js'
import { calibrations } from '../compress/quantize/thresholds.js'
import type { LayerCost } from '../compress/quantize/plan.js'
import { percent, short } from '../report/numbers.js'
import { defineCommand, exit } from './command.js'
import { table } from './format.js'
import { threads } from './options.js'
import { write } from './output.js'
import { steps } from './progress.js'
import { tell } from '../terminal.js'

/** Points of F1 that may be lost unless said. No defaults of yargs', which would look as if they were asked for. */
const budget: Budget = { maxF1Drop: 0.3, perTypeMaxDrop: 1 }

export const command = defineCommand({
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'A model folder of ner train' },
  },
  options: {
    method: {
      type: 'string',
      choices: methods,
      default: 'dynamic',
      describe: 'Scales as they come, calibrated, or layer by layer what the budget allows',
    },
    calib: { type: 'string', describe: 'Labelled text to calibrate (static) or fine-tune (--qat-steps) on' },
    calibration: {
      type: 'string',
      choices: calibrations,
      default: 'min-max',
      describe: 'How static scales are found',
    },
    'qat-steps': { type: 'number', default: 0, describe: 'Fine-tune so many steps with rounded layers first' },
    dev: { type: 'string', describe: 'Labelled text to measure the loss on' },
    'max-f1-drop': {
      type: 'number',
      implies: 'dev',
      describe: `With --dev: exit 1 where F1 loses more points; ${budget.maxF1Drop} by default`,
    },
    'per-type-max-drop': {
      type: 'number',
      implies: 'dev',
      describe: `With --dev: the same of any one type; ${budget.perTypeMaxDrop} by default`,
    },
    embeddings: { type: 'boolean', describe: 'The embedding table in int8 too: a smaller file' },
    cpu: {
      type: 'string',
      choices: ['detect', ...Object.keys(cpus)],
      default: 'detect',
      describe: 'The processor the file is for; gpu is TensorRT',
    },
    out: { type: 'string', describe: 'The folder to write; MODEL-int8 by default' },
    json: { type: 'boolean', describe: 'The result as JSON' },
    threads,
  },
  examples: [
    ['ner quantize runs/ner --dev dev.conll', 'int8 for this machine, measured and gated'],
    ['ner quantize runs/ner --cpu avx2 --embeddings', 'for any x86 server, as small as it gets'],
  ],
  async run(args) {
    const qatSteps = args['qat-steps']
    if (!Number.isSafeInteger(qatSteps) || qatSteps < 0) {
      throw new NerError('usage/bad-flag', `--qat-steps takes a number of steps, not ${qatSteps}.`, {
        mend: 'For example: --qat-steps 200; 0 is none.',
      })
    }
    const result = await steps(
      quantize(args.model, {
        method: args.method,
        calib: args.calib,
        calibration: args.calibration,
        qatSteps,
        cpu: args.cpu === 'detect' ? undefined : (args.cpu as Cpu),
        embeddings: args.embeddings === true,
        dev: args.dev,
        maxF1Drop: args['max-f1-drop'] ?? budget.maxF1Drop,
        perTypeMaxDrop: args['per-type-max-drop'] ?? budget.perTypeMaxDrop,
        out: args.out,
        threads: args.threads,
      }),
    )
    await write(args.json === true ? `${JSON.stringify(toJson(result), null, 2)}\n` : summary(result))
    for (const failure of result.failures) tell(`${failure}\n`)
    return result.failures.length > 0 ? exit.gateFailed : exit.done
  },
})

const toJson = (result: Quantized) => ({
  output: result.output,
  method: result.method,
  cpu: result.cpu,
  int8_layers: result.quantized,
  float_layers: result.float,
  balanced_layers: result.balanced,
  ...measuredJson(result),
  failures: result.failures,
})

function summary({ output, cpu, quantized, float, balanced, costs, bytes, dev }: Quantized): string {
  const mib = (size: number) => `${(size / 2 ** 20).toFixed(1)} MiB`
  const share = `${Math.round((100 * bytes.after) / bytes.before)} %`
  const facts = [
    `model   ${output}`,
    `graph   ${mib(bytes.after)}, ${share} of ${mib(bytes.before)}`,
    `layers  ${quantized.length} in int8 for ${cpu}, ${float.length} in float` +
      (balanced.length > 0 ? `, ${balanced.length} balanced` : ''),
    ...float.map((layer) => `        in float: ${layer}`),
    '',
  ].join('\n')
  const tables = [costs && costTable(costs), dev && scoreTable(dev)].flatMap((text) => text ?? [])
  return [facts, ...tables].join('\n')
}

function scoreTable({ before, after, drops }: NonNullable<Quantized['dev']>): string {
  const row = (name: string, from: number, to: number, drop: number) => [
    name,
    percent(from),
    percent(to),
    (-drop).toFixed(2),
  ]
  return table([
    ['F1 on dev', 'float', 'int8', ''],
    ...Object.entries(before.perType).map(([type, { f1 }]) =>
      row(type, f1, after.perType[type]?.f1 ?? 0, drops.perType[type]!),
    ),
    row('all', before.micro.f1, after.micro.f1, drops.overall),
  ])
}

/** The layers that cost most; all of them are in the JSON. */
function costTable(costs: readonly LayerCost[]): string {
  return table([
    ['costliest layers', 'F1 lost', 'divergence'],
    ...costs.slice(0, 8).map(({ layer, drops, divergence }) => [layer, drops.overall.toFixed(2), short(divergence)]),
  ])
}
