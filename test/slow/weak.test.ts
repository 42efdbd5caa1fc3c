import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LearningCurves } from '../../src/weak/analysis/curve.js'
import { fromRoot } from './trained.js'

let out: string

const json = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8')) as unknown
const ner = (...args: string[]) =>
  execFileSync(process.execPath, [fromRoot('bin/ner.js'), ...args], { encoding: 'utf8', stdio: 'pipe' })

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'ner-weak-'))
  execFileSync('sh', [fromRoot('recipes/weak.sh'), out], {
    env: { ...process.env, WEAK: '200:20', ALONE: '200:40' },
    stdio: 'pipe',
  })
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

test('recipes/weak.sh goes from text and functions to models and a curve', () => {
  for (const file of [
    'functions.html',
    'functions-200.html',
    'label-model.json',
    'weak-0/model.safetensors',
    'curve.html',
  ])
    expect(existsSync(join(out, file)), file).toBe(true)
  const { split, gold, weak } = json('curve.json') as LearningCurves
  expect(split).toBe('test')
  expect(gold.map(({ sentences }) => sentences)).toEqual([200])
  expect(weak.map(({ sentences }) => sentences)).toEqual([0, 200])
})

test('the label model is no worse than the majority, and a model that learns from it beats 200 labelled sentences', () => {
  const fit = ['weak', 'fit', join(out, 'votes.jsonl.gz'), '--dev', join(out, 'checked.jsonl')]
  const { dev, dev_majority: majority } = JSON.parse(
    ner(...fit, '--out', join(out, 'again.jsonl'), '--json'),
  ) as Record<'dev' | 'dev_majority', { overall_f1: number }>
  expect(dev.overall_f1).toBeGreaterThanOrEqual(majority.overall_f1)
  expect(dev.overall_f1).toBeGreaterThan(0.85)
  // The file that the models were trained on is the same, to the byte.
  expect(readFileSync(join(out, 'again.jsonl')).equals(readFileSync(join(out, 'weak.jsonl')))).toBe(true)

  const { gold, weak } = json('curve.json') as LearningCurves
  expect(weak[0]!.f1).toBeGreaterThan(0.8)
  for (const { f1 } of weak) expect(f1).toBeGreaterThan(gold[0]!.f1 + 0.2)
  // The second round, with the sentences.
  expect(weak[1]!.f1).toBeGreaterThan(weak[0]!.f1)
})
