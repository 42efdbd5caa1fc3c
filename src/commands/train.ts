import { join } from 'node:path'
import { loadConfig } from '../config/load.js'
import { train, type TrainResult } from '../training/train.js'
import { defineCommand, exit } from './command.js'
import { followRun } from './follow.js'
import { device, onMisaligned } from './options.js'
import { write } from './output.js'
import { evaluationTable } from './scores.js'

export const command = defineCommand({
  positionals: {
    config: { type: 'string', demandOption: true, describe: 'A YAML file; configs/default.yaml explains every key' },
  },
  options: {
    set: { type: 'string', array: true, describe: 'A key of the configuration, e.g. training.epochs=5' },
    model: {
      type: 'string',
      describe: 'What to start from: a Hugging Face folder, or org/name[@revision] on the hub; else from scratch',
    },
    train: { type: 'string', describe: 'Labelled text to train on' },
    dev: { type: 'string', describe: 'Labelled text that picks the best checkpoint' },
    test: { type: 'string', describe: 'Labelled text that the finished model is scored on' },
    out: { type: 'string', describe: 'The folder for the model and its report' },
    device,
    'self-train': {
      type: 'boolean',
      describe: 'Go on in rounds, learning from what the model is sure of; wants --dev',
    },
    unlabeled: { type: 'string', array: true, describe: 'More text for those rounds, a text on each line, or JSONL' },
    'on-misaligned': onMisaligned,
    resume: { type: 'boolean', describe: 'Continue the run in the output folder, exactly' },
    json: { type: 'boolean', describe: 'The results as JSON' },
  },
  examples: [
    ['ner train recipes/quickstart.yaml', 'on the sample that comes with ner'],
    ['ner train my.yaml --model minilm --train a.conll --dev b.conll', 'your own data, a pretrained encoder'],
    ['ner train my.yaml --set training.epochs=5 --out runs/five', 'one key changed'],
    ['ner train my.yaml --train weak.jsonl --dev checked.conll --self-train', 'labels of ner weak fit'],
  ],
  async run(args) {
    const config = loadConfig({
      file: args.config,
      set: args.set ?? [],
      overrides: {
        'model.path': args.model,
        'data.train': args.train,
        'data.dev': args.dev,
        'data.test': args.test,
        'self_training.enabled': args['self-train'],
        'self_training.unlabeled': args.unlabeled,
        'data.on_misaligned': args['on-misaligned'],
        output: args.out,
        device: args.device,
      },
    })
    const outcome = await followRun((signal) => train(config, { resume: args.resume === true, signal }))
    if (outcome.interrupted) return exit.interrupted
    await write(args.json === true ? `${JSON.stringify(outcome.results, null, 2)}\n` : summary(outcome))
    return exit.done
  },
})

function summary({ output, test, dev }: TrainResult): string {
  const evaluation = test ?? dev
  const scored =
    evaluation === undefined ? '' : `${test === undefined ? 'dev' : 'test'}\n${evaluationTable(evaluation)}\n`
  return `${scored}model   ${output}\nreport  ${join(output, 'report.html')}\n`
}
