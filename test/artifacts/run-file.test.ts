import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { finishedRun, readRunFile, writeRunFile } from '../../src/artifacts/run-file.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-run-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const facts = { device: 'cpu', parameters: 9, steps: 4, best: { f1: 0.5, step: 2 }, metrics: {}, seconds: 1 }
const teachers = [{ name: 'large', sha256: 'ab' }]

describe('run.json', () => {
  it('is absent until a run has come to its end', () => {
    expect(readRunFile(folder)).toBeUndefined()
    expect(finishedRun(folder)).toBeUndefined()
  })

  it('comes back as it was written, the lineage flat among the facts', () => {
    writeRunFile(folder, { ...facts, teachers, seed: 7 })
    const written = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as object
    expect(written).toEqual({ finished: true, ...facts, teachers, seed: 7 })
    expect(finishedRun(folder)).toEqual({ finished: true, ...facts, teachers, seed: 7 })
  })

  it.each(['{"fin', '[]', '{"finished": "yes"}', '{"finished": true, "gates": {"failures": "none"}}'])(
    'that holds %s is refused by its name',
    (text) => {
      writeFileSync(join(folder, 'run.json'), text)
      expect(() => readRunFile(folder)).toThrow(
        expect.objectContaining({
          code: 'training/corrupt-checkpoint',
          detail: expect.objectContaining({ where: join(folder, 'run.json') }) as object,
        }) as Error,
      )
    },
  )
})
