import type { MisalignedSpan } from '../features/labels.js'
import { writeFileAtomically } from '../io/write.js'

/** Spans that were left out, one a line. */
export function writeMisaligned(path: string, spans: readonly (MisalignedSpan & { readonly split?: string })[]): void {
  const lines = spans.map(({ split, id, span, text, reason }) =>
    JSON.stringify({ split, id, ...span, text, reason, offset_unit: 'utf16' }),
  )
  writeFileAtomically(path, `${lines.join('\n')}\n`)
}
