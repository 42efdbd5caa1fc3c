import { describe, expect, it } from 'vitest'
import { snapSpans, type Snap } from '../../src/data/snap.js'
import { findWords } from '../../src/text/words.js'

const text = 'Ann Smithson left Oslo'

function snapped(start: number, end: number, snap: Snap) {
  const document = { id: '1', text, layers: { gold: [{ start, end, label: 'PER' }] } }
  const { document: done, moved, unfit } = snapSpans(document, findWords(text), 'gold', snap)
  return { found: done.layers['gold']!.map((span) => text.slice(span.start, span.end)), moved, unfit: unfit.length }
}

describe('snapSpans', () => {
  it('takes the whole word, or leaves it', () => {
    expect(snapped(0, 9, 'expand')).toEqual({ found: ['Ann Smithson'], moved: 1, unfit: 0 })
    expect(snapped(0, 9, 'contract')).toEqual({ found: ['Ann'], moved: 1, unfit: 0 })
    expect(snapped(2, 20, 'expand')).toEqual({ found: ['Ann Smithson left Oslo'], moved: 1, unfit: 0 })
    expect(snapped(2, 20, 'contract')).toEqual({ found: ['Smithson left'], moved: 1, unfit: 0 })
  })

  it('leaves whole words alone, and names what holds none', () => {
    expect(snapped(0, 3, 'contract')).toEqual({ found: ['Ann'], moved: 0, unfit: 0 })
    expect(snapped(5, 9, 'contract')).toEqual({ found: [], moved: 0, unfit: 1 })
    expect(snapped(5, 9, 'expand')).toEqual({ found: ['Smithson'], moved: 1, unfit: 0 })
  })
})
