import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tokenizer } from '../../src/features/tokenizer.js'
import { trainTokenizer } from '../../src/features/train-tokenizer.js'
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../src/models/safetensors.js'

const golden = new URL('../golden/models/tiny-bert/', import.meta.url).pathname

export type Json = Record<string, unknown>

/** A tokenizer that fits the tiny BERT's 48 rows. */
export function tinyTokenizer(): Promise<Tokenizer> {
  return trainTokenizer(['abc', 'acb', 'cab', 'bca'], { vocabSize: 48, maxLength: 40 })
}

/** A folder as Hugging Face lays it out, with the golden tiny BERT; config and weights may be changed on the way. */
export async function tinyFolder(
  changes: {
    config?: (config: Json) => Json
    weights?: (weights: ReadonlyMap<string, StoredTensor>) => ReadonlyMap<string, StoredTensor>
  } = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ner-model-'))
  cpSync(golden, folder, { recursive: true })
  const original = JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8')) as Json
  writeFileSync(join(folder, 'config.json'), JSON.stringify(changes.config?.(original) ?? original))
  const file = join(folder, 'model.safetensors')
  if (changes.weights) writeSafetensors(file, changes.weights(readSafetensors(file)))
  for (const [name, content] of Object.entries((await tinyTokenizer()).files))
    writeFileSync(join(folder, name), content)
  return folder
}

/** The same tensors under other names; a name that becomes undefined is left out. */
export function renamed(rename: (name: string) => string | undefined) {
  return (weights: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> =>
    new Map(
      [...weights].flatMap(([name, tensor]) => {
        const other = rename(name)
        return other === undefined ? [] : [[other, tensor] as const]
      }),
    )
}
