import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { lockFolder } from '../../src/io/lock.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-lock-'))
afterAll(() => rmSync(scratch, { recursive: true }))

let folder: string
let count = 0
beforeEach(() => (folder = join(scratch, String(count++))))

const lockOf = (owner: object) => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, '.lock'),
    JSON.stringify({ host: hostname(), since: '2020-01-01T00:00:00.000Z', ...owner }),
  )
}
/** The id of a process that has ended. */
const ended = () => spawnSync(process.execPath, ['-e', '']).pid

describe('a folder', () => {
  it('is one run’s until that lets it go', () => {
    const lock = lockFolder(folder)
    expect(lock.stale).toBeUndefined()
    expect(() => lockFolder(folder)).toThrow(
      expect.objectContaining({
        code: 'output/locked',
        what: expect.stringContaining(`process ${process.pid} on ${hostname()}`) as string,
      }) as Error,
    )
    lock.release()
    expect(readdirSync(folder)).toEqual([])
    lockFolder(folder).release()
  })

  it('of a process that has ended is taken over, and whose it was is said', () => {
    const pid = ended()
    lockOf({ pid })
    const lock = lockFolder(folder)
    expect(lock.stale).toMatchObject({ pid })
    expect(JSON.parse(readFileSync(join(folder, '.lock'), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
  })

  it.skipIf(process.platform !== 'linux')('of a process whose id another has by now is taken over', () => {
    lockOf({ pid: process.pid, start: '1' })
    expect(lockFolder(folder).stale).toMatchObject({ pid: process.pid })
  })

  it('of another machine stays that one’s', () => {
    lockOf({ pid: ended(), host: `not-${hostname()}` })
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'output/locked' }) as Error)
  })

  it.each(['', '{"pid": -1}', 'null'])('with a lock that holds %j is taken over', (text) => {
    mkdirSync(folder)
    writeFileSync(join(folder, '.lock'), text)
    const lock = lockFolder(folder)
    expect(lock.stale).toBeUndefined()
    lock.release()
  })

  it('loses what a run that was killed left half-written, and nothing else', () => {
    const left = [
      '.model.safetensors.4194304-0123456789ab.tmp',
      'checkpoint/.state.safetensors.4194304-0123456789ab.tmp',
      'notes.tmp',
    ]
    mkdirSync(join(folder, '.4194304-0123456789ab.tmp/onnx'), { recursive: true })
    mkdirSync(join(folder, 'checkpoint'))
    writeFileSync(join(folder, '.4194304-0123456789ab.tmp/onnx/model.onnx'), '')
    for (const name of left) writeFileSync(join(folder, name), '')
    lockFolder(folder).release()
    expect(readdirSync(folder).sort()).toEqual(['checkpoint', 'notes.tmp'])
    expect(readdirSync(join(folder, 'checkpoint'))).toEqual([])
    expect(existsSync(folder)).toBe(true)
  })
})
