import type { ChosenColumns } from '../data/formats/columns/layout.js'
import { type OffsetUnit, units } from '../data/offsets.js'
import { formats, type CorpusOptions } from '../data/read.js'
import { type Scheme, schemes } from '../data/schemes.js'
import { NerError } from '../errors.js'

/** For the commands that run a model and have no configuration. */
export const threads = {
  type: 'number',
  default: 0,
  describe: 'Threads of the engine; 0 takes every core',
} as const

/** For the commands that train; the configuration's schema says what is none. */
export const device = {
  type: 'string',
  describe: 'Where the graph runs: cpu, webgpu, cuda[:N], or auto, a GPU where one works',
} as const

export const onMisaligned = {
  type: 'string',
  choices: ['error', 'skip'],
  describe: 'Spans that cut a word: stop, or write them to a file and leave them out',
} as const

/** For the commands that read labelled text. */
export const format = {
  type: 'string',
  choices: ['auto', ...formats],
  default: 'auto',
  describe: 'The format of the input; auto tells it by the content',
} as const

export const scheme = {
  type: 'string',
  choices: ['auto', ...schemes],
  default: 'auto',
  describe: "How the data's tags mark spans",
} as const

export const offsetUnit = {
  type: 'string',
  choices: units,
  describe: 'What offsets count where the file does not say; code points, as in Python',
} as const

export const skipBad = {
  type: 'boolean',
  describe: 'Leave out what is malformed, and write it to a file beside the output',
} as const

/** How labelled text is read. */
export const columns = {
  type: 'string',
  describe: 'Which columns hold words and tags, from 1, e.g. word=2,tag=3; told by what they hold where absent',
} as const

/** `word=2,tag=3` */
export function chosenColumns(text: string | undefined): { readonly columns?: ChosenColumns } {
  if (text === undefined) return {}
  const pairs = text.split(',').map((pair) => /^(word|tag)=(\d+)$/.exec(pair.trim()))
  if (pairs.every((pair) => pair !== null)) {
    return { columns: Object.fromEntries(pairs.map(([, name, number]) => [name!, Number(number)])) }
  }
  throw new NerError('usage/bad-flag', `--columns takes columns by name, not ${text}.`, {
    mend: 'For example: --columns word=2,tag=3',
  })
}

export const reading = { format, scheme, columns, 'offset-unit': offsetUnit } as const

interface ReadingArguments {
  readonly format?: CorpusOptions['format'] | undefined
  readonly scheme?: Scheme | 'auto' | undefined
  readonly columns?: string | undefined
  readonly 'offset-unit'?: OffsetUnit | undefined
}

export const readingOptions = ({ format, scheme, columns, 'offset-unit': unit }: ReadingArguments): CorpusOptions => ({
  ...chosenColumns(columns),
  ...(format !== undefined && { format }),
  ...(scheme !== undefined && scheme !== 'auto' && { scheme }),
  ...(unit !== undefined && { offsetUnit: unit }),
})

/** What is compared and merged. */
export const annotators = {
  type: 'string',
  array: true,
  demandOption: true,
  describe: 'A file for each annotator, or one whose rows say who labelled them',
} as const

/** What label models are fitted to. */
export const votes = {
  type: 'string',
  array: true,
  demandOption: true,
  describe: 'Documents with the votes of labelling functions, as ner weak apply writes them',
} as const

export const labelModelConfig = {
  type: 'string',
  describe: "A YAML file with a label_model section, e.g. ner weak apply's",
} as const
