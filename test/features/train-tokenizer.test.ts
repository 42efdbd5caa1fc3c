import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeTokenizer } from '../../src/features/tokenizer.js'
import { trainTokenizer } from '../../src/features/train-tokenizer.js'
import { learnPieces } from '../../src/features/wordpiece.js'
import { random, shuffle } from '../../src/random.js'

const words = (
  'the harbour board of Trondheim hired two engineers from Porto the harbour master of Porto hired none ' +
  'harbours and boards and masters are hired in Trondheim 1987 1987 U.N. Zoë'
).split(' ')

describe('trainTokenizer', () => {
  it('gives the same files for the same words in any order', async () => {
    const training = { vocabSize: 80, maxLength: 64 }
    const { files } = await trainTokenizer(words, training)
    expect((await trainTokenizer(shuffle([...words], random(1)), training)).files).toEqual(files)
  })

  it('keeps capitals unless told otherwise', async () => {
    const cased = await trainTokenizer(words, { vocabSize: 80, maxLength: 64 })
    const uncased = await trainTokenizer(words, { vocabSize: 80, maxLength: 64, lowercase: true })
    const same = async (tokenizer: typeof cased, a: string, b: string) => {
      const [first, second] = await tokenizer.encodeWords([a, b])
      return first!.join() === second!.join()
    }
    expect(await same(cased, 'harbour', 'HARBOUR')).toBe(false)
    expect(await same(uncased, 'harbour', 'HARBOUR')).toBe(true)
    expect(await same(uncased, 'Zoë', 'zoe')).toBe(true)
  })

  it('has the special pieces first, the vocabulary asked for and a place to read its length from', async () => {
    const tokenizer = await trainTokenizer(words, { vocabSize: 60, maxLength: 64 })
    expect(tokenizer).toMatchObject({ pad: 0, unk: 1, cls: 2, sep: 3, vocabSize: 60, maxLength: 64 })
    expect((await makeTokenizer(tokenizer.files, 'saved')).files).toEqual(tokenizer.files)
  })

  it('spells every word it has seen without the unknown piece', async () => {
    const tokenizer = await trainTokenizer(words, { vocabSize: 200, maxLength: 64 })
    const pieces = await tokenizer.encodeWords([...new Set(words)])
    expect(pieces.flatMap((word) => [...word])).not.toContain(tokenizer.unk)
    const [frequent] = await tokenizer.encodeWords(['harbour'])
    expect(frequent).toHaveLength(1)
  })
})

/** Byte-pair encoding as its definition reads: count all pairs afresh for every merge. */
function learnSlowly(counts: ReadonlyMap<string, number>, size: number): string[] {
  const spellings = [...counts].map(([word, count]) => ({
    count,
    pieces: Array.from(word, (character, i) => (i === 0 ? character : `##${character}`)),
  }))
  const pieces = [...new Set(spellings.flatMap((spelling) => spelling.pieces))].sort()
  for (;;) {
    const merges = new Map<string, { left: string; right: string; merged: string; count: number }>()
    for (const spelling of spellings)
      for (let i = 0; i + 1 < spelling.pieces.length; i++) {
        const [left, right] = [spelling.pieces[i]!, spelling.pieces[i + 1]!]
        const key = `${left} ${right}`
        const known = merges.get(key) ?? { left, right, merged: left + right.slice(2), count: 0 }
        merges.set(key, { ...known, count: known.count + spelling.count })
      }
    const order = [...merges.values()].sort(
      (a, b) =>
        b.count - a.count ||
        (a.merged < b.merged ? -1 : a.merged > b.merged ? 1 : pieces.indexOf(a.left) - pieces.indexOf(b.left)),
    )
    const best = order[0]
    if (!best || best.count < 2 || pieces.length >= size) return pieces
    if (!pieces.includes(best.merged)) pieces.push(best.merged)
    for (const spelling of spellings)
      for (let i = 0; i + 1 < spelling.pieces.length; i++)
        if (spelling.pieces[i] === best.left && spelling.pieces[i + 1] === best.right)
          spelling.pieces.splice(i, 2, best.merged)
  }
}

it('learns what counting afresh for every merge learns', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 8 })
  const counts = fc.dictionary(word, fc.integer({ min: 1, max: 5 }), { minKeys: 1, maxKeys: 12 })
  fc.assert(
    fc.property(counts, fc.integer({ min: 12, max: 40 }), (record, size) => {
      const map = new Map(Object.entries(record))
      expect(learnPieces(map, size)).toEqual(learnSlowly(map, size))
    }),
    { numRuns: 300 },
  )
})
