import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Manifest } from '../../src/export/manifest.js'
import { fromRoot } from './trained.js'

test('recipes/ship.sh goes from the sample to a gated int8 folder', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-ship-'))
  try {
    execFileSync('sh', [fromRoot('recipes/ship.sh'), scratch], { stdio: 'pipe' })
    const { graphs, metrics } = JSON.parse(readFileSync(join(scratch, 'ship', 'manifest.json'), 'utf8')) as Manifest
    expect(graphs.map(({ path }) => path)).toEqual([
      'onnx/model.onnx',
      'onnx/model_fp16.onnx',
      'onnx/model_quantized.onnx',
    ])
    const f1 = (path: string) => Number(metrics!.after[path]!['overall_f1'])
    expect(f1('onnx/model.onnx')).toBeGreaterThan(0.8)
    expect(f1('onnx/model_quantized.onnx')).toBeGreaterThan(f1('onnx/model.onnx') - 0.01)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
