import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer as Binding } from 'tokenizers'
import { NerError } from '../errors.js'

/** A tokenizer as the toolkit uses it: words in, piece ids out. */
export interface Tokenizer {
  /** One more than the largest piece id: the rows a model's embedding needs. */
  readonly vocabSize: number
  /** Special pieces that the post-processor puts before and after a text, e.g. `[CLS]` and `[SEP]`. */
  readonly prefix: Int32Array
  readonly suffix: Int32Array
  readonly cls: number | undefined
  readonly sep: number | undefined
  readonly pad: number
  readonly unk: number
  /** Pieces a model made for this tokenizer takes, with the special ones; Infinity where the folder does not say. */
  readonly maxLength: number
  /** File names and contents that save this tokenizer into a model folder, without its truncation and padding. */
  readonly files: Readonly<Record<string, string>>
  /**
   * Piece ids of each word, without special pieces: the ids that the `tokenizers` library (and Python's
   * `is_split_into_words=True`) gives for pre-split words. A word without pieces, such as a control character,
   * gets the unknown piece, so that every word can be labelled. Words are remembered from call to call; pass
   * distinct ones.
   */
  encodeWords(words: readonly string[]): Promise<readonly Int32Array[]>
  /** The pieces of a whole text as it stands, without the special pieces around it. */
  encodeText(text: string): Promise<TextPieces>
  /** Pieces by name as text again, as the tokenizer's decoder puts them together. */
  joinPieces(pieces: readonly string[]): string
  /** Whether a piece that goes on with a word is marked so, as `##ing` is. */
  readonly marksContinuation: boolean
}

export interface TextPieces {
  readonly ids: Int32Array
  /** Their names in the vocabulary. */
  readonly pieces: readonly string[]
  /** What each stands for in the text, in code points. */
  readonly ranges: readonly (readonly [start: number, end: number])[]
}

/** A special token in `tokenizer_config.json` is a string or, from older versions of transformers, an AddedToken. */
type SpecialToken = string | { readonly content: string } | null

interface TokenizerConfig {
  readonly model_max_length?: number
  readonly [key: string]: unknown
}

/** The parts of `tokenizer.json` that are read here. */
interface TokenizerJson {
  truncation: unknown
  padding?: { readonly pad_token?: string } | null
  readonly normalizer?: unknown
  readonly pre_tokenizer?: PreTokenizerJson | null
  readonly model: {
    readonly type?: string
    readonly unk_token?: string | null
    readonly unk_id?: number | null
    readonly continuing_subword_prefix?: string | null
  }
}

interface PreTokenizerJson {
  readonly type: string
  add_prefix_space?: boolean
  readonly pretokenizers?: readonly PreTokenizerJson[]
}

/** A sequence longer than this is transformers' way of saying "no limit" (`int(1e30)`). */
const noLimit = 1e9

/** Distinct words remembered between calls: some 40 MB. More than this many and the memory starts afresh. */
const cachedWords = 1 << 18

/** Words handed to the binding at once; it spreads them over the cores. */
const chunk = 1 << 13

/**
 * Loads the tokenizer of a Hugging Face model folder.
 *
 * Truncation and padding baked into `tokenizer.json` are dropped: a reader that obeys them loses text without a word.
 * A byte-level pre-tokenizer is told to put a space before every word, as pre-split words need.
 *
 * @throws NerError `model/missing-file` without `tokenizer.json`, `model/tokenizer` where it cannot be used.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const [tokenizerJson, configJson, specialTokensJson] = await Promise.all([
    readOptional(join(folder, 'tokenizer.json')),
    readOptional(join(folder, 'tokenizer_config.json')),
    readOptional(join(folder, 'special_tokens_map.json')),
  ])
  if (tokenizerJson === undefined)
    throw new NerError('model/missing-file', 'The model folder has no tokenizer.json.', {
      where: folder,
      mend: 'Save the model again with a fast tokenizer: AutoTokenizer.from_pretrained(…).save_pretrained(folder).',
    })
  return makeTokenizer(
    {
      'tokenizer.json': tokenizerJson,
      ...(configJson !== undefined && { 'tokenizer_config.json': configJson }),
      ...(specialTokensJson !== undefined && { 'special_tokens_map.json': specialTokensJson }),
    },
    folder,
  )
}

/**
 * A tokenizer from the contents of its files: `tokenizer.json`, and, where there are, `tokenizer_config.json` and
 * `special_tokens_map.json`. `where` names their source in messages.
 */
export async function makeTokenizer(sources: Readonly<Record<string, string>>, where: string): Promise<Tokenizer> {
  const definition = parse(sources, 'tokenizer.json', where) as TokenizerJson
  const config = parse(sources, 'tokenizer_config.json', where) as TokenizerConfig
  const specialTokens = parse(sources, 'special_tokens_map.json', where) as Record<string, SpecialToken>
  const bakedPad = definition.padding?.pad_token
  definition.truncation = null
  definition.padding = null
  const spaced = prefixSpaces(definition.pre_tokenizer)
  const definitionJson = JSON.stringify(definition)
  const binding = bind(definitionJson, where)

  /** The first of the names that is a piece. */
  const special = (role: 'pad' | 'unk', ...names: (string | null | undefined)[]): number => {
    const named = (specialTokens[`${role}_token`] ?? config[`${role}_token`]) as SpecialToken | undefined
    for (const name of [typeof named === 'string' ? named : named?.content, ...names]) {
      const id = name == null ? null : binding.tokenToId(name)
      if (id !== null) return id
    }
    throw new NerError('model/tokenizer', `The tokenizer names no ${role} piece.`, {
      where,
      mend: `Name it as "${role}_token" in tokenizer_config.json.`,
    })
  }
  const pad = special('pad', bakedPad, '[PAD]', '<pad>')
  const unk = definition.model.unk_id ?? special('unk', definition.model.unk_token, '[UNK]', '<unk>')
  const { prefix, suffix } = await specialPieces(binding)
  const [cls, sep] = [prefix.at(0), suffix.at(0)]

  const roles = Object.entries({ cls_token: cls, sep_token: sep, pad_token: pad, unk_token: unk })
  const roleNames = Object.fromEntries(
    roles.flatMap(([role, id]) => (id === undefined ? [] : [[role, binding.idToToken(id)]])),
  )
  const fullConfig = { tokenizer_class: plainClass, ...roleNames, ...config }
  const files = {
    'tokenizer.json': definitionJson,
    // Kept to the letter where it can be: a rewritten int(1e30) would come back as a float.
    'tokenizer_config.json':
      spaced || sources['tokenizer_config.json'] === undefined
        ? JSON.stringify({ ...fullConfig, ...(spaced && { add_prefix_space: true }) }, null, 2)
        : withPlainClass(sources['tokenizer_config.json'], definition),
    'special_tokens_map.json': sources['special_tokens_map.json'] ?? JSON.stringify(roleNames, null, 2),
  }
  const { model_max_length: maxLength = Infinity } = config
  return {
    vocabSize: Math.max(binding.getVocabSize(true) - 1, cls ?? 0, sep ?? 0, pad, unk) + 1,
    prefix,
    suffix,
    cls,
    sep,
    pad,
    unk,
    maxLength: maxLength < noLimit ? maxLength : Infinity,
    files,
    encodeWords: wordEncoder(binding, unk),
    async encodeText(text) {
      const encoding = await binding.encode(text, null, { addSpecialTokens: false })
      return {
        ids: Int32Array.from(encoding.getIds()),
        pieces: encoding.getTokens(),
        ranges: encoding.getOffsets() as [number, number][],
      }
    },
    joinPieces: (pieces) => binding.getDecoder()?.decode([...pieces]) ?? pieces.join(' '),
    marksContinuation: Boolean(definition.model.continuing_subword_prefix),
  }
}

/** The class of transformers that takes `tokenizer.json` as it is. */
const plainClass = 'PreTrainedTokenizerFast'

/**
 * A `tokenizer_config.json` whose class transformers does not build anew: from version 5 on it makes a sentencepiece
 * tokenizer, XLM-R's and its kin, of its class and vocabulary, and drops the normaliser of `tokenizer.json`. The rest is
 * kept to the letter.
 */
function withPlainClass(config: string, { model, normalizer }: TokenizerJson): string {
  if (model.type !== 'Unigram' || normalizer == null) return config
  const named = /("tokenizer_class"\s*:\s*)(?:"[^"]*"|null)/
  if (named.test(config)) return config.replace(named, `$1"${plainClass}"`)
  return config.replace(/\{(\s*\})?/, (_, end?: string) => `{"tokenizer_class": "${plainClass}"${end ?? ','}`)
}

function wordEncoder(binding: Binding, unk: number): Tokenizer['encodeWords'] {
  const cache = new Map<string, Int32Array>()
  const unknown = Int32Array.of(unk)
  return async (words) => {
    const pieces = words.map((word) => cache.get(word))
    const unseen = [...words.keys()].filter((i) => pieces[i] === undefined)
    if (cache.size + unseen.length > cachedWords) cache.clear()
    for (let start = 0; start < unseen.length; start += chunk) {
      const part = unseen.slice(start, start + chunk)
      const texts = part.map((i) => words[i]!)
      // The binding takes no pre-split text, but a word by itself goes through the same steps.
      const encodings = await binding.encodeBatch(texts, { addSpecialTokens: false })
      for (const [k, i] of part.entries()) {
        const ids = Int32Array.from(encodings[k]!.getIds())
        pieces[i] = ids.length > 0 ? ids : unknown
        if (cache.size < cachedWords) cache.set(detach(words[i]!), pieces[i])
      }
    }
    return pieces as Int32Array[]
  }
}

/** Turns `add_prefix_space` on in every byte-level pre-tokenizer that has it off; true where one had. */
function prefixSpaces(preTokenizer: PreTokenizerJson | null | undefined): boolean {
  if (!preTokenizer) return false
  if (preTokenizer.type === 'ByteLevel' && preTokenizer.add_prefix_space === false) {
    preTokenizer.add_prefix_space = true
    return true
  }
  return (preTokenizer.pretokenizers ?? []).map(prefixSpaces).includes(true)
}

/** What the post-processor puts around a text, seen by encoding one: it may be a template, or BERT's, or a chain. */
async function specialPieces(binding: Binding): Promise<{ prefix: Int32Array; suffix: Int32Array }> {
  const encoding = await binding.encode('a', null, { addSpecialTokens: true })
  const ids = encoding.getIds()
  const special = encoding.getSpecialTokensMask()
  const first = special.indexOf(0)
  const last = special.lastIndexOf(0)
  return { prefix: Int32Array.from(ids.slice(0, first)), suffix: Int32Array.from(ids.slice(last + 1)) }
}

function bind(definition: string, where: string): Binding {
  try {
    return Binding.fromString(definition)
  } catch (cause) {
    throw new NerError('model/tokenizer', `The tokenizer cannot be loaded: ${(cause as Error).message}.`, {
      where: `${where}: tokenizer.json`,
      mend: 'Copy tokenizer.json again, or save it with a current version of the tokenizers library.',
      cause,
    })
  }
}

function parse(sources: Readonly<Record<string, string>>, name: string, where: string): object {
  try {
    const value: unknown = JSON.parse(sources[name] ?? '{}')
    if (typeof value !== 'object' || value === null) throw new SyntaxError('not an object')
    return value
  } catch (cause) {
    throw new NerError('model/tokenizer', `${name} is not valid JSON: ${(cause as Error).message}.`, {
      where: `${where}: ${name}`,
      mend: 'Copy the file again from where the model came from.',
      cause,
    })
  }
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new NerError('file/unreadable', 'A file of the tokenizer cannot be read.', {
      where: file,
      mend: 'Check that it is a file, and its permissions.',
      cause,
    })
  }
}

/** A copy of a word: a slice of a text would keep the whole text in memory for as long as the cache lives. */
function detach(word: string): string {
  return Buffer.from(word, 'utf16le').toString('utf16le')
}
