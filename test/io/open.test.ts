import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readStream, readWhole } from '../../src/io/open.js'

const folder = mkdtempSync(join(tmpdir(), 'ner-open-'))
const file = (name: string, bytes: string | Uint8Array) => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function streamed(path: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of readStream(path)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const long = 'Ann went to Oslo.\n'.repeat(100_000)

describe('a file', () => {
  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', (text: string) => zlib.gzipSync(text)],
    [
      'two gzip members',
      (text: string) => Buffer.concat([zlib.gzipSync(text.slice(0, 7)), zlib.gzipSync(text.slice(7))]),
    ],
  ])('is unpacked, whatever its name: %s', async (_, pack) => {
    for (const text of ['Ann', long, '']) {
      const bytes = pack(text)
      const path = file('any.name', bytes)
      const whole = await readWhole(path)
      expect([whole.bytes.toString(), whole.hash]).toEqual([text, hash(bytes)])
      expect(await streamed(path)).toBe(text)
    }
  })

  it('packed by zstd is unpacked where Node.js can, else refused by that name', async () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (text: string) => Buffer }
    if (zstdCompressSync !== undefined) expect(await streamed(file('a.zst', zstdCompressSync(long)))).toBe(long)
    else {
      const refused = streamed(file('a.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])))
      await expect(refused).rejects.toMatchObject({
        code: 'file/unreadable',
        what: expect.stringContaining('zstd') as string,
      })
    }
  })

  it.each([
    ['train.conl', 'train.conll'],
    ['train', 'train.conll'],
    ['tarin.conll', 'train.conll'],
  ])('that is not there is told by its nearest name: %s', async (name, meant) => {
    file('train.conll', '')
    for (const read of [readWhole, streamed]) {
      await expect(read(join(folder, name))).rejects.toMatchObject({
        code: 'file/unreadable',
        detail: { where: join(folder, name), mend: `Did you mean ${join(folder, meant)}?` },
      })
    }
  })

  it('that is a folder, or in none', async () => {
    mkdirSync(join(folder, 'a folder'))
    const cases = [
      [join(folder, 'a folder'), /it is a folder/],
      [join(folder, 'train.conll', 'x'), /a part of the path is a file/],
      [join(folder, 'none', 'x'), /no such file/],
    ] as const
    for (const [path, what] of cases) await expect(readWhole(path)).rejects.toThrow(what)
  })

  it('that is damaged says how', async () => {
    const cut = file('cut.gz', zlib.gzipSync(long).subarray(0, 1000))
    for (const read of [readWhole, streamed]) {
      await expect(read(cut)).rejects.toMatchObject({
        code: 'file/unreadable',
        what: expect.stringMatching(/^The gzip file is damaged/) as string,
      })
    }
  })

  it('that unpacks to more than the bound is refused by that name', async () => {
    // 2 GiB of zeros, written member by member.
    const member = zlib.gzipSync(Buffer.alloc(2 ** 26))
    const bomb = file('bomb.gz', Buffer.concat(Array.from({ length: 32 }, () => member)))
    await expect(readWhole(bomb)).rejects.toMatchObject({
      code: 'file/too-large',
      what: expect.stringContaining('more than 1 GiB') as string,
    })
  })
})
