import { convert, requirePlaceForRejects, writeRejects, type Conversion } from '../../data/convert.js'
import { units } from '../../data/offsets.js'
import { formats } from '../../data/read.js'
import { schemes } from '../../data/schemes.js'
import { snaps } from '../../data/snap.js'
import { findWords } from '../../text/words.js'
import { streamAtomically } from '../../io/write.js'
import type { Job } from '../../job.js'
import { thousands } from '../../report/numbers.js'
import { defineCommand, exit } from '../command.js'
import { lossList } from '../losses.js'
import { reading, readingOptions, skipBad } from '../options.js'
import { write, writeData } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: {
    input: { type: 'string', demandOption: true, describe: 'Labelled text of any format' },
  },
  options: {
    to: { type: 'string', choices: formats, demandOption: true, describe: 'The format to write' },
    out: { type: 'string', describe: 'The file to write; without one, standard output' },
    ...reading,
    'to-scheme': { type: 'string', choices: schemes, describe: 'How CoNLL tags are written; as they were, or IOB2' },
    'to-offset-unit': { type: 'string', choices: units, describe: "What JSONL's offsets count; code points" },
    snap: {
      type: 'string',
      choices: snaps,
      describe: 'Move the ends of spans that cut a word: to hold it, or to leave it',
    },
    'skip-bad': skipBad,
    json: { type: 'boolean', describe: 'What was done, as JSON', implies: 'out' },
  },
  examples: [
    ['ner data convert export.json --to conll --out train.conll', "an annotation tool's export, to train on"],
    ['ner data convert train.conll --to label-studio --out tasks.json', 'to correct labels in Label Studio'],
  ],
  async run(args) {
    if (args['skip-bad'] === true) requirePlaceForRejects(args.out)
    const [toScheme, unit] = [args['to-scheme'], args['to-offset-unit']]
    const job = convert(args.input, {
      to: args.to,
      ...readingOptions(args),
      words: findWords,
      skipBad: args['skip-bad'] === true,
      ...(toScheme !== undefined && { toScheme }),
      ...(unit !== undefined && { unit }),
      ...(args.snap !== undefined && { snap: args.snap }),
    })
    if (args.out === undefined) {
      tell(listed(await printed(job)))
      return exit.done
    }
    const out = args.out
    const conversion = await during('converting', () => written(job, out))
    const { rejects, ...done } = conversion
    const rejected = writeRejects(args.out, rejects)
    const beside = rejected === undefined ? '' : `${rejected} has what was left out\n`
    await write(
      args.json === true
        ? `${JSON.stringify({ ...done, rejects, rejected }, null, 2)}\n`
        : `${summary(conversion, args.out)}${listed(conversion)}${beside}`,
    )
    return exit.done
  },
})

/** Prints a file's text as it comes. */
async function printed(job: Job<Conversion>): Promise<Conversion> {
  for (;;) {
    const { value, done } = await job.next()
    if (done === true) return value
    await writeData(value)
  }
}

/** Writes a file's text as it comes; until all of it is there, nothing has its name. */
async function written(job: Job<Conversion>, path: string): Promise<Conversion> {
  let conversion: Conversion | undefined
  const text = async function* () {
    for (;;) {
      const { value, done } = await job.next()
      if (done === true) {
        conversion = value
        return
      }
      yield Buffer.from(value)
    }
  }
  await streamAtomically(path, text())
  return conversion!
}

const summary = ({ from, to, documents, spans }: Conversion, out: string) =>
  `${thousands(documents)} documents with ${thousands(spans)} spans from ${from} to ${to}: ${out}\n`

/** What did not come along. */
function listed({ to, losses, rejects }: Conversion): string {
  const left = rejects.slice(0, 5).map(({ where, what }) => `  ${where}: ${what}\n`)
  const all = left.length > 0 ? [`left out, ${thousands(rejects.length)} in all:\n`, ...left] : []
  return [lossList(to, losses), ...all].join('')
}
