import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { NerError } from '../../errors.js'
import type { ReadExternal } from './decode-tensor.js'

/**
 * Reads external data as ONNX's ExternalData.md has it, from files in `folder` and nowhere else: a model file comes from
 * anywhere, and must not make us read what it names. Absolute paths, `..` and links are refused, and so is what does not
 * lie within its file.
 *
 * The reader throws NerError `graph/external-data`.
 */
export function externalReader(folder: string): ReadExternal {
  return (reference, where) => {
    const location = reference.get('location') ?? ''
    const path = join(folder, safeParts(location, folder, where))
    const file = openPlain(path, where)
    try {
      const { size } = fstatSync(file)
      const offset = wholeNumber(reference.get('offset') ?? '0', 'offset', where)
      const length = wholeNumber(reference.get('length') ?? String(Math.max(0, size - offset)), 'length', where)
      if (offset + length > size) {
        throw unsafe(`Bytes ${offset} to ${offset + length} of '${location}' are not there: it has ${size}.`, where)
      }
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, Math.min(length - at, 1 << 30), offset + at)
        if (count === 0) throw unsafe(`'${location}' became shorter while it was read.`, where)
        at += count
      }
      return bytes
    } finally {
      closeSync(file)
    }
  }
}

/** The location as a path below the folder, none of whose parts is a link. */
function safeParts(location: string, folder: string, where: string): string {
  const parts = location.split(/[/\\]/)
  const isAbsolute = parts[0] === '' || /^[A-Za-z]:/.test(location)
  if (location === '' || location.includes('\0')) throw unsafe('External data has no location.', where)
  if (isAbsolute) throw unsafe(`External data lies at an absolute path, '${location}'.`, where)
  if (parts.includes('..')) throw unsafe(`External data lies outside the model's folder: '${location}'.`, where)
  parts.forEach((_, i) => {
    const path = join(folder, ...parts.slice(0, i + 1))
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw unsafe(`External data lies behind a link, '${parts.slice(0, i + 1).join('/')}'.`, where)
    }
  })
  return join(...parts)
}

/** Opens a file that is neither a link nor a pipe nor a device. */
function openPlain(path: string, where: string): number {
  let file: number
  try {
    // Windows lacks both flags; undefined adds nothing.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw unsafe(`External data cannot be read: ${(cause as Error).message}.`, where, cause)
  }
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw unsafe('External data is no plain file.', where)
}

function wholeNumber(text: string, key: string, where: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw unsafe(`The ${key} of external data is '${text}', no whole number.`, where)
}

function unsafe(what: string, where: string, cause?: unknown): NerError {
  return new NerError('graph/external-data', what, {
    where: `while reading ${where}`,
    mend: "External data must be a plain file in the model's own folder. Fetch or export the model again.",
    cause,
  })
}
