import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { NerError } from '../errors.js'
import { hashFile } from '../io/hash.js'

/** The files that make a model together, each by its size and content; paths are those in the folder, with `/`. */
export const binding = z.record(z.string(), z.object({ bytes: z.int().min(0), sha256: z.string() }))
export type Binding = Readonly<z.output<typeof binding>>

const alone = ['config.json', 'tokenizer.json', 'model.safetensors']

/** Binds what a folder holds of a model. */
export function bindingOf(folder: string): Binding {
  const graphs = existsSync(join(folder, 'onnx')) ? readdirSync(join(folder, 'onnx')).sort() : []
  const paths = [...alone, ...graphs.map((name) => `onnx/${name}`)].filter((path) => existsSync(join(folder, path)))
  return Object.fromEntries(
    paths.map((path) => [path, { bytes: statSync(join(folder, path)).size, sha256: hashFile(join(folder, path)) }]),
  )
}

/**
 * Looks at the sizes of what a model is loaded from, which takes no time. Files of other tools' making are not looked at:
 * transformers writes config.json anew.
 *
 * @throws NerError `model/mixed`
 */
export function checkSizes(folder: string, files: Binding | undefined, graph: string): void {
  for (const path of ['tokenizer.json', 'model.safetensors', graph]) {
    const size = statSync(join(folder, path), { throwIfNoEntry: false })?.size
    const bound = files?.[path]?.bytes
    if (size === undefined || bound === undefined || size === bound) continue
    throw new NerError(
      'model/mixed',
      `${path} is damaged, or of another model: it has ${size} bytes, and ner.json says ${bound}.`,
      {
        where: folder,
        mend: 'Copy or write the whole folder again; its files belong together.',
      },
    )
  }
}
