import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeModel } from '../../src/graph/onnx/encode.js'
import { built } from '../contract/built.js'
import { samples } from '../graph/samples.js'
import { pythonWith } from './python.js'

const python = pythonWith('onnx')

const script = new URL('../interop/check_onnx.py', import.meta.url).pathname

// Operators of the runtime are not known to Python's onnx, which then infers no further: they pass unseen.
test.skipIf(!python)("Python's onnx finds no fault with what we write, and infers the types we declare", () => {
  const folder = mkdtempSync(join(tmpdir(), 'ner-onnx-'))
  const graphs = [
    ...Object.values(samples).map((sample) => sample().g),
    ...Object.values(built).map((build) => build()),
  ]
  const files = graphs.map((g, i) => {
    const path = join(folder, `${i}.onnx`)
    writeFileSync(path, encodeModel(g))
    return path
  })
  const faults: unknown = JSON.parse(execFileSync(python!, [script, ...files], { encoding: 'utf8' }))
  expect(faults).toEqual(Object.fromEntries(files.map((path) => [path, null])))
})
