import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.js'
import { defaults, schema } from '../../src/config/schema.js'
import { NerError } from '../../src/errors.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-config-'))

function written(text: string): string {
  const file = join(folder, 'run.yaml')
  writeFileSync(file, text)
  return file
}

function failure(run: () => unknown): NerError {
  try {
    run()
  } catch (error) {
    if (error instanceof NerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('model.path', () => {
  it.each([
    ['./runs/nothing', './runs/nothing'],
    ['runs/nothing', 'runs/nothing'],
    ['../runs/nothing', '../runs/nothing'],
  ])('is a path where it is written as one: %s', (path, located) => {
    expect(loadConfig({ overrides: { 'model.path': path } }).model.path).toBe(located)
  })

  it('of a file is not taken for a name, seen from here', () => {
    const file = join(mkdtempSync(join(process.cwd(), '.config-')), 'run.yaml')
    writeFileSync(file, 'model: {path: ../runs/nothing}')
    expect(loadConfig({ file }).model.path).toBe('./runs/nothing')
    rmSync(dirname(file), { recursive: true })
  })
})

describe('configs/default.yaml', () => {
  const text = readFileSync('configs/default.yaml', 'utf8')

  it('says exactly what the schema says, key by key', () => {
    expect(parse(text)).toEqual(defaults)
    expect(schema.parse(parse(text))).toEqual(defaults)
  })

  it('explains every key', () => {
    const lines = text.split('\n')
    const unexplained = lines.filter(
      (line, at) => /^ *\w+: \S/.test(line) && !lines[at - 1]?.trimStart().startsWith('#') && !inGroup(lines, at),
    )
    expect(unexplained).toEqual([])
  })

  /** `train`, `dev` and `test` share one comment. */
  const inGroup = (lines: string[], at: number) => /^ {2}(dev|test): null/.test(lines[at]!)
})

it.each(
  ['configs', 'recipes']
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.yaml') && path !== join('configs', 'serve.yaml')),
)('%s is valid', (file) => {
  const { data } = loadConfig({ file })
  for (const path of [data.train, data.dev, data.test]) if (path !== null) expect(existsSync(path)).toBe(true)
})

describe('loadConfig', () => {
  it('is the defaults where nothing is set', () => {
    expect(loadConfig()).toEqual(defaults)
    expect(loadConfig({ file: written('# nothing\n') })).toEqual(defaults)
  })

  it('lets flags win over --set, --set over the file, the file over the defaults', () => {
    const file = written('seed: 2\ntraining: {epochs: 4, accumulate: 2}\n')
    const config = loadConfig({ file, set: ['training.epochs=5', 'seed=3'], overrides: { seed: 4, device: undefined } })
    expect(config.seed).toBe(4)
    expect(config.device).toBe('cpu')
    expect(config.training).toEqual({ ...defaults.training, epochs: 5, accumulate: 2 })
  })

  it('reads the values of --set as YAML', () => {
    const { training, model } = loadConfig({
      set: [
        'training.class_weights={PER: 2}',
        'model.head=softmax',
        'training.betas=[0.8, 0.9]',
        'model.encoder={hidden_size: 64}',
      ],
    })
    expect(training.class_weights).toEqual({ PER: 2 })
    expect(training.betas).toEqual([0.8, 0.9])
    expect(model.head).toBe('softmax')
    expect(model.encoder).toEqual({ ...defaults.model.encoder, hidden_size: 64 })
  })

  it("resolves a file's inputs against its own folder, its output and flags against the current one", () => {
    const file = written('output: out\ndata: {train: a/train.conll, dev: /b/dev.conll}\nmodel: {path: ../m}\n')
    const { data, model, output } = loadConfig({ file, overrides: { 'data.test': 'c/test.conll' } })
    expect(data.train).toBe(relative('.', join(folder, 'a/train.conll')))
    expect(data.dev).toBe('/b/dev.conll')
    expect(data.test).toBe('c/test.conll')
    expect(model.path).toBe(relative('.', join(folder, '../m')))
    expect(output).toBe('out')
  })
})

describe('a mistake', () => {
  const bomb = 'abcdefgh'
    .split('')
    .map((name, i, all) => {
      const items = Array.from({ length: 9 }, () => (i === 0 ? 'lol' : `*${all[i - 1]}`))
      return `${name}: &${name} [${items.join(', ')}]\n`
    })
    .join('')
  const cases: [name: string, yaml: string, set: string[], code: string, message: RegExp][] = [
    [
      'a misspelt key',
      'training:\n  epochz: 3\n',
      [],
      'config/unknown-key',
      /training\.epochz.*run\.yaml:2\n.*training\.epochs\?/s,
    ],
    ['a key one level too high', 'head: crf\n', [], 'config/unknown-key', /run\.yaml:1\n.*mean model\.head\?/s],
    ['a key like no other', 'q: 1\n', [], 'config/unknown-key', /default\.yaml lists every key/],
    [
      'a misspelt --set',
      '',
      ['training.learning_rat=1'],
      'config/unknown-key',
      /where: `set`.*training\.learning_rate\?/s,
    ],
    ['a wrong type', '\nseed: one\n', [], 'config/bad-value', /seed is wrong: expected number.*run\.yaml:2/s],
    [
      'an unknown choice',
      'model:\n  head: crv\n',
      [],
      'config/bad-value',
      /model\.head.*"crf"\|"softmax".*run\.yaml:2/s,
    ],
    ['a value out of range', '', ['training.betas=[0.9, 1]'], 'config/bad-value', /training\.betas\.1/],
    ['a group that is a value', 'training: 3\n', [], 'config/bad-value', /training is wrong/],
    ['a key below a value', 'seed: 3\n', ['seed.a=1'], 'config/bad-value', /seed is a value/],
    [
      'heads that do not divide the width',
      'model: {encoder: {num_attention_heads: 3}}',
      [],
      'config/bad-value',
      /multiple/,
    ],
    ['broken YAML', 'a: [1\nb: 2\n', [], 'config/bad-value', /not YAML.*run\.yaml:\d/s],
    ['a key given twice', 'seed: 1\nseed: 2\n', [], 'config/bad-value', /unique.*run\.yaml:2/s],
    [
      'an alias of nothing',
      'seed: 1\ndata: {train: *.conll}\n',
      [],
      'config/bad-value',
      /\*\.conll stands.*run\.yaml:2.*'\*\.conll'/s,
    ],
    ['an alias of nothing in --set', '', ['data.train=*.conll'], 'config/bad-value', /\*\.conll stands.*`set` data/s],
    ['a value that is part of itself', 'training: &t {epochs: *t}', [], 'config/bad-value', /\*t stands.*part of.*:1/s],
    ['a list that is part of itself', 'a: &a [*a]', [], 'config/bad-value', /part of/],
    ['aliases that multiply', bomb, [], 'config/bad-value', /more values/],
    ['a tag', 'training: !!set {epochs}\n', [], 'config/bad-value', /!!set is not read.*run\.yaml:1/s],
    ['a tag of somebody', 'seed: !mine 3\n', [], 'config/bad-value', /!mine is not read/],
    ['the prototype', 'seed: 1\n__proto__: {polluted: 1}\n', [], 'config/unknown-key', /__proto__.*run\.yaml:2/s],
    ['the prototype of a group', 'training: {__proto__: {epochs: 9}}', [], 'config/unknown-key', /__proto__/],
    ['the prototype in --set', '', ['training.__proto__.epochs=9'], 'config/unknown-key', /__proto__/],
    ['the prototype within --set', '', ['training={__proto__: {epochs: 9}}'], 'config/unknown-key', /__proto__/],
    ['what every object has', '', ['constructor.prototype.x=1'], 'config/unknown-key', /constructor/],
    ['a list', '- 1\n', [], 'config/bad-value', /list of keys/],
    ['a --set that is not YAML', '', ['output=[a'], 'config/bad-value', /mend: .*`set` 'output="…"'/],
    ['a --set without a value', '', ['seed'], 'usage/bad-option', /key=value/],
  ]
  it('aliases of values that were named before are those values', () => {
    const yaml = 'distill: {head: &head softmax}\nmodel: {head: *head}\nseed: !!int 3\n'
    expect(loadConfig({ file: written(yaml) })).toMatchObject({ seed: 3, model: { head: 'softmax' } })
  })

  it('no configuration changes what objects inherit', () => {
    for (const [, yaml, set] of cases) failure(() => loadConfig({ file: written(yaml), set }))
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted')
    expect(({} as Record<string, unknown>)['epochs']).toBeUndefined()
  })

  it.each(cases)('%s', (_, yaml, set, code, message) => {
    const error = failure(() => loadConfig({ file: written(yaml), set }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  it('a file that is not there', () => {
    expect(failure(() => loadConfig({ file: join(folder, 'none.yaml') })).code).toBe('file/unreadable')
  })
})
