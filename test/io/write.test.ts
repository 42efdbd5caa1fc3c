import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type * as FileSystem from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { claimOutput } from '../../src/io/claim.js'
import { fillFolder, writeFileAtomically } from '../../src/io/write.js'

/** The failure that the next call of a function of the file system meets. */
const faults = vi.hoisted(() => ({ next: undefined as { call: string; code: string } | undefined }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>()
  const failing =
    <A extends unknown[], R>(call: string, real: (...args: A) => R) =>
    (...args: A): R => {
      if (faults.next?.call !== call) return real(...args)
      throw Object.assign(new Error('injected'), { code: faults.next.code })
    }
  return {
    ...fs,
    // A full disk takes a part of what is written before it says no.
    writeSync: (file: number, data: Uint8Array, at: number, length: number) => {
      if (faults.next?.call === 'writeSync') fs.writeSync(file, data, at, Math.min(length, 3))
      return failing('writeSync', () => fs.writeSync(file, data, at, length))()
    },
    openSync: failing('openSync', fs.openSync),
    fsyncSync: failing('fsyncSync', fs.fsyncSync),
    renameSync: failing('renameSync', fs.renameSync),
  }
})

let folder: string
beforeEach(() => {
  faults.next = undefined
  folder = mkdtempSync(join(tmpdir(), 'ner-files-'))
})

describe('writeFileAtomically', () => {
  it('writes text, bytes and pieces, into folders it makes', () => {
    const path = join(folder, 'a/b/file')
    writeFileAtomically(path, 'né')
    expect(readFileSync(path, 'utf8')).toBe('né')
    writeFileAtomically(path, [Uint8Array.of(104, 101), new Uint8Array(0), Uint8Array.of(106)])
    expect(readFileSync(path, 'utf8')).toBe('hej')
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['file'])
  })

  it.each([
    ['writeSync', 'ENOSPC', 'file/disk-full'],
    ['fsyncSync', 'EDQUOT', 'file/disk-full'],
    ['openSync', 'EROFS', 'file/unwritable'],
    ['openSync', 'EACCES', 'file/unwritable'],
    ['renameSync', 'EPERM', 'file/unwritable'],
    ['fsyncSync', 'EIO', 'file/unwritable'],
  ])('leaves the old file and nothing else where %s meets %s', (call, code, expected) => {
    const path = join(folder, 'file')
    writeFileAtomically(path, 'old')
    faults.next = { call, code }
    expect(() => writeFileAtomically(path, 'new, and longer')).toThrow(expect.objectContaining({ code: expected }))
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('names the place where a file stands in the way of a folder', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => writeFileAtomically(join(folder, 'file/inner'), '')).toThrow(
      /file of that name is in the way|not a folder/,
    )
  })
})

describe('fillFolder', () => {
  const write = (aside: string) => {
    writeFileAtomically(join(aside, 'first'), 'new')
    writeFileAtomically(join(aside, 'inner/second'), 'new')
  }

  it('adds files, and folders of files, to what is there', () => {
    writeFileSync(join(folder, 'first'), 'old')
    writeFileSync(join(folder, 'other'), 'old')
    fillFolder(folder, write)
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['first', 'inner', 'inner/second', 'other'])
    expect(readFileSync(join(folder, 'first'), 'utf8')).toBe('new')
  })

  it('changes nothing where the disk fills at the last file', () => {
    writeFileSync(join(folder, 'first'), 'old')
    const filling = () => {
      fillFolder(folder, (aside) => {
        writeFileAtomically(join(aside, 'first'), 'new')
        faults.next = { call: 'writeSync', code: 'ENOSPC' }
        writeFileAtomically(join(aside, 'inner/second'), 'new')
      })
    }
    expect(filling).toThrow(expect.objectContaining({ code: 'file/disk-full' }))
    expect(readdirSync(folder)).toEqual(['first'])
    expect(readFileSync(join(folder, 'first'), 'utf8')).toBe('old')
  })
})

describe('claimOutput', () => {
  it('takes a folder that is absent, empty, or holds other things', () => {
    claimOutput(join(folder, 'new/run'))
    claimOutput(join(folder, 'new/run'))
    writeFileSync(join(folder, 'notes.txt'), '')
    claimOutput(folder)
    expect(readdirSync(join(folder, 'new'))).toEqual(['run'])
  })

  it('refuses one that holds a run, unless that is resumed', () => {
    writeFileSync(join(folder, 'run.json'), '{}')
    expect(() => claimOutput(folder)).toThrow(expect.objectContaining({ code: 'output/occupied' }))
    writeFileSync(join(folder, 'train.log.jsonl'), '')
    claimOutput(folder, { resume: true })
  })

  it('refuses to go on where there is a model and no run', () => {
    writeFileSync(join(folder, 'config.json'), '{}')
    expect(() => claimOutput(folder, { resume: true })).toThrow(
      expect.objectContaining({ code: 'training/no-checkpoint' }),
    )
  })

  it('refuses a file', () => {
    mkdirSync(join(folder, 'x'))
    writeFileSync(join(folder, 'x/file'), '')
    expect(() => claimOutput(join(folder, 'x/file'))).toThrow(expect.objectContaining({ code: 'file/unwritable' }))
  })
})
