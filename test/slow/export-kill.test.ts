import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadPredictor } from '../../src/inference/predict.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { fromRoot } from './trained.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-kill-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Ends the process without a word before its n-th rename or removal. */
const preload = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
let left = Number(process.env.KILL_BEFORE)
for (const name of ['renameSync', 'rmSync']) {
  const real = fs[name]
  fs[name] = (...args) => (--left === 0 ? process.kill(process.pid, 'SIGKILL') : real(...args))
}
syncBuiltinESMExports()
`

const texts = ['abc bca cabba a bb acc abc abc.', 'cab acb, bca']

async function reading(folder: string): Promise<string> {
  const predictor = await loadPredictor(folder)
  const found = JSON.stringify(await predictor.predict(texts))
  await predictor.close()
  return found
}

test('an export killed before any of its renames leaves the model of before or the new one', async () => {
  const [before, after] = [await tinyTagger({ head: 'softmax' }), await tinyTagger({ window: 16 })]
  const readings = [await reading(before), await reading(after)]
  expect(readings[0]).not.toBe(readings[1])
  const script = join(scratch, 'kill.mjs')
  writeFileSync(script, preload)
  const run = (model: string, out: string, kill: number) =>
    spawnSync(process.execPath, ['--import', script, fromRoot('bin/ner.js'), 'export', model, '--out', out], {
      env: { ...process.env, KILL_BEFORE: String(kill) },
    })
  const first = join(scratch, 'first')
  expect(run(before, first, 0).status).toBe(0)
  const seen = new Set<string>()
  for (let kill = 1; ; kill++) {
    const out = join(scratch, `ship-${kill}`)
    cpSync(first, out, { recursive: true })
    const { signal, status } = run(after, out, kill)
    const found = await reading(out)
    expect(readings, `killed before rename ${kill}`).toContain(found)
    seen.add(found)
    if (signal === null) {
      expect([status, found]).toEqual([0, readings[1]])
      break
    }
  }
  expect(seen.size).toBe(2)
})
