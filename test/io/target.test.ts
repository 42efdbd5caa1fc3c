import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeFolder } from '../../src/io/folder.js'
import { isStream, targetOf } from '../../src/io/target.js'
import { temporaryIn } from '../../src/io/temporary.js'
import { fillFolder, streamAtomically, writeFileAtomically } from '../../src/io/write.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-target-'))
afterAll(() => rmSync(scratch, { recursive: true }))

let folder: string
let count = 0
beforeEach(() => mkdirSync((folder = join(scratch, String(count++)))))

async function* pieces(...texts: readonly string[]) {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text))
}
const writers = {
  whole: async (path: string, text: string) => {
    await Promise.resolve()
    writeFileAtomically(path, text)
  },
  streamed: (path: string, text: string) => streamAtomically(path, pieces(text.slice(0, 2), text.slice(2))),
}
const files = () => readdirSync(folder, { recursive: true }).map(String).sort()

describe.each(Object.entries(writers))('a file that is written %s', (_, write) => {
  it('through a link is the file that the link names', async () => {
    writeFileSync(join(folder, 'real'), 'old')
    symlinkSync('real', join(folder, 'link'))
    symlinkSync(join(folder, 'link'), join(folder, 'link to a link'))
    await write(join(folder, 'link to a link'), 'new')
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new')
    expect(readlinkSync(join(folder, 'link'))).toBe('real')
    expect(files()).toEqual(['link', 'link to a link', 'real'])
  })

  it('through a link that leads nowhere yet is made where it leads', async () => {
    mkdirSync(join(folder, 'inner'))
    symlinkSync(join(folder, 'inner'), join(folder, 'away'))
    // From where the link lies in truth, not from where it was found.
    symlinkSync('../deep/er/file', join(folder, 'inner', 'link'))
    await write(join(folder, 'away', 'link'), 'new')
    expect(readFileSync(join(folder, 'deep/er/file'), 'utf8')).toBe('new')
    expect(lstatSync(join(folder, 'inner/link')).isSymbolicLink()).toBe(true)
  })

  it('keeps the rights of the one before', async () => {
    writeFileSync(join(folder, 'file'), 'old')
    chmodSync(join(folder, 'file'), 0o640)
    await write(join(folder, 'file'), 'new')
    expect(statSync(join(folder, 'file')).mode & 0o777).toBe(0o640)
  })

  it('is written into a pipe, which stays one', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const reader = spawn('cat', [pipe], { stdio: ['ignore', openSync(join(folder, 'read'), 'w'), 'inherit'] })
    const ended = new Promise((resolve) => reader.on('exit', resolve))
    await write(pipe, 'new')
    await ended
    expect(readFileSync(join(folder, 'read'), 'utf8')).toBe('new')
    expect(statSync(pipe).isFIFO()).toBe(true)
    expect(files()).toEqual(['pipe', 'read'])
  })

  it('is refused where a folder, a socket, or links in a circle are, which stay', async () => {
    mkdirSync(join(folder, 'folder'))
    symlinkSync('folder', join(folder, 'link'))
    symlinkSync('circle', join(folder, 'circle'))
    const server = createServer().listen(join(folder, 'socket'))
    await new Promise((resolve) => server.on('listening', resolve))
    const before = files()
    for (const name of ['folder', 'link', 'circle', 'socket']) {
      await expect(write(join(folder, name), 'new')).rejects.toThrow(
        expect.objectContaining({ code: 'file/unwritable' }) as Error,
      )
    }
    expect(files()).toEqual(before)
    server.close()
  })

  it.skipIf(process.platform !== 'linux')('is refused where a process has it open, by its number', async () => {
    writeFileSync(join(folder, 'file'), 'old')
    const open = openSync(join(folder, 'file'), 'a')
    await expect(write(`/proc/self/fd/${open}`, 'new')).rejects.toThrow(/a process has open/)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old')
  })
})

it('names a pipe, and what its own standard output is, as what is written as it comes', () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  expect(isStream(join(folder, 'pipe'))).toBe(true)
  expect(isStream(join(folder, 'absent'))).toBe(false)
  const script = `import { targetOf } from ${JSON.stringify(new URL('../../dist/io/target.js', import.meta.url).href)}
    console.log(JSON.stringify(['/dev/stdout', '/dev/fd/1'].map((path) => targetOf(path))))`
  const toFile = openSync(join(folder, 'file'), 'w')
  for (const stdout of ['pipe', toFile] as const) {
    const { stdout: said } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', stdout, 'inherit'],
    })
    const text = stdout === 'pipe' ? String(said) : readFileSync(join(folder, 'file'), 'utf8')
    expect(JSON.parse(text)).toEqual([
      { kind: 'stream', file: 1 },
      { kind: 'stream', file: 1 },
    ])
  }
})

describe('a folder', () => {
  it('is made where a link leads that names none yet, with all that it is in', () => {
    symlinkSync(join(folder, 'a/b'), join(folder, 'link'))
    makeFolder(join(folder, 'link/c'))
    expect([statSync(join(folder, 'a/b/c')).isDirectory(), readdirSync(folder)]).toEqual([true, ['a', 'link']])
  })

  it.each([
    ['file', 'EEXIST'],
    ['file/inner', 'ENOTDIR'],
  ])('is not made where a file stands: %s', (path, code) => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => {
      makeFolder(join(folder, path))
    }).toThrow(expect.objectContaining({ code }))
  })

  it.skipIf(process.platform !== 'linux')('is not made under /proc, which is told at once', () => {
    expect(() => {
      writeFileAtomically('/proc/none/such/file', '')
    }).toThrow(expect.objectContaining({ code: 'file/unwritable' }))
  })
})

describe('what was left half-written', () => {
  /** The place of a process that has ended. */
  const stale = (name: string) => temporaryIn(folder, name).replace(String(process.pid), String(2 ** 22 + 1))

  it('by a process that has ended is removed by the next that writes the same', async () => {
    for (const [name, write] of Object.entries(writers)) {
      const left = stale(name)
      writeFileSync(left, 'half')
      writeFileSync(stale('other'), 'half')
      await write(join(folder, name), 'new')
      expect(existsSync(left)).toBe(false)
    }
    expect(files().filter((name) => !name.startsWith('.other'))).toEqual(['streamed', 'whole'])
    mkdirSync(join(stale(''), 'onnx'), { recursive: true })
    fillFolder(folder, (aside) => {
      writeFileAtomically(join(aside, 'inner/file'), 'new')
    })
    expect(files().filter((name) => !name.startsWith('.other'))).toEqual(['inner', 'inner/file', 'streamed', 'whole'])
  })

  it('by one that runs, by another machine, or by others under names like ours, stays', () => {
    const own = temporaryIn(folder, 'file')
    const left = [
      own,
      own.replace(String(process.pid), String(process.ppid)),
      stale('file').replace(/-(....)(?=.{8}\.tmp$)/, (_, host) => (host === '0000' ? '-1111' : '-0000')),
      join(folder, '.file.4194305-notes.tmp'),
    ]
    for (const path of left) writeFileSync(path, '')
    writeFileAtomically(join(folder, 'file'), 'new')
    expect(left.map((path) => existsSync(path))).toEqual([true, true, true, true])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('is removed at %s, which ends the process', async (signal) => {
    const script = `import { streamAtomically } from ${JSON.stringify(new URL('../../dist/io/write.js', import.meta.url).href)}
      const wait = () => new Promise((resolve) => setTimeout(resolve, 100))
      await streamAtomically(process.argv[1], (async function* () { for (;;) { yield Buffer.from('piece'); await wait() } })())`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(folder, 'out')])
    const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)))
    await vi.waitFor(() => expect(files()).toHaveLength(1), 10_000)
    child.kill(signal)
    expect([await ended, files()]).toEqual([signal, []])
  })
})

it('keeps a name short enough for a temporary one where it is as long as names may be', () => {
  const name = 'é'.repeat(127)
  writeFileAtomically(join(folder, name), 'new')
  expect([files(), targetOf(join(folder, name)).kind]).toEqual([[name], 'file'])
})
