import type { Shape, Tensor } from '../graph/types.js'
import type { Dropout } from '../models/layers.js'
import { random, type Random } from '../random.js'

/** One place in a graph where a tensor is dropped out: the graph input that takes its mask. */
export interface DropoutSite {
  readonly input: string
  readonly rate: number
  readonly shape: Shape
}

/**
 * Dropout in the graph: every site multiplies by a mask that is an input, so that a step is a pure function of its
 * inputs. The sites are collected into `sites`.
 */
export function collectDropout(sites: DropoutSite[]): Dropout {
  return (g, x, rate) => {
    if (rate === 0) return x
    const input = `dropout.${sites.length}`
    sites.push({ input, rate, shape: x.shape })
    const mask = g.input(input, x.dtype, x.shape)
    return g.mul(x, mask)
  }
}

/** Offsets into a pool are multiples of 16 floats below this. */
export const offsets = 2 ** 22

/** Where masks of one rate are taken from: elements are 0 or 1/(1−rate). */
interface Pool {
  readonly next: Random
  values: Float32Array
}

/**
 * Masks for every site of a step, from a seed. Drawing tens of millions of numbers a step would cost as much as a
 * matrix product, so each rate has one pool of random elements, and a mask is a stretch of it at a random place:
 * 2¹⁸ places for each site and step, read without a copy. Masks depend on the seed, the step and the site alone, which
 * is what makes a resumed run equal to one that was never stopped.
 */
export function createMasks(seed: number) {
  const pools = createPools(seed)
  return (sites: readonly DropoutSite[], sizes: Readonly<Record<string, number>>, step: number, part: number) => {
    const starts = maskOffsets(seed, sites.length, step, part)
    const masks: Record<string, Tensor> = {}
    for (const [i, { input, rate, shape }] of sites.entries()) {
      const dims = shape.map((dim) => sizeOf(dim, sizes))
      const count = dims.reduce((total, dim) => total * dim, 1)
      const values = pools(rate, offsets + count)
      masks[input] = { dtype: 'float32', dims, data: values.subarray(starts[i], starts[i]! + count) }
    }
    return masks
  }
}

/** Where each site's mask starts in its pool: multiples of 16 floats. */
export function maskOffsets(seed: number, sites: number, step: number, part: number): number[] {
  const next = random('dropout', seed, step, part)
  return Array.from({ length: sites }, () => Math.floor((next() * offsets) / 16) * 16)
}

/** The pool of each rate, at least as long as is asked for. What was drawn before stays the same. */
export function createPools(seed: number) {
  const pools = new Map<number, Pool>()
  return (rate: number, size: number) => pool(pools, seed, rate, size)
}

/** The pool of a rate, grown to `size`; what was drawn before stays the same. */
function pool(pools: Map<number, Pool>, seed: number, rate: number, size: number): Float32Array {
  let own = pools.get(rate)
  if (!own) {
    own = { next: random('dropout pool', seed, rate), values: new Float32Array(0) }
    pools.set(rate, own)
  }
  if (own.values.length < size) {
    const grown = new Float32Array(Math.ceil(size / 2 ** 20) * 2 ** 20)
    grown.set(own.values)
    const kept = 1 / (1 - rate)
    for (let i = own.values.length; i < grown.length; i++) grown[i] = own.next() < rate ? 0 : kept
    own.values = grown
  }
  return own.values
}

/** A symbolic dimension's size in a batch. */
function sizeOf(dim: number | string, sizes: Readonly<Record<string, number>>): number {
  if (typeof dim === 'number') return dim
  return dim.split('*').reduce((total, factor) => total * (sizes[factor] ?? Number(factor)), 1)
}
