import { NerError } from '../../errors.js'
import type { FixedSizes } from './gradients.js'

/**
 * Runs steps, and where one does not fit the device's memory says of what size it was, and what fitted before.
 *
 * @throws NerError `runtime/out-of-memory`
 */
export function watchMemory() {
  let largest: FixedSizes | undefined
  const pieces = ({ batch, sequence }: FixedSizes) => batch * sequence
  const show = ({ batch, sequence }: FixedSizes) => `${batch} × ${sequence} pieces`
  return async <T>(sizes: FixedSizes, run: () => Promise<T>): Promise<T> => {
    try {
      const result = await run()
      if (!largest || pieces(sizes) > pieces(largest)) largest = sizes
      return result
    } catch (error) {
      if (!(error instanceof NerError) || error.code !== 'runtime/out-of-memory') throw error
      const fits = largest && pieces(largest) < pieces(sizes) ? largest : undefined
      const tokens = fits ? pieces(fits) : Math.floor(pieces(sizes) / 2)
      throw new NerError(error.code, `A step on a batch of ${show(sizes)} does not fit the memory of the device.`, {
        where: `${fits ? `batches of up to ${show(fits)} did fit; ` : ''}${error.what}`,
        mend:
          `Set training.batch_tokens to ${tokens}, and training.accumulate higher for as many sentences a step; ` +
          'or training.precision to fp16, or features.window lower.',
        cause: error,
      })
    }
  }
}
