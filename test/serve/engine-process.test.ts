import { afterEach, describe, expect, test } from 'vitest'
import { fillBatch } from '../../src/features/batches.js'
import { buildExamples } from '../../src/features/examples.js'
import { loadModel, type ModelFolder } from '../../src/artifacts/model.js'
import { loadEngine } from '../../src/inference/engine.js'
import { startEngine, type EngineProcess } from '../../src/serve/engine-process.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

let engine: EngineProcess | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
})

async function started(timeout = 60_000) {
  const model = await loadModel(await tinyTagger())
  const settings = { onnx: model.onnx, labels: model.tagger.tags.length, threads: 1 }
  engine = startEngine(settings, { timeout })
  await engine.started
  return { model, engine, settings }
}

async function batchOf(model: ModelFolder, text: string) {
  const { examples } = await buildExamples([{ id: '', text, layers: {} }], model.tokenizer, {
    task: 'predict',
    ...model.ner,
  })
  return fillBatch(examples, { padId: model.tokenizer.pad, labels: model.tagger.tags.length })
}

const readyAgain = async (engine: EngineProcess) => {
  while (!engine.ready) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('an engine in a process', () => {
  test('gives what the engine gives here', async () => {
    const { model, engine, settings } = await started()
    const batch = await batchOf(model, 'ab cab. bab')
    const here = await loadEngine(model.onnx, settings.labels, { threads: 1 })
    expect(await engine.run(batch)).toEqual(await here.run(batch))
    await here.close()
  })

  test('that is killed is replaced; what it had is lost, and told so', async () => {
    const { model, engine } = await started()
    const batch = await batchOf(model, 'ab cab')
    const { pid } = engine
    process.kill(pid!, 'SIGSTOP')
    const running = engine.run(batch)
    process.kill(pid!, 'SIGKILL')
    await expect(running).rejects.toMatchObject({ code: 'serve/engine-lost' })
    expect(engine.ready).toBe(false)
    await expect(engine.run(batch)).rejects.toMatchObject({ code: 'serve/engine-lost' })
    await readyAgain(engine)
    expect([engine.replaced, engine.pid === pid]).toEqual([1, false])
    expect(await engine.run(batch)).toBeInstanceOf(Float32Array)
  })

  test('that hangs is killed: the batch that hangs fails for good, those behind it may be run again', async () => {
    const { model, engine } = await started(200)
    const batch = await batchOf(model, 'ab cab')
    process.kill(engine.pid!, 'SIGSTOP')
    const outcomes = await Promise.allSettled([engine.run(batch), engine.run(batch)])
    expect(outcomes.map((it) => (it as PromiseRejectedResult).reason as unknown)).toMatchObject([
      { code: 'serve/engine-hung' },
      { code: 'serve/engine-lost' },
    ])
    await readyAgain(engine)
    expect(await engine.run(batch)).toBeInstanceOf(Float32Array)
  })

  test('that cannot load says why', async () => {
    engine = startEngine({ onnx: '/nowhere/model.onnx', labels: 3, threads: 1 }, { timeout: 1000 })
    await expect(engine.started).rejects.toMatchObject({ code: 'runtime/failed' })
  })

  test('is gone when it is closed', async () => {
    const { engine } = await started()
    const { pid } = engine
    await engine.close()
    expect(() => process.kill(pid!, 0)).toThrow('ESRCH')
  })
})
