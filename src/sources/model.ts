import type { SpecOf } from './config.js'
import type { Finder } from './open.js'

/** A trained model, its spans under our labels. The engine is loaded only where a configuration has a model. */
export async function openModel({ folder, types, min_score: least }: SpecOf<'model'>): Promise<Finder> {
  const { loadPredictor } = await import('../inference/predict.js')
  const predictor = await loadPredictor(folder)
  return {
    async find(documents, signal) {
      signal?.throwIfAborted()
      const found = await predictor.predictDocuments(documents, signal)
      return found.map((spans) =>
        spans.flatMap((span) => {
          const label = types ? types[span.label] : span.label
          return label === undefined || (span.score ?? 1) < least ? [] : [{ ...span, label }]
        }),
      )
    },
    close: () => predictor.close(),
  }
}
