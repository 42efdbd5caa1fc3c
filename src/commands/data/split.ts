import { join } from 'node:path'
import { goldLayer, type Document } from '../../data/document.js'
import { extensions, readDocuments } from '../../data/read.js'
import { splitDocuments } from '../../data/split.js'
import { writeDocuments } from '../../data/write.js'
import { NerError } from '../../errors.js'
import { findWords } from '../../text/words.js'
import { writeFileAtomically } from '../../io/write.js'
import { percent, thousands } from '../../report/numbers.js'
import { defineCommand, exit } from '../command.js'
import { table } from '../format.js'
import { lossList } from '../losses.js'
import { reading, readingOptions } from '../options.js'
import { write } from '../output.js'
import { during } from '../progress.js'
import { tell } from '../../terminal.js'

const names = ['train', 'dev', 'test'] as const

export const command = defineCommand({
  positionals: {
    file: { type: 'string', demandOption: true, describe: 'Labelled text of any format' },
  },
  options: {
    out: { type: 'string', demandOption: true, describe: 'The folder for train, dev and test' },
    shares: {
      type: 'string',
      default: '0.8,0.1,0.1',
      describe: 'What train, dev and test get; two shares are train and test',
    },
    seed: { type: 'number', default: 1, describe: 'Another seed gives other parts' },
    ...reading,
    json: { type: 'boolean', describe: 'What each part holds, as JSON' },
  },
  examples: [['ner data split all.conll --out parts', 'parts/train.conll, dev.conll and test.conll']],
  async run(args) {
    const shares = sharesOf(args.shares)
    const partNames = shares.length === 2 ? (['train', 'test'] as const) : names
    const corpus = await readDocuments(args.file, { ...readingOptions(args), labels: 'optional' })
    const { documents, format, scheme } = corpus
    const parts = await during('splitting', Promise.resolve(splitDocuments(documents, { shares, seed: args.seed })))
    const empty = parts.findIndex((part) => part.length === 0)
    if (empty >= 0) {
      throw new NerError('data/empty', `There are too few texts for a ${partNames[empty]} part.`, {
        where: args.file,
        mend: 'Give it a larger share, or split more text. Texts that are nearly the same stay together.',
      })
    }
    const written = parts.map((part) => writeDocuments(part, format, { words: findWords, ...(scheme && { scheme }) }))
    const files = parts.map((part, i) => ({
      name: partNames[i]!,
      path: join(args.out, `${partNames[i]}${extensions[format]}`),
      documents: part,
    }))
    for (const [i, { path }] of files.entries()) writeFileAtomically(path, written[i]!.pieces)
    tell(lossList(format, [...corpus.losses, ...written.flatMap(({ losses }) => losses)]))
    const labels = [...new Set(documents.flatMap(labelsOf))].sort()
    await write(args.json === true ? `${JSON.stringify(toJson(files, labels), null, 2)}\n` : summary(files, labels))
    return exit.done
  },
})

function sharesOf(text: string): number[] {
  const shares = text.split(',').map(Number)
  const sum = shares.reduce((total, share) => total + share, 0)
  if (shares.length >= 2 && shares.length <= 3 && shares.every((share) => share > 0) && sum > 0) {
    return shares.map((share) => share / sum)
  }
  throw new NerError('usage/bad-flag', `--shares takes two or three positive numbers, not ${text}.`, {
    mend: 'For example: --shares 0.8,0.1,0.1',
  })
}

interface Part {
  readonly name: string
  readonly path: string
  readonly documents: readonly Document[]
}

const labelsOf = ({ layers }: Document) => (layers[goldLayer] ?? []).map(({ label }) => label)

const countOf = ({ documents }: Part, label: string) =>
  documents.reduce((sum, document) => sum + labelsOf(document).filter((other) => other === label).length, 0)

const toJson = (parts: readonly Part[], labels: readonly string[]) =>
  parts.map((part) => ({
    path: part.path,
    documents: part.documents.length,
    labels: Object.fromEntries(labels.map((label) => [label, countOf(part, label)])),
  }))

/** Documents and labels of each part, with their shares, and its file. */
function summary(parts: readonly Part[], labels: readonly string[]): string {
  const row = (name: string, counts: readonly number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0)
    return [name, ...counts.flatMap((count) => [thousands(count), total === 0 ? '' : `${percent(count / total)} %`])]
  }
  const counts = table([
    ['', ...parts.flatMap(({ name }) => [name, ''])],
    row(
      'documents',
      parts.map(({ documents }) => documents.length),
    ),
    ...labels.map((label) =>
      row(
        label,
        parts.map((part) => countOf(part, label)),
      ),
    ),
  ])
  return `${counts}\n${parts.map(({ path }) => `${path}\n`).join('')}`
}
