import { Tokenizer as Binding } from 'tokenizers'
import { makeTokenizer, type Tokenizer } from './tokenizer.js'
import { learnPieces } from './wordpiece.js'

export interface TokenizerTraining {
  /** Pieces of the vocabulary, the special ones included. Fewer are made where the data does not give as many. */
  readonly vocabSize: number
  /** Lower-case the text and strip accents, as uncased BERT does; capitals tell names, so this is off by default. */
  readonly lowercase?: boolean
  /** Pieces a model made for this tokenizer takes, with the special ones. */
  readonly maxLength: number
  /** Whether such a model tells a first text from a second; where it does not, no tool is to say which a piece is of. */
  readonly tokenTypes?: boolean
}

const specialPieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']

/**
 * A BERT tokenizer (WordPiece) whose vocabulary is learnt from the words of a corpus. The same words, in any order, give
 * the same files.
 */
export async function trainTokenizer(words: Iterable<string>, training: TokenizerTraining): Promise<Tokenizer> {
  const { vocabSize, lowercase = false, maxLength, tokenTypes = true } = training
  const definition = (vocabulary: readonly string[]) => JSON.stringify(bertTokenizer(vocabulary, lowercase))
  const split = Binding.fromString(definition(specialPieces))
  const normalizer = split.getNormalizer()!
  const preTokenizer = split.getPreTokenizer()!

  const counts = new Map<string, number>()
  for (const [word, count] of countOf(words))
    for (const [part] of preTokenizer.preTokenizeString(normalizer.normalizeString(word)))
      counts.set(part, (counts.get(part) ?? 0) + count)
  const vocabulary = [...specialPieces, ...learnPieces(counts, vocabSize - specialPieces.length)]

  const [pad_token, unk_token, cls_token, sep_token, mask_token] = specialPieces
  const roles = { unk_token, sep_token, pad_token, cls_token, mask_token }
  const config = {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: lowercase,
    strip_accents: null,
    tokenize_chinese_chars: true,
    model_max_length: maxLength,
    ...(!tokenTypes && { model_input_names: ['input_ids', 'attention_mask'] }),
    ...roles,
  }
  return makeTokenizer(
    {
      'tokenizer.json': definition(vocabulary),
      'tokenizer_config.json': JSON.stringify(config, null, 2),
      'special_tokens_map.json': JSON.stringify(roles, null, 2),
    },
    'the tokenizer trained on the data',
  )
}

function countOf(words: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** `tokenizer.json` of a BERT tokenizer, as the `tokenizers` library writes it (format version 1.0). */
function bertTokenizer(vocabulary: readonly string[], lowercase: boolean) {
  const special = (piece: string) => ({ SpecialToken: { id: piece, type_id: 0 } })
  const template = (piece: string) => ({ id: piece, ids: [vocabulary.indexOf(piece)], tokens: [piece] })
  const single = [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')]
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialPieces.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, { Sequence: { id: 'B', type_id: 1 } }, { SpecialToken: { id: '[SEP]', type_id: 1 } }],
      special_tokens: { '[CLS]': template('[CLS]'), '[SEP]': template('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
    },
  }
}
