/** Gives zeroed int32 arrays. */
export type Allocate = (length: number) => Int32Array

const smallestBlock = 1 << 10
const largestBlock = 1 << 18

/**
 * Cuts arrays from shared blocks that grow with use. A corpus holds a million short arrays; with a buffer each, the
 * garbage collector takes longer than all other work on them. Copy what goes to another thread: a posted array takes its
 * whole block along.
 */
export function blockAllocator(): Allocate {
  let size = smallestBlock
  let block = new ArrayBuffer(0)
  let used = 0
  return (length) => {
    if (used + 4 * length > block.byteLength) {
      block = new ArrayBuffer(4 * Math.max(size, length))
      used = 0
      size = Math.min(2 * size, largestBlock)
    }
    const array = new Int32Array(block, used, length)
    used += 4 * length
    return array
  }
}
