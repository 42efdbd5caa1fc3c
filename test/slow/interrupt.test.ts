import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// The command itself, stopped as people, shells and schedulers stop it, in its first epoch.
const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ner-interrupt-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const settings = [
  'training.epochs=2',
  'model.encoder={hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 128}',
  'tokenizer.vocab_size=600',
]

const argumentsOf = (out: string, ...flags: string[]) => [
  join(root, 'bin/ner.js'),
  ...['train', join(root, 'recipes/quickstart.yaml'), '--out', out],
  ...settings.flatMap((setting) => ['--set', setting]),
  ...flags,
]

const piped = (out: string, ...flags: string[]) => spawn(process.execPath, argumentsOf(out, ...flags))

/** In a pseudo-terminal of 80 columns, whose keyboard is the child's standard input. */
function onTerminal(out: string, ...flags: string[]) {
  const quoted = [process.execPath, ...argumentsOf(out, ...flags)].map((word) => `'${word}'`).join(' ')
  return spawn('script', ['--quiet', '--return', '--command', `stty cols 80; exec ${quoted}`, '/dev/null'])
}

const loggedSteps = (folder: string) => {
  const log = join(folder, 'train.log.jsonl')
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0
}

const stops = {
  'Ctrl-C on a terminal': { start: onTerminal, stop: (child: ReturnType<typeof spawn>) => child.stdin!.write('\x03') },
  'SIGINT with a pipe': { start: piped, stop: (child: ReturnType<typeof spawn>) => child.kill('SIGINT') },
  'SIGTERM with a pipe': { start: piped, stop: (child: ReturnType<typeof spawn>) => child.kill('SIGTERM') },
}

/** A child that is followed until it ends: its code, and all that it said. */
async function followed(child: ReturnType<typeof spawn>, when?: () => boolean, then?: () => void) {
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (said += String(data)))
  const ended = once(child, 'exit')
  if (when) while (!when() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
  then?.()
  const [code] = (await ended) as [number | null]
  return { code, said }
}

beforeAll(async () => expect((await followed(piped(join(scratch, 'whole')))).code).toBe(0))
const weights = (name: string) => readFileSync(join(scratch, name, 'model.safetensors'))
const hasTerminal = spawnSync('script', ['--version']).status === 0

describe.each(Object.entries(stops))('%s', (name, { start, stop }) => {
  test.skipIf(start === onTerminal && !hasTerminal)('leaves a checkpoint that the run goes on from', async () => {
    const out = join(scratch, name)
    const child = start(out)
    const { code, said } = await followed(
      child,
      () => loggedSteps(out) >= 5,
      () => stop(child),
    )
    expect(code).toBe(130)
    expect(said).toContain('The same command with --resume goes on from here.')
    const steps = loggedSteps(out)
    const resumed = await followed(start(out, '--resume'))
    expect(resumed.code).toBe(0)
    expect(resumed.said).toContain(`from step ${steps}`)
    expect(weights(name).equals(weights('whole'))).toBe(true)
  })
})
