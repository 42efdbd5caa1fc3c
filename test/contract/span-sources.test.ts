import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { z } from 'zod'
import { sourceSections } from '../../src/sources/config.js'
import { openSources } from '../../src/sources/open.js'
import { prepare } from '../../src/sources/prepare.js'
import type { SpanSource } from '../../src/sources/source.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { runTest } from './span-source.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-sources-'))
const model = { one: '', copy: '', other: '' }
beforeAll(async () => {
  model.one = await tinyTagger({ head: 'softmax' })
  model.copy = join(folder, 'model')
  cpSync(model.one, model.copy, { recursive: true })
  model.other = await tinyTagger({ head: 'softmax', window: 16 })
})
afterAll(() => {
  for (const path of [folder, model.one, model.other]) rmSync(path, { recursive: true })
})

function file(name: string, content: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** Opens the last of the functions; all labels are known that any of them votes for. */
async function open(functions: object, lists: object = {}): Promise<SpanSource> {
  const config = z.strictObject(sourceSections).parse({ labels: ['X'], functions, lists })
  const sources = await openSources(await prepare({ config, where: () => 'test' }))
  const last = sources.pop()!
  return {
    ...last,
    async close() {
      await last.close()
      for (const source of sources) await source.close()
    },
  }
}

const names = '["Ann", "Rome"]'

describe('a model', () => {
  const own = { kind: 'model', types: { X: 'X', Y: 'X' } }
  runTest({
    name: 'model',
    make: () => open({ f: { ...own, folder: model.one } }),
    alike: {
      'a copy of its folder': () => open({ g: { folder: model.copy, types: { Y: 'X', X: 'X' }, kind: 'model' } }),
    },
    changed: {
      'another model': () => open({ f: { ...own, folder: model.other } }),
      'fewer types': () => open({ f: { ...own, types: { X: 'X' }, folder: model.one } }),
      'a least score': () => open({ f: { ...own, min_score: 0.5, folder: model.one } }),
    },
  })
})

describe('a knowledge base', () => {
  const own = { kind: 'knowledge_base', label: 'X' }
  runTest({
    name: 'knowledge base',
    make: () => open({ f: { ...own, files: file('a.json', names) } }),
    alike: {
      'a copy of its file, beside another function': () =>
        open({
          g: { ...own, case: 'any', files: file('b.json', '["abc"]') },
          f: { files: file('c/a.json', names), ...own },
        }),
      'the same words in a stop list': () => open({ f: { ...own, files: file('a.json', names), stop: [] } }),
    },
    changed: {
      'a name more': () => open({ f: { ...own, files: file('d.json', '["Ann", "Rome", "abc"]') } }),
      case: () => open({ f: { ...own, case: 'any', files: file('a.json', names) } }),
      'a stop list': () => open({ f: { ...own, stop: ['ann'], files: file('a.json', names) } }),
      'a stop list in a file': () =>
        open({ f: { ...own, stop_files: [file('stop.txt', 'rome\n')], files: file('a.json', names) } }),
      boundaries: () => open({ f: { ...own, boundaries: 'character', files: file('a.json', names) } }),
      overlaps: () => open({ f: { ...own, overlaps: 'all', files: file('a.json', names) } }),
      'a least length': () => open({ f: { ...own, min_length: 4, files: file('a.json', names) } }),
    },
  })
})

describe('a knowledge base of characters in any case', () => {
  runTest({
    name: 'characters',
    make: () =>
      open({
        f: {
          kind: 'knowledge_base',
          label: 'X',
          case: 'any',
          boundaries: 'character',
          overlaps: 'all',
          files: file('ch.json', '["Ann", "n", "i", "\\ud800"]'),
        },
      }),
    alike: {},
    changed: {},
  })
})

describe('regular expressions', () => {
  const own = { kind: 'regex', label: 'X', patterns: ['Ann|Rome', '\\babc\\b'] }
  runTest({
    name: 'regular expressions',
    make: () => open({ f: own }),
    alike: { 'another name': () => open({ g: own, f: { ...own } }) },
    changed: {
      'a pattern less': () => open({ f: { ...own, patterns: ['Ann|Rome'] } }),
      'another order': () => open({ f: { ...own, patterns: ['\\babc\\b', 'Ann|Rome'] } }),
      case: () => open({ f: { ...own, ignore_case: true } }),
      group: () => open({ f: { ...own, group: 1, patterns: ['(Ann)|Rome', '\\b(abc)\\b'] } }),
    },
  })
})

describe('token patterns', () => {
  const own = { kind: 'token_patterns', label: 'X' }
  const patterns = [[{ TEXT: { IN: 'people' } }], [{ LOWER: 'rome', IS_SENT_START: false }], [{ SHAPE: 'xxx' }]]
  const people = { people: [file('people.json', '["Ann", "Bob"]')] }
  runTest({
    name: 'token patterns',
    make: () => open({ f: { ...own, patterns } }, people),
    alike: {
      'a copy of the list, and another that it does not name': () =>
        open(
          { f: { ...own, patterns } },
          { people: [file('c/people.json', '["Ann", "Bob"]')], others: [file('a.json', names)] },
        ),
      'patterns in a file': () =>
        open({ f: { ...own, file: file('patterns.json', JSON.stringify({ X: patterns })) } }, people),
    },
    changed: {
      'another list': () => open({ f: { ...own, patterns } }, { people: [file('d.json', '["Ann"]')] }),
      'a pattern more': () => open({ f: { ...own, patterns: [...patterns, [{ TEXT: 'Ann' }]] } }, people),
    },
  })
})

describe('a rule of documents', () => {
  const above = { names: { kind: 'regex', label: 'X', patterns: ['^Ann'] } }
  const own = { kind: 'document', rule: 'elsewhere' }
  runTest({
    name: 'rule',
    make: () => open({ ...above, f: own }),
    alike: { 'its sources said': () => open({ ...above, f: { ...own, sources: ['names'] } }) },
    changed: {
      'another source': () => open({ names: { kind: 'regex', label: 'X', patterns: ['Ann$'] }, f: own }),
      'another rule': () => open({ ...above, f: { ...own, rule: 'majority' } }),
      'more votes': () => open({ ...above, f: { ...own, min_votes: 2 } }),
      case: () => open({ ...above, f: { ...own, case: 'capitals' } }),
    },
    layers: (text) => ({
      names: text.includes('Ann') ? [{ start: text.indexOf('Ann'), end: text.indexOf('Ann') + 3, label: 'X' }] : [],
    }),
  })
})

describe('a user’s module', () => {
  const code = `import { pattern } from './part.mjs'
export default ({ text }) => Array.from(text.matchAll(pattern), ({ index, 0: it }) =>
  ({ start: index, end: index + it.length, label: 'X' }))
export const none = () => []`
  const written = (name: string, words: string, main = code) => {
    file(`${name}/part.mjs`, `export const pattern = /${words}/g\n`)
    return file(`${name}/main.mjs`, main)
  }
  const own = { kind: 'module', labels: 'X' }
  runTest({
    name: 'module',
    make: () => open({ f: { ...own, file: written('m', 'Ann|Rome') } }),
    alike: {
      'a copy with another limit of time': () =>
        open({ g: { ...own, time_limit: 60, file: written('n', 'Ann|Rome') } }),
    },
    changed: {
      'other code': () => open({ f: { ...own, file: written('o', 'Ann|Rome', `${code}\n`) } }),
      'other code that it imports': () => open({ f: { ...own, file: written('p', 'Ann') } }),
      'another export': () => open({ f: { ...own, export: 'none', file: written('m', 'Ann|Rome') } }),
    },
  })
})
