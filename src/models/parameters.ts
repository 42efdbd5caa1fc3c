import { normal, random } from '../random.js'
import type { Purpose, Tensor, Value } from '../graph/types.js'

/** A trainable tensor, by the name it has in transformers' safetensors files. */
export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  /** What it starts from where no file gives it: normal with this deviation, or all 0 or 1. */
  readonly initial: { readonly deviation: number } | 0 | 1
  /** Which learning rate it follows. */
  readonly group: ParameterGroup
  readonly purpose?: Purpose | undefined
  /** Where it is in the stack of an encoder's blocks. */
  readonly block?: Block | undefined
}

export interface Block {
  /** Counted from 0; `shared` where the blocks have their parameters in common. */
  readonly index: number | 'shared'
  /** Which of the block's parameters it is: the same in every block. */
  readonly part: string
}

export type ParameterGroup = 'encoder' | 'head' | 'crf'

/** Makes the parameters of an encoder's parts; fresh matrices are drawn with this deviation. */
export function parameterMaker(deviation: number) {
  const parameter = (
    name: string,
    shape: readonly number[],
    initial: Parameter['initial'],
    purpose?: Purpose,
  ): Parameter => ({ name, shape, initial, group: 'encoder', ...(purpose && { purpose }) })
  const matrix = (name: string, rows: number, columns: number) =>
    parameter(`${name}.weight`, [rows, columns], { deviation }, { layer: name })
  return {
    parameter,
    /** A projection without a bias. */
    matrix,
    /** Rows that are looked up. */
    table: (name: string, rows: number, width: number) =>
      parameter(`${name}.weight`, [rows, width], { deviation }, { table: `${name}.weight` }),
    /** A projection with its bias. */
    dense: (name: string, rows: number, columns: number) => [
      matrix(name, rows, columns),
      parameter(`${name}.bias`, [rows], 0),
    ],
    /** Of a norm without a bias. */
    scale: (name: string, width: number) => parameter(`${name}.weight`, [width], 1),
    norm: (name: string, width: number) => [
      parameter(`${name}.weight`, [width], 1),
      parameter(`${name}.bias`, [width], 0),
    ],
  }
}

/** The parameters of a block, by what they are in it. */
export function inBlock(index: Block['index'], parts: Readonly<Record<string, readonly Parameter[]>>): Parameter[] {
  return Object.entries(parts).flatMap(([part, parameters]) =>
    parameters.map((parameter, i) => ({ ...parameter, block: { index, part: `${part}.${i}` } })),
  )
}

/** A model's parameters as values of the graph it is built in. */
export type Weights = (name: string) => Value

/** Parameters as arrays, by name. */
export type ParameterData = ReadonlyMap<string, Float32Array>

/** Fresh parameters; each tensor draws from a stream of its own, so adding one changes no other. */
export function initialise(parameters: readonly Parameter[], seed: number): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, shape, initial }) => {
      const data = new Float32Array(elements(shape))
      if (initial === 1) data.fill(1)
      else if (initial !== 0) {
        const next = random('initial', seed, name)
        for (let i = 0; i < data.length; i++) data[i] = normal(next) * initial.deviation
      }
      return [name, data]
    }),
  )
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

export function parameterTensor({ shape }: Parameter, data: Float32Array): Tensor {
  return { dtype: 'float32', dims: shape, data }
}

/** The number of trainable numbers. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elements(shape), 0)
}
