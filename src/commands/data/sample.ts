import { sampleStratified, traits, type Trait } from '../../agreement/strata.js'
import { formatConll } from '../../data/formats/conll-write.js'
import { formatJsonl } from '../../data/formats/jsonl.js'
import { readDocuments, type Corpus } from '../../data/read.js'
import type { Document } from '../../data/document.js'
import { NerError } from '../../errors.js'
import { writeFileAtomically } from '../../io/write.js'
import { thousands } from '../../report/numbers.js'
import { leastSure } from '../../evaluation/uncertainty.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { threads } from '../options.js'
import { write, writeData } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

export const command = defineCommand({
  positionals: {
    file: { type: 'string', demandOption: true, describe: 'Text in any format, labelled or, for uncertainty, not' },
  },
  options: {
    n: { type: 'number', demandOption: true, describe: 'How many documents, or, by uncertainty, sentences' },
    by: {
      type: 'string',
      default: 'type,source,length',
      describe: 'Strata, any of type,source,length; or uncertainty, for what a model is least sure of',
    },
    model: { type: 'string', describe: 'The model folder whose uncertainty counts' },
    seed: { type: 'number', default: 1, describe: 'Another one gives another sample' },
    out: { type: 'string', describe: 'Write the sample to this file, not to standard output' },
    threads,
  },
  examples: [
    ['ner data sample all.jsonl --n 500 --out batch.jsonl', 'to annotate twice: rare types are in it'],
    ['ner data sample all.jsonl --n 200 --by uncertainty --model runs/ner', 'what to label next'],
  ],
  async run(args) {
    if (!Number.isInteger(args.n) || args.n < 1) throw badFlag(`--n takes a whole number above 0, not ${args.n}.`)
    const isUncertainty = args.by === 'uncertainty'
    if (isUncertainty !== (args.model !== undefined)) {
      throw badFlag('--by uncertainty and --model go together.', 'For example: --by uncertainty --model runs/ner')
    }
    const by = isUncertainty ? [] : traitsOf(args.by)
    const corpus = await readDocuments(args.file, { labels: 'optional' })
    const { documents, told } = isUncertainty
      ? await uncertain(corpus, args.model!, args.n, args.threads)
      : stratified(corpus, args.n, by, args.seed)
    const text = format(corpus, documents)
    if (args.out === undefined) {
      await writeData(text)
      tell(told)
    } else {
      writeFileAtomically(args.out, text)
      await write(told)
    }
    return exit.done
  },
})

interface Told {
  readonly documents: readonly Document[]
  readonly told: string
}

function stratified(corpus: Corpus, n: number, by: readonly Trait[], seed: number): Told {
  const { documents, strata } = sampleStratified(corpus.documents, n, by, seed)
  const rows = strata.map(({ values, documents: all, drawn }) => [...values, thousands(all.length), thousands(drawn)])
  const total = [
    ...by.map((_, i) => (i === 0 ? 'all' : '')),
    thousands(corpus.documents.length),
    thousands(documents.length),
  ]
  const fewer =
    documents.length < n ? `The file has ${thousands(documents.length)} documents: all of them are taken.\n` : ''
  return { documents, told: table([[...by, 'documents', 'drawn'], ...rows, total]) + fewer }
}

async function uncertain(corpus: Corpus, model: string, n: number, threadCount: number): Promise<Told> {
  const chosen = await during('asking the model', leastSure(model, corpus.documents, n, { threads: threadCount }))
  const rows = chosen
    .slice(0, 10)
    .map(({ document, uncertainty }) => [
      `${document.id}  ${document.text.replace(/\s+/g, ' ').slice(0, 60)}`,
      uncertainty.toFixed(3),
    ])
  return {
    documents: chosen.map(({ document }) => document),
    told: table([[`${thousands(chosen.length)} sentences, the least sure first`, 'uncertainty'], ...rows]),
  }
}

/** As the file was: in columns, or as JSONL. */
const format = ({ format: kind }: Corpus, documents: readonly Document[]): string =>
  [...(kind === 'conll' ? formatConll(documents) : formatJsonl(documents))].join('')

function traitsOf(list: string): Trait[] {
  const asked = list.split(',').map((name) => name.trim())
  const unknown = asked.find((name) => !traits.some((trait) => trait === name))
  if (unknown !== undefined) {
    throw badFlag(`--by ${unknown} is not known.`, `Any of ${traits.join(',')}, or uncertainty by itself.`)
  }
  return [...new Set(asked)] as Trait[]
}

const badFlag = (what: string, mend = 'For example: --n 500') => new NerError('usage/bad-flag', what, { mend })
