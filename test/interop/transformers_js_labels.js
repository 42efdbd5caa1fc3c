// What transformers.js makes of an exported folder: the label of every word, by the pipeline's label of its first piece.
//
//     node transformers_js_labels.js TRANSFORMERS_JS MODEL_DIR DTYPE SENTENCES.json
//
// TRANSFORMERS_JS is a folder that @huggingface/transformers is installed in. DTYPE picks the graph, as its users do:
// fp32, fp16, q8. SENTENCES.json is a list of sentences, each a list of words. Prints a list of lists of labels.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [installed, model, dtype, sentences] = process.argv.slice(2)
const found = createRequire(join(resolve(installed), 'package.json')).resolve('@huggingface/transformers')
const { env, pipeline } = await import(pathToFileURL(found).href)
env.allowRemoteModels = false
env.localModelPath = dirname(resolve(model))

const tagger = await pipeline('token-classification', basename(resolve(model)), { dtype, device: 'cpu' })
const labels = []
for (const words of JSON.parse(readFileSync(sentences, 'utf8'))) {
  const pieces = await tagger(words.join(' '), { ignore_labels: [] })
  const byIndex = new Map(pieces.map(({ index, entity }) => [index, entity]))
  // [CLS] is the first piece.
  let index = 1
  labels.push(
    words.map((word) => {
      const first = index
      index += tagger.tokenizer.encode(word, { add_special_tokens: false }).length
      return index > first ? (byIndex.get(first) ?? null) : null
    }),
  )
}
console.log(JSON.stringify(labels))
