import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { InferenceClient } from '@huggingface/inference'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadServeSettings } from '../../src/serve/load.js'
import type { ServeSettings } from '../../src/serve/settings.js'
import { serve, type Server } from '../../src/serve/server.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { pythonWith } from './python.js'
import { fromRoot } from './trained.js'

/* The clients that people have, as they come from their registries. */

const run = promisify(execFile)

const python = pythonWith('huggingface_hub', 'tritonclient')
const fuzzer = pythonWith('schemathesis')

/** Several sentences, pieces within words, characters of more than one unit, what is unknown, what is taken for special. */
const texts = [
  'Marie Curie was born in Warsaw.',
  'Jean-Baptiste O’Neill (b. 1901) left Rheinmetall AG; its shares fell 3.5% on Tuesday. Nobody asked why!',
  '😀 İstanbul, Zürich… naïve façades 東京 ⁂',
  'unbelievably antidisestablishmentarian hyperventilation',
  'a',
  'x\ty\nz',
]

interface Entity {
  readonly score: number
}

async function served(folder: string, changes: Partial<ServeSettings> = {}): Promise<Server> {
  const settings = loadServeSettings(undefined, { model: folder, port: 0 })
  return serve({ ...settings, log: { ...settings.log, level: 'silent' }, ...changes })
}

/** Scores by themselves, as Python's are of single precision. */
const apart = (answers: readonly (readonly Entity[])[]) => ({
  scores: answers.flatMap((entities) => entities.map(({ score }) => score)),
  rest: answers.map((entities) => entities.map((entity) => ({ ...entity, score: 0 }))),
})

const encoders = [
  { name: 'WordPiece', path: fromRoot('../shared/models/minilm-l6-uncased') },
  { name: 'the other one', path: fromRoot('../shared/models/e5-small-l12-cased') },
]

describe.each(encoders)('a server of a model on $name', ({ path }) => {
  const absent = !existsSync(path)
  if (absent) console.warn(`skipped: ${path} is absent`)
  let folder: string
  let server: Server | undefined

  beforeAll(async () => {
    if (absent) return
    folder = await tinyTagger({ encoder: path, spread: 0.3, window: 128 })
    server = await served(folder)
  })
  afterAll(() => server?.close())

  test.skipIf(absent || !python)('huggingface_hub reads what transformers finds; tritonclient reads all', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ner-clients-')), 'texts.json')
    writeFileSync(file, JSON.stringify(texts))
    const script = fromRoot('test/interop/serve_clients.py')
    const { stdout } = await run(python!, [script, server!.address, folder, file], { maxBuffer: 1 << 26 })
    const read = JSON.parse(stdout) as {
      strategies: Record<string, { server: Entity[][]; pipeline: Entity[][] | null }>
      own: { word: string; start: number; end: number; entity_group: string; score: number }[][]
      triton: Record<string, unknown>
    }
    for (const [strategy, { server: ours, pipeline }] of Object.entries(read.strategies)) {
      expect(ours.flat().length, strategy).toBeGreaterThan(10)
      if (pipeline === null) {
        console.warn(`${strategy} is not compared with transformers: ${python} lacks torch`)
        continue
      }
      const [left, right] = [apart(ours), apart(pipeline)]
      expect(left.rest, strategy).toEqual(right.rest)
      for (const [i, score] of left.scores.entries()) expect(score, strategy).toBeCloseTo(right.scores[i]!, 5)
    }

    const answer = await fetch(`${server!.address}/v1/ner`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ texts }),
    })
    const { results } = (await answer.json()) as {
      results: { entities: { start: number; end: number; label: string; score: number; text: string }[] }[]
    }
    const ours = results.map(({ entities }) => entities)
    expect(ours.flat().length).toBeGreaterThan(5)
    expect(read.own).toEqual(
      ours.map((entities) =>
        entities.map(({ text, label, ...rest }) => ({ ...rest, word: text, entity_group: label })),
      ),
    )
    expect(read.triton).toMatchObject({
      live: true,
      ready: true,
      model_ready: true,
      server: { name: 'ner' },
      model: { inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }] },
      binary: ours,
      json: ours,
    })
  })

  test.skipIf(absent)('@huggingface/inference in JavaScript', async () => {
    const client = new InferenceClient(undefined, { endpointUrl: server!.address })
    const entities = await client.tokenClassification({ inputs: texts[0]! })
    expect(entities.length).toBeGreaterThan(0)
    for (const { word, start, end } of entities) expect(word).toBe(texts[0]!.slice(start, end))
    // The client itself refuses the answers of `none`, which have no groups.
    const grouped = await client.tokenClassification({
      inputs: texts[0]!,
      parameters: { aggregation_strategy: 'first', ignore_labels: [] },
    })
    expect(grouped.length).toBeGreaterThan(0)
  })
})

describe.skipIf(!fuzzer).each([{ token: null }, { token: 'secret' }])('with token $token', ({ token }) => {
  test('schemathesis finds nothing wrong with the OpenAPI document', async () => {
    const server = await served(await tinyTagger(), { token })
    const settings = ['--config-file', fromRoot('test/interop/schemathesis.toml')]
    const options = ['--seed', '1', '--max-examples', '40']
    if (token !== null) options.push('--header', `Authorization: Bearer ${token}`)
    const command = ['-m', 'schemathesis.cli', ...settings, 'run', `${server.address}/openapi.json`, ...options]
    try {
      const cwd = mkdtempSync(join(tmpdir(), 'ner-fuzz-'))
      // What it finds wrong is in its output, and makes it exit with 1.
      const { failed, stdout } = await run(fuzzer!, command, { maxBuffer: 1 << 26, cwd }).then(
        ({ stdout }) => ({ failed: false, stdout }),
        (error: unknown) => ({ failed: true, stdout: (error as { stdout: string }).stdout }),
      )
      expect(failed, stdout).toBe(false)
      expect(Number(/(\d+) generated/.exec(stdout)?.[1])).toBeGreaterThan(500)
    } finally {
      await server.close()
    }
  })
})
