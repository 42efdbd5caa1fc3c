import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/data/document.js'
import { createPipeline, entitiesOf, withEntities } from '../../src/pipeline/pipeline.js'
import type { Policies } from '../../src/pipeline/resolve.js'
import type { Stage } from '../../src/pipeline/stage.js'
import type { OpenedSource } from '../../src/sources/open.js'

const documents: Document[] = [
  { id: '1', text: 'Ann lives in Rome', layers: { model: [{ start: 0, end: 3, label: 'PER' }] } },
]

const rome = (version = '1'): OpenedSource => ({
  name: 'places',
  labels: ['LOC'],
  version,
  reads: [],
  find: (documents) =>
    Promise.resolve(
      documents.map(({ text }) => [{ start: text.indexOf('Rome'), end: text.indexOf('Rome') + 4, label: 'LOC' }]),
    ),
  close: () => Promise.resolve(),
})

const lower = (version = '1'): Stage => ({
  name: 'lower',
  version,
  apply: (documents) =>
    Promise.resolve(
      documents.map((document) =>
        withEntities(
          document,
          entitiesOf(document).map((span) => ({ ...span, label: span.label.toLowerCase() })),
        ),
      ),
    ),
})

const both: Policies = { model: 'find', places: 'prefer' }

describe('a pipeline', () => {
  it('resolves what documents come with and what its sources find, and applies its stages to the answer', async () => {
    const pipeline = createPipeline({ sources: [rome()], policies: both, stages: [lower()] })
    const [document] = await pipeline.run(documents)
    expect(entitiesOf(document!)).toEqual([
      { start: 0, end: 3, label: 'per', source: 'model' },
      { start: 13, end: 17, label: 'loc', source: 'places' },
    ])
    expect(document!.layers['places']).toEqual([{ start: 13, end: 17, label: 'LOC' }])
  })

  it('has another version where anything differs that its answer depends on', () => {
    const parts = { sources: [rome()], policies: both, stages: [lower()] }
    const versions = [
      parts,
      { ...parts, sources: [rome('2')] },
      { ...parts, policies: { ...both, places: 'force' as const } },
      { ...parts, policies: { places: 'prefer' as const, model: 'find' as const } },
      { ...parts, stages: [lower('2')] },
      { ...parts, stages: [] },
    ].map((parts) => createPipeline(parts).version)
    expect(new Set(versions).size).toBe(versions.length)
    expect(createPipeline({ ...parts, sources: [rome()] }).version).toBe(versions[0])
  })

  it('stops where it is aborted', async () => {
    const pipeline = createPipeline({ sources: [rome()], policies: both, stages: [lower()] })
    const reason = new Error('gone')
    await expect(pipeline.run(documents, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
