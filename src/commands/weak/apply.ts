import { gzipSync } from 'node:zlib'
import { requirePlaceForRejects, writeRejects } from '../../data/convert.js'
import { partFormats } from '../../data/parts.js'
import type { Reject } from '../../data/source.js'
import { streamAtomically } from '../../io/write.js'
import { thousands } from '../../report/numbers.js'
import { applyFunctions, type ApplyOptions, type Failure, type LabelledPart } from '../../sources/apply.js'
import { loadWeakConfig } from '../../weak/config.js'
import { prepare, type Prepared } from '../../sources/prepare.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { skipBad } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: {
    config: { type: 'string', demandOption: true, describe: 'A YAML file; recipes/weak/conll.yaml shows the form' },
  },
  options: {
    input: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Text: JSONL, CoNLL or a text a line; - is stdin',
    },
    out: {
      type: 'string',
      demandOption: true,
      describe: 'The JSONL to write, with a layer for each function; gzipped if .gz',
    },
    format: {
      type: 'string',
      choices: partFormats,
      describe: 'The format of the input, where its content does not tell',
    },
    'skip-bad': skipBad,
    'keep-going': { type: 'boolean', describe: 'Go on without a function where it fails on a document' },
    threads: { type: 'number', default: 0, describe: 'Threads; 0 takes every core' },
    json: { type: 'boolean', describe: 'What was done, as JSON' },
  },
  examples: [
    ['ner weak apply my.yaml --input news.txt --out voted.jsonl', 'a text on each line'],
    ['ner weak apply my.yaml --input a.jsonl.gz --input b.conll --out voted.jsonl.gz', 'several files'],
  ],
  async run(args) {
    const skip = args['skip-bad'] === true
    if (skip) requirePlaceForRejects(args.out)
    const file = loadWeakConfig(args.config)
    const prepared = await during('loading', prepare(file, { skipBad: skip }))
    const options: ApplyOptions = {
      skipBad: skip,
      keepGoing: args['keep-going'] === true,
      threads: args.threads,
      ...(args.format && { format: args.format }),
    }
    const done = summary(prepared)
    await during('labelling', async (say) => {
      const parts = applyFunctions(prepared, args.input, options)
      await streamAtomically(
        args.out,
        (async function* () {
          for await (const part of parts) {
            done.add(part)
            say(`labelling · ${thousands(done.documents)} documents`)
            yield args.out.endsWith('.gz') ? gzipSync(part.lines) : part.lines
          }
        })(),
      )
    })
    const rejected = writeRejects(args.out, [...prepared.rejects, ...done.rejects])
    await write(args.json === true ? `${JSON.stringify({ ...done.json(), rejected }, null, 2)}\n` : done.text(args.out))
    tell(done.complaints(rejected))
    return exit.done
  },
})

/** What was done, gathered part by part. */
function summary({ functions }: Prepared) {
  const spans = functions.map(() => 0)
  const rejects: Reject[] = []
  const failures: Failure[] = []
  let documents = 0
  const byName = () => Object.fromEntries(functions.map(({ name }, i) => [name, spans[i]!]))
  return {
    rejects,
    get documents() {
      return documents
    },
    add(part: LabelledPart) {
      documents += part.documents
      part.spans.forEach((count, i) => (spans[i]! += count))
      rejects.push(...part.rejects)
      failures.push(...part.failures)
    },
    json: () => ({ documents, spans: byName(), failures }),
    text: (out: string) =>
      table([['function', 'spans'], ...Object.entries(byName()).map(([name, count]) => [name, thousands(count)])]) +
      `\n${thousands(documents)} documents: ${out}\n`,
    complaints(rejected: string | undefined) {
      const failed = failures.slice(0, 5).map(({ what, where }) => `  ${what} (${where})\n`)
      return [
        rejected === undefined ? '' : `${rejected} has what was left out\n`,
        failures.length === 0 ? '' : `functions failed ${thousands(failures.length)} times:\n${failed.join('')}`,
      ].join('')
    },
  }
}
