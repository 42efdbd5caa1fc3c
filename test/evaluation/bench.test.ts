import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bench } from '../../src/evaluation/bench.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-bench-'))

describe('data that no model can be timed on', () => {
  test.each<[string, string, readonly number[], string, RegExp]>([
    ['no word', '{"text": "", "spans": []}', [], 'data/empty', /no word/],
    ['fewer words than a text is to have', '{"text": "one two three"}', [3, 4], 'usage/bad-option', /3 words.* of 4/],
  ])('%s', async (name, content, lengths, code, message) => {
    const data = join(folder, `${name}.jsonl`)
    writeFileSync(data, `${content}\n`)
    const work = bench(['nowhere'], { data, batches: [1], lengths, rounds: 1 })
    await expect(work.next()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  })
})
