import type { LabelModel } from './label-model.js'
import type { Votes } from './votes.js'

/** Writes numbers so that a file stays short and a model the same to seven digits. */
const digits = (value: number) => Number(value.toPrecision(7))

const rows = (table: Float64Array, width: number): number[][] =>
  Array.from({ length: table.length / width }, (_, row) =>
    Array.from(table.subarray(row * width, (row + 1) * width), digits),
  )

/** A label model as JSON, with the names that its numbers belong to. */
export function labelModelJson({ sources, labels, tags }: Votes, model: LabelModel): object {
  const bySource = (of: (source: number) => unknown) =>
    Object.fromEntries(sources.map((name, source) => [name, of(source)]))
  switch (model.kind) {
    case 'majority':
      return { kind: model.kind, sources, labels }
    case 'weighted': {
      const precisions = rows(model.precisions, 1 + labels.length)
      const byType = (source: number) =>
        Object.fromEntries(['O', ...labels].map((type, i) => [type, precisions[source]![i]]))
      return { kind: model.kind, sources, labels, precisions: bySource(byType) }
    }
    case 'hmm':
      return {
        kind: model.kind,
        sources,
        labels,
        tags,
        choices: ['abstain', ...tags],
        initial: Array.from(model.initial, digits),
        transition: rows(model.transition, tags.length),
        confusions: bySource((source) => rows(model.confusions[source]!, 1 + tags.length)),
        correlations: rows(model.correlations, sources.length),
        objective: model.history,
      }
  }
}
