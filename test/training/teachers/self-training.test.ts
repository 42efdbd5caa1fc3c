import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { defaults, type Config } from '../../../src/config/schema.js'
import { NerError } from '../../../src/errors.js'
import type { RoundScore } from '../../../src/training/teachers/rounds.js'
import { train, type TrainEvent } from '../../../src/training/train.js'
import { followed } from '../follow.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-self-training-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Sentences of the sample, few enough for seconds. */
function sample(split: string, sentences: number): string {
  const text = readFileSync(fileURLToPath(new URL(`../../../data/sample/${split}.conll`, import.meta.url)), 'utf8')
  const path = join(scratch, `${split}.conll`)
  writeFileSync(path, `${text.split('\n\n').slice(0, sentences).join('\n\n')}\n`)
  return path
}
const data = { ...defaults.data, train: sample('train', 120), dev: sample('dev', 60) }
const text = join(scratch, 'text.txt')
writeFileSync(text, 'Ann went to Oslo .\nNobody called .\n')

const config = (name: string, rounds: Partial<Config['self_training']>, head: 'crf' | 'softmax' = 'crf'): Config => ({
  ...defaults,
  output: join(scratch, name),
  threads: 1,
  data,
  model: {
    ...defaults.model,
    head,
    encoder: {
      ...defaults.model.encoder,
      hidden_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
    },
  },
  tokenizer: { ...defaults.tokenizer, vocab_size: 400 },
  training: { ...defaults.training, epochs: 2, learning_rate: 5e-3, checkpoint_every: 2 },
  self_training: { ...defaults.self_training, enabled: true, confidence: 0.5, rounds: 2, ...rounds },
})

async function run(settings: Config, options: { resume?: boolean; stop?: (event: TrainEvent) => boolean } = {}) {
  const controller = new AbortController()
  const run = train(settings, { resume: options.resume === true, signal: controller.signal })
  return followed(run, (event) => {
    if (options.stop?.(event) === true) controller.abort()
  })
}

const resultsOf = (settings: Config) =>
  JSON.parse(readFileSync(join(settings.output, 'all_results.json'), 'utf8')) as {
    self_training: RoundScore[]
    eval_overall_f1: number
    global_step: number
  }
const weightsOf = (settings: Config) => readFileSync(join(settings.output, 'model.safetensors'))

describe('self-training', () => {
  it.each(['crf', 'softmax'] as const)('lists its rounds, and keeps the best: %s', async (head) => {
    const settings = config(head, { patience: 9, unlabeled: [text] }, head)
    const { events } = await run(settings)
    const { self_training: rounds, eval_overall_f1: f1, global_step: steps } = resultsOf(settings)
    expect(rounds.map(({ round }) => round)).toEqual([0, 1, 2])
    expect(f1).toBe(Math.max(...rounds.map(({ eval_overall_f1 }) => eval_overall_f1)))
    const begun = events.filter((event) => event.kind === 'round')
    expect(rounds.slice(1).map(({ confident_words: share }) => share)).toEqual(
      begun.map(({ confident, words }) => confident / words),
    )
    // Both texts, and the words without labels beside them.
    const labelled = readFileSync(data.train, 'utf8')
      .split('\n')
      .filter((line) => /^\S/.test(line) && !line.startsWith('-DOCSTART-')).length
    expect(begun[0]!.words).toBe(labelled + 8)
    const starts = events.filter((event) => event.kind === 'start')
    expect(steps).toBe(starts.reduce((sum, start) => sum + start.steps, 0))
    const log = readFileSync(join(settings.output, 'train.log.jsonl'), 'utf8').trim().split('\n')
    const logged = log.map((line) => (JSON.parse(line) as { step: number }).step)
    expect(logged).toEqual(logged.toSorted((a, b) => a - b))
    expect(readFileSync(join(settings.output, 'report.html'), 'utf8')).toContain('<h2>Self-training</h2>')
  })

  it('stops after so many rounds without a better score, and keeps what it had', async () => {
    // At such a rate nothing can change.
    const settings = config('stops', { rounds: 9, patience: 2, learning_rate: 1e-12 })
    const { training } = settings
    const still = { ...settings, training: { ...training, head_learning_rate: 1e-12, crf_learning_rate: 1e-12 } }
    const { events } = await run(still)
    expect(events.filter(({ kind }) => kind === 'round')).toHaveLength(2)
    expect(resultsOf(settings).self_training).toHaveLength(3)
  })

  it('gives the same bytes where it was stopped, before and within a round, and resumed', async () => {
    const whole = config('whole', { patience: 9 })
    await run(whole)
    const parts = { ...whole, output: join(scratch, 'parts') }
    const stopAt = (round: number) => {
      let seen = 0
      return (event: TrainEvent) => {
        if (event.kind === 'round') seen = event.round
        return seen === round && event.kind === 'step' && event.step === 3
      }
    }
    for (const round of [0, 2]) {
      const { result } = await run(parts, { resume: true, stop: stopAt(round) })
      expect(result.interrupted).toBe(true)
    }
    const { events: last } = await run(parts, { resume: true })
    // Round 1 is done: it is not done again.
    expect(last.flatMap((event) => (event.kind === 'round' ? [event.round] : []))).toEqual([2])
    expect(weightsOf(parts).equals(weightsOf(whole))).toBe(true)
    expect(resultsOf(parts).self_training).toEqual(resultsOf(whole).self_training)
    const other = { ...parts, output: join(scratch, 'other') }
    await run(other, { resume: true, stop: stopAt(2) })
    const changed = { ...other, self_training: { ...other.self_training, confidence: 0.6 } }
    await expect(run(changed, { resume: true })).rejects.toThrow('training/different-run')
  })

  it('wants a clean set, and is wanted where there is text without labels', async () => {
    const plain = config('none', { unlabeled: [text] })
    await expect(run({ ...plain, data: { ...data, dev: null } })).rejects.toThrow(NerError)
    const off = { ...plain, self_training: { ...plain.self_training, enabled: false } }
    await expect(run(off)).rejects.toThrow('Turn on `self-train`')
  })
})
