import { beforeEach, describe, expect, it, vi } from 'vitest'
import { defaults } from '../../src/config/schema.js'
import { bootstrap, countSpans, scoreSpans } from '../../src/data/scoring.js'
import { NerError } from '../../src/errors.js'
import { train, type TrainEvent, type TrainResult } from '../../src/training/train.js'
import { ner } from './invoke.js'

vi.mock('../../src/training/train.js', () => ({ train: vi.fn() }))

const gold = [[{ start: 0, end: 1, label: 'PER' }], [{ start: 0, end: 1, label: 'LOC' }]]
const found = [[{ start: 0, end: 1, label: 'PER' }], []]
const scores = scoreSpans(gold, found)
const scored = {
  scores,
  intervals: bootstrap(
    gold.map((spans, i) => countSpans(spans, found[i]!)),
    { seed: 1 },
  ),
}

const decoded = { ...scored, conlleval: scores }
const characters = { found: 1, gold: 2 }

const step = { kind: 'step', step: 1, epoch: 0.5, loss: 0.7, learningRate: 1e-4, tokensPerSecond: 10, gradientNorm: 1 }
const evaluation = { kind: 'evaluation', step: 2, epoch: 1, scores, loss: 0.25, best: true }
const done: TrainResult = { output: 'runs/x', results: { test_overall_f1: 0.5 }, interrupted: false, warnings: [] }

/** The command's part alone: training itself is tested with the training. */
function yields(result: TrainResult, ...events: object[]) {
  vi.mocked(train).mockImplementation(async function* () {
    yield* (await Promise.resolve(events)) as TrainEvent[]
    return result
  })
}

beforeEach(() =>
  yields(
    { ...done, test: { crf: decoded, argmax: decoded, characters } },
    { kind: 'start', steps: 2, parameters: 1234, resumedAt: 0 },
    step,
    evaluation,
  ),
)

describe('ner train', () => {
  it('ends with a table of scores, the model and the report, and a plain line per evaluation', async () => {
    const { code, stdout, stderr } = await ner('train', 'configs/default.yaml')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(stderr).toMatchSnapshot()
  })

  it('says on standard error what is not to be overlooked', async () => {
    yields({ ...done, warnings: ['Its best F1 is 0.'] })
    expect((await ner('train', 'configs/default.yaml')).stderr).toBe('warning: Its best F1 is 0.\n')
  })

  it('prints the results as JSON', async () => {
    const { stdout } = await ner('train', 'configs/default.yaml', '--json')
    expect(JSON.parse(stdout)).toEqual({ test_overall_f1: 0.5 })
  })

  it('hands over the configuration with its flags', async () => {
    const flags =
      '--model m --train a --dev b --test c --out o --on-misaligned skip --self-train --unlabeled t --unlabeled u ' +
      '--resume --set seed=3 --set training.epochs=9'
    await ner('train', 'configs/default.yaml', ...flags.split(' '))
    const [config, options] = vi.mocked(train).mock.lastCall!
    expect(config).toEqual({
      ...defaults,
      seed: 3,
      output: 'o',
      data: { ...defaults.data, train: 'a', dev: 'b', test: 'c', on_misaligned: 'skip' },
      model: { ...defaults.model, path: 'm' },
      training: { ...defaults.training, epochs: 9 },
      self_training: { ...defaults.self_training, enabled: true, unlabeled: ['t', 'u'] },
    })
    expect(options?.resume).toBe(true)
  })

  it.each([
    'configs/default.yaml --unlabeled t u v --json',
    'configs/default.yaml --unlabeled t u --json --unlabeled v',
    '--set seed=1 configs/default.yaml --unlabeled t --unlabeled u v',
  ])('takes several values after a flag that is a list, but for --set: %s', async (line) => {
    await ner('train', ...line.split(' '))
    expect(vi.mocked(train).mock.lastCall![0].self_training.unlabeled).toEqual(['t', 'u', 'v'])
  })

  it('stops on Ctrl-C at a point it can be resumed from', async () => {
    vi.mocked(train).mockImplementation(async function* (_, options) {
      yield { kind: 'start', steps: 2, parameters: 1234, resumedAt: 0 }
      process.emit('SIGINT')
      return await Promise.resolve({ ...done, interrupted: options?.signal?.aborted === true })
    })
    const { code, stdout, stderr } = await ner('train', 'configs/default.yaml')
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toMatch(/--resume/)
    expect(process.listenerCount('SIGINT')).toBe(0)
  })

  it('tells an error the user can mend from one that is ours', async () => {
    const raise = (error: Error) =>
      vi.mocked(train).mockImplementation(async function* () {
        yield await Promise.reject<TrainEvent>(error)
        return done
      })
    raise(new NerError('training/not-finite', 'The loss is not a number.', { where: 'step 7' }))
    expect(await ner('train', 'configs/default.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/step 7/) as string,
    })
    raise(new TypeError('oops'))
    expect((await ner('train', 'configs/default.yaml')).code).toBe(70)
  })
})
