import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { linkFiles, readFolder, replaceFolder, restoreFolder } from '../../src/io/replace.js'

let scratch: string
let folder: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ner-replace-'))
  folder = join(scratch, 'ship')
})
afterEach(() => rmSync(scratch, { recursive: true }))

function write(path: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  return path
}

const old = { 'config.json': 'old', 'onnx/model.onnx': 'old' }
const fresh = { 'config.json': 'new', 'onnx/model.onnx': 'new', 'ner.json': 'new' }
const contents = (path: string) =>
  ['config.json', 'onnx/model.onnx'].map((name) => readFileSync(join(path, name), 'utf8'))

describe('a folder that is replaced', () => {
  test.each(['that is not there', 'that is empty', 'of before'])('%s is the new one', (what) => {
    if (what === 'that is empty') mkdirSync(folder)
    if (what === 'of before') write(folder, { ...old, 'stale.txt': '' })
    replaceFolder(write(join(scratch, 'made'), fresh), folder)
    expect(readdirSync(scratch)).toEqual(['ship'])
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
      'config.json',
      'ner.json',
      'onnx',
      'onnx/model.onnx',
    ])
    expect(contents(folder)).toEqual(['new', 'new'])
  })

  test('is as it was where the new one cannot come', () => {
    write(folder, old)
    expect(() => {
      replaceFolder(join(scratch, 'never made'), folder)
    }).toThrow(expect.objectContaining({ name: 'NerError' }))
    expect([readdirSync(scratch), contents(folder)]).toEqual([['ship'], ['old', 'old']])
  })

  test('is put back where the process ended between the two renames', () => {
    write(join(scratch, '.ship.before.tmp'), old)
    restoreFolder(folder)
    expect([readdirSync(scratch), contents(folder)]).toEqual([['ship'], ['old', 'old']])
    restoreFolder(folder)
    restoreFolder(join(scratch, 'other'))
    expect(readdirSync(scratch)).toEqual(['ship'])
  })

  test('is not put back over a new one', () => {
    write(join(scratch, '.ship.before.tmp'), old)
    write(folder, fresh)
    restoreFolder(folder)
    expect(contents(folder)).toEqual(['new', 'new'])
  })
})

describe('reading a folder', () => {
  test('is done again where it was replaced meanwhile, and what was read before is let go', async () => {
    write(folder, old)
    const released: string[][] = []
    let reads = 0
    const read = () => {
      const [config] = contents(folder)
      if (reads++ === 0) replaceFolder(write(join(scratch, 'made'), fresh), folder)
      return Promise.resolve([config!, contents(folder)[1]!])
    }
    const result = await readFolder(folder, read, (values) => Promise.resolve(void released.push(values)))
    expect([result, released]).toEqual([['new', 'new'], [['old', 'new']]])
  })

  test('fails as it fails where nothing was replaced, and again where it was', async () => {
    write(folder, old)
    let reads = 0
    const missing = () => {
      reads++
      return Promise.reject(new Error('no such file'))
    }
    await expect(readFolder(folder, missing, () => Promise.resolve())).rejects.toThrow('no such file')
    expect(reads).toBe(1)
    const meanwhile = () => {
      if (reads++ > 1) return Promise.resolve(contents(folder))
      renameSync(folder, join(scratch, 'away'))
      write(folder, fresh)
      return Promise.reject(new Error('no such file'))
    }
    expect(await readFolder(folder, meanwhile, () => Promise.resolve())).toEqual(['new', 'new'])
  })
})

test('files of others come along, whole', () => {
  write(folder, { ...old, 'notes/own.txt': 'mine' })
  const made = write(join(scratch, 'made'), { 'config.json': 'new' })
  linkFiles(folder, made, (path) => !path.startsWith('onnx'))
  expect(readFileSync(join(made, 'notes/own.txt'), 'utf8')).toBe('mine')
  expect(readFileSync(join(made, 'config.json'), 'utf8')).toBe('new')
  expect(existsSync(join(made, 'onnx'))).toBe(false)
})
