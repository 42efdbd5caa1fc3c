import { describe, expect, test } from 'vitest'
import { decodeModel } from '../../src/graph/onnx/decode.js'
import { encodeModel } from '../../src/graph/onnx/encode.js'
import { print } from '../../src/graph/print.js'
import { verify } from '../../src/graph/verify.js'
import { built } from './built.js'

describe.each(Object.entries(built))('%s', (_, build) => {
  test('keeps every rule', () => {
    verify(build())
  })

  test('is built the same every time', () => expect(print(build())).toBe(print(build())))

  test('is read back to the byte, and keeps every rule then', () => {
    const bytes = encodeModel(build())
    const read = decodeModel(bytes)
    verify(read)
    expect(Buffer.compare(encodeModel(read), bytes)).toBe(0)
  })
})
