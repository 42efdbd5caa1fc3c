import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { lockFolder } from '../../src/io/lock.js'
import { readMetadata, readSafetensors, writeSafetensors } from '../../src/models/safetensors.js'
import { random } from '../../src/random.js'
import { letters, tinyRun } from './tiny-run.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-checkpoints-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const train = letters(join(scratch, 'train.jsonl'), 8, [0, 4])
const files = { train, dev: train }
const batches = 'training.batch_sentences=2'

describe('checkpoints', () => {
  it('are written at each evaluation, where no steps are named', async () => {
    const set = [batches, 'training.evaluate_every=1']
    const { events } = await tinyRun(scratch, { ...files, output: 'every step', set })
    expect(events.flatMap((event) => (event.kind === 'checkpoint' ? [event.step] : []))).toEqual([1, 2, 3])
  })

  it('name the setting that is not theirs', async () => {
    const output = 'stopped'
    const set = [batches, 'training.evaluate_every=1']
    await tinyRun(scratch, { ...files, output, set }, { signal: AbortSignal.abort() })
    const resumed = tinyRun(
      scratch,
      { ...files, output, set: [...set, 'training.learning_rate=0.5'] },
      { resume: true },
    )
    await expect(resumed).rejects.toMatchObject({
      code: 'training/different-run',
      message: expect.stringMatching(/another training\.learning_rate\.[^]*there, 0\.5 now/) as string,
    })
  })
})

describe('a run is refused', () => {
  const { train } = files

  it('where it is to stop early and has nothing to go by', async () => {
    const run = tinyRun(scratch, { train, output: 'early', set: ['training.early_stopping={patience: 1}'] })
    await expect(run).rejects.toMatchObject({ code: 'config/bad-value' })
  })

  it.each([-1, 1.5, 100_000])('where it is to take %d threads', async (threads) => {
    const run = tinyRun(scratch, { train, output: `threads ${threads}`, set: [`threads=${threads}`] })
    await expect(run).rejects.toMatchObject({ code: 'config/bad-value' })
  })

  it('where its run.json is damaged', async () => {
    mkdirSync(join(scratch, 'damaged'))
    writeFileSync(join(scratch, 'damaged/run.json'), '{"fin')
    const run = tinyRun(scratch, { train, output: 'damaged' }, { resume: true })
    await expect(run).rejects.toMatchObject({ code: 'training/corrupt-checkpoint' })
  })
})

describe('a run that was stopped', () => {
  const set = [batches, 'training.epochs=3', 'training.learning_rate=1e-2']
  const weights = (output: string) => readFileSync(join(scratch, output, 'model.safetensors'))

  it.each(['with', 'without'])('comes to the same %s a dev set', async (kind) => {
    const read = kind === 'with' ? files : { train }
    await tinyRun(scratch, { ...read, output: `${kind} whole`, set })
    const output = `${kind} stopped`
    const stop = new AbortController()
    await tinyRun(scratch, { ...read, output, set }, { signal: stop.signal }, (event) => {
      if (event.kind === 'step' && event.step === 5) stop.abort()
    })
    const resumed = await tinyRun(scratch, { ...read, output, set }, { resume: true })
    expect(resumed.events.find(({ kind }) => kind === 'start')).toMatchObject({ resumedAt: 5 })
    expect(weights(output).equals(weights(`${kind} whole`))).toBe(true)
  })

  it('at the very end has nothing to train again', async () => {
    const output = 'unwritten'
    mkdirSync(join(scratch, output))
    // A folder where a file belongs: the model cannot be written.
    mkdirSync(join(scratch, output, 'tokenizer.json'))
    await expect(tinyRun(scratch, { ...files, output, set })).rejects.toMatchObject({ code: 'file/unwritable' })
    rmSync(join(scratch, output, 'tokenizer.json'), { recursive: true })
    const resumed = await tinyRun(scratch, { ...files, output, set }, { resume: true })
    expect(resumed.events.filter(({ kind }) => kind === 'step')).toEqual([])
    expect(weights(output).equals(weights('with whole'))).toBe(true)
  })
})

describe('a damaged checkpoint', () => {
  const set = [batches, 'training.epochs=3', 'training.learning_rate=1e-2', 'training.checkpoint_every=1']
  const stop = async (output: string, step: number) => {
    const controller = new AbortController()
    await tinyRun(scratch, { ...files, output, set }, { signal: controller.signal }, (event) => {
      if (event.kind === 'step' && event.step === step) controller.abort()
    })
    return join(scratch, output, 'checkpoint')
  }

  it('is refused whichever bit of it is another, and the one before is offered, which comes to the same', async () => {
    await tinyRun(scratch, { ...files, output: 'undamaged', set })
    const folder = await stop('flipped', 6)
    const file = join(folder, 'state.safetensors')
    const whole = readFileSync(file)
    const next = random('flips')
    for (let i = 0; i < 20; i++) {
      const damaged = Buffer.from(whole)
      damaged[Math.floor(next() * whole.length)]! ^= 1 << Math.floor(next() * 8)
      writeFileSync(file, damaged)
      await expect(tinyRun(scratch, { ...files, output: 'flipped', set }, { resume: true })).rejects.toMatchObject({
        code: 'training/corrupt-checkpoint',
        message: expect.stringContaining('The one before it, of step 5, is whole: remove the damaged file') as string,
      })
    }
    rmSync(file)
    const resumed = await tinyRun(scratch, { ...files, output: 'flipped', set }, { resume: true })
    expect(resumed.events.find(({ kind }) => kind === 'start')).toMatchObject({ resumedAt: 5 })
    const weights = (output: string) => readFileSync(join(scratch, output, 'model.safetensors'))
    expect(weights('flipped').equals(weights('undamaged'))).toBe(true)
  })

  it('without its best weights is refused, and not gone on from with others', async () => {
    const folder = await stop('bestless', 6)
    const file = join(folder, 'state.safetensors')
    const { progress, fingerprint } = readMetadata(file)
    const tensors = new Map([...readSafetensors(file)].filter(([name]) => !name.startsWith('best.')))
    expect(JSON.parse(progress!)).not.toMatchObject({ best: { step: 6 } })
    writeSafetensors(file, tensors, { progress: progress!, fingerprint: fingerprint! })
    await expect(tinyRun(scratch, { ...files, output: 'bestless', set }, { resume: true })).rejects.toMatchObject({
      code: 'training/corrupt-checkpoint',
    })
  })
})

test('a run is refused while another one writes its folder, and leaves no lock behind', async () => {
  const output = 'shared'
  const other = lockFolder(join(scratch, output))
  await expect(tinyRun(scratch, { ...files, output })).rejects.toMatchObject({ code: 'output/locked' })
  other.release()
  expect((await tinyRun(scratch, { ...files, output })).result.interrupted).toBe(false)
  expect(existsSync(join(scratch, output, '.lock'))).toBe(false)
})
