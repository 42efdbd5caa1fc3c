import type { Scores } from '../data/scoring.js'
import type { ParameterGroup } from '../models/parameters.js'
import type { BatchSchedule } from './batch-schedule.js'
import type { Trainer } from './cpu/trainer.js'

/** Where a run is between two steps. */
export interface Position {
  /** Optimizer steps done. */
  readonly step: number
  readonly epoch: number
  /** Steps done of the epoch. */
  readonly stepInEpoch: number
  readonly best: { readonly f1: number; readonly step: number } | undefined
  /** Evaluations since the best. */
  readonly stale: number
  /** Sum and number of the losses since the last evaluation. */
  readonly lossSum: number
  readonly lossCount: number
}

export const firstPosition: Position = {
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  best: undefined,
  stale: 0,
  lossSum: 0,
  lossCount: 0,
}

/** What the steps of any training are made of; its objective is in the trainer. */
export interface Steps {
  readonly trainer: Pick<Trainer, 'step'>
  readonly batches: BatchSchedule
  /** The learning rates of a step, counted from 0. */
  readonly rates: (step: number) => Readonly<Record<ParameterGroup, number>>
  /** When the model is scored, and how; where nothing is given to score on, evaluations only delimit the mean loss. */
  readonly evaluation?: {
    readonly every: 'epoch' | number
    readonly score: (() => Promise<Scores>) | undefined
    /** Stop after so many evaluations without a better F1. */
    readonly patience: number | undefined
  }
}

/** What happens from step to step. `at` is where the run then is: it goes on from there when the next event is asked for. */
export type LoopEvent =
  | {
      readonly kind: 'step'
      readonly at: Position
      /** Epochs done, with the share of the one that is under way. */
      readonly epoch: number
      readonly loss: number
      readonly learningRate: number
      readonly tokensPerSecond: number
      readonly gradientNorm: number
    }
  | {
      readonly kind: 'evaluation'
      readonly at: Position
      readonly epoch: number
      readonly scores: Scores
      /** Mean training loss since the evaluation before. */
      readonly loss: number
      readonly best: boolean
    }
  /** All of a step is done. */
  | {
      readonly kind: 'between'
      readonly at: Position
      /** Whether an evaluation or an epoch has just ended. */
      readonly isPause: boolean
      /** Whether no step follows. */
      readonly isLast: boolean
    }

/** Takes steps from a position on until there are no more, or patience ends. Writes nothing: who follows the events does. */
export async function* takeSteps(steps: Steps, from: Position): AsyncGenerator<LoopEvent, Position> {
  const { trainer, batches, rates, evaluation } = steps
  let at = from
  let pace = { pieces: 0, seconds: 0 }
  for (let epoch = from.epoch; epoch < batches.epochs && at.step < batches.steps; epoch++) {
    const own = batches.epoch(epoch)
    for (let done = at.stepInEpoch; done < own.length && at.step < batches.steps; done++) {
      const parts = own[done]!()
      const rate = rates(at.step)
      const started = performance.now()
      const step = at.step + 1
      const { loss, gradientNorm } = await trainer.step(parts, step, rate)
      const epochsDone = epoch + (done + 1) / own.length
      at = { ...at, step, epoch, stepInEpoch: done + 1, lossSum: at.lossSum + loss, lossCount: at.lossCount + 1 }
      const pieces = parts.reduce((sum, { pieceCount }) => sum + pieceCount, 0)
      // Steps may wait to run together: the mean over some fifty.
      const seconds = (performance.now() - started) / 1000
      pace = { pieces: pace.pieces * 0.98 + pieces, seconds: pace.seconds * 0.98 + seconds }
      const tokensPerSecond = pace.pieces / pace.seconds
      yield { kind: 'step', at, epoch: epochsDone, loss, learningRate: rate.encoder, tokensPerSecond, gradientNorm }

      const epochEnds = done + 1 === own.length
      const isDue = evaluation?.every === 'epoch' ? epochEnds : step % (evaluation?.every ?? Infinity) === 0
      const evaluates = evaluation !== undefined && (isDue || step === batches.steps)
      if (evaluates) {
        const scored = await evaluated(evaluation.score, at)
        at = scored.at
        if (scored.event) yield { ...scored.event, epoch: epochsDone }
      }
      const isStale = evaluation?.patience !== undefined && evaluates && at.stale >= evaluation.patience
      const isLast = step === batches.steps || (isStale && evaluation.score !== undefined)
      // What is left is to write the model. Where that fails, there is nothing to train again.
      if (isLast) at = { ...at, epoch: batches.epochs, stepInEpoch: 0 }
      else if (epochEnds) at = { ...at, epoch: epoch + 1, stepInEpoch: 0 }
      yield { kind: 'between', at, isPause: evaluates || epochEnds, isLast }
      if (isLast) return at
    }
  }
  return at
}

/** Scores the model as it is at a position: the position then, and what there is to say, where there is anything to score on. */
async function evaluated(score: (() => Promise<Scores>) | undefined, at: Position) {
  const scores = await score?.()
  const loss = at.lossSum / Math.max(1, at.lossCount)
  const best = scores !== undefined && (at.best === undefined || scores.micro.f1 > at.best.f1)
  const next: Position = {
    ...at,
    lossSum: 0,
    lossCount: 0,
    ...(best ? { best: { f1: scores.micro.f1, step: at.step }, stale: 0 } : { stale: at.stale + 1 }),
  }
  return { at: next, event: scores && ({ kind: 'evaluation', at: next, scores, loss, best } as const) }
}
