import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadModel } from '../../src/artifacts/model.js'
import { boundFiles } from '../../src/artifacts/ner-file.js'
import { hashFile } from '../../src/io/hash.js'
import { tinyTagger } from '../inference/tiny-tagger.js'

it('a model folder names what belongs to it, by size and hash', async () => {
  const folder = await tinyTagger()
  const files = boundFiles(folder)!
  expect(Object.keys(files)).toEqual(['config.json', 'tokenizer.json', 'model.safetensors', 'onnx/model.onnx'])
  for (const [path, { bytes, sha256 }] of Object.entries(files)) {
    expect(readFileSync(join(folder, path)).length, path).toBe(bytes)
    expect(hashFile(join(folder, path)), path).toBe(sha256)
  }
})

it.each(['onnx/model.onnx', 'tokenizer.json', 'model.safetensors'])(
  'a folder with the %s of another model is refused when it is loaded',
  async (path) => {
    const [folder, other] = [await tinyTagger(), await tinyTagger({ head: 'softmax' })]
    cpSync(join(other, path), join(folder, path))
    if (readFileSync(join(folder, path)).length === boundFiles(folder)![path]!.bytes)
      writeFileSync(join(folder, path), `${String(readFileSync(join(folder, path)))} `)
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'model/mixed',
      what: expect.stringContaining(`${path} is damaged, or of another model`) as string,
    })
  },
)

it('a folder of an older version, whose ner.json names no files, loads as it is', async () => {
  const folder = await tinyTagger()
  const { files: _files, ...file } = JSON.parse(readFileSync(join(folder, 'ner.json'), 'utf8')) as Record<
    string,
    unknown
  >
  writeFileSync(join(folder, 'ner.json'), JSON.stringify(file))
  await expect(loadModel(folder)).resolves.toMatchObject({ ner: { head: 'crf' } })
})
