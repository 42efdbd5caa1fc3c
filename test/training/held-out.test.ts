import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { train } from '../../src/training/train.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-held-out-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function rows(name: string, ...spans: (readonly [number, number])[]): string {
  const path = join(scratch, name)
  const labelled = spans.map(([start, end]) => ({ start, end, label: 'PER' }))
  writeFileSync(path, `${JSON.stringify({ id: 'letter', text: 'Anna met Bob', spans: labelled })}\n`)
  return path
}

const whole = rows('whole.jsonl', [0, 4], [9, 12])
const cut = rows('cut.jsonl', [0, 4], [10, 12])

async function run(split: string, output: string, ...set: string[]) {
  const tiny = ['hidden_size=16', 'num_hidden_layers=1', 'num_attention_heads=2', 'intermediate_size=32']
  const config = loadConfig({
    set: ['threads=1', 'training.epochs=1', 'tokenizer.vocab_size=100', ...set].concat(
      tiny.map((size) => `model.encoder.${size}`),
    ),
    overrides: { 'data.train': whole, 'data.dev': whole, [`data.${split}`]: cut, output },
  })
  for await (const event of train(config)) if (event.kind === 'done') return event
  return undefined
}

describe.each(['dev', 'test'] as const)('a span of %s that cuts a word', (split) => {
  it('stops the run before it has written anything', async () => {
    const output = join(scratch, `stopped ${split}`)
    await expect(run(split, output)).rejects.toMatchObject({
      code: 'data/misaligned-span',
      message: expect.stringMatching(/cut\.jsonl: letter, 10–12 PER “ob” cuts a word/) as string,
    })
    expect(() => readFileSync(output)).toThrow('ENOENT')
  })

  it('or is listed, on request', async () => {
    const output = join(scratch, `skipped ${split}`)
    const done = await run(split, output, 'data.on_misaligned=skip')
    expect(done![split]!.argmax.scores.micro.support).toBe(1)
    const listed: unknown = JSON.parse(readFileSync(join(output, 'misaligned.jsonl'), 'utf8'))
    expect(listed).toMatchObject({ split, id: 'letter', start: 10, end: 12 })
  })
})
