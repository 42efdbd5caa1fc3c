import { convert, writeRejects, type Conversion } from '../data/convert.js'
import { units } from '../data/offsets.js'
import { formats } from '../data/read.js'
import { schemes } from '../data/schemes.js'
import { NerError } from '../errors.js'
import { findWords } from '../features/words.js'
import { writeFileAtomically } from '../files.js'
import { thousands } from '../report/numbers.js'
import { defineCommand, exit } from './command.js'
import { format, offsetUnit, scheme, skipBad } from './options.js'
import { write } from './output.js'
import { during } from './progress.js'

export const command = defineCommand({
  positionals: {
    input: { type: 'string', demandOption: true, describe: 'Labelled text of any format' },
  },
  options: {
    to: { type: 'string', choices: formats, demandOption: true, describe: 'The format to write' },
    out: { type: 'string', describe: 'The file to write; without one, standard output' },
    from: format,
    scheme,
    'to-scheme': { type: 'string', choices: schemes, describe: 'How CoNLL tags are written; as they were, or IOB2' },
    'offset-unit': offsetUnit,
    'to-offset-unit': { type: 'string', choices: units, describe: "What JSONL's offsets count; code points" },
    'skip-bad': skipBad,
    json: { type: 'boolean', describe: 'What was done, as JSON', implies: 'out' },
  },
  examples: [
    ['ner data convert export.json --to conll --out train.conll', "an annotation tool's export, to train on"],
    ['ner data convert train.conll --to label-studio --out tasks.json', 'to correct labels in Label Studio'],
  ],
  async run(args) {
    if (args['skip-bad'] === true && args.out === undefined) {
      throw new NerError('usage/bad-flag', '--skip-bad writes what it leaves out beside the output.', {
        mend: 'Name the output with --out.',
      })
    }
    const [toScheme, offsets, unit] = [args['to-scheme'], args['offset-unit'], args['to-offset-unit']]
    const conversion = await during(
      'converting',
      convert(args.input, {
        to: args.to,
        format: args.from,
        words: findWords,
        skipBad: args['skip-bad'] === true,
        ...(args.scheme !== 'auto' && { scheme: args.scheme }),
        ...(toScheme !== undefined && { toScheme }),
        ...(offsets !== undefined && { offsetUnit: offsets }),
        ...(unit !== undefined && { unit }),
      }),
    )
    const { pieces, rejects, ...done } = conversion
    if (args.out === undefined) {
      for (const piece of pieces) await write(piece)
      process.stderr.write(listed(conversion))
      return exit.done
    }
    writeFileAtomically(
      args.out,
      pieces.map((piece) => Buffer.from(piece)),
    )
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

const summary = ({ from, to, documents, spans }: Conversion, out: string) =>
  `${thousands(documents)} documents with ${thousands(spans)} spans from ${from} to ${to}: ${out}\n`

/** What did not come along. */
function listed({ to, losses, rejects }: Conversion): string {
  const lines = losses.map(({ what, count, first }) => `  ${what} (${thousands(count)}, first at ${first})\n`)
  const left = rejects.slice(0, 5).map(({ where, what }) => `  ${where}: ${what}\n`)
  return [
    ...(lines.length > 0 ? [`not carried over to ${to}:\n`, ...lines] : []),
    ...(left.length > 0 ? [`left out, ${thousands(rejects.length)} in all:\n`, ...left] : []),
  ].join('')
}
