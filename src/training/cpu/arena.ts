import { readFileSync } from 'node:fs'
import { elements, type Parameter, type ParameterData } from '../../models/parameters.js'

/** What is kept for every parameter: the weights, their gradients, Adam's two moments, and a gradient to add. */
export type Region = 'weights' | 'gradients' | 'first' | 'second' | 'addend'

interface Kernels {
  adamw(
    weights: number,
    gradients: number,
    first: number,
    second: number,
    size: number,
    clip: number,
    beta1: number,
    beta2: number,
    rate: number,
    correction: number,
    epsilon: number,
    decay: number,
  ): void
  sumOfSquares(values: number, size: number): number
  accumulate(total: number, addend: number, size: number): void
}

/**
 * Parameters and their optimizer state in one WebAssembly memory, region by region, each parameter at the same offset
 * in every region. The engine reads weights and writes gradients here without a copy; the kernels update in place.
 */
export interface Arena {
  readonly kernels: Kernels
  /** A parameter's array in a region. */
  view(region: Region, name: string): Float32Array
  /** Where a parameter starts in a region, and its size, in bytes: padded to 16, the padding always 0. */
  place(region: Region, name: string): { readonly pointer: number; readonly size: number }
  /** Where the stretch of adjacent parameters from `first` to `last` starts, and its size. */
  span(region: Region, first: string, last: string): { readonly pointer: number; readonly size: number }
}

const module = new WebAssembly.Module(readFileSync(new URL('../../../dist/training/cpu/adamw.wasm', import.meta.url)))
const page = 65536
/** The compiled kernels keep nothing in memory; address 0 is left free all the same. */
const base = 1024

/** Places parameters in the given order, in as many regions. A region that is never touched takes no physical memory. */
export function createArena(
  parameters: readonly Parameter[],
  regions: readonly Region[],
  initial?: ParameterData,
): Arena {
  const offsets = new Map<string, { readonly offset: number; readonly length: number; readonly size: number }>()
  let regionSize = 0
  for (const { name, shape } of parameters) {
    const length = elements(shape)
    const size = Math.ceil(length / 4) * 16
    offsets.set(name, { offset: regionSize, length, size })
    regionSize += size
  }
  const pages = Math.ceil((base + regions.length * regionSize) / page)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const instance = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } })
  const place = (region: Region, name: string) => {
    const { offset, size } = offsets.get(name)!
    return { pointer: base + regions.indexOf(region) * regionSize + offset, size }
  }
  const arena: Arena = {
    kernels: instance.exports as unknown as Kernels,
    place,
    span(region, first, last) {
      const end = place(region, last)
      const { pointer } = place(region, first)
      return { pointer, size: end.pointer + end.size - pointer }
    },
    view(region, name) {
      return new Float32Array(memory.buffer, place(region, name).pointer, offsets.get(name)!.length)
    },
  }
  if (initial) for (const { name } of parameters) arena.view('weights', name).set(initial.get(name)!)
  return arena
}
