import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makeTokenizer } from '../../src/features/tokenizer.js'
import {
  classifyTokens,
  strategies,
  type ClassifiedToken,
  type Strategy,
} from '../../src/inference/token-classification.js'

interface Golden {
  readonly tags: string[]
  readonly cases: Record<
    string,
    {
      readonly tokenizer: object
      readonly documents: { text: string; logits: number[]; answers: Record<Strategy, ClassifiedToken[]> }[]
    }
  >
}

const file = new URL('../golden/token_classification.json', import.meta.url)
const { tags, cases } = JSON.parse(readFileSync(file, 'utf8')) as Golden

describe.each(Object.entries(cases))('%s', (_, golden) => {
  test.each(strategies)('%s: the entities of transformers’ pipeline', async (strategy) => {
    const tokenizer = await makeTokenizer({ 'tokenizer.json': JSON.stringify(golden.tokenizer) }, 'golden')
    const rounded = (entities: ClassifiedToken[]) =>
      entities.map((entity) => ({ ...entity, score: Number(entity.score.toFixed(5)) }))
    for (const { text, logits, answers } of golden.documents) {
      const pieces = await tokenizer.encodeText(text)
      expect(pieces.ids.length * tags.length).toBe(logits.length)
      const entities = classifyTokens(text, pieces, Float32Array.from(logits), { tokenizer, tags, strategy })
      expect(rounded(entities), text).toEqual(rounded(answers[strategy]))
    }
  })

  test('has entities of several pieces, and words that only some strategies keep whole', () => {
    const count = (strategy: Strategy) => golden.documents.flatMap(({ answers }) => answers[strategy]).length
    expect(count('simple')).toBeLessThan(count('none'))
    expect(count('first')).toBeLessThan(count('simple'))
  })
})
