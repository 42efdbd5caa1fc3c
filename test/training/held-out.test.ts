import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { letters, tinyRun } from './tiny-run.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-held-out-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const whole = letters(join(scratch, 'whole.jsonl'), 1, [0, 4], [9, 12])
const cut = letters(join(scratch, 'cut.jsonl'), 1, [0, 4], [10, 12])

describe.each(['dev', 'test'] as const)('a span of %s that cuts a word', (split) => {
  it('stops the run before it has written anything', async () => {
    const output = `stopped ${split}`
    await expect(tinyRun(scratch, { output, train: whole, [split]: cut })).rejects.toMatchObject({
      code: 'data/misaligned-span',
      message: expect.stringMatching(/cut\.jsonl: letter, 10–12 PER “ob” cuts a word/) as string,
    })
    expect(existsSync(join(scratch, output))).toBe(false)
  })

  it('or is listed, on request', async () => {
    const output = `skipped ${split}`
    const set = ['data.on_misaligned=skip']
    const { result } = await tinyRun(scratch, { output, train: whole, [split]: cut, set })
    expect(result).toMatchObject({ interrupted: false, [split]: { argmax: { scores: { micro: { support: 2 } } } } })
    const listed: unknown = JSON.parse(readFileSync(join(scratch, output, 'misaligned.jsonl'), 'utf8'))
    expect(listed).toMatchObject({ split, id: 'letter', start: 10, end: 12 })
  })
})

it.each(['dev', 'test'] as const)('a file without spans is nothing to score %s by', async (split) => {
  const output = `bare ${split}`
  const bare = letters(join(scratch, 'bare.jsonl'), 1)
  await expect(tinyRun(scratch, { output, train: whole, [split]: bare })).rejects.toMatchObject({
    code: 'data/empty',
    message: expect.stringContaining('bare.jsonl') as string,
  })
  expect(existsSync(join(scratch, output))).toBe(false)
})

it('a training set with more labels than a model takes is refused with the limit', async () => {
  const train = join(scratch, 'labels.jsonl')
  const row = (_: unknown, i: number) => ({ text: 'Anna met Bob', spans: [{ start: 0, end: 4, label: `TYPE${i}` }] })
  writeFileSync(
    train,
    Array.from({ length: 501 }, row)
      .map((it) => `${JSON.stringify(it)}\n`)
      .join(''),
  )
  await expect(tinyRun(scratch, { output: 'labels', train })).rejects.toMatchObject({
    code: 'data/too-many-labels',
    what: 'The training set has 501 labels; at most 500 are taken.',
  })
})
