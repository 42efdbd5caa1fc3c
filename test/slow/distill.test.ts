import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sample = (split: string) => join(root, 'data/sample', `${split}.conll`)

test('a student of half the layers keeps its teacher’s F1 on the sample to 3 points, by the command’s own gate', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ner-distill-'))
  try {
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(root, 'bin/ner.js'), ...args], { encoding: 'utf8', stdio: 'pipe' })
    const teacher = join(scratch, 'teacher')
    const larger = ['--set', 'model.encoder.num_hidden_layers=4', '--set', 'training.epochs=5']
    run('train', join(root, 'recipes/quickstart.yaml'), '--out', teacher, ...larger)
    const data = ['train', 'dev', 'test'].flatMap((split) => [`--${split}`, sample(split)])
    const settings = ['training.epochs=2', 'training.batch_sentences=32', 'training.learning_rate=1e-3']
    const out = join(scratch, 'student')
    const printed = run(
      ...['distill', teacher, '--layers', '2', ...data, '--out', out, '--max-f1-drop', '3', '--json'],
      ...settings.flatMap((setting) => ['--set', setting]),
    )
    const { f1_drop: drop, models } = JSON.parse(printed) as { f1_drop: number; models: { parameters: number }[] }
    expect(drop).toBeLessThanOrEqual(3)
    expect(models[1]!.parameters).toBeLessThan(models[0]!.parameters)
    expect(readFileSync(join(out, 'comparison.html'), 'utf8')).toContain('Lost by the student')
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
