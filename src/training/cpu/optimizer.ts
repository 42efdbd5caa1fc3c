import { NerError } from '../../errors.js'
import { elements, type Parameter, type ParameterData, type ParameterGroup } from '../../models/parameters.js'
import type { Tensor } from '../../graph/types.js'
import { createArena, type Arena } from './arena.js'

export interface AdamWOptions {
  readonly betas: readonly [number, number]
  readonly epsilon: number
  readonly weightDecay: number
  /** Gradients are scaled down to this norm over all parameters together; null leaves them. */
  readonly maxGradNorm: number | null
}

/** Rows of the piece table that a step touches, with their gradients, [rows, width]. */
export interface RowGradients {
  readonly rows: Int32Array
  readonly values: Float32Array
}

export interface Optimizer {
  /** Current weights, to be fed to a graph; updated in place. */
  readonly weights: Readonly<Record<string, Tensor>>
  /** Where the engine puts the dense gradients of a step's first batch, and of those that are added to it. */
  gradients(region: 'gradients' | 'addend'): Record<string, Tensor>
  /** Adds the gradients in `addend` to those in `gradients`. */
  accumulate(): void
  /** One AdamW step number `step`, counted from 1. Returns the gradients' norm before clipping. */
  update(step: number, rows: RowGradients, rates: Readonly<Record<ParameterGroup, number>>): number
  /** Weights and moments by name, for a checkpoint; the arrays are live. */
  state(): Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
  /** Puts arrays of `state` back; those that are not given stay. */
  restore(state: ReadonlyMap<string, { readonly data: Float32Array }>): void
}

/** Bytes of one region: five of them, and what is around, stay within WebAssembly's 4 GiB. */
const largestRegion = 800 * 2 ** 20

/** No decay for biases, norms and the CRF: Hugging Face's convention, and BERT's own. */
export function decays({ shape, group }: Parameter): boolean {
  return shape.length > 1 && group !== 'crf'
}

/**
 * AdamW beside the graph: one fused pass over shared memory. The rows of `pieceTable` that a step did not touch are
 * left as they are (their moments too), as in PyTorch's SparseAdam. Parameters that need more than `regionSize` bytes are
 * spread over several memories.
 */
// eslint-disable-next-line max-lines-per-function -- its short functions share one arena
export function createOptimizer(
  parameters: readonly Parameter[],
  initial: ParameterData,
  pieceTable: string,
  { betas: [beta1, beta2], epsilon, weightDecay, maxGradNorm }: AdamWOptions,
  regionSize = largestRegion,
): Optimizer {
  const table = parameters.find(({ name }) => name === pieceTable)!
  const dense = parameters.filter(({ name }) => name !== pieceTable)
  const segments = segmentsOf(dense)
  const placed = pack(segments, regionSize).map((members) => ({
    arena: createArena(
      members.flatMap(({ parameters: own }) => own),
      ['weights', 'gradients', 'first', 'second', 'addend'],
      initial,
    ),
    segments: members,
  }))
  const tableArena = createArena([table], ['weights', 'first', 'second'], initial)
  const [, width] = table.shape as [number, number]
  const rowWidth = Math.ceil(width / 4) * 4
  const touched = { ...table, shape: [rowsAtOnce, rowWidth] }
  const scratch = createArena([touched], ['weights', 'gradients', 'first', 'second'])

  const arenas = new Map<string, Arena>([
    [pieceTable, tableArena],
    ...placed.flatMap(({ arena, segments: members }) =>
      members.flatMap(({ parameters: own }) => own.map(({ name }): [string, Arena] => [name, arena])),
    ),
  ])
  const tensor = (region: 'weights' | 'gradients' | 'addend', { name, shape }: Parameter): Tensor => ({
    dtype: 'float32',
    dims: shape,
    data: arenas.get(name)!.view(region, name),
  })
  const tensors = (region: 'weights' | 'gradients' | 'addend', of: readonly Parameter[]) =>
    Object.fromEntries(of.map((parameter) => [parameter.name, tensor(region, parameter)]))

  const weights = tensors('weights', parameters)
  const moments = (name: string, moment: 'first' | 'second') => arenas.get(name)!.view(moment, name)

  function gradientNorm({ values }: RowGradients): number {
    let sum = 0
    for (const { arena, segments: members } of placed) {
      for (const { parameters: own } of members) {
        const { pointer, size } = arena.span('gradients', own[0]!.name, own.at(-1)!.name)
        sum += arena.kernels.sumOfSquares(pointer, size)
      }
    }
    for (const value of values) sum += value * value
    return Math.sqrt(sum)
  }

  /** Touched rows are gathered into a small arena, updated there by the same kernel, and put back. */
  function updateRows({ rows, values }: RowGradients, update: (arena: Arena, size: number) => void): void {
    const tables = (['weights', 'first', 'second'] as const).map((region) => ({
      from: tableArena.view(region, pieceTable),
      to: scratch.view(region, pieceTable),
    }))
    const gradients = scratch.view('gradients', pieceTable)
    for (let start = 0; start < rows.length; start += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows.length - start)
      for (let i = 0; i < count; i++) {
        const at = rows[start + i]! * width
        for (const { from, to } of tables) to.set(from.subarray(at, at + width), i * rowWidth)
        gradients.set(values.subarray((start + i) * width, (start + i + 1) * width), i * rowWidth)
      }
      update(scratch, count * rowWidth * 4)
      for (let i = 0; i < count; i++) {
        const at = rows[start + i]! * width
        const here = i * rowWidth
        for (const { from, to } of tables) from.set(to.subarray(here, here + width), at)
      }
    }
  }

  return {
    weights,
    gradients: (region) => tensors(region, dense),
    accumulate() {
      for (const { arena, segments: members } of placed) {
        const names = members.flatMap(({ parameters: own }) => own.map(({ name }) => name))
        const total = arena.span('gradients', names[0]!, names.at(-1)!)
        const addend = arena.span('addend', names[0]!, names.at(-1)!)
        arena.kernels.accumulate(total.pointer, addend.pointer, total.size)
      }
    },
    update(step, rows, rates) {
      const norm = gradientNorm(rows)
      if (!Number.isFinite(norm)) throw notFinite('gradient', step)
      const clip = maxGradNorm === null ? 1 : Math.min(1, maxGradNorm / (norm + 1e-6))
      const apply = (
        arena: Arena,
        first: string,
        last: string,
        size: number | undefined,
        rate: number,
        decay: boolean,
      ) => {
        const at = (region: 'weights' | 'gradients' | 'first' | 'second') => arena.span(region, first, last)
        arena.kernels.adamw(
          at('weights').pointer,
          at('gradients').pointer,
          at('first').pointer,
          at('second').pointer,
          size ?? at('weights').size,
          clip,
          beta1,
          beta2,
          rate / (1 - beta1 ** step),
          1 / (1 - beta2 ** step),
          epsilon,
          decay ? 1 - rate * weightDecay : 1,
        )
      }
      for (const { arena, segments: members } of placed) {
        for (const { parameters: own, group, decay } of members) {
          apply(arena, own[0]!.name, own.at(-1)!.name, undefined, rates[group], decay)
        }
      }
      updateRows(rows, (arena, size) => apply(arena, pieceTable, pieceTable, size, rates[table.group], decays(table)))
      return norm
    },
    state() {
      return new Map(
        parameters.flatMap(({ name, shape }) => [
          [name, { shape, data: weights[name]!.data as Float32Array }],
          [`first.${name}`, { shape, data: moments(name, 'first') }],
          [`second.${name}`, { shape, data: moments(name, 'second') }],
        ]),
      )
    },
    restore(state) {
      for (const [name, { data }] of this.state()) {
        const stored = state.get(name)
        if (stored) data.set(stored.data)
      }
    },
  }
}

export function notFinite(what: 'loss' | 'gradient', step: number): NerError {
  return new NerError('training/not-finite', `The ${what} of step ${step} is not a finite number.`, {
    mend: 'Lower training.learning_rate, or lengthen training.warmup, and start again in another folder (`out`).',
  })
}

/** Touched rows that are updated together. */
const rowsAtOnce = 1024

/** Parameters that are updated alike, next to each other in memory. */
interface Segment {
  readonly parameters: readonly Parameter[]
  readonly group: ParameterGroup
  readonly decay: boolean
}

function segmentsOf(parameters: readonly Parameter[]): Segment[] {
  const groups: readonly ParameterGroup[] = ['encoder', 'head', 'crf']
  return groups
    .flatMap((group) => [true, false].map((decay) => ({ group, decay })))
    .map(({ group, decay }) => ({
      group,
      decay,
      parameters: parameters.filter((parameter) => parameter.group === group && decays(parameter) === decay),
    }))
    .filter(({ parameters: own }) => own.length > 0)
}

/** Spreads segments over as many memories as their sizes need, with regions of up to `limit` bytes. */
function pack(segments: readonly Segment[], limit: number): Segment[][] {
  const packs: Segment[][] = []
  let room = 0
  for (const segment of segments.flatMap((whole) => cut(whole, limit))) {
    const size = segment.parameters.reduce((sum, { shape }) => sum + elements(shape) * 4 + 16, 0)
    if (packs.length === 0 || size > room) {
      packs.push([])
      room = limit
    }
    packs.at(-1)!.push(segment)
    room -= size
  }
  return packs
}

/** Cuts a segment that no memory could hold whole. */
function cut(segment: Segment, limit: number): Segment[] {
  const parts: Parameter[][] = [[]]
  let size = 0
  for (const parameter of segment.parameters) {
    const own = elements(parameter.shape) * 4 + 16
    if (size + own > limit && parts.at(-1)!.length > 0) {
      parts.push([])
      size = 0
    }
    parts.at(-1)!.push(parameter)
    size += own
  }
  return parts.map((parameters) => ({ ...segment, parameters }))
}
