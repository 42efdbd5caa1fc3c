import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatConll } from '../../src/data/formats/conll-write.js'
import type { Document } from '../../src/data/document.js'
import { segment } from '../../src/data/segment.js'
import { evaluate } from '../../src/evaluation/evaluate.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-evaluate-'))
const threads = 1
let models = { crf: '', softmax: '' }
beforeAll(async () => void (models = { crf: await tinyTagger(), softmax: await tinyTagger({ head: 'softmax' }) }))

function file(name: string, content: string): string {
  const path = join(scratch, name)
  writeFileSync(path, content)
  return path
}

const jsonl = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const texts = ['abc bca. A cab acb, bca abc cabba!', 'bca', 'a bb acc abc '.repeat(20)]

/** What a model finds, as a CoNLL file. */
async function ownPredictions(model: string): Promise<string> {
  const predictor = await loadPredictor(model, { threads })
  const documents = texts.map((text, i): Document => segment({ id: String(i), text, layers: {} }))
  const spans = await predictor.predictDocuments(documents)
  const labelled = documents.map((document, i) => ({ ...document, layers: { gold: spans[i]! } }))
  return [...formatConll(labelled)].join('')
}

describe('evaluate', () => {
  it.each(['crf', 'softmax'] as const)('finds a %s right in what it predicts itself', async (head) => {
    const data = file(`${head}.conll`, await ownPredictions(models[head]))
    const evaluation = await evaluate(models[head], data, { threads })
    const { scores } = evaluation[head === 'crf' ? 'crf' : 'argmax']!
    expect(scores.micro).toMatchObject({ precision: 1, recall: 1, f1: 1 })
    expect(scores.micro.support).toBeGreaterThan(5)
    expect('crf' in evaluation).toBe(head === 'crf')
    expect(evaluation).not.toHaveProperty('skipped')
  })

  it('scores text without words of its own, and both ways of decoding', async () => {
    const data = file('spans.jsonl', jsonl({ text: 'abc bca cab', spans: [{ start: 0, end: 3, label: 'X' }] }))
    const { crf, argmax } = await evaluate(models.crf, data, { threads })
    for (const decoding of [crf, argmax]) expect(decoding!.scores.micro.support).toBe(1)
  })

  it('gives the same scores and intervals every time', async () => {
    const data = file('twice.conll', await ownPredictions(models.softmax))
    expect(await evaluate(models.crf, data, { threads })).toEqual(await evaluate(models.crf, data, { threads }))
  })

  it('refuses a label that the model does not know, naming both sides', async () => {
    const data = file('label.conll', 'abc\tB-X\nbca\tB-PLACE\n')
    await expect(evaluate(models.crf, data)).rejects.toMatchObject({
      code: 'data/unseen-label',
      message: expect.stringMatching(/PLACE[^]*label\.conll[^]*X, Y/) as string,
    })
  })

  describe('spans that cut a word', () => {
    const rows = jsonl({
      text: 'abc bca cab',
      spans: [
        { start: 0, end: 2, label: 'X' },
        { start: 4, end: 7, label: 'Y' },
      ],
    })

    it('are an error', async () => {
      const evaluation = evaluate(models.crf, file('cut.jsonl', rows))
      await expect(evaluation).rejects.toMatchObject({ code: 'data/misaligned-span' })
    })

    it('or are missed entities, on request', async () => {
      const data = file('cut too.jsonl', rows)
      const { argmax, crf, unreachable, characters } = await evaluate(models.crf, data, {
        onMisaligned: 'skip',
        threads,
      })
      for (const { scores } of [argmax, crf!]) {
        expect(scores.micro.support).toBe(2)
        expect(scores.perType['X']!.recall).toBe(0)
      }
      expect(unreachable).toMatchObject([{ span: { start: 0, end: 2, label: 'X' }, text: 'ab', reason: 'cuts a word' }])
      expect(characters.gold).toBe(5)
    })
  })

  it.each([
    ['nothing', '', 'data/empty'],
    ['rows outside all spans', 'abc\tO\nbca\tO\n', 'data/empty'],
    ['rows without tags', 'abc\nbca\n', 'data/bad-row'],
    ['votes and no labels', jsonl({ text: 'abc', layers: { rules: [] } }), 'data/bad-row'],
  ])('refuses a file with %s', async (name, content, code) => {
    await expect(evaluate(models.crf, file(`${name}.conll`, content))).rejects.toMatchObject({ code })
  })
})
