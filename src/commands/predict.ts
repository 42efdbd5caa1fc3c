import { accessSync, constants, statSync } from 'node:fs'
import { formatConll } from '../data/formats/conll-write.js'
import type { Document, Span } from '../data/document.js'
import { partsOf, readPart } from '../data/parts.js'
import { segment } from '../data/segment.js'
import { NerError } from '../errors.js'
import { loadPredictor } from '../inference/predict.js'
import { unreadable } from '../io/open.js'
import { defineCommand, exit } from './command.js'
import { highlighter } from './highlight.js'
import { threads } from './options.js'
import { writeAsIs, writeData } from './output.js'
import { located } from './progress.js'

/** Documents predicted at once: enough to fill batches of like lengths, few enough that output flows. */
const documentsAtOnce = 256

export const command = defineCommand({
  positionals: {
    model: {
      type: 'string',
      demandOption: true,
      describe: 'A model folder, or org/name[@revision] on the Hugging Face hub',
    },
    text: { type: 'string', array: true, describe: 'Texts; without any, lines of --input or of standard input' },
  },
  options: {
    input: {
      type: 'string',
      describe:
        'Text, a text on each line, or labelled data of any format, whose labels are not read; - is standard input',
    },
    json: { type: 'boolean', describe: 'One JSON array for all texts', conflicts: ['jsonl', 'conll'] },
    jsonl: { type: 'boolean', describe: 'A JSON object a line; the default but on a terminal', conflicts: 'conll' },
    conll: { type: 'boolean', describe: 'A word and its tag a line, a blank line after each sentence' },
    threads,
  },
  examples: [
    ['ner predict runs/ner "Marie Curie was born in Warsaw."', 'one text'],
    ['ner predict runs/ner --input news.txt --jsonl > entities.jsonl', 'a file, a text on each line'],
    ['ner predict runs/ner --input test.conll --conll > found.conll', 'words as the file has them'],
  ],
  async run(args) {
    const documents = documentsOf(args)
    const predictor = await loadPredictor(await located(args.model, 'tagger'), { threads: args.threads })
    const kind = formOf(args)
    const form = forms[kind]()
    const put = kind === 'terminal' ? writeAsIs : writeData
    let written = 0
    for await (const batch of batches(documents)) {
      const found = await predictor.predictDocuments(batch)
      if (!(await put(batch.map((document, i) => form.document(document, found[i]!, written++)).join('')))) break
    }
    await put(form.end?.(written) ?? '')
    await predictor.close()
    return exit.done
  },
})

type Form = 'terminal' | 'json' | 'jsonl' | 'conll'

interface Writer {
  document(document: Input, spans: readonly Span[], index: number): string
  /** What closes the output after so many documents. */
  end?(documents: number): string
}

const forms: Record<Form, () => Writer> = {
  terminal() {
    const highlight = highlighter(process.stdout)
    return { document: ({ text }, spans) => `${highlight(text, entitiesOf(text, spans))}\n` }
  },
  json: () => ({
    document: (document, spans, index) => `${index === 0 ? '[\n' : ',\n'}${toJson(document, spans)}`,
    end: (documents) => (documents === 0 ? '[]\n' : '\n]\n'),
  }),
  jsonl: () => ({ document: (document, spans) => `${toJson(document, spans)}\n` }),
  conll: () => ({ document: toConll }),
}

function formOf(args: { json?: boolean | undefined; jsonl?: boolean | undefined; conll?: boolean | undefined }): Form {
  if (args.json === true) return 'json'
  if (args.conll === true) return 'conll'
  return args.jsonl === true || !process.stdout.isTTY ? 'jsonl' : 'terminal'
}

/** As Hugging Face's token-classification pipeline names an entity's parts. */
const entitiesOf = (text: string, spans: readonly Span[]) =>
  spans.map(({ label, score, start, end }) => ({
    entity_group: label,
    score: score!,
    word: text.slice(start, end),
    start,
    end,
  }))

/**
 * Offsets are JavaScript's, so that `word === text.slice(start, end)`; the record says so to other languages. Where the
 * input has ids and words, the record has them too.
 */
function toJson({ id, text, tokens, sentences, isText }: Input, spans: readonly Span[]): string {
  return JSON.stringify({
    ...(!isText && { id }),
    text,
    ...(tokens && { tokens: tokens.map(({ start, end }) => ({ start, end })) }),
    ...(tokens && sentences && { sentences }),
    entities: entitiesOf(text, spans),
    offset_unit: 'utf16',
  })
}

function toConll(document: Input, spans: readonly Span[]): string {
  if (document.text.trim() === '') return '\n'
  const { tokens } = segment(document)
  // A text is one sentence, so that the n-th of the columns is the n-th line of the input.
  return [...formatConll([{ ...document, tokens, layers: { predicted: spans } }], { layer: 'predicted' })].join('')
}

/** A document to predict on, and whether it is a bare line of text. */
type Input = Document & { readonly isText: boolean }

type Inputs = AsyncIterable<Input> | readonly Input[]

function documentsOf({
  text = [],
  input,
}: {
  text?: readonly string[] | undefined
  input?: string | undefined
}): Inputs {
  if (text.length > 0 && input !== undefined) {
    throw new NerError('usage/bad-flag', 'There are texts both as arguments and with --input.', {
      mend: 'Give one or the other.',
    })
  }
  if (text.length > 0) return text.map((line, i) => ({ id: `text ${i + 1}`, text: line, layers: {}, isText: true }))
  const file = input ?? '-'
  // Told at once, before a model is loaded.
  if (file !== '-') checkReadable(file)
  return read(file)
}

function checkReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK)
    if (statSync(file).isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' })
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

async function* read(file: string): AsyncGenerator<Input> {
  try {
    for await (const part of partsOf(file)) {
      const isText = part.kind.format === 'text'
      for (const document of readPart(part, { blankLines: true }).documents) yield { ...document, isText }
    }
  } catch (error) {
    // No text has no entities: a pipe that gives nothing is no mistake.
    if (!(error instanceof NerError && error.code === 'data/empty')) throw error
  }
}

async function* batches(documents: Inputs): AsyncGenerator<Input[]> {
  let batch: Input[] = []
  for await (const document of documents) {
    batch.push(document)
    if (batch.length === documentsAtOnce) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
