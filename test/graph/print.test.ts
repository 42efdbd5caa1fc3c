import { describe, expect, test } from 'vitest'
import { Graph } from '../../src/graph/graph.js'
import { print } from '../../src/graph/print.js'
import { classifier, copies, scan } from './samples.js'

describe('graphs as text', () => {
  // `npx vitest run test/graph/print.test.ts --update` writes them anew: read the difference.
  test.each(Object.entries({ classifier, scan, copies }))('%s', async (name, sample) => {
    await expect(print(sample().g)).toMatchFileSnapshot(`../golden/graph/${name}.txt`)
  })

  test('the same graph gives the same text', () => expect(print(scan().g)).toBe(print(scan().g)))

  test('numbers, missing inputs and operators of the runtime', () => {
    const g = new Graph('numbers')
    const x = g.input('x', 'float16', ['2*batch'])
    const half = g.initializer('half', { dtype: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0x0001) })
    const tensor = { dtype: 'int64', dims: [9], data: BigInt64Array.from({ length: 9 }, (_, i) => BigInt(i)) } as const
    const attributes = { scale: { float: 0.1 }, ends: [2 ** 31 - 1, -1], mode: 'fast', tensor, none: undefined }
    g.applyForeign('Op', 'com.example', [x, undefined, half], attributes, [
      { dtype: 'float16', shape: ['2*batch'] },
      { dtype: 'int8', shape: [] },
    ])
    expect(print(g)).toBe(
      [
        "graph 'numbers'",
        'input %x: float16[2*batch]',
        'initializer %half: float16[2] = 0x3c00 0x0001',
        '%Op: float16[2*batch], %Op.1: int8[] = com.example.Op(%x, _, %half) {scale: 0.1, ends: [2147483647, -1], ' +
          'mode: fast, tensor: int64[9] 0 1 2 3 4 5 6 7 … (9 elements)}',
        '',
      ].join('\n'),
    )
  })
})
