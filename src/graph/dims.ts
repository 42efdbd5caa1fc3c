import type { Dim, Shape } from './types.js'

interface Product {
  coefficient: number
  symbols: string[]
}

function parse(dim: Dim): Product {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] }
  const product: Product = { coefficient: 1, symbols: [] }
  for (const factor of dim.split('*')) {
    if (/^\d+$/.test(factor)) product.coefficient *= Number(factor)
    else product.symbols.push(factor)
  }
  return product
}

function format({ coefficient, symbols }: Product): Dim {
  if (symbols.length === 0 || coefficient === 0) return coefficient
  const factors = [...symbols].sort()
  return (coefficient === 1 ? factors : [String(coefficient), ...factors]).join('*')
}

/** The number of elements of a shape, as a dimension. */
export function product(shape: Shape): Dim {
  const result: Product = { coefficient: 1, symbols: [] }
  for (const dim of shape) {
    const { coefficient, symbols } = parse(dim)
    result.coefficient *= coefficient
    result.symbols.push(...symbols)
  }
  return format(result)
}

/** `total / part`, or undefined where it does not come out even. */
export function quotient(total: Dim, part: Dim): Dim | undefined {
  const numerator = parse(total)
  const denominator = parse(part)
  for (const symbol of denominator.symbols) {
    const at = numerator.symbols.indexOf(symbol)
    if (at < 0) return undefined
    numerator.symbols.splice(at, 1)
  }
  if (denominator.coefficient === 0 || numerator.coefficient % denominator.coefficient !== 0) return undefined
  return format({ coefficient: numerator.coefficient / denominator.coefficient, symbols: numerator.symbols })
}

/** `dim + amount`; of a symbol as `words-1`, undefined for a product of symbols. */
export function shift(dim: Dim, amount: number): Dim | undefined {
  if (typeof dim === 'number') return dim + amount
  const [, symbol, offset] = /^([^*+-]+)([+-]\d+)?$/.exec(dim) ?? []
  if (symbol === undefined) return undefined
  const total = Number(offset ?? 0) + amount
  return total === 0 ? symbol : `${symbol}${total > 0 ? '+' : ''}${total}`
}

/** The symbols and the number that a dimension is made of, e.g. `12*batch` gives `[12, 'batch']`. */
export function factors(dim: Dim): Dim[] {
  const { coefficient, symbols } = parse(dim)
  return coefficient === 1 && symbols.length > 0 ? symbols : [coefficient, ...symbols]
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis])
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}
