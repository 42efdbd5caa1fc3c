import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeSafetensors } from '../../src/models/safetensors.js'
import { pythonWith } from './python.js'

const python = pythonWith('safetensors', 'numpy')

const script = new URL('../interop/read_safetensors.py', import.meta.url).pathname

test.skipIf(!python)("Python's safetensors reads what we write", () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ner-safetensors-')), 'model.safetensors')
  const tensors = new Map([
    ['scalar', { shape: [], data: Float32Array.of(0.5) }],
    ['é.weight', { shape: [2, 3], data: Float32Array.of(1, -2, 3e-40, 3e38, 5.25, -0) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ])
  writeSafetensors(path, tensors, { step: '3' })
  const read: unknown = JSON.parse(execFileSync(python!, [script, path], { encoding: 'utf8' }))
  expect(read).toEqual({
    metadata: { format: 'pt', step: '3' },
    tensors: Object.fromEntries(
      [...tensors].map(([name, { shape, data }]) => [name, { shape, dtype: 'float32', data: [...data] }]),
    ),
  })
})
