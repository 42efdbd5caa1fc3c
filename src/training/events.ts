import type { Scores } from '../data/scoring.js'
import type { Evaluation } from '../evaluation/emissions.js'
import type { DownloadEvent } from '../hub/model.js'
import type { Owner } from '../io/process.js'
import type { Device } from '../runtime/devices.js'

/** What happens in a training, in order; the caller shows it or not. */
export type TrainEvent =
  /** What `auto` has come to, and why. */
  | { readonly kind: 'device'; readonly device: Device; readonly reason: string }
  | DownloadEvent
  /** A model is asked what it says of the text that is about to be trained on. */
  | { readonly kind: 'teaching'; readonly teacher: string; readonly sentences: number; readonly of: number }
  | {
      /** A round of self-training begins. */
      readonly kind: 'round'
      readonly round: number
      readonly of: number
      /** Words that the model before labels, and how many of them it is sure enough of to learn from. */
      readonly words: number
      readonly confident: number
    }
  /** The folder was locked by a run that has ended without a word. */
  | { readonly kind: 'stale-lock'; readonly owner: Owner }
  | { readonly kind: 'start'; readonly steps: number; readonly parameters: number; readonly resumedAt: number }
  | {
      readonly kind: 'step'
      readonly step: number
      readonly epoch: number
      readonly loss: number
      readonly learningRate: number
      /** Pieces that are not padding. */
      readonly tokensPerSecond: number
      readonly gradientNorm: number
    }
  | {
      readonly kind: 'evaluation'
      readonly step: number
      readonly epoch: number
      readonly scores: Scores
      /** Mean training loss since the evaluation before. */
      readonly loss: number
      readonly best: boolean
    }
  | { readonly kind: 'checkpoint'; readonly step: number }

/** What a training comes to. */
export interface TrainResult {
  readonly output: string
  /** Whether it was stopped, with a checkpoint that it goes on from. */
  readonly interrupted: boolean
  readonly dev?: Evaluation | undefined
  readonly test?: Evaluation | undefined
  /** What is not to be overlooked, a sentence or two each. */
  readonly warnings: readonly string[]
  /** As `all_results.json` has them; empty where it was interrupted. */
  readonly results: RunResults
}

/** `all_results.json`: flat, under the names that Hugging Face's Trainer and its metric scripts write. */
export type RunResults = Readonly<Record<string, unknown>>

export interface TrainOptions {
  /** Go on from the output folder's checkpoint; from the start where it has none. */
  readonly resume?: boolean
  /** Aborted, the run ends after the step it is at, with a checkpoint. */
  readonly signal?: AbortSignal
}
