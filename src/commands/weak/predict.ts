import { writeFileAtomically } from '../../io/write.js'
import { predictWeakLabels } from '../../weak/predict.js'
import { defineCommand, exit } from '../command.js'
import { write } from '../output.js'
import { during } from '../progress.js'
import { labelledLines, unusableLines, votesJson, votesLine } from './labels.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'What ner weak fit --save wrote' },
    votes: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Documents with the votes of the same labelling functions, as ner weak apply writes them',
    },
  },
  options: {
    out: {
      type: 'string',
      demandOption: true,
      describe: 'Write spans and a distribution for every word to this JSONL file',
    },
    json: { type: 'boolean', describe: 'The summary as JSON' },
  },
  examples: [['ner weak predict model.json votes.jsonl --out weak.jsonl', 'nothing is fitted again']],
  async run(args) {
    const weak = await during('labelling', predictWeakLabels(args.model, args.votes))
    writeFileAtomically(args.out, labelledLines(weak))
    await write(
      args.json === true
        ? `${JSON.stringify(votesJson(weak), null, 2)}\n`
        : `${votesLine(weak)}\nlabels  ${args.out}\n`,
    )
    for (const line of unusableLines(weak)) tell(`${line}\n`)
    return exit.done
  },
})
