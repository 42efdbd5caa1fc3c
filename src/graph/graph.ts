import { NerError } from '../errors.js'
import { factors, formatShape, sameShape } from './dims.js'
import { inferTypes } from './infer.js'
import type { OpAttributes, OpName } from './ops/attributes.js'
import { endOfAxis } from './ops/movement.js'
import type { Dim, DType, Node, Purpose, Role, Shape, Tensor, TensorType, Value } from './types.js'

/** Replaces the gradient of everything between `inputs` and `output` by a closed form. */
export interface CustomGradient {
  readonly inputs: readonly Value[]
  readonly gradient: (cotangent: Value) => readonly (Value | undefined)[]
}

/** What nodes that are being added have in common. */
interface Scope {
  readonly path: readonly string[]
  readonly role: Role | undefined
}

/**
 * A graph under construction: nodes in the order they were added, each checked against its operator's rule as it
 * comes. Methods named after an operator add one node and return its (first) output.
 */
export class Graph {
  readonly inputs: Value[] = []
  readonly outputs: { readonly name: string; readonly value: Value }[] = []
  readonly nodes: Node[] = []
  /** Tensors that are part of the graph, by value name. */
  readonly initializers = new Map<string, { readonly value: Value; readonly tensor: Tensor }>()
  readonly customGradients = new Map<Value, CustomGradient>()
  readonly #valueNames = new Map<string, number>()
  readonly #nodeNames = new Map<string, number>()
  readonly #constants = new Map<string, Value>()
  readonly #dims = new Map<string, Value>()
  #scope: Scope = { path: [], role: undefined }

  constructor(readonly name: string) {}

  /** Runs `build` with `name/` before the names of its nodes, so that errors and profiles say where they are. */
  scoped<T>(name: string, build: () => T): T {
    return this.#within({ ...this.#scope, path: [...this.#scope.path, name] }, build)
  }

  /** Runs `build`, whose nodes have this role beside the one that nodes around them have. */
  withRole<T>(role: Role | undefined, build: () => T): T {
    return role ? this.#within({ ...this.#scope, role: { ...this.#scope.role, ...role } }, build) : build()
  }

  input(name: string, dtype: DType, shape: Shape, purpose?: Purpose): Value {
    const value: Value = { name: unique(name, this.#valueNames), dtype, shape, ...(purpose && { purpose }) }
    this.inputs.push(value)
    return value
  }

  output(name: string, value: Value): void {
    this.outputs.push({ name, value })
  }

  /** A tensor that is part of the graph. */
  initializer(name: string, tensor: Tensor, purpose?: Purpose): Value {
    const known = tensor.dtype === 'int64' && tensor.dims.length <= 1
    const value: Value = {
      name: unique(name, this.#valueNames),
      dtype: tensor.dtype,
      shape: [...tensor.dims],
      ...(purpose && { purpose }),
      ...(known ? { content: Array.from(tensor.data as BigInt64Array, Number) } : {}),
    }
    this.initializers.set(value.name, { value, tensor })
    return value
  }

  /** A number as a tensor of rank 0; the same number is added once. */
  scalar(value: number, dtype: DType = 'float32'): Value {
    return this.#constant(`scalar ${dtype} ${value}`, () => ({ dtype, dims: [], data: numbers([value], dtype) }))
  }

  /** A vector of integers; the same vector is added once. */
  integers(values: readonly number[]): Value {
    return this.#constant(`int64 ${values.join(' ')}`, () => ({
      dtype: 'int64',
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }))
  }

  /** Adds a node; its output types come from the operator's rule. */
  apply<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes: OpAttributes[K]): Value[] {
    const name = this.#nodeName(op)
    const types = inferTypes(op, name, inputs, attributes)
    return this.#add({ op, domain: '', name, inputs, attributes: { ...attributes } }, types)
  }

  /** Adds a node of an operator outside the table, such as ONNX Runtime's own; its output types are declared. */
  applyForeign(
    op: string,
    domain: string,
    inputs: readonly (Value | undefined)[],
    attributes: Node['attributes'],
    types: readonly TensorType[],
  ): Value[] {
    const name = this.#nodeName(op)
    return this.#add({ op, domain, name, inputs, attributes }, types)
  }

  /** A graph with the inputs and tensors of this one and no nodes yet, in which their names stay taken. */
  withoutNodes(): Graph {
    const g = new Graph(this.name)
    const reserve = ({ name }: Value) => g.#valueNames.set(name, 1)
    g.inputs.push(...this.inputs)
    this.inputs.forEach(reserve)
    for (const [name, initializer] of this.initializers) {
      g.initializers.set(name, initializer)
      reserve(initializer.value)
    }
    for (const { name, outputs } of this.nodes) {
      g.#nodeNames.set(name, 1)
      outputs.forEach(reserve)
    }
    return g
  }

  /** Adds a node as a file holds it, with the names and types it has there; `verify` says whether they hold. */
  insert(node: Node): void {
    this.nodes.push(node)
    this.#nodeNames.set(node.name, 1)
    for (const output of node.outputs) this.#valueNames.set(output.name, 1)
  }

  /** Declares the gradient of `output` with respect to `inputs`, in place of the rules of the nodes between them. */
  withGradient(output: Value, inputs: readonly Value[], gradient: CustomGradient['gradient']): Value {
    this.customGradients.set(output, { inputs, gradient })
    return output
  }

  // Elementwise

  add(a: Value, b: Value): Value {
    return this.#one('Add', [a, b], {})
  }
  sub(a: Value, b: Value): Value {
    return this.#one('Sub', [a, b], {})
  }
  mul(a: Value, b: Value): Value {
    return this.#one('Mul', [a, b], {})
  }
  div(a: Value, b: Value): Value {
    return this.#one('Div', [a, b], {})
  }
  max(a: Value, b: Value): Value {
    return this.#one('Max', [a, b], {})
  }
  neg(x: Value): Value {
    return this.#one('Neg', [x], {})
  }
  exp(x: Value): Value {
    return this.#one('Exp', [x], {})
  }
  log(x: Value): Value {
    return this.#one('Log', [x], {})
  }
  sqrt(x: Value): Value {
    return this.#one('Sqrt', [x], {})
  }
  reciprocal(x: Value): Value {
    return this.#one('Reciprocal', [x], {})
  }
  tanh(x: Value): Value {
    return this.#one('Tanh', [x], {})
  }
  sigmoid(x: Value): Value {
    return this.#one('Sigmoid', [x], {})
  }
  relu(x: Value): Value {
    return this.#one('Relu', [x], {})
  }
  erf(x: Value): Value {
    return this.#one('Erf', [x], {})
  }
  gelu(x: Value): Value {
    return this.#one('Gelu', [x], {})
  }
  /** `min(1, max(0, slope·x + offset))` */
  hardSigmoid(x: Value, slope: number, offset: number): Value {
    return this.#one('HardSigmoid', [x], { alpha: slope, beta: offset })
  }
  where(condition: Value, a: Value, b: Value): Value {
    return this.#one('Where', [condition, a, b], {})
  }
  cast(x: Value, to: DType): Value {
    return x.dtype === to ? x : this.#one('Cast', [x], { to })
  }
  equal(a: Value, b: Value): Value {
    return this.#one('Equal', [a, b], {})
  }
  less(a: Value, b: Value): Value {
    return this.#one('Less', [a, b], {})
  }
  and(a: Value, b: Value): Value {
    return this.#one('And', [a, b], {})
  }
  not(x: Value): Value {
    return this.#one('Not', [x], {})
  }

  // Products

  matmul(a: Value, b: Value): Value {
    return this.#one('MatMul', [a, b], {})
  }
  /** `α·A·B` with either operand transposed on request; `bias` is added. */
  gemm(a: Value, b: Value, attributes: OpAttributes['Gemm'] = {}, bias?: Value): Value {
    return this.#one('Gemm', bias ? [a, b, bias] : [a, b], attributes)
  }

  // Quantization

  /** Bytes that stand for floats: `clip(round(x / scale) + zero)`, in the type of `zero`. */
  quantize(x: Value, scale: Value, zero: Value, axis = 0): Value {
    return this.#one('QuantizeLinear', [x, scale, zero], { axis })
  }
  dequantize(q: Value, scale: Value, zero?: Value, axis = 0): Value {
    return this.#one('DequantizeLinear', zero ? [q, scale, zero] : [q, scale], { axis })
  }

  // Reductions

  sum(x: Value, axes: readonly number[], keepdims: 0 | 1 = 1): Value {
    return axes.length === 0 ? x : this.#one('ReduceSum', [x, this.integers(axes)], { keepdims })
  }
  /** The sum of a matrix's rows, [columns]: a product with ones, which takes the CPU a sixth of a ReduceSum's time. */
  sumRows(x: Value): Value {
    const [rows, columns] = x.shape
    return this.reshape(this.matmul(this.fill([1, rows!], 1, x.dtype), x), [columns!])
  }
  maximum(x: Value, axes: readonly number[], keepdims: 0 | 1 = 1): Value {
    return this.#one('ReduceMax', [x, this.integers(axes)], { keepdims })
  }
  argmax(x: Value, axis: number): Value {
    return this.#one('ArgMax', [x], { axis, keepdims: 0 })
  }

  // Normalisation

  softmax(x: Value, axis = -1): Value {
    return this.#one('Softmax', [x], { axis })
  }
  logSoftmax(x: Value, axis = -1): Value {
    return this.#one('LogSoftmax', [x], { axis })
  }
  layerNorm(x: Value, scale: Value, bias: Value | undefined, epsilon: number): Value {
    return this.#one('LayerNormalization', bias ? [x, scale, bias] : [x, scale], { axis: -1, epsilon })
  }

  // Movement

  /** Symbols in `shape` must be dimensions of some input of the graph. */
  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.#one('Reshape', [x, this.#target(shape)], {})
  }
  transpose(x: Value, perm: readonly number[]): Value {
    return this.#one('Transpose', [x], { perm })
  }
  swapLastAxes(x: Value): Value {
    const rank = x.shape.length
    return this.transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2])
  }
  unsqueeze(x: Value, axes: readonly number[]): Value {
    const rank = x.shape.length + axes.length
    const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)))
    const rest = [...x.shape]
    return this.reshape(
      x,
      Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!)),
    )
  }
  expand(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.#one('Expand', [x, this.#vector(shape)], {})
  }
  /** Spreads `x` over the shape of `like`. */
  expandTo(x: Value, like: Value): Value {
    return sameShape(x.shape, like.shape) ? x : this.#one('Expand', [x, this.#shapeOf(like)], {})
  }
  concat(parts: readonly Value[], axis: number): Value {
    return this.#one('Concat', parts, { axis })
  }
  /** `x` cut along an axis into parts of these sizes. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    return this.apply('Split', [x, this.integers(sizes)], { axis })
  }
  slice(x: Value, axis: number, start: number, end: number | Value = endOfAxis): Value {
    const stop = typeof end === 'number' ? this.integers([end]) : end
    return this.#one('Slice', [x, this.integers([start]), stop, this.integers([axis])], {})
  }
  /** A tensor of one number everywhere. */
  fill(shape: Shape, value: number, dtype: DType): Value {
    const filling: Tensor = { dtype, dims: [1], data: numbers([value], dtype) }
    return this.#one('ConstantOfShape', [this.#vector(shape)], { value: filling })
  }

  // Indexing

  gather(x: Value, indices: Value, axis = 0): Value {
    return this.#one('Gather', [x, indices], { axis })
  }
  /**
   * `x` with `updates` added to the rows that `indices` names; a row may be named more than once. ONNX Runtime adds the
   * updates of one row in any order: the same bits on every run only where at most one of them is not 0.
   */
  scatterAdd(x: Value, indices: Value, updates: Value): Value {
    return this.#one('ScatterND', [x, this.unsqueeze(indices, [-1]), updates], { reduction: 'add' })
  }
  /** `x` with the rows that `indices` [rows, 1] names put in place; each at most once. */
  scatter(x: Value, indices: Value, updates: Value): Value {
    return this.#one('ScatterND', [x, indices, updates], { reduction: 'none' })
  }
  /** For every place, the element of `x` that `indices` names along `axis`. */
  gatherElements(x: Value, indices: Value, axis: number): Value {
    return this.#one('GatherElements', [x, indices], { axis })
  }
  /** `x` with every element of `updates` added where `indices` says along `axis`. */
  scatterElements(x: Value, indices: Value, updates: Value, axis: number): Value {
    return this.#one('ScatterElements', [x, indices, updates], { axis, reduction: 'add' })
  }
  reverseSequence(x: Value, lengths: Value, axes: OpAttributes['ReverseSequence']): Value {
    return this.#one('ReverseSequence', [x, lengths], axes)
  }

  // Control

  /** Returns the final states, then the scanned outputs, stacked along a new first axis. */
  scan(body: Graph, states: readonly Value[], scanned: readonly Value[]): Value[] {
    return this.apply('Scan', [...states, ...scanned], { body, num_scan_inputs: scanned.length })
  }
  /** As `scan`, from the last element to the first; the outputs are stacked in the order of the inputs. */
  scanBack(body: Graph, states: readonly Value[], scanned: readonly Value[]): Value[] {
    return this.apply('Scan', [...states, ...scanned], {
      body,
      num_scan_inputs: scanned.length,
      scan_input_directions: scanned.map(() => 1),
      scan_output_directions: body.outputs.slice(states.length).map(() => 1),
    })
  }

  /**
   * Runs `body` `count` times; it reads `captured` as they are in every iteration. Returns the final states, then what the
   * iterations gave, stacked along a new first axis.
   */
  loop(body: Graph, count: Value, states: readonly Value[], captured: readonly Value[]): Value[] {
    return this.apply('Loop', [count, undefined, ...states, ...captured], { body, captures: captured.length })
  }

  /** A dimension of the graph's inputs as an int64 vector of one element. */
  dim(symbol: string): Value {
    let value = this.#dims.get(symbol)
    if (!value) {
      const source = this.inputs.find(({ shape }) => shape.includes(symbol))
      if (!source) {
        throw new NerError('graph/invalid', `No input of graph '${this.name}' has the dimension '${symbol}'`, {
          where: `inputs: ${this.inputs.map(({ name, shape }) => `${name} ${formatShape(shape)}`).join(', ')}`,
        })
      }
      const axis = source.shape.indexOf(symbol)
      value = this.#one('Shape', [source], { start: axis, end: axis + 1 })
      this.#dims.set(symbol, value)
    }
    return value
  }

  /** An int64 vector holding `shape`, for a reshape: one symbolic dimension is left to ONNX as −1. */
  #target(shape: Shape): Value {
    const symbolic = shape.filter((dim) => typeof dim === 'string')
    if (symbolic.length === 1 && !shape.includes(0)) {
      return this.integers(shape.map((dim) => (typeof dim === 'string' ? -1 : dim)))
    }
    return this.#vector(shape)
  }

  #vector(shape: Shape): Value {
    if (shape.every((dim) => typeof dim === 'number')) return this.integers(shape)
    const known = shape.join(', ')
    let vector = this.#dims.get(known)
    if (!vector) {
      const parts = shape.map((dim) => this.#dimension(dim))
      vector = parts.length === 1 ? parts[0]! : this.concat(parts, 0)
      this.#dims.set(known, vector)
    }
    return vector
  }

  /** One dimension as a vector of one element, multiplied out where it is a product. */
  #dimension(dim: Dim): Value {
    if (typeof dim === 'number') return this.integers([dim])
    if (this.inputs.some(({ shape }) => shape.includes(dim))) return this.dim(dim)
    let value = this.#dims.get(dim)
    if (!value) {
      const parts = factors(dim).map((factor) =>
        typeof factor === 'number' ? this.integers([factor]) : this.dim(factor),
      )
      value = parts.reduce((product, part) => this.mul(product, part))
      this.#dims.set(dim, value)
    }
    return value
  }

  #shapeOf(value: Value): Value {
    return value.shape.every((dim) => typeof dim === 'number')
      ? this.integers(value.shape)
      : this.#one('Shape', [value], {})
  }

  #constant(key: string, make: () => Tensor): Value {
    let value = this.#constants.get(key)
    if (!value) {
      value = this.initializer('constant', make())
      this.#constants.set(key, value)
    }
    return value
  }

  #one<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes: OpAttributes[K]): Value {
    return this.apply(op, inputs, attributes)[0]!
  }

  #add(node: Omit<Node, 'outputs' | 'role'>, types: readonly TensorType[]): Value[] {
    const outputs = types.map((type): Value => ({ name: unique(node.name, this.#valueNames), ...type }))
    const { role } = this.#scope
    this.nodes.push({ ...node, outputs, ...(role && { role }) })
    return outputs
  }

  #nodeName(op: string): string {
    return unique([...this.#scope.path, op].join('/'), this.#nodeNames)
  }

  #within<T>(scope: Scope, build: () => T): T {
    const around = this.#scope
    this.#scope = scope
    try {
      return build()
    } finally {
      this.#scope = around
    }
  }
}

/** `name`, or where it is taken `name.1`, `name.2` …; `taken` counts what each name has been asked for. */
function unique(name: string, taken: Map<string, number>): string {
  let count = taken.get(name) ?? 0
  let free = count === 0 ? name : `${name}.${count}`
  while (taken.has(free)) free = `${name}.${++count}`
  taken.set(name, count + 1)
  if (free !== name) taken.set(free, 1)
  return free
}

function numbers(values: readonly number[], dtype: DType): Tensor['data'] {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values)
    case 'int64':
      return BigInt64Array.from(values, BigInt)
    case 'int32':
      return Int32Array.from(values)
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values)
    case 'int8':
      return Int8Array.from(values)
    case 'float16':
    case 'bfloat16':
      throw new NerError('graph/invalid', `A constant of ${dtype} is written as float32 and cast`)
  }
}
