import type { Tensor } from '../../graph/types.js'
import type { Resident, TensorDevice } from '../../runtime/device.js'
import { createPools, maskOffsets, offsets, type DropoutSite } from '../dropout.js'
import { deviceInputs, poolInput, poolWidth } from './gradients.js'
import { count, float32, int32 } from './tensors.js'

/** Where the masks of a step start in their pools. */
export function maskRows(
  sites: readonly DropoutSite[],
  seed: number,
  step: number,
  part: number,
): Record<string, Tensor> {
  const starts = maskOffsets(seed, sites.length, step, part)
  return Object.fromEntries(
    sites.map(({ input }, i) => [deviceInputs.maskRow(input), int32([], [starts[i]! / poolWidth])]),
  )
}

/** The rows of a pool that a mask of so many elements can be taken from. */
const poolRows = (elements: number) => Math.ceil((offsets + elements) / poolWidth)

/** The pools that the sites' masks are taken from, as the host has them. */
export function poolFeeds(
  pools: ReturnType<typeof createPools>,
  sites: readonly DropoutSite[],
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const rate of new Set(sites.map((site) => site.rate))) {
    const own = sites.filter((site) => site.rate === rate)
    const rows = poolRows(Math.max(...own.map(({ shape }) => count(shape as readonly number[]))))
    feeds[poolInput(rate)] = float32([rows, poolWidth], pools(rate, rows * poolWidth).subarray(0, rows * poolWidth))
  }
  return feeds
}

/**
 * Dropout where masks would be more to send than the batch itself: each rate's pool is on the device, sent once, and a
 * step says where in it its masks start. Sites of fixed sizes have the masks that they would have on the host.
 */
export function createDeviceMasks(device: TensorDevice, seed: number) {
  const pools = createPools(seed)
  const there = new Map<number, Resident>()

  async function poolOf(rate: number, elements: number): Promise<Resident> {
    const rows = poolRows(elements)
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
      const feeds: Record<string, Tensor | Resident> = { ...maskRows(sites, seed, step, part) }
      for (const { rate, shape } of sites)
        feeds[poolInput(rate)] = await poolOf(rate, count(shape as readonly number[]))
      return feeds
    },
    release() {
      for (const pool of there.values()) pool.dispose()
    },
  }
}
