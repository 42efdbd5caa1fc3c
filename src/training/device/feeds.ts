import type { Batch } from '../../features/batch.js'
import type { Tensor } from '../../graph/types.js'
import type { Parameter, ParameterGroup } from '../../models/parameters.js'
import type { AdamWOptions } from '../cpu/optimizer.js'
import { scalar } from '../objective.js'
import { rowBucket } from './bucket.js'
import { deviceInputs } from './gradients.js'
import { filledUp, touchedPieces } from './pieces.js'
import { int32 } from './tensors.js'
import { updateInputs } from './update.js'

/** The rows of the piece table that a step touches, as the graphs of gradients and update take them. */
export function touchedFeeds(batches: readonly Batch[], vocabulary: number, room?: number) {
  const { touched, places } = touchedPieces(batches)
  const rows = room ?? rowBucket(touched.length, vocabulary)
  const filled = filledUp(touched, rows)
  return {
    rows,
    list: { [deviceInputs.touched]: int32([rows], filled) },
    places: (batch: Batch): Record<string, Tensor> => ({
      [deviceInputs.touchedRow]: int32([batch.sizes.batch, batch.sizes.sequence], places(batch)),
    }),
    update: {
      [updateInputs.places]: { dtype: 'int64', dims: [rows, 1], data: BigInt64Array.from(filled, BigInt) },
      [updateInputs.touchedCount]: int32([], [touched.length]),
    } satisfies Record<string, Tensor>,
  }
}

/** What an update reads of the schedule. */
export function scheduleFeeds(
  parameters: readonly Parameter[],
  rates: Readonly<Record<ParameterGroup, number>>,
  { betas: [beta1, beta2] }: AdamWOptions,
  step: number,
): Record<string, Tensor> {
  const groups = [...new Set(parameters.map(({ group }) => group))]
  return {
    ...Object.fromEntries(groups.map((group) => [updateInputs.rate(group), scalar(rates[group])])),
    [updateInputs.firstCorrection]: scalar(1 / (1 - beta1 ** step)),
    [updateInputs.secondCorrection]: scalar(1 / (1 - beta2 ** step)),
  }
}
