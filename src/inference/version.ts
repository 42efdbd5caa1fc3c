import { createHash } from 'node:crypto'
import { hashFile } from '../io/hash.js'
import type { ModelFolder } from '../artifacts/model.js'

/** A hash of all that a model's answers depend on: its graph, its tags and CRF, its tokenizer and windows. */
export function modelVersion({ onnx, tokenizer, tagger, ner, chain }: ModelFolder): string {
  const { scheme, window, context, contextPieces } = ner
  const hash = createHash('sha256').update(hashFile(onnx))
  hash.update(JSON.stringify([tagger.tags, scheme, window, context, contextPieces]))
  for (const [name, content] of Object.entries(tokenizer.files).sort()) hash.update(`\0${name}\0${content}`)
  if (chain) for (const scores of [chain.transitions, chain.start, chain.end]) hash.update(scores)
  return hash.digest('hex').slice(0, 16)
}
