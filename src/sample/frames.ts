import { type Random, shuffle } from '../random.js'
import { type Topic, adjuncts, topics, wholes } from './grammar.js'
import { type EntityType, type Split, pick } from './names.js'

/** A sentence whose names and words are still to be filled in, and the parts of the grammar it is made of. */
export interface Frame {
  readonly parts: readonly string[]
  /** Split at spaces: words and slots. */
  readonly text: string
}

/** The parts that one split's frames are made of; `own` are those that no other split has. */
export interface Parts {
  readonly topics: Readonly<Record<EntityType, Topic>>
  readonly adjuncts: readonly string[]
  readonly wholes: readonly string[]
  readonly own: ReadonlySet<string>
}

/** Training has most parts. Dev and test have those too, and some of their own. */
export function dealParts(next: Random): Record<Split, Parts> {
  const clauses = Object.values(topics).flatMap(({ one, many, predicates }) => [...one, ...many, ...predicates])
  const owners = holdOut([...clauses, ...adjuncts, ...wholes], next)
  const partsOf = (split: Split): Parts => {
    const mine = (parts: readonly string[]) => parts.filter((part) => (owners.get(part) ?? split) === split)
    const topicOf = ({ one, many, predicates }: Topic): Topic => ({
      one: mine(one),
      many: mine(many),
      predicates: mine(predicates),
    })
    const { PER, ORG, LOC, PRODUCT } = topics
    return {
      topics: { PER: topicOf(PER), ORG: topicOf(ORG), LOC: topicOf(LOC), PRODUCT: topicOf(PRODUCT) },
      adjuncts: mine(adjuncts),
      wholes: mine(wholes),
      own: new Set([...owners].filter(([, owner]) => owner === split).map(([part]) => part)),
    }
  }
  return { train: partsOf('train'), dev: partsOf('dev'), test: partsOf('test') }
}

/**
 * Up to a fifth of the parts, one for dev to two for test: only those whose words all stand in other parts, which
 * training keeps. A frame is held out, not a vocabulary.
 */
function holdOut(parts: readonly string[], next: Random): Map<string, Split> {
  const owners = new Map<string, Split>()
  const uses = new Map<string, number>()
  const wordsOf = (part: string) => [...new Set(part.split(' '))]
  for (const word of [...new Set(parts)].flatMap(wordsOf)) uses.set(word, (uses.get(word) ?? 0) + 1)
  for (const part of shuffle([...new Set(parts)], next)) {
    const words = wordsOf(part)
    if (owners.size < parts.length / 5 && words.every((word) => uses.get(word)! > leastUses(word))) {
      owners.set(part, owners.size % 3 === 0 ? 'dev' : 'test')
      for (const word of words) uses.set(word, uses.get(word)! - 1)
    }
  }
  return owners
}

/** How many parts of training must keep a word. A slot stands for many words, each of which must be drawn there. */
const leastUses = (word: string) => (word.startsWith('{') ? 3 : 1)

/** Draws until the frame has a part that is the split's own; training, which owns none, has any. */
export function drawFrame(parts: Parts, next: Random): Frame {
  for (;;) {
    const frame = next() < 0.3 ? whole(parts, next) : clause(parts, next)
    if (parts.own.size === 0 || frame.parts.some((part) => parts.own.has(part))) return frame
  }
}

function whole({ wholes }: Parts, next: Random): Frame {
  const text = pick(wholes, next)
  return { parts: [text], text: /[?"]$/.test(text) ? text : `${text} .` }
}

/** The name by itself, the commonest subject; all splits have it. */
const bare: Readonly<Record<EntityType, string>> = {
  PER: '{PER}',
  ORG: '{ORG}',
  LOC: '{LOC}',
  PRODUCT: 'the {PRODUCT}',
}

/** People and firms act more often than places and products. */
const actors = 'PER PER PER ORG ORG ORG LOC LOC PRODUCT PRODUCT'.split(' ') as readonly EntityType[]

function clause({ topics, adjuncts }: Parts, next: Random): Frame {
  const type = pick(actors, next)
  const { one, many, predicates } = topics[type]
  const isPlural = next() < 0.2 && many.length > 0
  const subject = isPlural ? pick(many, next) : next() < 0.4 ? bare[type] : pick(one, next)
  const predicate = pick(predicates, next)
  const said = `${subject} ${predicate.replace(/\{(\w+)\/(\w+)\}/g, isPlural ? '$2' : '$1')}`
  const order = next()
  if (order < 0.6) return { parts: [subject, predicate], text: `${said} .` }
  const adjunct = pick(adjuncts, next)
  const text = order < 0.9 ? `${said} ${adjunct} .` : `${adjunct} , ${said} .`
  return { parts: [subject, predicate, adjunct], text }
}
