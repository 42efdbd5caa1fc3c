import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Enough epochs, from nothing, for names and frames that training never saw. */
const epochs = { roberta: 12, distilbert: 12, 'deberta-v2': 8, modernbert: 8 }

test.each(Object.entries(epochs))('a tiny %s learns the sample to F1 ≥ 0.90', (type, count) => {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-encoder-'))
  try {
    const out = join(scratch, 'run')
    const set = [`model.encoder.model_type=${type}`, `training.epochs=${count}`].flatMap((key) => ['--set', key])
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(root, 'bin/ner.js'), ...args], { encoding: 'utf8', stdio: 'pipe' })
    run('train', join(root, 'recipes/quickstart.yaml'), '--out', out, ...set)
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as { model_type: string }
    expect(config.model_type).toBe(type)
    // Exits with 1 below the gate: the graph that is served has what was learnt.
    run('eval', out, join(root, 'data/sample/test.conll'), '--min-f1', '0.9')
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
