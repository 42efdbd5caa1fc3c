import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

// The command itself, killed as a machine that goes down would kill it.
const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ner-resume-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const settings = [
  'training.epochs=2',
  'training.checkpoint_every=20',
  'training.batch_sentences=32',
  'model.encoder={hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 128}',
  'tokenizer.vocab_size=600',
]

function trainInto(out: string, ...flags: string[]) {
  const set = settings.flatMap((setting) => ['--set', setting])
  const child = spawn(
    process.execPath,
    [join(root, 'bin/ner.js'), 'train', join(root, 'recipes/quickstart.yaml'), '--out', out, ...set, ...flags],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  return {
    child,
    errors,
    ended: once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal })),
  }
}

const hash = (folder: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'model.safetensors')))
    .digest('hex')

const loggedSteps = (folder: string) => {
  const log = join(folder, 'train.log.jsonl')
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : ''
  return last ? (JSON.parse(last) as { step: number }).step : 0
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the same seed and data', () => {
  const whole = join(scratch, 'whole')

  test('give the same bytes twice', async () => {
    expect(await trainInto(whole).ended).toEqual({ code: 0, signal: null })
    const again = join(scratch, 'again')
    expect(await trainInto(again).ended).toEqual({ code: 0, signal: null })
    expect(hash(again)).toBe(hash(whole))
    expect(readFileSync(join(again, 'onnx/model.onnx'))).toEqual(readFileSync(join(whole, 'onnx/model.onnx')))
  })

  test('give the same bytes after SIGKILL in the middle of an epoch and --resume', async () => {
    const out = join(scratch, 'killed')
    const first = trainInto(out)
    await until(() => loggedSteps(out) >= 30 || first.child.exitCode !== null)
    first.child.kill('SIGKILL')
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' })
    expect(existsSync(join(out, 'model.safetensors'))).toBe(false)
    expect(existsSync(join(out, 'checkpoint/state.safetensors'))).toBe(true)
    expect(await trainInto(out, '--resume').ended).toEqual({ code: 0, signal: null })
    expect(hash(out)).toBe(hash(whole))
    expect(existsSync(join(out, 'checkpoint'))).toBe(false)
  })

  test('give the same bytes after Ctrl-C, which exits with 130, and --resume', async () => {
    const out = join(scratch, 'interrupted')
    const first = trainInto(out)
    await until(() => loggedSteps(out) >= 5 || first.child.exitCode !== null)
    first.child.kill('SIGINT')
    expect(await first.ended).toEqual({ code: 130, signal: null })
    expect(await trainInto(out, '--resume').ended).toEqual({ code: 0, signal: null })
    expect(hash(out)).toBe(hash(whole))
  })

  test('a folder with a run in it is refused, a finished run too', async () => {
    const again = trainInto(whole)
    expect((await again.ended).code).toBe(2)
    expect(again.errors.join('\n')).toContain('output/occupied')
    const resumed = trainInto(whole, '--resume')
    expect((await resumed.ended).code).toBe(2)
    expect(resumed.errors.join('\n')).toContain('training/no-checkpoint')
  })

  test('a checkpoint that was cut short, or is of another run, is refused', async () => {
    const out = join(scratch, 'cut')
    const first = trainInto(out)
    await until(() => existsSync(join(out, 'checkpoint/state.safetensors')) || first.child.exitCode !== null)
    first.child.kill('SIGKILL')
    await first.ended
    const other = trainInto(out, '--resume', '--set', 'seed=2')
    expect((await other.ended).code).toBe(2)
    expect(other.errors.join('\n')).toContain('training/different-run')
    truncateSync(join(out, 'checkpoint/state.safetensors'), 10_000)
    const cut = trainInto(out, '--resume')
    expect((await cut.ended).code).toBe(2)
    expect(cut.errors.join('\n')).toContain('training/corrupt-checkpoint')
  })
})

test('a loss that is not a number stops the run, names the step and keeps the checkpoint', async () => {
  const out = join(scratch, 'diverged')
  const run = trainInto(out, '--set', 'training.learning_rate=1e30', '--set', 'training.max_grad_norm=null')
  expect((await run.ended).code).toBe(2)
  expect(run.errors.join('\n')).toMatch(/step \d+ is not a finite number.*training\/not-finite/s)
  expect(existsSync(join(out, 'model.safetensors'))).toBe(false)
})

test('dev labels that training lacks are named before anything is written', async () => {
  const dev = join(scratch, 'dev.conll')
  writeFileSync(dev, 'Rome B-CITY\nis O\n')
  const out = join(scratch, 'unseen')
  const run = trainInto(out, '--dev', dev)
  expect((await run.ended).code).toBe(2)
  expect(run.errors.join('\n')).toContain('CITY')
  expect(existsSync(out)).toBe(false)
})
