import { describe, expect, test } from 'vitest'
import { Graph } from '../../src/graph/graph.js'
import type { Node, Value } from '../../src/graph/types.js'
import { verify } from '../../src/graph/verify.js'
import { floats } from './engine.js'
import { samples } from './samples.js'

describe('what the builder makes keeps the rules', () => {
  test.each(Object.entries(samples))('%s', (_, sample) => {
    verify(sample().g)
  })
})

/** `y = exp(x·w)`, for each test to break. */
function small() {
  const g = new Graph('small')
  const x = g.input('x', 'float32', ['batch', 2])
  const w = g.initializer('w', floats([2, 3], [1, 2, 3, 4, 5, 6]))
  const product = g.matmul(x, w)
  const y = g.exp(product)
  g.output('y', y)
  return { g, x, w, product, y }
}

/** Replaces fields of the node that gives `output`. */
function rewrite(g: Graph, output: Value, fields: Partial<Node>): void {
  const at = g.nodes.findIndex(({ outputs }) => outputs.includes(output))
  g.nodes[at] = { ...g.nodes[at]!, ...fields }
}

const broken: Readonly<Record<string, { readonly graph: () => Graph; readonly says: readonly string[] }>> = {
  'a value read before it is defined': {
    graph: () => {
      const { g } = small()
      g.nodes.reverse()
      return g
    },
    says: ["Node 'Exp' reads 'MatMul' before it is defined", "node 'Exp' (Exp)", 'MatMul float32[batch, 3]'],
  },
  'a value of another graph': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { inputs: [small().product] })
      return g
    },
    says: ["Node 'Exp' reads 'MatMul' before it is defined"],
  },
  'a value assigned twice': {
    graph: () => {
      const { g, product, y } = small()
      g.insert({ name: 'second', op: 'Exp', domain: '', inputs: [product], outputs: [y], attributes: {} })
      return g
    },
    says: ["'Exp' is assigned twice", "node 'second' (Exp)"],
  },
  'two values of one name': {
    graph: () => {
      const { g, product, y } = small()
      rewrite(g, y, { outputs: [{ ...y, name: product.name }] })
      return g
    },
    says: ["Two values are named 'MatMul'", "node 'Exp' (Exp)"],
  },
  'two nodes of one name': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { name: 'MatMul' })
      return g
    },
    says: ["Two nodes are named 'MatMul'"],
  },
  'an unknown operator': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { op: 'Exponential' })
      return g
    },
    says: ["Node 'Exp' is of an unknown operator, Exponential", 'MatMul float32[batch, 3]'],
  },
  'an attribute that the operator lacks': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { attributes: { axis: 1 } })
      return g
    },
    says: ["Node 'Exp' does not fit Exp: it has no attribute 'axis'"],
  },
  'an attribute left out': {
    graph: () => {
      const { g, x } = small()
      const turned = g.transpose(x, [1, 0])
      rewrite(g, turned, { attributes: {} })
      return g
    },
    says: ["Node 'Transpose' does not fit Transpose: attribute 'perm' is required"],
  },
  'an attribute of another kind': {
    graph: () => {
      const { g, x } = small()
      rewrite(g, g.softmax(x), { attributes: { axis: 'last' } })
      return g
    },
    says: ["attribute 'axis' is of kind int"],
  },
  'a flag that is neither 0 nor 1': {
    graph: () => {
      const { g, x } = small()
      rewrite(g, g.sum(x, [0]), { attributes: { keepdims: 2 } })
      return g
    },
    says: ["attribute 'keepdims' is one of 0, 1"],
  },
  'too many inputs': {
    graph: () => {
      const { g, x, product } = small()
      rewrite(g, product, { inputs: [x, x, x] })
      return g
    },
    says: ['it takes at most 2 inputs, not 3'],
  },
  'a shape that the rule does not give': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { outputs: [{ ...y, shape: ['batch', 4] }] })
      return g
    },
    says: ["'Exp' is declared float32[batch, 4], and Exp gives float32[batch, 3]"],
  },
  'a symbol that the rule does not give': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { outputs: [{ ...y, shape: ['words', 3] }] })
      return g
    },
    says: ["'Exp' is declared float32[words, 3], and Exp gives float32[batch, 3]"],
  },
  'a type that the rule does not give': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { outputs: [{ ...y, dtype: 'int64' }] })
      return g
    },
    says: ["'Exp' is declared int64[batch, 3], and Exp gives float32[batch, 3]"],
  },
  'an output too few': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { outputs: [] })
      return g
    },
    says: ["Node 'Exp' has no outputs"],
  },
  'an output too many': {
    graph: () => {
      const { g, y } = small()
      rewrite(g, y, { outputs: [y, { ...y, name: 'more' }] })
      return g
    },
    says: ["Node 'Exp' has 2 outputs, and Exp gives 1"],
  },
  'inputs that break the rule': {
    graph: () => {
      const { g, product, w } = small()
      rewrite(g, product, { inputs: [w, w] })
      return g
    },
    says: [
      "Node 'MatMul' breaks a rule of MatMul: inner dimensions 3 and 2 differ",
      'w float32[2, 3]; w float32[2, 3]',
    ],
  },
  'an initializer that is not what it is declared to be': {
    graph: () => {
      const { g, w } = small()
      g.initializers.set('w', { value: w, tensor: floats([3, 2], [1, 2, 3, 4, 5, 6]) })
      return g
    },
    says: ["'w' is declared float32[2, 3] and holds float32[3, 2]"],
  },
  'an initializer cut short': {
    graph: () => {
      const { g, w } = small()
      g.initializers.set('w', { value: w, tensor: floats([2, 3], [1]) })
      return g
    },
    says: ["'w' holds 1 elements, not 6"],
  },
  'an output that nothing defines': {
    graph: () => {
      const { g } = small()
      g.output('other', small().y)
      return g
    },
    says: ["Output 'other' is 'Exp', which the graph does not define"],
  },
  'two outputs of one name': {
    graph: () => {
      const { g, product } = small()
      g.output('y', product)
      return g
    },
    says: ["Two outputs are named 'y'"],
  },
  "an output with another value's name": {
    graph: () => {
      const { g, product } = small()
      g.output('w', product)
      return g
    },
    says: ["Output 'w' has the name of another value, float32[2, 3]"],
  },
  'an output with the name of the input that it is': {
    graph: () => {
      const { g, x } = small()
      g.output('x', x)
      return g
    },
    says: ["Output 'x' has the name of another value"],
  },
  'a body that breaks a rule': {
    graph: () => {
      const { g } = samples.scan!()
      const { body } = g.nodes.find(({ op }) => op === 'Scan')!.attributes
      ;(body as Graph).nodes.reverse()
      return g
    },
    says: ["Node 'Add' reads 'Mul' before it is defined", "graph 'step'"],
  },
  'a body that reads what is around it': {
    graph: () => {
      const { g } = samples.scan!()
      const { body } = g.nodes.find(({ op }) => op === 'Scan')!.attributes
      const inner = body as Graph
      inner.output('outer', inner.exp(g.inputs[0]!))
      return g
    },
    says: ["Node 'Exp' reads 'x' before it is defined", "graph 'step'"],
  },
}

describe('what breaks a rule is refused:', () => {
  test.each(Object.entries(broken))('%s', (_, { graph, says }) => {
    const g = graph()
    let message = ''
    try {
      verify(g)
    } catch (error) {
      expect(error).toMatchObject({ name: 'NerError', code: 'graph/invalid' })
      message = (error as Error).message
    }
    for (const part of says) expect(message).toContain(part)
  })
})

test('operators of other domains are taken as they are declared', () => {
  const { g, product } = small()
  g.applyForeign('Anything', 'com.example', [product], { depth: 3 }, [{ dtype: 'int8', shape: ['batch'] }])
  verify(g)
})
