import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyExport } from '../../src/export/export.js'
import { loadPredictor } from '../../src/inference/predict.js'
import { hashFile } from '../../src/io/hash.js'
import { lockFolder } from '../../src/io/lock.js'
import { random } from '../../src/random.js'
import { loadCheckpoint, saveCheckpoint } from '../../src/training/checkpoint.js'
import { NerError } from '../../src/errors.js'
import { ner } from '../cli/invoke.js'
import { tinyTagger } from '../inference/tiny-tagger.js'
import { fromRoot } from './trained.js'

/*
 * Faults on purpose: what is written is the old or the new, whole; what is wrong is said; memory stays within its bound.
 * The table at the end has each fault, how often it was tried, and how often that held.
 */

const scratch = mkdtempSync(join(tmpdir(), 'ner-faults-'))

const table: { fault: string; tries: number; survived: number }[] = []
afterAll(() => {
  rmSync(scratch, { recursive: true })
  const rows = table.map(({ fault, tries, survived }) => `| ${fault} | ${tries} | ${survived} |`)
  process.stdout.write(`\n${['| fault | tries | survived |', '| --- | --- | --- |', ...rows].join('\n')}\n\n`)
})

/** Counts the tries of a fault; says which did not survive. */
function counted(fault: string) {
  const failures: string[] = []
  let tries = 0
  return {
    try(name: string, problem: string | undefined): void {
      tries++
      if (problem !== undefined) failures.push(`${name}: ${problem}`)
    },
    end(atLeast = 1): void {
      table.push({ fault, tries, survived: tries - failures.length })
      expect(failures).toEqual([])
      expect(tries).toBeGreaterThanOrEqual(atLeast)
    },
  }
}

/**
 * Has the n-th call of a function that changes a file fail, or ends the process before it; at the end, the number of calls
 * and the memory that the process took are written down.
 */
const preload = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { FAULT_AT, FAULT, FAULT_LOG } = process.env
let calls = 0
const failing = (name, isMeant = () => true) => {
  const real = fs[name]
  fs[name] = (...args) => {
    if (!isMeant(...args) || ++calls !== Number(FAULT_AT)) return real(...args)
    if (FAULT === 'kill') process.kill(process.pid, 'SIGKILL')
    throw Object.assign(new Error(FAULT + ': injected, ' + name), { code: FAULT, syscall: name })
  }
}
failing('openSync', (path, flags) => typeof flags === 'string' && flags.startsWith('w'))
for (const name of ['writeSync', 'fsyncSync', 'renameSync', 'linkSync', 'mkdirSync']) failing(name)
if (FAULT === 'kill') failing('rmSync')
syncBuiltinESMExports()
// What getrusage says is at least what the parent had when it started this one.
const peak = () => Number(/VmHWM:\\s*(\\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1])
const kilobytes = () => (process.platform === 'linux' ? peak() : process.resourceUsage().maxRSS)
process.on('exit', () => fs.writeFileSync(FAULT_LOG, JSON.stringify({ calls, kilobytes: kilobytes() })))
`

interface Ran extends SpawnSyncReturns<string> {
  /** What it took at most, in bytes; undefined where it was killed. */
  readonly memory: number | undefined
}

const log = join(scratch, 'log.json')

function run(line: readonly string[], fault?: { readonly kind: string; readonly at: number }): Ran {
  rmSync(log, { force: true })
  const result = spawnSync(
    process.execPath,
    ['--import', join(scratch, 'preload.mjs'), fromRoot('bin/ner.js'), ...line],
    {
      encoding: 'utf8',
      env: { ...process.env, FAULT: fault?.kind ?? '', FAULT_AT: String(fault?.at ?? 0), FAULT_LOG: log },
      timeout: 120_000,
    },
  )
  const facts = existsSync(log) ? (JSON.parse(readFileSync(log, 'utf8')) as { kilobytes: number }) : undefined
  return { ...result, memory: facts && facts.kilobytes * 1024 }
}

const row = (i: number) => ({
  id: `d${i}`,
  text: `Ann Lee met ${i} people in Oslo.`,
  spans: [{ start: 0, end: 7, label: 'PER' }],
})
const jsonl = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify(row(from + i))}\n`).join('')

let models: readonly [string, string]
let data: string
let weak: string
beforeAll(async () => {
  writeFileSync(join(scratch, 'preload.mjs'), preload)
  models = [await tinyTagger({ head: 'softmax' }), await tinyTagger({ window: 16 })]
  data = join(scratch, 'data.jsonl')
  writeFileSync(data, jsonl(300))
  weak = join(scratch, 'weak.yaml')
  writeFileSync(weak, 'labels: [PER]\nfunctions:\n  names: {kind: regex, label: PER, patterns: "Ann Lee"}\n')
})

/** All that a place holds: a file, or a folder's files but what says when a run was. */
function contentOf(path: string): string {
  if (!existsSync(path)) return 'nothing'
  const isVolatile = (name: string) => /(^|\/)(run\.json|manifest\.json)$/.test(name)
  const names = readdirSync(path, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return JSON.stringify(
    files
      .filter((file) => !isVolatile(file))
      .sort()
      .map((file) => [file.slice(path.length), hashFile(file)]),
  )
}

interface Writing {
  readonly name: string
  readonly line: (out: string) => readonly string[]
  /** Of two outputs: the one that is there before, and how the new one is asked for. */
  readonly before?: (out: string) => readonly string[]
  readonly most: number
}

const writings = (): readonly Writing[] => [
  {
    name: 'data convert',
    line: (out) => ['data', 'convert', data, '--to', 'spacy', '--out', join(out, 'file.json')],
    before: (out) => ['data', 'convert', data, '--to', 'doccano', '--out', join(out, 'file.json')],
    most: 12,
  },
  { name: 'data split', line: (out) => ['data', 'split', data, '--out', out], most: 12 },
  { name: 'data stats --report', line: (out) => ['data', 'stats', data, '--report', join(out, 'r.html')], most: 12 },
  {
    name: 'weak apply',
    line: (out) => ['weak', 'apply', weak, '--input', data, '--out', join(out, 'votes.jsonl')],
    most: 12,
  },
  {
    name: 'export',
    line: (out) => ['export', models[1], '--out', join(out, 'ship')],
    before: (out) => ['export', models[0], '--out', join(out, 'ship')],
    most: 22,
  },
  { name: 'quantize', line: (out) => ['quantize', models[0], '--out', join(out, 'int8')], most: 22 },
]

/** Files that are each whole, old or new, where a command writes several that do not belong together. */
const areWhole = (found: string, before: string, after: string) => {
  const known = new Set([...parsed(before), ...parsed(after)])
  return parsed(found).every((file) => known.has(file))
}
const parsed = (content: string) =>
  content === 'nothing' ? [] : (JSON.parse(content) as unknown[]).map((file) => JSON.stringify(file))

const temporaries = (path: string) =>
  readdirSync(path, { recursive: true })
    .map(String)
    .filter((name) => /\.(tmp|lock)$/.test(name))

/** Where output is, with what a command of before left there. */
function place(name: string): string {
  const out = join(scratch, name.replace(/\W+/g, '-'))
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  return out
}

/** Injects a fault at each change of a file, some of them where there are many. */
function injected(kind: string, each: (problem: { name: string; what: string | undefined }) => void): void {
  for (const { name, line, before, most } of writings()) {
    const clean = place(`clean ${name}`)
    if (before) expect(run(before(clean)).status).toBe(0)
    const old = join(scratch, 'old')
    rmSync(old, { recursive: true, force: true })
    cpSync(clean, old, { recursive: true })
    const oldContent = contentOf(old)
    const first = run(line(clean))
    expect([name, first.status, first.stderr]).toEqual([name, 0, expect.anything()])
    const { calls } = JSON.parse(readFileSync(log, 'utf8')) as { calls: number }
    const newContent = contentOf(clean)
    const step = Math.max(1, calls / most)
    for (let at = 1; at <= calls; at += step) {
      const out = place(`out ${name}`)
      cpSync(old, out, { recursive: true })
      const ran = run(line(out), { kind, at: Math.floor(at) })
      const found = contentOf(out)
      const told =
        kind === 'kill' ||
        ran.status === 0 ||
        (ran.status === 2 && /\[file\/(disk-full|unwritable|unreadable)\]/.test(ran.stderr))
      const whole =
        name === 'export' ? isModel(found, oldContent, newContent) : areWhole(stripped(found), oldContent, newContent)
      const left = kind === 'kill' ? [] : temporaries(out)
      const silent = kind !== 'kill' && ran.status === 0 && found !== newContent
      // What was left is no hindrance, and is gone after the next run.
      if (name === 'quantize' && !existsSync(join(out, 'int8', 'config.json')))
        rmSync(join(out, 'int8', '.lock'), { force: true })
      const again = run(line(out))
      const isTaken = name === 'quantize' && again.status === 2 && again.stderr.includes('[output/occupied]')
      const after = isTaken || (again.status === 0 && contentOf(out) === newContent && temporaries(out).length === 0)
      const what = !told
        ? `exit ${ran.status}: ${ran.stderr}`
        : !whole
          ? `half-written: ${found}`
          : left.length > 0
            ? `left ${left.join(', ')}`
            : silent
              ? 'exit 0 without its output'
              : after
                ? undefined
                : `the next run: exit ${again.status}, ${again.stderr} ${temporaries(out).join(', ')}`
      each({ name: `${name}, ${kind} at ${Math.floor(at)} of ${calls}`, what })
    }
  }
}

/** Without what is told by its name to be unfinished. */
const stripped = (content: string) =>
  content === 'nothing'
    ? content
    : JSON.stringify(
        (JSON.parse(content) as [string, string][]).filter(([name]) => !/\.tmp(\/|$)|\/\.lock$/.test(name)),
      )

/** A model is all old or all new, wherever it is while it is replaced. */
const isModel = (found: string, before: string, after: string) => {
  const files = (content: string, folder: string) =>
    (JSON.parse(content) as [string, string][])
      .filter(([name]) => name.startsWith(folder))
      .map(([name, hash]) => `${name.slice(folder.length)} ${hash}`)
      .join('\n')
  const [old, now] = [files(before, '/ship/'), files(after, '/ship/')]
  const there = files(found, '/ship/')
  return there === old || there === now || (there === '' && files(found, '/.ship.before.tmp/') === old)
}

describe('what is written', () => {
  test('is whole, old or new, when the process is killed at any change of a file', () => {
    const faults = counted('killed before a write, sync, rename or removal')
    injected('kill', ({ name, what }) => {
      faults.try(name, what)
    })
    faults.end(40)
  })

  test.each(['ENOSPC', 'EIO'])('is whole, old or new, when the disk says %s at any change of a file', (code) => {
    const faults = counted(`${code} at a write, sync, rename, or new file or folder`)
    injected(code, ({ name, what }) => {
      faults.try(name, what)
    })
    faults.end(40)
  })

  test('is one run’s at a time', () => {
    const faults = counted('another run writes the folder')
    for (const line of [
      (out: string) => ['quantize', models[0], '--out', out],
      (out: string) => ['export', models[0], '--out', out],
      (out: string) => ['train', fromRoot('recipes/quickstart.yaml'), '--out', out],
    ]) {
      const out = place('locked')
      const inPlace = line(out)[0] === 'export'
      if (inPlace) cpSync(models[0], out, { recursive: true })
      const lock = lockFolder(out)
      const given = inPlace ? ['export', out] : line(out)
      const before = contentOf(out)
      const { status, stderr } = run(given)
      const held = status === 2 && stderr.includes('[output/locked]') && contentOf(out) === before
      faults.try(given[0]!, held ? undefined : `exit ${status}: ${stderr}`)
      lock.release()
    }
    faults.end(3)
  })
})

/** Changes of bytes, by a seed. */
function mutated(bytes: Buffer, next: () => number): Buffer {
  const copy = Buffer.from(bytes)
  const at = Math.floor(next() * bytes.length)
  const kind = Math.floor(next() * 4)
  if (kind === 0) copy[at] = copy[at]! ^ (1 << Math.floor(next() * 8))
  else if (kind === 1) return copy.subarray(0, at)
  else if (kind === 2) return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + Math.floor(next() * 20))])
  else
    return Buffer.concat([
      copy.subarray(0, at),
      Buffer.from(['\u0000', '"', '{', '\n', '[[[[', '1e999'][Math.floor(next() * 6)]!),
      copy.subarray(at),
    ])
  return copy
}

describe('what is read', () => {
  test('is refused, or read, and never a defect, where a data file is damaged', async () => {
    const faults = counted('mutations of data files')
    const next = random('mutations of data', 1)
    const whole = Buffer.from(jsonl(20))
    const columns = Buffer.from('Ann B-PER\nLee I-PER\nmet O\n\nOslo B-LOC\n\n'.repeat(10))
    for (let i = 0; i < 400; i++) {
      const path = join(scratch, 'mutated')
      writeFileSync(path, mutated(i % 2 === 0 ? whole : columns, next))
      const [command, ...flags] = [['stats'], ['validate'], ['convert', '--to', 'conll']][i % 3]!
      const { code, stderr } = await ner('data', command!, path, ...flags)
      faults.try(
        `${command} ${i}`,
        code === 70 || (code === 2 && !/\[[a-z]+\/[a-z-]+\]/.test(stderr)) ? stderr : undefined,
      )
    }
    faults.end(400)
  })

  test('is refused, or found by --verify, where a file of a model is damaged', async () => {
    const faults = counted('mutations of a model’s files')
    const next = random('mutations of models', 1)
    const answer = async (folder: string) => {
      const predictor = await loadPredictor(folder)
      const found = JSON.stringify(await predictor.predict(['abc bca cabba a bb acc abc.', 'cab acb, bca']))
      await predictor.close()
      return found
    }
    const folder = join(scratch, 'damaged')
    cpSync(models[1], folder, { recursive: true })
    const right = await answer(folder)
    const files = ['config.json', 'tokenizer.json', 'model.safetensors', 'onnx/model.onnx', 'ner.json']
    for (let i = 0; i < 150; i++) {
      const name = files[i % files.length]!
      const bytes = readFileSync(join(models[1], name))
      writeFileSync(join(folder, name), mutated(bytes, next))
      let problem: string | undefined
      try {
        if ((await answer(folder)) !== right && verifyExport(folder).length === 0 && name !== 'ner.json')
          problem = 'silent'
      } catch (error) {
        if (!(error instanceof NerError)) problem = String(error)
      }
      faults.try(`${name} ${i}`, problem)
      writeFileSync(join(folder, name), bytes)
    }
    faults.end(150)
  })

  test('is refused where one bit of a checkpoint is another, and the one before is offered', () => {
    const faults = counted('flipped bits of a checkpoint')
    const next = random('flipped bits', 1)
    const output = place('checkpoint')
    const tensors = new Map([['weight', { shape: [64], data: Float32Array.from({ length: 64 }, () => next()) }]])
    const progress = { step: 1, epoch: 0, log: [], elapsed: 0 } as unknown as Parameters<
      typeof saveCheckpoint
    >[1]['progress']
    for (const step of [1, 2])
      saveCheckpoint(output, { progress: { ...progress, step }, tensors, fingerprint: {} }, 'state')
    const path = join(output, 'checkpoint/state.safetensors')
    const whole = readFileSync(path)
    for (let i = 0; i < 100; i++) {
      const bytes = Buffer.from(whole)
      const at = Math.floor(next() * bytes.length)
      bytes[at] = bytes[at]! ^ (1 << Math.floor(next() * 8))
      writeFileSync(path, bytes)
      let problem: string | undefined = 'taken'
      try {
        loadCheckpoint(output, {}, 'state')
      } catch (error) {
        const { code, detail } = error as NerError
        problem =
          code === 'training/corrupt-checkpoint' && /of step 1, is whole/.test(detail.mend ?? '')
            ? undefined
            : String(error)
      }
      faults.try(`bit of byte ${at}`, problem)
    }
    faults.end(100)
  })

  test('is refused where a configuration bites its own tail', async () => {
    const faults = counted('hostile configurations')
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(', ')}]`),
    ]
    const texts = [
      bomb.join('\n'),
      'training: &t {epochs: *t}',
      'a: &a [*a]',
      'data: {train: *.conll}',
      'training: {epochs: *nope}',
      '__proto__: {polluted: 1}',
      'training: {__proto__: {epochs: 1}}',
      'training: !!set {epochs}',
      `data: ${'['.repeat(100_000)}`,
      'constructor: {prototype: {polluted: 1}}',
    ]
    for (const [i, text] of texts.entries()) {
      const path = join(scratch, 'hostile.yaml')
      writeFileSync(path, text)
      const { code, stderr } = await ner('train', path, '--out', join(scratch, 'never'))
      const isClean = !('polluted' in {}) && !existsSync(join(scratch, 'never'))
      faults.try(`configuration ${i}`, code === 2 && isClean ? undefined : `exit ${code}: ${stderr}`)
    }
    for (const set of ['__proto__.polluted=1', 'constructor.prototype.polluted=1', 'training.__proto__.epochs=1']) {
      const { code, stderr } = await ner(
        'train',
        fromRoot('recipes/quickstart.yaml'),
        '--set',
        set,
        '--out',
        join(scratch, 'never'),
      )
      faults.try(set, code === 2 && !('polluted' in {}) ? undefined : `exit ${code}: ${stderr}`)
    }
    const nested = join(scratch, 'nested.jsonl')
    writeFileSync(nested, `{"text": "Ann", "spans": [], "more": ${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`)
    for (const command of [
      ['data', 'stats'],
      ['data', 'validate'],
      ['data', 'convert', '--to', 'jsonl'],
    ]) {
      const { code, stderr } = await ner(...command, nested)
      faults.try(`nested, ${command.join(' ')}`, code === 70 ? stderr : undefined)
    }
    faults.end(16)
  })
})

test('a module of the user’s that misbehaves is named, with any number of threads', () => {
  const faults = counted('modules that misbehave, with 1 and 4 threads')
  const modules: Record<string, string> = {
    exit: 'export default () => process.exit(0)',
    never: 'export default () => new Promise(() => undefined)',
    loop: 'export default () => { for (;;); }',
    late: 'export default () => { setTimeout(() => { throw new Error("late") }, 0); return [] }',
    rejection: 'export default () => { Promise.reject(new Error("late")); return [] }',
    notANumber: 'export default () => [{ start: 0, end: 3, label: "PER", score: NaN }]',
    tooHigh: 'export default () => [{ start: 0, end: 3, label: "PER", score: -5 }]',
    text: 'export default () => [{ start: 0, end: 3, label: "PER", score: "x" }]',
    nothing: 'export default () => { throw null }',
    exitAtLoad: 'process.exit(0)',
  }
  for (const [name, code] of Object.entries({
    ...modules,
    prints: 'export default () => { console.log("noise"); return [] }',
  })) {
    writeFileSync(join(scratch, `${name}.mjs`), code)
    writeFileSync(
      join(scratch, 'module.yaml'),
      `labels: [PER]\nfunctions:\n  mine: {kind: module, file: ${name}.mjs, labels: [PER], time_limit: 1}\n`,
    )
    for (const threads of ['1', '4']) {
      const out = join(scratch, 'module.jsonl')
      rmSync(out, { force: true })
      const line = ['weak', 'apply', join(scratch, 'module.yaml'), '--input', data, '--out', out, '--threads', threads]
      const { status, stdout, stderr } = run(line)
      const isTold =
        status === 2 && stderr.includes('[weak/function-failed]') && stderr.includes('mine') && !existsSync(out)
      const isClean = status === 0 && !stdout.includes('noise') && stderr.includes('noise')
      faults.try(
        `${name}, ${threads}`,
        (name === 'prints' ? isClean : isTold) ? undefined : `exit ${status}: ${stderr}`,
      )
    }
  }
  faults.end(22)
})

test('a long file takes no more memory than a bound', () => {
  const faults = counted('300 MB of JSONL within 600 MB of memory, a thread')
  const long = join(scratch, 'long.jsonl')
  const filler = 'word '.repeat(60)
  const lines = (from: number) =>
    Array.from(
      { length: 10_000 },
      (_, i) => `${JSON.stringify({ ...row(from + i), text: `${row(from + i).text} ${filler}` })}\n`,
    ).join('')
  for (let part = 0; part < 70; part++) appendFileSync(long, lines(part * 10_000))
  const out = join(scratch, 'long.out')
  for (const line of [
    ['data', 'stats', long],
    ['data', 'convert', long, '--to', 'doccano', '--out', out],
    ['weak', 'apply', weak, '--input', long, '--out', out, '--threads', '1'],
  ]) {
    const { status, stderr, memory = Infinity } = run(line)
    const mebibytes = Math.round(memory / 2 ** 20)
    process.stdout.write(`${line.slice(0, 2).join(' ')}: ${mebibytes} MiB\n`)
    faults.try(
      line.slice(0, 2).join(' '),
      status === 0 && memory < 600e6 ? undefined : `exit ${status}, ${mebibytes} MiB: ${stderr}`,
    )
  }
  rmSync(long)
  faults.end(3)
})
