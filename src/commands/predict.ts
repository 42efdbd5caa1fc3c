import { createReadStream, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { formatConll } from '../data/formats/conll-write.js'
import { streamedLines } from '../io/lines.js'
import { NerError } from '../errors.js'
import { findWords } from '../text/words.js'
import { type Entity, loadPredictor } from '../inference/predict.js'
import { defineCommand, exit } from './command.js'
import { highlighter } from './highlight.js'
import { write } from './output.js'
import { threads } from './options.js'
import { located } from './progress.js'

/** Texts predicted at once: enough to fill batches of like lengths, few enough that output flows. */
const textsAtOnce = 256

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
    input: { type: 'string', describe: 'A file with a text on each line; - is standard input' },
    json: { type: 'boolean', describe: 'One JSON array for all texts', conflicts: ['jsonl', 'conll'] },
    jsonl: { type: 'boolean', describe: 'A JSON object a line; the default but on a terminal', conflicts: 'conll' },
    conll: { type: 'boolean', describe: 'A token and its tag a line, a blank line after each text' },
    threads,
  },
  examples: [
    ['ner predict runs/ner "Marie Curie was born in Warsaw."', 'one text'],
    ['ner predict runs/ner --input news.txt --jsonl > entities.jsonl', 'a file, a text on each line'],
  ],
  async run(args) {
    const texts = textsOf(args)
    const predictor = await loadPredictor(await located(args.model, 'tagger'), { threads: args.threads })
    const form = forms[formOf(args)]()
    let written = 0
    for await (const batch of batches(texts)) {
      const entities = await predictor.predict(batch)
      if (!(await write(batch.map((text, i) => form.text(text, entities[i]!, written++)).join('')))) break
    }
    await write(form.end?.(written) ?? '')
    await predictor.close()
    return exit.done
  },
})

type Form = 'terminal' | 'json' | 'jsonl' | 'conll'

interface Writer {
  text(text: string, entities: readonly Entity[], index: number): string
  /** What closes the output after so many texts. */
  end?(texts: number): string
}

const forms: Record<Form, () => Writer> = {
  terminal() {
    const highlight = highlighter(process.stdout)
    return { text: (text, entities) => `${highlight(text, entities)}\n` }
  },
  json: () => ({
    text: (text, entities, index) => `${index === 0 ? '[\n' : ',\n'}${toJson(text, entities)}`,
    end: (texts) => (texts === 0 ? '[]\n' : '\n]\n'),
  }),
  jsonl: () => ({ text: (text, entities) => `${toJson(text, entities)}\n` }),
  conll: () => ({ text: toConll }),
}

function formOf(args: { json?: boolean | undefined; jsonl?: boolean | undefined; conll?: boolean | undefined }): Form {
  if (args.json === true) return 'json'
  if (args.conll === true) return 'conll'
  return args.jsonl === true || !process.stdout.isTTY ? 'jsonl' : 'terminal'
}

/** Offsets are JavaScript's, so that `word === text.slice(start, end)`; the record says so to other languages. */
const toJson = (text: string, entities: readonly Entity[]) => JSON.stringify({ text, entities, offset_unit: 'utf16' })

function toConll(text: string, entities: readonly Entity[], index: number): string {
  const spans = entities.map(({ start, end, entity_group }) => ({ start, end, label: entity_group }))
  if (text.trim() === '') return '\n'
  const document = { id: `text ${index + 1}`, text, tokens: findWords(text), layers: { predicted: spans } }
  return [...formatConll([document], { layer: 'predicted' })].join('')
}

type Texts = AsyncIterable<string> | readonly string[]

function textsOf({ text = [], input }: { text?: readonly string[] | undefined; input?: string | undefined }): Texts {
  if (text.length > 0 && input !== undefined) {
    throw new NerError('usage/bad-flag', 'There are texts both as arguments and with --input.', {
      mend: 'Give one or the other.',
    })
  }
  if (text.length > 0) return text
  if (input === undefined || input === '-') return lines(process.stdin, 'standard input')
  // Opened at once: a path that is wrong is told before a model is loaded.
  try {
    return lines(createReadStream(input, { fd: openSync(input, 'r') }), input)
  } catch (cause) {
    throw unreadable(input, cause)
  }
}

async function* lines(stream: Readable, name: string): AsyncGenerator<string> {
  try {
    yield* streamedLines(stream, name)
  } catch (cause) {
    throw cause instanceof NerError ? cause : unreadable(name, cause)
  }
}

const unreadable = (name: string, cause: unknown) =>
  new NerError('file/unreadable', 'The text cannot be read.', { where: name, mend: 'Check the path.', cause })

async function* batches(texts: Texts): AsyncGenerator<string[]> {
  let batch: string[] = []
  for await (const text of texts) {
    batch.push(text)
    if (batch.length === textsAtOnce) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
