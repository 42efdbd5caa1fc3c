import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { distill } from '../../../src/compress/distill/distill.js'
import { defaults, type Config } from '../../../src/config/schema.js'
import { loadModel } from '../../../src/artifacts/model.js'
import type { TrainEvent, TrainResult } from '../../../src/training/events.js'
import { followed } from '../../training/follow.js'
import { checkComparable, compareModels, onlyWrongIn, type CompareOptions } from '../../../src/evaluation/compare.js'
import { tinyTagger } from '../../inference/tiny-tagger.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-distill-'))
const train = join(scratch, 'train.conll')
const text = join(scratch, 'text.txt')
const sentence = (words: string) =>
  words.split(' ').map((word) => `${word} ${word === 'abc' ? 'B-X' : word === 'cab' ? 'B-Y' : 'O'}\n`)
writeFileSync(
  train,
  ['abc acb', 'bca cab acb', 'acb bca', 'cab abc', 'abc'].map((it) => sentence(it).join('')).join('\n'),
)
writeFileSync(text, 'acb abc bca\ncab cab\n')

let teachers: string[]
beforeAll(async () => {
  teachers = [await tinyTagger(), await tinyTagger({ head: 'softmax' })]
})

function config(name: string, changes: Partial<Config['distill']> = {}): Config {
  return {
    ...defaults,
    output: join(scratch, name),
    threads: 1,
    data: { ...defaults.data, train, dev: train },
    training: { ...defaults.training, epochs: 2, batch_sentences: 2 },
    distill: { ...defaults.distill, ...changes },
  }
}

const run = async (training: AsyncGenerator<TrainEvent, TrainResult>) => (await followed(training)).events

const weightsOf = (name: string) => readFileSync(join(scratch, name, 'model.safetensors'))

describe('distill', () => {
  test('two teachers and unlabelled text: a folder like any model’s, which names them', async () => {
    const events = await run(distill(teachers, config('student', { unlabeled: [text] })))
    expect(events.some(({ kind }) => kind === 'teaching')).toBe(true)
    // Five labelled sentences and two texts, two at a time, twice.
    expect(events.find(({ kind }) => kind === 'start')).toMatchObject({ steps: 8 })
    const { tagger, ner, config: own } = await loadModel(join(scratch, 'student'))
    expect(tagger.encoder.sizes.layers).toBe(1)
    expect(own).toMatchObject({ model_type: 'bert', num_hidden_layers: 1 })
    const lineage = ner.lineage as { teachers: { sha256: string }[]; unlabelled: object[] }
    expect(lineage.teachers.map(({ sha256 }) => sha256)).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ])
    expect(lineage.unlabelled).toHaveLength(1)
    // The folder may be published: it tells of files, not of where they lay.
    expect(JSON.stringify(ner)).not.toContain(scratch)
    expect(existsSync(join(scratch, 'student', 'checkpoint'))).toBe(false)
  })

  test.each<[string, Partial<Config['distill']>]>([
    ['with logits from before', {}],
    ['with the teacher in the graph', { cache: false }],
  ])('stopped and resumed is the run that was not stopped: %s', async (_, changes) => {
    const name = `stop ${JSON.stringify(changes.cache ?? true)}`
    await run(distill([teachers[0]!], config(`${name} whole`, changes)))
    const controller = new AbortController()
    for await (const event of distill([teachers[0]!], config(name, changes), { signal: controller.signal }))
      if (event.kind === 'step' && event.step === 2) controller.abort()
    await run(distill([teachers[0]!], config(name, changes), { resume: true }))
    expect(weightsOf(name).equals(weightsOf(`${name} whole`))).toBe(true)
  })

  test('is interrupted while teachers are asked, and asks the rest of them when it is resumed', async () => {
    const controller = new AbortController()
    const asking = distill(teachers, config('asking'), { signal: controller.signal })
    const { events, result } = await followed(asking, ({ kind }) => {
      if (kind === 'teaching') controller.abort()
    })
    expect(result).toMatchObject({ interrupted: true, results: {} })
    expect(events.some(({ kind }) => kind === 'start')).toBe(false)
    const asked = (await run(distill(teachers, config('asking'), { resume: true }))).flatMap((event) =>
      event.kind === 'teaching' ? [event.teacher] : [],
    )
    expect(asked).toEqual([basename(teachers[1]!)])
  })

  test('text that changed before the first step is shown to the teacher again, though it has as many words', async () => {
    const changing = join(scratch, 'changing.txt')
    const start = (name: string) => distill([teachers[0]!], config(name, { unlabeled: [changing] }), { resume: true })
    const asked = async (name: string) => {
      let teaching = false
      for await (const { kind } of start(name)) {
        teaching ||= kind === 'teaching'
        if (kind === 'start') break
      }
      return teaching
    }
    writeFileSync(changing, 'abc acb cab\n')
    expect(await asked('changing')).toBe(true)
    expect(await asked('changing')).toBe(false)
    writeFileSync(changing, 'cab bca abc\n')
    expect(await asked('changing')).toBe(true)
  })

  test('a gazetteer is part of the run, and named by it', async () => {
    const gazetteer = join(scratch, 'names.json')
    const settings = config('gazetteer', { swaps: 1, gazetteer })
    writeFileSync(gazetteer, '{"X": ["abc"]}')
    const controller = new AbortController()
    for await (const event of distill([teachers[0]!], settings, { signal: controller.signal }))
      if (event.kind === 'step') controller.abort()
    writeFileSync(gazetteer, '{"X": ["cab"]}')
    await expect(run(distill([teachers[0]!], settings, { resume: true }))).rejects.toThrow(/different-run[^]*gazetteer/)
    writeFileSync(gazetteer, '{"X": ["abc"]}')
    await run(distill([teachers[0]!], settings, { resume: true }))
    const { ner } = await loadModel(settings.output)
    const sha256 = createHash('sha256').update('{"X": ["abc"]}').digest('hex')
    expect(ner.lineage).toMatchObject({ gazetteer: { file: 'names.json', sha256 } })
  })

  test('a narrower student learns hidden states through projections, which are not part of the model', async () => {
    const rows = ['posterior', 'gold', 'hidden', 'relations'].map((loss) => ({
      loss: loss as 'gold',
      weight: 1,
      layer_teacher: null,
      layer_student: null,
    }))
    await run(distill([teachers[0]!], config('narrow', { hidden_size: 16, losses: rows })))
    const { tagger } = await loadModel(join(scratch, 'narrow'))
    expect(tagger.encoder.sizes.hiddenSize).toBe(16)
  })

  test.each<[string, Partial<Config['distill']>, RegExp]>([
    ['more layers than the teacher has', { num_hidden_layers: 3 }, /has 2/],
    [
      'a layer that is not there',
      { losses: [{ loss: 'hidden', weight: 1, layer_teacher: 9, layer_student: 1 }] },
      /layer 9/,
    ],
    ['a gazetteer, and no swaps', { gazetteer: join(scratch, 'names.json') }, /Set distill\.swaps/],
    ['unlabelled text that is empty', { unlabeled: [join(scratch, 'none.txt')] }, /data\/empty/],
  ])('%s: nothing is written', async (_, changes, message) => {
    writeFileSync(join(scratch, 'none.txt'), '\n')
    await expect(run(distill([teachers[0]!], config('refused', changes)))).rejects.toThrow(message)
    expect(existsSync(join(scratch, 'refused'))).toBe(false)
  })

  test.each<[string, (it: Config) => Config, RegExp]>([
    [
      'class weights',
      (it) => ({ ...it, training: { ...it.training, class_weights: { X: 2 } } }),
      /training\.class_weights/,
    ],
    [
      'self-training',
      (it) => ({ ...it, self_training: { ...it.self_training, enabled: true } }),
      /self_training\.enabled/,
    ],
  ])('%s, which no distillation heeds: refused', async (_, change, message) => {
    await expect(run(distill([teachers[0]!], change(config('unheeded'))))).rejects.toThrow(message)
  })

  test('labels that the teacher does not know are refused', async () => {
    const other = join(scratch, 'other.conll')
    writeFileSync(other, 'abc B-Z\n')
    const it = config('unknown')
    await expect(run(distill([teachers[0]!], { ...it, data: { ...it.data, train: other } }))).rejects.toThrow(/label Z/)
  })
})

test('models are compared on the same text: a model loses nothing to itself', async () => {
  const [one, same] = await compareModels([teachers[0]!, teachers[0]!], train, { threads: 1 })
  expect(one!.scores).toEqual(same!.scores)
  expect(onlyWrongIn(one!, same!)).toEqual([])
  expect(one!.latency.p50).toBeGreaterThan(0)
  expect(one!.latency.p95).toBeGreaterThanOrEqual(one!.latency.p50)
})

test('models that cannot be compared are refused without being run', async () => {
  await expect(checkComparable([], join(scratch, 'nowhere'))).resolves.toBeUndefined()
  await expect(checkComparable(teachers, train)).resolves.toBeUndefined()
  await expect(checkComparable([join(scratch, 'nowhere')], train)).rejects.toThrow(/model\/missing-file/)
  const other = join(scratch, 'unknown.conll')
  writeFileSync(other, 'abc B-Z\n')
  await expect(checkComparable([teachers[0]!], other)).rejects.toThrow(/label Z[^]*where: .*ner-tagger.* on .*unknown/)
  await expect(checkComparable([teachers[0]!], train, { format: 'jsonl' })).rejects.toThrow(/data\/bad-row/)
})

test('models are compared on data in the scheme that is said', async () => {
  const iob1 = join(scratch, 'iob1.conll')
  // In IOB2 no entity may begin with I.
  writeFileSync(iob1, 'abc I-X\nacb O\n')
  const spans = async (options: CompareOptions) => (await compareModels([teachers[0]!], iob1, options))[0]!.scores
  expect((await spans({ threads: 1, scheme: 'IOB1' })).micro.support).toBe(1)
  await expect(spans({ threads: 1, scheme: 'IOB2' })).rejects.toThrow(/I-X/)
})
