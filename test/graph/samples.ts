import { gradients } from '../../src/graph/autodiff.js'
import { Graph } from '../../src/graph/graph.js'
import type { Tensor } from '../../src/graph/types.js'
import { floats, integers } from './engine.js'

/** A graph with something to feed it, at batch 2 and words 3. */
export interface Sample {
  readonly g: Graph
  readonly feeds: Readonly<Record<string, Tensor>>
}

/** A linear layer, softmax, cross-entropy, and the gradient of its weights. */
export function classifier(): Sample {
  const g = new Graph('classifier')
  const x = g.input('x', 'float32', ['batch', 2])
  const targets = g.input('targets', 'float32', ['batch', 3])
  const weight = g.initializer('weight', floats([3, 2], [0.1, -0.2, 0.3, 1 / 3, 1e-7, 2]))
  const bias = g.initializer('bias', floats([3], [0, 0.5, -1]))
  const logits = g.scoped('head', () => g.gemm(x, weight, { transB: 1 }, bias))
  const probabilities = g.softmax(logits)
  const loss = g.scoped('loss', () => g.neg(g.sum(g.mul(targets, g.log(probabilities)), [0, 1], 0)))
  g.output('probabilities', probabilities)
  g.output('loss', loss)
  gradients(g, loss, [weight, bias]).forEach((value, i) => g.output(['weight.gradient', 'bias.gradient'][i]!, value))
  return {
    g,
    feeds: { x: floats([2, 2], [1, 2, 3, 4]), targets: floats([2, 3], [1, 0, 0, 0, 0.5, 0.5]) },
  }
}

/** A scan whose body names its values as the graph around it does. */
export function scan(): Sample {
  const g = new Graph('scan')
  const x = g.input('x', 'float32', ['words', 'batch'])
  const start = g.fill(['batch'], 1, 'float32')
  const body = new Graph('step')
  const state = body.input('state', 'float32', ['batch'])
  const element = body.input('x', 'float32', ['batch'])
  const next = body.add(body.mul(state, body.scalar(0.5)), element)
  body.output('next', next)
  body.output('each', next)
  const [last, each] = g.scan(body, [start], [g.add(x, g.scalar(1))])
  g.output('last', g.mul(last!, g.scalar(2)))
  g.output('each', each!)
  return { g, feeds: { x: floats([3, 2], [1, 2, 3, 4, 5, 6]) } }
}

/** Outputs that are an input, an initializer, or an output already; optional outputs that nobody reads. */
export function copies(): Sample {
  const g = new Graph('copies')
  const x = g.input('x', 'float32', ['batch', 2])
  const scale = g.initializer('scale', floats([2], [1, 2]))
  const normal = g.layerNorm(x, scale, g.initializer('bias', floats([2], [0, 0])), 1e-5)
  g.output('same', x)
  g.output('weights', scale)
  g.output('normal', normal)
  g.output('again', normal)
  return { g, feeds: { x: floats([2, 2], [1, 3, 5, 2]) } }
}

/** One of ONNX Runtime's own operators, with an attribute of each number kind, between ones of the table. */
export function foreign(): Sample {
  const g = new Graph('foreign')
  const x = g.input('x', 'float32', ['batch', 2])
  const weight = g.initializer('weight', floats([3, 2], [1, 2, 3, 4, 5, 6]))
  const [product] = g.applyForeign('FusedMatMul', 'com.microsoft', [x, weight], { alpha: 0.5, transB: 1 }, [
    { dtype: 'float32', shape: ['batch', 3] },
  ])
  g.output('y', g.relu(product!))
  return { g, feeds: { x: floats([2, 2], [1, -2, 3, 4]) } }
}

/** Indexing, casting and shapes known in part. */
export function lookup(): Sample {
  const g = new Graph('lookup')
  const ids = g.input('ids', 'int64', ['batch', 'words'])
  const table = g.initializer('table', floats([4, 2], [0, 1, 2, 3, 4, 5, 6, 7]))
  const rows = g.gather(table, g.reshape(ids, ['batch*words']))
  const shaped = g.reshape(rows, ['batch', 'words', 2])
  const tail = g.concat([g.slice(shaped, 1, 1), g.fill(['batch', 1, 2], 9, 'float32')], 1)
  g.output('tail', tail)
  g.output('best', g.argmax(tail, -1))
  g.output('big', g.cast(g.less(g.scalar(3), tail), 'int64'))
  return { g, feeds: { ids: integers([2, 3], [0, 1, 2, 3, 0, 1]) } }
}

export const samples: Readonly<Record<string, () => Sample>> = { classifier, scan, copies, foreign, lookup }
