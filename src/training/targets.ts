import type { Batch } from '../features/batch.js'

/** What changes targets before they are trained on. */
export interface TargetOptions {
  readonly labels: number
  /** Share of the probability that is spread evenly over all tags. */
  readonly smoothing: number
  /** A factor for each tag's share of the loss, as `weight` of PyTorch's CrossEntropyLoss; all 1 where absent. */
  readonly classWeights?: Float32Array | undefined
}

/** A batch's targets: distributions for every word, and what the loss is divided by. */
export interface BatchTargets {
  /** [sentences, words, labels] */
  readonly targets: Float32Array
  /** [sentences, words, 1]: 1 on the words of sentences that have targets. */
  readonly mask: Float32Array
  /** Words that have a target, each counted with the weight of its tags. */
  readonly total: number
}

/**
 * q = (1 − s)·gold + s/labels, times the class weights. Hard tags are distributions with a single 1, so that gold
 * labels, weak labels and a teacher's are trained on in the same way. Sentences with neither have no target, nor have
 * words whose soft tags are all 0: nobody knows what they are.
 */
export function batchTargets(batch: Batch, { labels, smoothing, classWeights }: TargetOptions): BatchTargets {
  const { sentences, words } = batch.sizes
  const targets = new Float32Array(sentences * words * labels)
  const mask = new Float32Array(sentences * words)
  let total = 0
  batch.rows.forEach(({ tags, soft, piece }, row) => {
    if (!tags && !soft) return
    if (soft) targets.set(soft, row * words * labels)
    for (let word = 0; word < piece.length; word++) {
      const at = row * words + word
      mask[at] = 1
      const distribution = targets.subarray(at * labels, (at + 1) * labels)
      if (!soft) distribution[tags![word]!] = 1
      else if (distribution.every((q) => q === 0)) continue
      total += classWeights ? distribution.reduce((sum, q, tag) => sum + q * classWeights[tag]!, 0) : 1
      if (smoothing > 0)
        for (let tag = 0; tag < labels; tag++)
          distribution[tag] = (1 - smoothing) * distribution[tag]! + smoothing / labels
      if (classWeights) for (let tag = 0; tag < labels; tag++) distribution[tag]! *= classWeights[tag]!
    }
  })
  return { targets, mask, total }
}
