import { beforeEach, describe, expect, test } from 'vitest'
import type { Parameter, ParameterGroup } from '../../../src/models/parameters.js'
import { elements } from '../../../src/models/parameters.js'
import { normal, random } from '../../../src/random.js'
import {
  createOptimizer,
  decays,
  type AdamWOptions,
  type Optimizer,
  type RowGradients,
} from '../../../src/training/cpu/optimizer.js'
import { distance } from '../../models/graphs.js'

const table = 'pieces'
const parameter = (name: string, shape: number[], group: ParameterGroup): Parameter => ({
  name,
  shape,
  initial: 0,
  group,
})

/** Sizes that fill no vector of four, in every group, with and without decay. */
const parameters: readonly Parameter[] = [
  parameter(table, [50, 6], 'encoder'),
  parameter('dense', [3, 5], 'encoder'),
  parameter('bias', [7], 'encoder'),
  parameter('wide', [4, 9], 'encoder'),
  parameter('scale', [1], 'encoder'),
  parameter('classifier', [3, 5], 'head'),
  parameter('classifier.bias', [3], 'head'),
  parameter('transitions', [3, 3], 'crf'),
]
const rates = { encoder: 1e-2, head: 3e-2, crf: 1e-1 }
const options: AdamWOptions = { betas: [0.9, 0.98], epsilon: 1e-6, weightDecay: 0.1, maxGradNorm: null }

interface StepGradients {
  readonly dense: ReadonlyMap<string, Float32Array>
  readonly rows: RowGradients
}

const gaussians = (length: number, deviation: number, ...keys: (string | number)[]) => {
  const next = random(...keys)
  return Float32Array.from({ length }, () => deviation * normal(next))
}

const initialOf = (of: readonly Parameter[]) =>
  new Map(of.map(({ name, shape }) => [name, gaussians(elements(shape), 1, 'initial', name)]))

/** Gradients of a step; another few rows of the table each time, in no order. */
function gradientsOf(of: readonly Parameter[], step: number, touched = 5): StepGradients {
  const [count, width] = of.find(({ name }) => name === table)!.shape as [number, number]
  const rows = Int32Array.from({ length: touched }, (_, i) => (i * 7 + step * 3) % count)
  return {
    dense: new Map(
      of
        .filter(({ name }) => name !== table)
        .map(({ name, shape }) => [name, gaussians(elements(shape), 2, 'gradient', name, step)]),
    ),
    rows: { rows, values: gaussians(rows.length * width, 2, 'rows', step) },
  }
}

function put(optimizer: Optimizer, region: 'gradients' | 'addend', { dense }: StepGradients): void {
  const arrays = optimizer.gradients(region)
  expect(Object.keys(arrays).sort()).toEqual([...dense.keys()].sort())
  for (const [name, values] of dense) (arrays[name]!.data as Float32Array).set(values)
}

function take(optimizer: Optimizer, step: number, gradients: StepGradients): number {
  put(optimizer, 'gradients', gradients)
  return optimizer.update(step, gradients.rows, rates)
}

/** AdamW in double precision, number by number, with a table of which only rows that have a gradient are touched. */
function reference(
  of: readonly Parameter[],
  { betas: [beta1, beta2], epsilon, weightDecay, maxGradNorm }: AdamWOptions,
) {
  const weights = new Map([...initialOf(of)].map(([name, data]) => [name, Float64Array.from(data)]))
  const zeros = () => new Map([...weights].map(([name, { length }]) => [name, new Float64Array(length)]))
  const [first, second] = [zeros(), zeros()]
  const step = (t: number, { dense, rows }: StepGradients) => {
    const norm = Math.hypot(...[...dense.values(), rows.values].flatMap((values) => [...values]))
    const clip = maxGradNorm === null ? 1 : Math.min(1, maxGradNorm / (norm + 1e-6))
    const change = (it: Parameter, i: number, gradient: number) => {
      const [w, m, v] = [weights.get(it.name)!, first.get(it.name)!, second.get(it.name)!]
      const rate = rates[it.group]
      if (decays(it)) w[i]! -= rate * weightDecay * w[i]!
      m[i] = beta1 * m[i]! + (1 - beta1) * clip * gradient
      v[i] = beta2 * v[i]! + (1 - beta2) * (clip * gradient) ** 2
      w[i]! -= (rate * (m[i] / (1 - beta1 ** t))) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon)
    }
    for (const it of of) {
      const width = it.shape[1]!
      if (it.name === table) {
        rows.rows.forEach((row, r) => {
          for (let i = 0; i < width; i++) change(it, row * width + i, rows.values[r * width + i]!)
        })
      } else dense.get(it.name)!.forEach((gradient, i) => change(it, i, gradient))
    }
    return norm
  }
  return { weights, step }
}

const bytes = (optimizer: Optimizer) =>
  new Map([...optimizer.state()].map(([name, { data }]) => [name, Buffer.from(Float32Array.from(data).buffer)]))

describe('AdamW', () => {
  test.each([
    ['without clipping', options],
    ['clipped to a norm', { ...options, maxGradNorm: 1 }],
    ['with a norm that nothing reaches', { ...options, maxGradNorm: 1e6 }],
    ['without decay', { ...options, weightDecay: 0 }],
    ['at its defaults', { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 }],
  ] satisfies [string, AdamWOptions][])('%s equals the definition', (_, given) => {
    const optimizer = createOptimizer(parameters, initialOf(parameters), table, given)
    const expected = reference(parameters, given)
    for (let step = 1; step <= 8; step++) {
      const gradients = gradientsOf(parameters, step)
      const norm = take(optimizer, step, gradients)
      expect(norm).toBeCloseTo(expected.step(step, gradients), 5)
      for (const [name, weights] of expected.weights) {
        expect(distance(optimizer.weights[name]!.data as Float32Array, weights), `${name}, ${step}`).toBeLessThan(3e-6)
      }
    }
  })

  test('touches the rows of the table that have a gradient, and no other', () => {
    const optimizer = createOptimizer(parameters, initialOf(parameters), table, options)
    const before = Float32Array.from(optimizer.weights[table]!.data as Float32Array)
    const gradients = gradientsOf(parameters, 1)
    take(optimizer, 1, gradients)
    const after = optimizer.weights[table]!.data as Float32Array
    const touched = new Set(gradients.rows.rows)
    for (let i = 0; i < before.length; i++) expect(after[i] !== before[i]).toBe(touched.has(Math.floor(i / 6)))
  })

  test.each([
    [1500, 3],
    [1024, 8],
    [1025, 1],
  ])('takes %d rows of %d at once', (touched, width) => {
    const many = [parameter(table, [7919, width], 'encoder'), parameter('bias', [2], 'encoder')]
    const optimizer = createOptimizer(many, initialOf(many), table, options)
    const expected = reference(many, options)
    for (let step = 1; step <= 2; step++) {
      const gradients = gradientsOf(many, step, touched)
      expect(new Set(gradients.rows.rows).size).toBe(touched)
      take(optimizer, step, gradients)
      expected.step(step, gradients)
    }
    expect(distance(optimizer.weights[table]!.data as Float32Array, expected.weights.get(table)!)).toBeLessThan(1e-6)
  })

  test('takes a step without a row', () => {
    const optimizer = createOptimizer(parameters, initialOf(parameters), table, options)
    const gradients = { ...gradientsOf(parameters, 1), rows: { rows: new Int32Array(0), values: new Float32Array(0) } }
    take(optimizer, 1, gradients)
    expect(optimizer.weights[table]!.data).toEqual(initialOf(parameters).get(table))
  })

  test('decays matrices of the encoder and the head, and nothing else', () => {
    expect(parameters.filter(decays).map(({ name }) => name)).toEqual([table, 'dense', 'wide', 'classifier'])
  })
})

describe('several batches as one', () => {
  test('have their gradients added, none left over from the step before', () => {
    const optimizer = createOptimizer(parameters, initialOf(parameters), table, options)
    const expected = reference(parameters, options)
    for (let step = 1; step <= 3; step++) {
      const parts = [1, 2, 3].map((part) => gradientsOf(parameters, step * 10 + part))
      put(optimizer, 'gradients', parts[0]!)
      for (const part of parts.slice(1)) {
        put(optimizer, 'addend', part)
        optimizer.accumulate()
      }
      const { rows } = parts[0]!
      optimizer.update(step, rows, rates)
      const dense = new Map(
        [...parts[0]!.dense].map(([name, values]) => [
          name,
          values.map((value, i) => parts.slice(1).reduce((sum, part) => sum + part.dense.get(name)![i]!, value)),
        ]),
      )
      expected.step(step, { dense, rows })
    }
    for (const [name, weights] of expected.weights) {
      expect(distance(optimizer.weights[name]!.data as Float32Array, weights), name).toBeLessThan(2e-6)
    }
  })
})

describe('state', () => {
  function run(optimizer: Optimizer, from: number, to: number): void {
    for (let step = from; step <= to; step++) take(optimizer, step, gradientsOf(parameters, step))
  }

  test('of equal runs is equal to the byte', () => {
    const [one, two] = [0, 1].map(() => createOptimizer(parameters, initialOf(parameters), table, options))
    run(one!, 1, 4)
    run(two!, 1, 4)
    expect(bytes(one!)).toEqual(bytes(two!))
  })

  test('put back goes on as if nothing had happened, to the byte', () => {
    const through = createOptimizer(parameters, initialOf(parameters), table, options)
    run(through, 1, 3)
    const kept = new Map([...through.state()].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]))
    run(through, 4, 6)

    const zeros = new Map(parameters.map(({ name, shape }) => [name, new Float32Array(elements(shape))]))
    const resumed = createOptimizer(parameters, zeros, table, options)
    resumed.restore(kept)
    run(resumed, 4, 6)
    expect(bytes(resumed)).toEqual(bytes(through))
  })

  test('names every weight and both its moments, with shapes', () => {
    const state = createOptimizer(parameters, initialOf(parameters), table, options).state()
    for (const { name, shape } of parameters) {
      for (const key of [name, `first.${name}`, `second.${name}`]) {
        expect(state.get(key)!.shape).toEqual(shape)
        expect(state.get(key)!.data.length).toBe(elements(shape))
      }
    }
    expect(state.size).toBe(3 * parameters.length)
  })

  // 32 bytes hold no parameter but the smallest: each gets a memory of its own. 200 hold some together.
  test.each([32, 200, 400])('does not depend on how parameters are spread over memories of %d bytes', (regionSize) => {
    const one = createOptimizer(parameters, initialOf(parameters), table, { ...options, maxGradNorm: 1 })
    const spread = createOptimizer(parameters, initialOf(parameters), table, { ...options, maxGradNorm: 1 }, regionSize)
    const memories = new Set(Object.values(spread.gradients('gradients')).map(({ data }) => data.buffer))
    expect(memories.size).toBeGreaterThan(1)
    run(one, 1, 3)
    run(spread, 1, 3)
    for (const [name, { data }] of one.state()) {
      // The norm is summed memory by memory, so it may round differently.
      expect(distance(spread.state().get(name)!.data, data), name).toBeLessThan(1e-6)
    }
  })
})

describe('a gradient that is no number', () => {
  let optimizer: Optimizer
  beforeEach(() => {
    optimizer = createOptimizer(parameters, initialOf(parameters), table, options)
    take(optimizer, 1, gradientsOf(parameters, 1))
  })

  test.each([NaN, Infinity])('%d among the dense ones stops the step and changes nothing', (bad) => {
    const before = bytes(optimizer)
    const gradients = gradientsOf(parameters, 2)
    gradients.dense.get('wide')![35] = bad
    expect(() => take(optimizer, 2, gradients)).toThrow(
      expect.objectContaining({ code: 'training/not-finite' }) as Error,
    )
    expect(bytes(optimizer)).toEqual(before)
  })

  test('among the rows too', () => {
    const gradients = gradientsOf(parameters, 2)
    gradients.rows.values[29] = NaN
    expect(() => take(optimizer, 2, gradients)).toThrow(/gradient of step 2/)
  })
})
