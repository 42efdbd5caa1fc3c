import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Entity } from '../inference/predict.js'
import { printableLine } from '../terminal.js'

/** Told apart on light and dark terminals alike, and without red against green. */
const colours = ['cyan', 'yellow', 'magenta', 'blue', 'green', 'red'] as const

/** Whether there are colours is decided here, not by what standard output happens to be. */
const forced = { validateStream: false } as const

/**
 * Shows entities inside their text: in colour with the type behind them, or `[Warsaw LOC]` where the terminal has no
 * colours or NO_COLOR (no-color.org) asks for none. A type keeps its colour for as long as the highlighter lives.
 */
export function highlighter(stream: Pick<WriteStream, 'isTTY' | 'hasColors'>) {
  const coloured = stream.isTTY && stream.hasColors()
  const colourOf = new Map<string, (typeof colours)[number]>()
  const show = (word: string, type: string): string => {
    if (!coloured) return `[${word} ${type}]`
    const colour = colourOf.get(type) ?? colours[colourOf.size % colours.length]!
    colourOf.set(type, colour)
    return `${styleText(['bold', 'underline', colour], word, forced)} ${styleText(colour, type, forced)}`
  }
  return (text: string, entities: readonly Entity[]): string => {
    let shown = ''
    let end = 0
    for (const entity of entities) {
      shown +=
        printableLine(text.slice(end, entity.start)) +
        show(printableLine(entity.word), printableLine(entity.entity_group))
      end = entity.end
    }
    return shown + printableLine(text.slice(end))
  }
}
