import fc from 'fast-check'
import { expect, it } from 'vitest'
import { markup } from '../../src/report/markup.js'

it('keeps markup, escapes data and skips what is not there', () => {
  const name = markup`<b>${'Ben & "Sons"'}</b>`
  expect(markup`<i title="${`it's`}">${[name, 3, undefined, '<br>']}</i>`.html).toBe(
    '<i title="it&#39;s"><b>Ben &amp; &quot;Sons&quot;</b>3&lt;br&gt;</i>',
  )
})

it('never lets data open a tag, close an attribute or start an entity', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', ';', 'a', '/', '🙂') }), (data) => {
      const escaped = markup`${data}`.html
      expect(escaped).not.toMatch(/[<>"']/)
      expect(escaped).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/)
      const back = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' } as Record<string, string>
      expect(escaped.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => back[entity]!)).toBe(data)
    }),
  )
})
