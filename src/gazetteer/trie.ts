import { grown, shared } from './vocabulary.js'

/**
 * A trie over numbers, in typed arrays: its edges in one table with open addressing, so that a million names take some
 * 100 MB, and threads share them without a copy. Each node may carry a chain of entries. It has several roots, whose
 * sequences know nothing of each other.
 */
export interface Trie {
  readonly roots: number
  /** [places × 4]: the node an edge leaves, its number, the node it leads to (0 where the place is free), and nothing. */
  readonly edges: Int32Array
  /** First entry of each node, or -1. */
  readonly first: Int32Array
  /** [entries × 2]: what an entry says, and the node's next entry or -1. */
  readonly entries: Int32Array
  /** A weight for each entry, or NaN. */
  readonly weights: Float32Array
}

const placeOf = (node: number, number: number, mask: number): number => {
  let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) & mask
}

/** The node that a number leads to, or -1. */
export function step({ edges }: Trie, node: number, number: number): number {
  const mask = edges.length / 4 - 1
  for (let place = placeOf(node, number, mask); ; place = (place + 1) & mask) {
    const edge = 4 * place
    if (edges[edge + 2] === 0) return -1
    if (edges[edge] === node && edges[edge + 1] === number) return edges[edge + 2]!
  }
}

/** The nodes that each number under `size` leads to from a node, or -1: quicker than `step` where it is taken often. */
export function childrenOf({ edges }: Trie, node: number, size: number): Int32Array {
  const children = new Int32Array(size).fill(-1)
  for (let edge = 0; edge < edges.length; edge += 4) {
    if (edges[edge] === node && edges[edge + 2] !== 0) children[edges[edge + 1]!] = edges[edge + 2]!
  }
  return children
}

export interface TrieBuilder {
  /** Says something of a sequence that is read from a root; the same twice is said once, with the greater weight. */
  readonly add: (root: number, sequence: readonly number[], entry: number, weight: number) => void
  readonly finish: () => Trie
}

/** Nodes are numbered from 0, roots first. */
export function trieBuilder(roots: number): TrieBuilder {
  let nodes = roots
  let count = 0
  let edges: Int32Array = new Int32Array(4 << 10)
  let first: Int32Array = new Int32Array(1 << 10).fill(-1)
  let entries: Int32Array = new Int32Array(1 << 10)
  let weights: Float32Array = new Float32Array(1 << 9)
  const trie = () => ({ roots, edges, first, entries, weights })

  const child = (node: number, number: number): number => {
    const known = step(trie(), node, number)
    if (known >= 0) return known
    if (8 * nodes >= edges.length) edges = rehashed(edges)
    if (nodes === first.length) {
      first = grown(first, 2 * nodes)
      first.fill(-1, nodes)
    }
    insert(edges, node, number, nodes)
    return nodes++
  }

  return {
    add(root, sequence, entry, weight) {
      const node = sequence.reduce(child, root)
      for (let at = first[node]!; at >= 0; at = entries[2 * at + 1]!) {
        if (entries[2 * at] !== entry) continue
        weights[at] = Number.isNaN(weight) ? weights[at]! : Math.max(weight, weights[at]! || 0)
        return
      }
      if (count === weights.length) {
        entries = grown(entries, 4 * count)
        weights = grown(weights, 2 * count)
      }
      entries[2 * count] = entry
      entries[2 * count + 1] = first[node]!
      weights[count] = weight
      first[node] = count++
    },
    finish: () => ({
      roots,
      edges: shared(edges, edges.length),
      first: shared(first, nodes),
      entries: shared(entries, 2 * count),
      weights: shared(weights, count),
    }),
  }
}

function insert(edges: Int32Array, node: number, number: number, to: number): void {
  const mask = edges.length / 4 - 1
  let place = placeOf(node, number, mask)
  while (edges[4 * place + 2] !== 0) place = (place + 1) & mask
  edges[4 * place] = node
  edges[4 * place + 1] = number
  edges[4 * place + 2] = to
}

function rehashed(edges: Int32Array): Int32Array {
  const wider = new Int32Array(2 * edges.length)
  for (let edge = 0; edge < edges.length; edge += 4) {
    if (edges[edge + 2] !== 0) insert(wider, edges[edge]!, edges[edge + 1]!, edges[edge + 2]!)
  }
  return wider
}
