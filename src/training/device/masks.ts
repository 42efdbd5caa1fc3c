import type { Tensor } from '../../graph/types.js'
import type { Resident, TensorDevice } from '../../runtime/device.js'
import { createPools, maskOffsets, offsets, type DropoutSite } from '../dropout.js'
import { deviceInputs, poolInput, poolWidth } from './gradients.js'
import { count, float32, int32 } from './tensors.js'

/**
 * Dropout where masks would be more to send than the batch itself: each rate's pool is on the device, sent once, and a
 * step says where in it its masks start. Sites of fixed sizes have the masks that they would have on the host.
 */
export function createDeviceMasks(device: TensorDevice, seed: number) {
  const pools = createPools(seed)
  const there = new Map<number, Resident>()

  async function poolOf(rate: number, elements: number): Promise<Resident> {
    const rows = Math.ceil((offsets + elements) / poolWidth)
    const known = there.get(rate)
    if (known && known.dims[0]! >= rows) return known
    known?.dispose()
    const values = pools(rate, rows * poolWidth).subarray(0, rows * poolWidth)
    const pool = await device.upload(float32([rows, poolWidth], values))
    there.set(rate, pool)
    return pool
  }

  return {
    async feeds(sites: readonly DropoutSite[], step: number, part: number) {
      const starts = maskOffsets(seed, sites.length, step, part)
      const feeds: Record<string, Tensor | Resident> = {}
      for (const [i, { input, rate, shape }] of sites.entries()) {
        feeds[poolInput(rate)] = await poolOf(rate, count(shape as readonly number[]))
        feeds[deviceInputs.maskRow(input)] = int32([], [starts[i]! / poolWidth])
      }
      return feeds
    },
    release() {
      for (const pool of there.values()) pool.dispose()
    },
  }
}
