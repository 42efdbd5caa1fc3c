import { units } from '../data/offsets.js'
import { formats, type CorpusOptions } from '../data/read.js'
import { schemes } from '../data/schemes.js'

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
export const reading = { format, scheme, 'offset-unit': offsetUnit } as const

type ReadingArguments = { readonly [K in keyof typeof reading]?: (typeof reading)[K]['choices'][number] | undefined }

export const readingOptions = ({ format, scheme, 'offset-unit': unit }: ReadingArguments): CorpusOptions => ({
  ...(format !== undefined && { format }),
  ...(scheme !== undefined && scheme !== 'auto' && { scheme }),
  ...(unit !== undefined && { offsetUnit: unit }),
})

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
