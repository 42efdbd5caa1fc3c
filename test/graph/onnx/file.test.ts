import { linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Graph } from '../../../src/graph/graph.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import { readModelFile, writeModelFile } from '../../../src/graph/onnx/file.js'
import { onnx } from '../../../src/graph/onnx/proto.js'
import { createSession } from '../../../src/runtime/session.js'
import { floats } from '../engine.js'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'ner-onnx-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** x·A + B, with A and B large enough to be moved out. */
function affine(): Graph {
  const g = new Graph('affine')
  const x = g.input('x', 'float32', ['rows', 32])
  const values = (scale: number) => Array.from({ length: 32 * 32 }, (_, i) => scale * Math.sin(i))
  const a = g.initializer('a', floats([32, 32], values(1)))
  const b = g.initializer('b', floats([32, 32], values(2)))
  g.output('y', g.add(g.matmul(x, a), g.gather(b, g.integers([3]))))
  return g
}

const feeds = () => ({
  x: floats(
    [2, 32],
    Array.from({ length: 64 }, (_, i) => i / 64),
  ),
})

async function run(path: string) {
  const session = await createSession(path, { threads: 1 })
  const { y } = await session.run(feeds())
  await session.release()
  return Array.from(y!.data as Float32Array)
}

describe('a graph too large for one file', () => {
  test('goes to two, which the engine and we read as the one', async () => {
    const one = join(folder, 'one.onnx')
    const two = join(folder, 'model.onnx')
    expect(writeModelFile(one, affine())).toEqual(['one.onnx'])
    expect(writeModelFile(two, affine(), { inline: 4096 })).toEqual(['model.onnx', 'model.onnx_data'])
    expect(await run(two)).toEqual(await run(one))
    expect(Buffer.compare(encodeModel(readModelFile(two)), readFileSync(one))).toBe(0)
  })

  test('keeps small tensors in the file, and begins the others at a page', () => {
    const path = join(folder, 'model.onnx')
    writeModelFile(path, affine(), { inline: 4096 })
    const stored = onnx.ModelProto.decode(readFileSync(path)).graph!.initializer!
    const offsets = stored.map(({ externalData }) => externalData!.find(({ key }) => key === 'offset')?.value)
    expect(offsets).toEqual(['0', '4096', undefined])
  })
})

describe('external data is refused', () => {
  /** The model with its first tensor's reference changed. */
  function tamper(change: Readonly<Record<string, string>>): string {
    const path = join(folder, 'model.onnx')
    writeModelFile(path, affine(), { inline: 4096 })
    const model = onnx.ModelProto.decode(readFileSync(path))
    for (const entry of model.graph!.initializer![0]!.externalData!) {
      if (change[entry.key!] !== undefined) entry.value = change[entry.key!]!
    }
    writeFileSync(path, onnx.ModelProto.encode(model).finish())
    return path
  }

  test.each([
    ['absolute', { location: '/etc/hostname' }, 'at an absolute path'],
    ['of a drive', { location: 'C:\\data' }, 'at an absolute path'],
    ['above the folder', { location: '../secret' }, "outside the model's folder"],
    ['above the folder on the way', { location: 'weights/../../secret' }, "outside the model's folder"],
    ['above the folder by backslashes', { location: '..\\secret' }, "outside the model's folder"],
    ['absent', { location: 'nothing' }, 'cannot be read'],
    ['nameless', { location: '' }, 'no location'],
    ['beyond the end', { offset: '8000' }, 'Bytes 8000 to 12096'],
    ['too long', { length: '9999999' }, 'are not there'],
    ['negative', { offset: '-4096' }, "The offset of external data is '-4096'"],
    ['no number', { length: '0x1000' }, "The length of external data is '0x1000'"],
  ])('where it is %s', (_, change, message) => {
    const path = tamper(change)
    expect(() => readModelFile(path)).toThrow(expect.objectContaining({ code: 'graph/external-data' }))
    expect(() => readModelFile(path)).toThrow(message)
    expect(() => readModelFile(path)).toThrow("initializer 'a'")
  })

  test('where it is a link, or behind one', () => {
    const file = tamper({ location: 'link' })
    renameSync(join(folder, 'model.onnx_data'), join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'link'))
    expect(() => readModelFile(file)).toThrow("behind a link, 'link'")

    const behind = tamper({ location: 'inner/data' })
    mkdirSync(join(folder, 'outer'))
    linkSync(join(folder, 'model.onnx_data'), join(folder, 'outer', 'data'))
    symlinkSync(join(folder, 'outer'), join(folder, 'inner'))
    expect(() => readModelFile(behind)).toThrow("behind a link, 'inner'")
  })

  test('where it is a folder', () => {
    const path = tamper({ location: 'inner' })
    mkdirSync(join(folder, 'inner'))
    expect(() => readModelFile(path)).toThrow('no plain file')
  })
})

test('a file that is not there is said so', () => {
  expect(() => readModelFile(join(folder, 'none.onnx'))).toThrow(expect.objectContaining({ code: 'file/unreadable' }))
})
