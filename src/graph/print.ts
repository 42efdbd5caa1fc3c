import { formatShape } from './dims.js'
import { Graph } from './graph.js'
import { nodesWithin } from './onnx/opsets.js'
import type { Attribute, Node, Tensor, TensorType, Value } from './types.js'

/** How many elements of a tensor are shown. */
const shownElements = 8

/**
 * The graph as text, one line a value in the order of the graph:
 *
 *     graph 'classifier'
 *     input %x: float32[batch, 4]
 *     initializer %weight: float32[3, 4] = 0.5 1 -2 … (12 elements)
 *     %logits: float32[batch, 3] = Gemm(%x, %weight) {transB: 1}
 *     output 'logits' = %logits
 *
 * Bodies of nodes follow their node, indented. The same graph always gives the same text.
 */
export function print(g: Graph): string {
  return lines(g).join('\n') + '\n'
}

/** How many nodes the outputs need, with those in bodies, and how many of each operator: `5 nodes: Gemm 3, Gelu 2`. */
export function countNodes(g: Graph): string {
  const counts = new Map<string, number>()
  const nodes = nodesWithin(g)
  for (const { op, domain } of nodes) {
    const name = domain === '' ? op : `${domain}.${op}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const byOp = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([op, count]) => `${op} ${count}`)
  return `${nodes.length} node${nodes.length === 1 ? '' : 's'}: ${byOp.join(', ')}`
}

function lines(g: Graph): string[] {
  return [
    `graph '${g.name}'`,
    ...g.inputs.map((value) => `input ${declaration(value)}`),
    ...[...g.initializers.values()].map(
      ({ value, tensor }) => `initializer ${declaration(value)} = ${formatElements(tensor)}`,
    ),
    ...g.nodes.flatMap(nodeLines),
    ...g.outputs.map(({ name, value }) => `output '${name}' = ${reference(value)}`),
  ]
}

function nodeLines({ name, op, domain, inputs, outputs, attributes }: Node): string[] {
  const given = Object.entries(attributes).filter((entry): entry is [string, Attribute] => entry[1] !== undefined)
  const isBody = ([, value]: [string, Attribute]) => bodies(value).length > 0
  const shown = given.filter((entry) => !isBody(entry)).map(([key, value]) => `${key}: ${formatAttribute(value)}`)
  const line = [
    `${outputs.map(declaration).join(', ')} = ${domain === '' ? op : `${domain}.${op}`}`,
    `(${inputs.map(reference).join(', ')})`,
    shown.length > 0 ? ` {${shown.join(', ')}}` : '',
    // Most nodes have the name of their output.
    name === outputs[0]?.name ? '' : `  # ${name}`,
  ].join('')
  return [
    line,
    ...given.filter(isBody).flatMap(([key, value]) => {
      return bodies(value).flatMap((body) => [`  ${key}:`, ...lines(body).map((inner) => `    ${inner}`)])
    }),
  ]
}

function bodies(value: Attribute): Graph[] {
  return [value].flat().filter((item) => item instanceof Graph)
}

function declaration(value: Value): string {
  return `${reference(value)}: ${formatType(value)}`
}

function reference(value: Value | undefined): string {
  return value ? `%${value.name}` : '_'
}

function formatType({ dtype, shape }: TensorType): string {
  return `${dtype}${formatShape(shape)}`
}

function formatAttribute(value: Attribute): string {
  if (typeof value === 'number') return shortest(value)
  if (typeof value === 'string') return value
  if (value instanceof Graph) return value.name
  if (value instanceof Float32Array) return `[${Array.from(value, shortest).join(', ')}]`
  if ('float' in value) return shortest(value.float)
  if ('dims' in value) return `${formatType({ dtype: value.dtype, shape: value.dims })} ${formatElements(value)}`
  return `[${value.map((item) => formatAttribute(item)).join(', ')}]`
}

/** The first elements; those of 16-bit floats as their bits. */
function formatElements({ dtype, data }: Tensor): string {
  if (data.length === 0) return '(no elements)'
  const isBits = dtype === 'float16' || dtype === 'bfloat16'
  const elements = [...data.slice(0, shownElements)].map((element) => {
    if (isBits) return `0x${element.toString(16).padStart(4, '0')}`
    return typeof element === 'number' ? shortest(element) : String(element)
  })
  return elements.join(' ') + (data.length > shownElements ? ` … (${data.length} elements)` : '')
}

/** The fewest digits that still name the same float32. */
function shortest(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const digits = [1, 2, 3, 4, 5, 6, 7, 8].find((count) => same(Number(value.toPrecision(count)), value))
  return digits === undefined ? String(value) : String(Number(value.toPrecision(digits)))
}

function same(a: number, b: number): boolean {
  return Object.is(Math.fround(a), Math.fround(b))
}
