import { integers, sequenceTrie } from './sequences.js'
import { statesOfVote, type Votes } from './votes.js'

/*
 * A word that no source calls an entity is O: nothing speaks for another type, and a likelihood alone would be free to
 * invent entities that every source misses. Such words are closed. They cut the chains into segments, runs of words on
 * which some source votes for a type; and since names recur, so do segments. Whatever a label model computes, it
 * computes once per distinct segment.
 */

/** The states that each pattern leaves open: O and both tags of every type voted for. Compressed rows. */
export interface OpenStates {
  readonly starts: Int32Array
  readonly states: Int32Array
}

function openStates(votes: Votes): OpenStates {
  const { patterns, sources } = votes
  const starts = integers()
  const states = integers()
  for (let at = 0; at < patterns.length; at += sources.length) {
    starts.push(states.length)
    const open = new Set([0])
    for (let source = 0; source < sources.length; source++)
      for (const state of statesOfVote(votes, patterns[at + source]!))
        if (state > 0) open.add(state - ((state - 1) % 2)).add(state - ((state - 1) % 2) + 1)
    for (const state of [...open].sort((a, b) => a - b)) states.push(state)
  }
  starts.push(states.length)
  return { starts: starts.done(), states: states.done() }
}

export const isClosedPattern = ({ starts }: OpenStates, pattern: number) =>
  starts[pattern + 1]! - starts[pattern]! === 1

/** Everything a label model looks at. */
export interface Evidence {
  readonly votes: Votes
  readonly open: OpenStates
  readonly segments: Segments
}

export function evidenceOf(votes: Votes): Evidence {
  const open = openStates(votes)
  return { votes, open, segments: findSegments(votes, open) }
}

export interface Segments {
  /** Patterns of the distinct segments, one after the other; `starts` says where each begins, and last the length. */
  readonly patterns: Int32Array
  readonly starts: Int32Array
  /** Whether a distinct segment begins its chain, and whether it ends it. */
  readonly beginsChain: Uint8Array
  readonly endsChain: Uint8Array
  /** Where segments occur in the corpus: the first word, the distinct segment and the chain of each occurrence. */
  readonly occurrences: {
    readonly words: Int32Array
    readonly segments: Int32Array
    readonly chains: Int32Array
  }
}

/** Cuts the chains of a corpus at their closed words. */
function findSegments({ words, chains }: Votes, open: OpenStates): Segments {
  const trie = sequenceTrie()
  const ids = new Map<number, number>()
  const patterns = integers()
  const starts = integers()
  const begins: number[] = []
  const ends: number[] = []
  const at = { words: integers(), segments: integers(), chains: integers() }
  const isClosed = (word: number) => isClosedPattern(open, words[word]!)
  for (let chain = 0; chain + 1 < chains.length; chain++) {
    const stop = chains[chain + 1]!
    for (let first = chains[chain]!; first < stop; first++) {
      if (isClosed(first)) continue
      const beginsChain = first === chains[chain]
      let node = trie.step(0, beginsChain ? 1 : 0)
      let end = first
      while (end < stop && !isClosed(end)) node = trie.step(node, words[end++]!)
      // No open word has pattern 0, so that this symbol is free.
      if (end === stop) node = trie.step(node, 0)
      let id = ids.get(node)
      if (id === undefined) {
        ids.set(node, (id = ids.size))
        starts.push(patterns.length)
        for (let word = first; word < end; word++) patterns.push(words[word]!)
        begins.push(beginsChain ? 1 : 0)
        ends.push(end === stop ? 1 : 0)
      }
      at.words.push(first)
      at.segments.push(id)
      at.chains.push(chain)
      first = end
    }
  }
  starts.push(patterns.length)
  return {
    patterns: patterns.done(),
    starts: starts.done(),
    beginsChain: Uint8Array.from(begins),
    endsChain: Uint8Array.from(ends),
    occurrences: { words: at.words.done(), segments: at.segments.done(), chains: at.chains.done() },
  }
}
