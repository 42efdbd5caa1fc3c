import { exportModel, printModel, verifyExport, type Exported } from '../export/export.js'
import { targets } from '../export/plan.js'
import { percent } from '../report/numbers.js'
import { defineCommand, exit, type ExitCode } from './command.js'
import { table } from './format.js'
import { threads } from './options.js'
import { write } from './output.js'
import { steps } from './progress.js'
import { tell } from '../terminal.js'

export const command = defineCommand({
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'A model folder of ner train or ner quantize' },
  },
  options: {
    target: { type: 'string', choices: targets, default: 'onnx', describe: 'What the files are for' },
    out: { type: 'string', describe: "The folder to write; the model's own by default" },
    fp16: { type: 'boolean', describe: 'Also a file in float16, for GPUs' },
    viterbi: { type: 'boolean', describe: "Also a file that decodes the CRF's best path by itself" },
    int8: { type: 'string', describe: 'Also the file of this folder, which ner quantize made of the model' },
    opset: { type: 'number', describe: 'Version of the operators, where the newest, 20, is too new' },
    data: { type: 'string', describe: 'Labelled text to verify on, with scores before and after' },
    print: { type: 'boolean', describe: 'Show the graphs as text, a line a value, and write nothing' },
    verify: {
      type: 'boolean',
      describe: 'Compare the files of a folder, of an export or a model, with their hashes, and write nothing',
    },
    json: { type: 'boolean', describe: 'The manifest as JSON' },
    threads,
  },
  examples: [
    ['ner export runs/ner --out ship --int8 runs/ner-int8', 'a folder for transformers.js and ONNX Runtime'],
    ['ner export runs/ner --target tensorrt --fp16', 'files that TensorRT takes, and its trtexec commands'],
    ['ner export runs/ner --viterbi --data test.conll', 'decoding inside the graph, scored'],
  ],
  async run(args) {
    if (args.verify === true) return verified(args.model)
    const files = {
      target: args.target,
      fp16: args.fp16 === true,
      viterbi: args.viterbi === true,
      int8: args.int8,
    }
    if (args.print === true) {
      await write(await printModel(args.model, files))
      return exit.done
    }
    const { opset, data, out, threads } = args
    const exported = await steps(exportModel(args.model, { ...files, opset, data, out, threads }))
    const { manifest, misses, warnings } = exported
    for (const warning of warnings) tell(`warning: ${warning}\n`)
    if (misses.length > 0) {
      tell(`${misses.join('\n')}\nNothing was written.\n`)
      return exit.gateFailed
    }
    await write(args.json === true ? `${JSON.stringify(manifest, null, 2)}\n` : summary(exported))
    return exit.done
  },
})

/** @throws NerError as `verifyExport` */
async function verified(folder: string): Promise<ExitCode> {
  const damaged = verifyExport(folder)
  if (damaged.length === 0) {
    await write('every file is as it was written\n')
    return exit.done
  }
  tell(`${damaged.join('\n')}\n`)
  return exit.gateFailed
}

function summary({ folder, manifest }: Exported): string {
  const { files, graphs, metrics, sample, tensorrt } = manifest
  const size = (path: string) => files.find((file) => file.path === path)!.bytes / 2 ** 20
  const f1 = (path: string) => (metrics ? [percent(Number(metrics.after[path]!['overall_f1']))] : [])
  const rows = graphs.map(({ path, precision, verified }) => [
    path,
    precision,
    size(path).toFixed(1),
    verified.maxLogitDifference.toExponential(1),
    `${verified.differingEntities} of ${verified.entities}`,
    ...f1(path),
  ])
  const header = ['', 'precision', 'MiB', 'logits differ by', 'entities differ', ...(metrics ? ['F1'] : [])]
  const before = metrics ? `, where the model's F1 is ${percent(Number(metrics.before['overall_f1']))}` : ''
  return [
    table([header, ...rows]),
    `verified on ${sample.sentences} sentences of ${sample.file}${before}\n\n`,
    `folder  ${folder}\n`,
    ...(tensorrt ? ['engines  sh tensorrt/trtexec.sh, on the GPU that will run them\n'] : []),
  ].join('')
}
