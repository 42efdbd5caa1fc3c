import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NerError } from '../errors.js'
import type { Tokenizer } from '../features/tokenizer.js'

/** A part of `tokenizer.json`, by its kind. */
interface Part {
  readonly type: string
  readonly normalizers?: readonly Part[]
  readonly pretokenizers?: readonly Part[]
  readonly processors?: readonly Part[]
  readonly decoders?: readonly Part[]
  readonly delimiter?: string
}

type Kind = 'normalizer' | 'pre_tokenizer' | 'post_processor' | 'decoder'

/** Where the types below are taken from: the tokenizers of transformers.js 4.0 to 4.3. Others throw when they are loaded. */
export const transformersJsSource = '@huggingface/tokenizers 0.2'

const known: Readonly<Record<Kind, readonly string[]>> = {
  normalizer: [
    ...['BertNormalizer', 'Precompiled', 'Sequence', 'Replace', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Strip', 'StripAccents'],
    ...['Lowercase', 'Prepend'],
  ],
  pre_tokenizer: [
    ...['BertPreTokenizer', 'Sequence', 'Whitespace', 'WhitespaceSplit', 'Metaspace', 'ByteLevel', 'Split'],
    ...['Punctuation', 'Digits', 'Replace', 'FixedLength'],
  ],
  post_processor: ['TemplateProcessing', 'ByteLevel', 'BertProcessing', 'RobertaProcessing', 'Sequence'],
  decoder: [
    ...['ByteLevel', 'WordPiece', 'Metaspace', 'BPEDecoder', 'CTC', 'Sequence', 'Replace', 'Fuse', 'Strip'],
    'ByteFallback',
  ],
}

const replace = (characters: string, content: string) => ({
  type: 'Replace',
  pattern: { Regex: `[${characters}]` },
  content,
})

/** The same in parts that are known, of those that are not. */
const equal: Readonly<Record<string, (part: Part) => object>> = {
  // Control characters go, and whatever else is white becomes a blank, as in sentencepiece's nmt rules.
  Nmt: () => ({
    type: 'Sequence',
    normalizers: [
      replace('\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f', ''),
      replace('\u0009\u000a\u000c\u000d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd', ' '),
    ],
  }),
  CharDelimiterSplit: ({ delimiter }) => ({
    type: 'Split',
    pattern: { String: delimiter },
    behavior: 'Removed',
    invert: false,
  }),
}

/**
 * `tokenizer.json` in the parts that transformers.js knows: one that it does not is written in others that do the same.
 *
 * @throws NerError `export/not-transformers-js` where there are none
 */
export function forTransformersJs(tokenizerJson: string, where: string): string {
  const rewritten = (kind: Kind, part: Part): object => {
    const children = (['normalizers', 'pretokenizers', 'processors', 'decoders'] as const).flatMap((name) =>
      part[name] ? [[name, part[name].map((child) => rewritten(kind, child))] as const] : [],
    )
    if (known[kind].includes(part.type)) return { ...part, ...Object.fromEntries(children) }
    const other = equal[part.type]?.(part)
    if (other) return other
    throw new NerError('export/not-transformers-js', `transformers.js has no ${kind} ${part.type}.`, {
      where: `${where}: tokenizer.json`,
      mend: 'Export for `target` onnx or tensorrt, whose programs bring a tokenizer of their own.',
    })
  }
  const definition = JSON.parse(tokenizerJson) as Readonly<Record<Kind, Part | null | undefined>>
  const parts = (Object.keys(known) as Kind[]).flatMap((kind) => {
    const part = definition[kind]
    return part ? [[kind, rewritten(kind, part)] as const] : []
  })
  return JSON.stringify({ ...definition, ...Object.fromEntries(parts) })
}

/** What transformers.js made of a folder's tokenizer. */
export interface LoadedElsewhere {
  readonly version: string
  readonly words: number
  /** Words that are other pieces there. */
  readonly differing: readonly string[]
}

/**
 * Loads an exported folder's tokenizer in the transformers.js that is installed where we run, in a process of its own, and
 * compares the pieces of words. Undefined where none is installed.
 *
 * @throws NerError `export/not-transformers-js` where it cannot be loaded
 */
export async function loadElsewhere(
  folder: string,
  tokenizer: Tokenizer,
  words: readonly string[],
  from = process.cwd(),
): Promise<LoadedElsewhere | undefined> {
  const resolver = createRequire(join(from, 'package.json'))
  let installed: string
  try {
    installed = resolver.resolve('@huggingface/transformers')
  } catch {
    return undefined
  }
  const { version, pieces } = await runElsewhere(installed, folder, words)
  const own = await tokenizer.encodeWords(words)
  const same = (a: Int32Array, b: readonly number[]) =>
    (b.length === 0 && a.length === 1 && a[0] === tokenizer.unk) ||
    (a.length === b.length && a.every((id, i) => id === b[i]))
  return { version, words: words.length, differing: words.filter((_, i) => !same(own[i]!, pieces[i]!)) }
}

interface Elsewhere {
  readonly version: string
  readonly pieces: readonly (readonly number[])[]
}

function runElsewhere(installed: string, folder: string, words: readonly string[]): Promise<Elsewhere> {
  const script = fileURLToPath(new URL('../../dist/export/transformers-js-process.js', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [script, installed, folder],
      { maxBuffer: 1 << 28, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (!error) {
          resolve(JSON.parse(stdout) as Elsewhere)
          return
        }
        const reason = /^\w*Error: (.*)$/m.exec(stderr)?.[1] ?? error.message
        reject(
          new NerError('export/not-transformers-js', `transformers.js cannot load the tokenizer: ${reason}.`, {
            where: folder,
            mend: 'Export for `target` onnx or tensorrt, or with another version of transformers.js installed.',
          }),
        )
      },
    )
    child.stdin!.end(JSON.stringify(words))
  })
}
