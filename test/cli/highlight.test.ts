import { describe, expect, it } from 'vitest'
import { highlighter } from '../../src/commands/highlight.js'

const entity = (text: string, word: string, entity_group: string) => {
  const start = text.indexOf(word)
  return { entity_group, score: 1, word, start, end: start + word.length }
}
const terminal = (colours: boolean) => ({ isTTY: true, hasColors: () => colours })

describe('highlighter', () => {
  const text = 'Marie Curie left Warsaw.'
  const entities = [entity(text, 'Marie Curie', 'PER'), entity(text, 'Warsaw', 'LOC')]

  it('marks entities in brackets where there are no colours', () => {
    expect(highlighter(terminal(false))(text, entities)).toBe('[Marie Curie PER] left [Warsaw LOC].')
  })

  it('gives each type a colour and keeps it', () => {
    const highlight = highlighter(terminal(true))
    const shown = highlight(text, entities)
    expect(shown).toContain('\u001b[36mPER\u001b[39m')
    expect(shown).toContain('\u001b[33mLOC\u001b[39m')
    expect(highlight('Warsaw', [entity('Warsaw', 'Warsaw', 'LOC')])).toContain('\u001b[33mLOC')
  })

  it('shows no control characters of the text', () => {
    expect(highlighter(terminal(false))('\u001b[2Jx\u202ey\tz', [])).toBe('\\u001b[2Jx\\u202ey z')
  })
})
