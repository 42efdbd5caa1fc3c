/*
 * Which texts have been seen, by hashes of 64 bits: a table holds none of them. Of ten million, two have the same hash by
 * chance with a probability of 3 in a million.
 */

/** A set of texts that grows, each with a number in the order in which it came. */
export interface Seen {
  /** The number of a text, from 0; that of the size before where it is new. A text may have parts. */
  add(...parts: readonly string[]): number
  /** The number of a text that is there; -1 where it is not. */
  find(...parts: readonly string[]): number
  readonly size: number
}

/** Makes an empty set. It takes about 16 bytes a text. */
export function seenTexts(): Seen {
  let size = 0
  let capacity = 1 << 10
  let slots = new Int32Array(capacity).fill(-1)
  let low = new Uint32Array(capacity / 2)
  let high = new Uint32Array(capacity / 2)
  const hash = { low: 0, high: 0 }
  const slotOf = (wantedLow: number, wantedHigh: number): number => {
    let slot = wantedLow & (capacity - 1)
    for (let at = slots[slot]!; at >= 0; at = slots[slot]!) {
      if (low[at] === wantedLow && high[at] === wantedHigh) return slot
      slot = (slot + 1) & (capacity - 1)
    }
    return slot
  }
  const grow = () => {
    capacity *= 2
    slots = new Int32Array(capacity).fill(-1)
    low = extended(low, capacity / 2)
    high = extended(high, capacity / 2)
    for (let at = 0; at < size; at++) slots[slotOf(low[at]!, high[at]!)] = at
  }
  return {
    add(...parts) {
      hashInto(hash, parts)
      const slot = slotOf(hash.low, hash.high)
      if (slots[slot]! >= 0) return slots[slot]!
      if (2 * (size + 1) > capacity) {
        grow()
        slots[slotOf(hash.low, hash.high)] = size
      } else slots[slot] = size
      low[size] = hash.low
      high[size] = hash.high
      return size++
    },
    find(...parts) {
      hashInto(hash, parts)
      return slots[slotOf(hash.low, hash.high)]!
    },
    get size() {
      return size
    },
  }
}

function extended(values: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(length)
  longer.set(values)
  return longer
}

/** Two FNV-like hashes with the final mixing of MurmurHash3; between parts stands what no text holds. */
function hashInto(hash: { low: number; high: number }, parts: readonly string[]): void {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const unit = part.charCodeAt(i)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x5bd1e995) ^ (high >>> 15)
    }
    low = Math.imul(low ^ 0x10000, 0x01000193)
    high = Math.imul(high ^ 0x10000, 0x5bd1e995) ^ (high >>> 15)
  }
  hash.low = mixed(low)
  hash.high = mixed(high ^ low)
}

function mixed(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
