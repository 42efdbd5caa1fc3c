import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { segment, type SegmentedDocument } from '../../src/data/segment.js'
import { NerError } from '../../src/errors.js'
import { openModule } from '../../src/sources/module.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ner-module-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0

function open(code: string) {
  const file = join(folder, `f${++files}.mjs`)
  writeFileSync(file, code)
  return openModule('f', { kind: 'module', file, export: 'default', labels: ['PER'], time_limit: 1 })
}

const documents = ['a', 'b', 'c'].map((id): SegmentedDocument => segment({ id, text: `${id} Ann`, layers: {} }))

/** What comes of three documents: an error's text and place, of loading, labelling or closing. */
async function outcome(code: string): Promise<string> {
  try {
    const source = await open(code)
    try {
      await source.find(documents)
    } finally {
      await source.close!()
    }
    return 'no error'
  } catch (error) {
    if (!(error instanceof NerError)) throw error
    expect(error.code).toBe('weak/function-failed')
    return `${error.what} ${error.detail.where!.slice(folder.length)}`
  }
}

const atB = (what: string) => `export default ({ id }) => { if (id === 'b') ${what}; return [] }`
const span = (fields: string) => `export default () => [{ start: 0, end: 1, label: 'PER', ${fields} }]`

describe('a user’s module', () => {
  it.each([
    ['throws', atB('throw new Error("no")'), /^The function f failed: no\. .*document b$/],
    ['throws what is no error', atB('throw null'), /failed: null\. .*document b$/],
    ['ends the process', atB('process.exit(0)'), /ended its thread with code 0\. .*document b$/],
    ['loops', atB('while (true) {}'), /no answer within its time_limit of 1 s\. .*document b$/],
    ['never settles', atB('return new Promise(() => {})'), /no answer within its time_limit of 1 s\. .*document b$/],
    ['leaves a rejection', atB('Promise.reject(new Error("left"))'), /failed: left\. .*document b$/],
    [
      'throws once it has answered',
      atB('setTimeout(() => { throw new Error("late") }, 20)'),
      /failed after it had answered: late\. .*document b$/,
    ],
    [
      'ends the process when loaded',
      'process.exit(3)',
      /module of f cannot be loaded: it ended its thread with code 3/,
    ],
    ['never loads', 'await new Promise(() => {})', /module of f cannot be loaded: it gave no answer within/],
    ['exports nothing', 'export const other = 1', /exports no function default/],
    ['gives nothing as a span', 'export default () => [undefined]', /gave undefined, which is no span. .*document a$/],
    ['scores with NaN', span('score: NaN'), /"score":"NaN"}, whose score is no number from 0 to 1/],
    ['scores below 0', span('score: -5'), /whose score is no number from 0 to 1/],
    ['scores with a text', span('score: "x"'), /whose score is no number from 0 to 1/],
    ['gives what cannot leave its thread', span('score: () => 1'), /failed: .*could not be cloned/],
  ])('that %s is told by its name and the document', async (_, code, what) => {
    expect(await outcome(code)).toMatch(what)
  })

  it('answers the documents after one that it fails on', async () => {
    const source = await open(atB('process.exit(0)'))
    await expect(source.find(documents)).rejects.toThrow('ended its thread')
    expect(await source.find([documents[2]!])).toEqual([[]])
    await source.close!()
  })

  it('cannot change the document', async () => {
    const source = await open(
      'export default (d) => { d.text = ""; d.tokens.length = 0; d.layers.gold = []; return [] }',
    )
    const before = structuredClone(documents)
    await source.find(documents)
    await source.close!()
    expect(documents).toEqual(before)
  })
})
