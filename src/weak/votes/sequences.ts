/**
 * Numbers distinct sequences of whole numbers below 2²⁶: a trie, whose edges lie in one hash map. Node 0 is the empty
 * sequence; `step` gives the node of a sequence that is one symbol longer.
 */
export function sequenceTrie() {
  const edges = new Map<number, number>()
  let nodes = 1
  return {
    step(node: number, symbol: number): number {
      const edge = node * 0x4000000 + symbol
      const next = edges.get(edge)
      if (next !== undefined) return next
      edges.set(edge, nodes)
      return nodes++
    },
  }
}

/** An Int32Array that grows. */
export function integers(capacity = 1024) {
  let array = new Int32Array(capacity)
  let length = 0
  return {
    push(value: number): void {
      if (length === array.length) {
        const grown = new Int32Array(2 * array.length)
        grown.set(array)
        array = grown
      }
      array[length++] = value
    },
    get length(): number {
      return length
    },
    done: (): Int32Array => array.slice(0, length),
  }
}
