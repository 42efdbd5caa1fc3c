import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { NerError } from '../errors.js'
import { unwritable } from '../io/write.js'
import type { RemoteFile } from './api.js'
import { placeOf, refusal } from './errors.js'
import type { HubName } from './name.js'
import { hubSettings } from './settings.js'

/** How often a file is asked for before its download counts as cut short, and the first wait, doubled each time. */
const attempts = 5
const firstPause = 250

/**
 * Downloads a file to `blob`, by way of `blob.incomplete`, from which a later call goes on; gives the bytes that are
 * there. The library's own `downloadFileToCacheDir` begins anew each time and takes any bytes for the file.
 *
 * Bytes are written at their places and checked on the disk, so that two processes that download the same file do each
 * other no harm.
 *
 * @throws NerError `hub/cut-short`, `hub/checksum`, `hub/refused`, `hub/not-found`, `file/unwritable`, `file/disk-full`
 */
export async function* downloadBlob(hub: HubName, remote: RemoteFile, blob: string): AsyncGenerator<number> {
  const incomplete = `${blob}.incomplete`
  await orUnwritable(blob, mkdir(dirname(blob), { recursive: true }))
  const file = await orUnwritable(blob, open(incomplete, constants.O_RDWR | constants.O_CREAT))
  let found: string
  try {
    let received = (await file.stat()).size
    if (received > remote.size) await orUnwritable(blob, file.truncate((received = 0)))
    let cause: unknown
    for (let attempt = 0; received < remote.size; attempt++) {
      if (attempt === attempts) throw cutShort(hub, remote, received, cause)
      if (attempt > 0) await pause(firstPause * 2 ** (attempt - 1))
      try {
        for await (received of receive(hub, remote, file, received)) yield received
        cause = undefined
      } catch (error) {
        if (!(error instanceof Interruption)) throw error
        cause = error.cause
      }
    }
    await orUnwritable(blob, file.sync())
    found = await hashOf(file, remote)
  } finally {
    await file.close()
  }
  if (found !== remote.etag) {
    await rm(incomplete, { force: true })
    throw new NerError('hub/checksum', `${remote.path} is not what the hub announces: its hash is ${found}.`, {
      where: `${placeOf(hub, remote.path)}, ${remote.etag}`,
      mend: 'The file was deleted: try again. Where that does not help, whoever serves the files has changed them.',
    })
  }
  // Another process may have been faster, with the same bytes.
  await rename(incomplete, blob).catch(async (error: unknown) => {
    if (!(await stat(blob).catch(() => undefined))) throw unwritable(blob, error)
  })
}

/** A break of the connection, or an answer that may be another one next time. */
class Interruption extends Error {}

/** Asks for a file from a byte on and writes what comes; gives the number of bytes that are there. */
async function* receive(hub: HubName, remote: RemoteFile, file: FileHandle, from: number): AsyncGenerator<number> {
  const { token } = hubSettings()
  const asked = fetch(remote.url, {
    headers: {
      // Compressed, bytes would have other places.
      'accept-encoding': 'identity',
      ...(from > 0 && { range: `bytes=${from}-` }),
      // fetch leaves it out where a redirect leads to another host.
      ...(token && { authorization: `Bearer ${token.value}` }),
    },
  })
  const response = await interruptible(asked)
  const { status } = response
  if (status >= 500 || status === 429) throw new Interruption('busy', { cause: new Error(`HTTP ${status}`) })
  if (!response.ok) throw refusal(hub, response, token !== undefined)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  // 200 is the file from its start, whatever was asked for.
  for (let at = status === 206 ? from : 0; at <= remote.size;) {
    const { value, done } = await interruptible(reader.read())
    if (done) return
    at += (await orUnwritable(remote.path, file.write(value, 0, value.length, at))).bytesWritten
    yield at
  }
  await reader.cancel()
}

const interruptible = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    throw new Interruption('the connection broke', { cause })
  })

const orUnwritable = <T>(path: string, work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw unwritable(path, error)
  })

/** By the hash that the name has: SHA-256, or git's, of `blob SIZE\0` and the content (gitformat-pack). */
async function hashOf(file: FileHandle, { etag, size }: RemoteFile): Promise<string> {
  const hash = etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function cutShort(hub: HubName, { path, size }: RemoteFile, received: number, cause: unknown): NerError {
  const why = cause instanceof Error ? `: ${cause.cause instanceof Error ? cause.cause.message : cause.message}` : ''
  return new NerError('hub/cut-short', `The download was cut short ${attempts} times${why}.`, {
    where: `${placeOf(hub, path)}, ${received} of ${size} bytes`,
    mend: 'Try again: it goes on from there.',
    cause,
  })
}
