import { goldLayer, type Document, type Sentence, type SoftTags, type Span, type Token } from '../document.js'
import type { JsonObject } from '../json.js'
import { offsetsOf, type OffsetUnit } from '../offsets.js'

export interface RecordOptions {
  /** The layer that is written as `spans`; the others, where there are any, stand under `layers`. */
  readonly layer?: string
  /** What offsets count; code points unless said. */
  readonly unit?: OffsetUnit
}

/** A document as this project's own form has it. */
export interface DocumentRecord {
  readonly id: string
  readonly text: string
  readonly annotator?: string
  readonly tokens?: readonly (Token & { readonly text: string; readonly id: number })[]
  readonly sentences?: readonly Sentence[]
  readonly spans?: readonly Span[]
  readonly layers?: Readonly<Record<string, readonly Span[]>>
  readonly soft_tags?: SoftTags
  readonly offset_unit: OffsetUnit
  readonly fields: JsonObject
}

export function recordOf(document: Document, { layer = goldLayer, unit = 'code_point' }: RecordOptions = {}) {
  const { id, text, annotator, tokens, sentences, layers, soft, fields = {} } = document
  const { fromUtf16: at } = offsetsOf(text, unit)
  const written = (spans: readonly Span[]): Span[] =>
    spans.map(({ start, end, label, score }) => ({
      start: at(start),
      end: at(end),
      label,
      ...(score !== undefined && { score }),
    }))
  const { [layer]: main, ...others } = layers
  const record: DocumentRecord = {
    id,
    text,
    ...(annotator !== undefined && { annotator }),
    ...(tokens && {
      tokens: tokens.map(({ start, end }, i) => ({
        text: text.slice(start, end),
        start: at(start),
        end: at(end),
        id: i,
      })),
    }),
    ...(sentences && { sentences }),
    ...(main && { spans: written(main) }),
    ...(Object.keys(others).length > 0 && {
      layers: Object.fromEntries(Object.entries(others).map(([name, spans]) => [name, written(spans)])),
    }),
    ...(soft && { soft_tags: soft }),
    offset_unit: unit,
    fields,
  }
  return record
}
