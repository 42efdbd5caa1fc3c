import { describe, expect, it } from 'vitest'
import { onReading } from '../../../src/data/notes.js'
import { parseDocuments } from '../../../src/data/read.js'

function read(rows: readonly object[], offsetUnit?: 'utf16' | 'code_point') {
  const notes: string[] = []
  const stop = onReading(({ note }) => void notes.push(note))
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const { documents } = parseDocuments(Buffer.from(text), 'd.jsonl', offsetUnit && { offsetUnit })
  stop()
  const found = documents.flatMap(({ text: all, layers }) =>
    layers['gold']!.map(({ start, end }) => all.slice(start, end)),
  )
  return { found, notes }
}

describe('the unit of doccano’s offsets', () => {
  it('is told by words, where one unit cuts them', () => {
    const rows = [{ id: 1, text: '🎉🎉 Bob met Al', label: [[5, 8, 'PER']] }]
    expect(read(rows)).toEqual({ found: ['Bob'], notes: [expect.stringContaining('read as UTF-16 units')] })
    const inCodePoints = [{ id: 1, text: '🎉🎉 Bob met Al', label: [[3, 6, 'PER']] }]
    expect(read(inCodePoints)).toEqual({ found: ['Bob'], notes: [expect.stringContaining('read as code points')] })
  })

  it('is told by what has the same label elsewhere, and by quoted words', () => {
    const known = { id: 1, text: '他在东京', label: [[2, 4, 'LOC']] }
    expect(read([known, { id: 2, text: '🎉我去东京塔', label: [[4, 6, 'LOC']] }]).found).toEqual(['东京', '东京'])
    const entities = [{ label: 'PER', start_offset: 5, end_offset: 7, text: 'Al' }]
    expect(read([{ id: 1, text: '🎉🎉 Al Bo', entities }]).found).toEqual(['Al'])
  })

  it('is assumed, and said, where nothing tells', () => {
    for (const row of [
      { id: 1, text: '😀我去东京塔', label: [[4, 6, 'LOC']] },
      { id: 1, text: '👍🏽🎉 Al Bo Cy', label: [[7, 9, 'PER']] },
    ]) {
      expect(read([row]).notes).toEqual([expect.stringContaining('--offset-unit utf16')])
      expect(read([row], 'utf16').notes).toEqual([])
    }
    expect(read([{ id: 1, text: '👍🏽🎉 Al Bo', label: [[7, 9, 'PER']] }], 'utf16').found).toEqual(['Al'])
  })

  it('does not matter where nothing stands after such a character', () => {
    expect(read([{ id: 1, text: 'Al 🎉', label: [[0, 2, 'PER']] }])).toEqual({ found: ['Al'], notes: [] })
  })
})
