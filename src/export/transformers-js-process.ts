// Pieces of words by the transformers.js that is installed: node transformers-js-process.js PACKAGE FOLDER < WORDS.json
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; localModelPath: string; readonly version: string }
  readonly AutoTokenizer: {
    from_pretrained(folder: string): Promise<{
      encode(text: string, options: { readonly add_special_tokens: boolean }): readonly (number | bigint)[]
    }>
  }
}

const [installed, folder] = process.argv.slice(2) as [string, string]
const { env, AutoTokenizer } = (await import(pathToFileURL(installed).href)) as TransformersJs
env.allowRemoteModels = false
env.localModelPath = dirname(resolve(folder))
const tokenizer = await AutoTokenizer.from_pretrained(basename(resolve(folder)))
const words = JSON.parse(readFileSync(0, 'utf8')) as string[]
const pieces = words.map((word) => tokenizer.encode(word, { add_special_tokens: false }).map(Number))
process.stdout.write(JSON.stringify({ version: env.version, pieces }))
