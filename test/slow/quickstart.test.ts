import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('README’s first command gives F1 ≥ 0.90 on names and frames that training never saw', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-quickstart-'))
  try {
    const out = join(scratch, 'run')
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(root, 'bin/ner.js'), ...args], { encoding: 'utf8', stdio: 'pipe' })
    run('train', join(root, 'recipes/quickstart.yaml'), '--out', out)
    const { test_overall_f1: f1 } = JSON.parse(readFileSync(join(out, 'all_results.json'), 'utf8')) as {
      test_overall_f1: number
    }
    expect(f1).toBeGreaterThanOrEqual(0.9)
    // The gate of `ner eval` sees what the training reported: the shipped graph is the trained one.
    const scores = run('eval', out, join(root, 'data/sample/test.conll'), '--json', '--min-f1', '0.9')
    const evaluation = JSON.parse(scores) as { overall_f1: number }
    expect(evaluation.overall_f1).toBeCloseTo(f1, 3)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
