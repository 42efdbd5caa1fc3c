import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NerError } from '../../src/errors.js'
import { readMetadata, readSafetensors, writeSafetensors, type StoredTensor } from '../../src/models/safetensors.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-safetensors-'))
const path = join(folder, 'model.safetensors')
const golden = (name: string) => new URL(`../golden/models/${name}`, import.meta.url).pathname

/** A file of any header and any elements. */
function craft(header: unknown, elements: Uint8Array = new Uint8Array(0), claimed?: bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(claimed ?? BigInt(json.length))
  writeFileSync(path, Buffer.concat([length, json, elements]))
}

function corrupt(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(NerError)
    expect((error as NerError).code).toBe('model/corrupt-weights')
    return (error as NerError).what
  }
  throw new Error('nothing was wrong')
}

describe('reading', () => {
  type Kind = Record<'matrix' | 'scalar' | 'edges', unknown>
  const expected = JSON.parse(readFileSync(golden('half.json'), 'utf8')) as Record<'float16' | 'bfloat16', Kind>

  test.each(['float16', 'bfloat16'] as const)('%s, as PyTorch widens it', (kind) => {
    const tensors = readSafetensors(golden(`half-${kind}.safetensors`))
    expect([...tensors.keys()].sort()).toEqual(['edges', 'matrix', 'scalar'])
    for (const name of ['matrix', 'scalar', 'edges'] as const) {
      const values = [expected[kind][name]].flat(2).map(Number)
      expect([...tensors.get(name)!.data], name).toEqual(values.map(Math.fround))
    }
    expect(tensors.get('matrix')!.shape).toEqual([3, 5])
    expect(tensors.get('scalar')!.shape).toEqual([])
  })

  test('every tensor of a file that Python wrote', () => {
    const tensors = readSafetensors(golden('tiny-bert/model.safetensors'))
    expect(tensors.get('bert.embeddings.word_embeddings.weight')!.shape).toEqual([48, 32])
    for (const { shape, data } of tensors.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1))
  })

  test('double precision, and no integers', () => {
    const elements = Buffer.alloc(24)
    elements.writeDoubleLE(0.1)
    elements.writeDoubleLE(-1e300, 8)
    elements.writeBigInt64LE(7n, 16)
    craft(
      {
        position_ids: { dtype: 'I64', shape: [1], data_offsets: [16, 24] },
        w: { dtype: 'F64', shape: [2], data_offsets: [0, 16] },
      },
      elements,
    )
    expect([...readSafetensors(path)]).toEqual([['w', { shape: [2], data: Float32Array.of(0.1, -Infinity) }]])
  })

  test('a file that is not there', () => {
    expect(() => readSafetensors(join(folder, 'none.safetensors'))).toThrow(
      expect.objectContaining({ code: 'model/missing-file' }) as Error,
    )
  })

  test('a folder in place of a file', () => {
    expect(corrupt(() => readSafetensors(folder))).toContain('it is no file')
  })
})

describe('writing', () => {
  const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
    const length = shape.reduce((a, b) => a * b, 1)
    return fc.record({
      shape: fc.constant(shape),
      data: fc.float32Array({ minLength: length, maxLength: length }),
    })
  })
  const tensors = fc
    .array(
      fc.tuple(
        fc.string({ minLength: 1 }).filter((name) => !name.startsWith('__')),
        tensor,
      ),
      { maxLength: 6 },
    )
    .map((entries) => new Map<string, StoredTensor>(entries))

  test('and reading give the same tensors, whatever their names and shapes', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        writeSafetensors(path, written)
        const read = readSafetensors(path)
        expect([...read.keys()].sort()).toEqual([...written.keys()].sort())
        for (const [name, { shape, data }] of written) expect(read.get(name)).toEqual({ shape, data })
      }),
      { numRuns: 50 },
    )
  })

  test('the same tensors in another order gives the same bytes', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        writeSafetensors(path, written)
        const bytes = readFileSync(path)
        writeSafetensors(path, new Map([...written].reverse()))
        expect(readFileSync(path).equals(bytes)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('aligns the elements to 8 bytes, and keeps strings beside the format', () => {
    writeSafetensors(path, new Map([['a', { shape: [1], data: Float32Array.of(1) }]]), { step: '12' })
    expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0)
    expect(readMetadata(path)).toEqual({ format: 'pt', step: '12' })
  })

  test('takes a part of a larger buffer', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5).subarray(1, 3)
    writeSafetensors(path, new Map([['a', { shape: [2], data }]]))
    expect([...readSafetensors(path).get('a')!.data]).toEqual([2, 3])
  })
})

describe('a damaged file', () => {
  const whole = (() => {
    writeSafetensors(
      path,
      new Map([
        ['bias', { shape: [3], data: Float32Array.of(1, 2, 3) }],
        ['weight', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ]),
    )
    return readFileSync(path)
  })()

  test('cut at any byte is refused', () => {
    for (let end = 0; end < whole.length; end++) {
      writeFileSync(path, whole.subarray(0, end))
      corrupt(() => readSafetensors(path))
    }
  })

  test('with bytes too many is refused', () => {
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(4)]))
    expect(corrupt(() => readSafetensors(path))).toContain('its header speaks of 36')
  })

  test('with flipped bits is refused, or read as a whole', () => {
    const flip = fc.tuple(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const damaged = Buffer.from(whole)
        for (const [at, bits] of flips) damaged[at]! ^= bits
        writeFileSync(path, damaged)
        try {
          const tensors = [...readSafetensors(path).values()]
          // An integer tensor is nothing of ours; a float one has as many elements as its shape says.
          expect(tensors.length).toBeLessThanOrEqual(2)
          for (const { shape, data } of tensors) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1))
        } catch (error) {
          expect(error).toMatchObject({ code: 'model/corrupt-weights' })
        }
      }),
      { numRuns: 500 },
    )
  })

  test.each([0n, 1n, 99_999_999n, 100_000_001n, 2n ** 40n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])(
    'whose header claims %d bytes is refused before they are allocated',
    (claimed) => {
      craft('{}', new Uint8Array(8), claimed)
      corrupt(() => readSafetensors(path))
    },
  )

  const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: offsets })
  const headers: Record<string, unknown> = {
    'a header that is null': null,
    'a header that is a number': 5,
    'a header that is text': '"weights"',
    'a header that is a list': [entry([1], [0, 4])],
    'no JSON': '{"a":',
    'an entry that is null': { a: null },
    'an entry without a type': { a: { shape: [2], data_offsets: [0, 8] } },
    'a type that is none': { a: entry([2], [0, 8], 'F31') },
    'a type named like a method': { a: entry([2], [0, 8], 'constructor') },
    'a negative dimension': { a: entry([-2], [0, 8]) },
    'a fractional dimension': { a: entry([0.5, 4], [0, 8]) },
    'a dimension beyond what can be counted': { a: entry([2 ** 60], [0, 8]) },
    'dimensions whose product overflows': { a: entry([2 ** 52, 2 ** 52], [0, 8]) },
    'a shape that needs more': { a: entry([3], [0, 8]) },
    'offsets the wrong way round': { a: entry([2], [8, 0]) },
    'one offset': { a: entry([2], [8]) },
    'offsets beyond the end': { a: entry([4], [0, 16]) },
    'offsets far beyond the end': { a: entry([2 ** 40], [0, 2 ** 42]) },
    'a gap at the start': { a: entry([1], [4, 8]) },
    'a gap in the middle': { a: entry([0], [0, 0]), b: entry([1], [4, 8]) },
    'elements that nobody has': { a: entry([1], [0, 4]) },
    'tensors that overlap': { a: entry([2], [0, 8]), b: entry([1], [4, 8]) },
    'tensors in the same place': { a: entry([2], [0, 8]), b: entry([2], [0, 8]) },
  }
  test.each(Object.entries(headers))('with %s is refused', (_, header) => {
    craft(header, new Uint8Array(8))
    corrupt(() => readSafetensors(path))
  })

  test('whose header is no UTF-8 is refused', () => {
    const damaged = Buffer.from(whole)
    damaged[whole.indexOf('bias')] = 0xff
    writeFileSync(path, damaged)
    expect(corrupt(() => readSafetensors(path))).toContain('not JSON')
  })
})
