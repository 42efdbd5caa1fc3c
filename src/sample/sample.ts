import { type Random, random, shuffle } from '../random.js'
import { type Frame, type Parts, dealParts, drawFrame } from './frames.js'
import { lexicon } from './grammar.js'
import { type EntityType, type Name, type Namer, type Split, type Stems, dealStems, namer, pick } from './names.js'

/**
 * The sample that the quickstart trains on: small documents of English sentences, with a few people, firms, places
 * and products in each. Names and frames of dev and test are their own, so a score there says how well a model reads
 * names it has never met, in sentences it has never met.
 */

export interface SampleSentence {
  readonly words: readonly string[]
  /** IOB2. */
  readonly tags: readonly string[]
  /** The parts of its frame, and the stems of its names: what a test looks for leaks in. */
  readonly parts: readonly string[]
  readonly stems: readonly string[]
}

export type SampleDocument = readonly SampleSentence[]

const documentCounts: Readonly<Record<Split, number>> = { train: 470, dev: 50, test: 80 }
const seed = 'sample 3'

export function makeSample(): Record<Split, SampleDocument[]> {
  const stems = dealStems(random(seed, 'names'))
  const parts = dealParts(random(seed, 'frames'))
  const make = (split: Split) => {
    const next = random(seed, split)
    return Array.from({ length: documentCounts[split] }, () => makeDocument(parts[split], stems[split], next))
  }
  return { train: make('train'), dev: make('dev'), test: make('test') }
}

/** Two columns, IOB2, a blank line after each sentence and `-DOCSTART-` before each document. */
export function toConll(documents: readonly SampleDocument[]): string {
  const sentence = ({ words, tags }: SampleSentence) => words.map((word, i) => `${word} ${tags[i]!}\n`).join('') + '\n'
  return documents.map((document) => '-DOCSTART- O\n\n' + document.map(sentence).join('')).join('')
}

/** What a document is about. */
interface Scene {
  readonly cast: Readonly<Record<EntityType, readonly Name[]>>
  /** Names already said in full, which may now go by a short form. */
  readonly known: Set<Name>
  readonly newName: Namer
  readonly commonWords: readonly string[]
}

/** Three to eight sentences about a few names. */
function makeDocument(parts: Parts, stems: Stems, next: Random): SampleDocument {
  const newName = namer(stems, next)
  const names = (type: EntityType, count: number) => Array.from({ length: count }, () => newName(type))
  const cast = { PER: names('PER', 4), ORG: names('ORG', 4), LOC: names('LOC', 4), PRODUCT: names('PRODUCT', 3) }
  const scene: Scene = { cast, known: new Set(), newName, commonWords: stems.commonWords }
  return Array.from({ length: 3 + Math.floor(next() * 6) }, () => makeSentence(drawFrame(parts, next), scene, next))
}

function makeSentence(frame: Frame, { cast, known, newName, commonWords }: Scene, next: Random): SampleSentence {
  const words: string[] = []
  const tags: string[] = []
  const stems: string[] = []
  const add = (text: string, type?: EntityType) => {
    for (const [i, word] of text.split(' ').entries()) {
      words.push(word)
      tags.push(type ? `${i === 0 ? 'B' : 'I'}-${type}` : 'O')
    }
  }
  // Each name is taken once: nobody meets themselves.
  const free = {
    PER: shuffle([...cast.PER], next),
    ORG: shuffle([...cast.ORG], next),
    LOC: shuffle([...cast.LOC], next),
    PRODUCT: shuffle([...cast.PRODUCT], next),
  }
  const mention = (type: EntityType) => {
    const name = free[type].pop() ?? newName(type)
    add(known.has(name) && next() < 0.6 ? pick([...name.short, name.full], next) : name.full, type)
    known.add(name)
    stems.push(...name.stems)
  }
  for (const piece of frame.text.split(' ')) {
    const slot = /^\{(.+)\}$/.exec(piece)?.[1]
    if (!slot) add(piece)
    else if (slot in lexicon) add(pick(lexicon[slot]!, next))
    else if (slot === 'common') {
      const word = pick(commonWords, next)
      add(word)
      stems.push(word)
    } else mention(slot as EntityType)
  }
  for (const [i, word] of words.entries()) if (word === 'a' && soundsVowel(words[i + 1]!)) words[i] = 'an'
  words[0] = words[0]![0]!.toUpperCase() + words[0]!.slice(1)
  return { words, tags, parts: frame.parts, stems }
}

const soundsVowel = (word: string) => /^[aeiou]/i.test(word) && word !== 'used'
