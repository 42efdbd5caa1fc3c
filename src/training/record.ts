import type { Config } from '../config/schema.js'
import type { Tagger } from '../models/tagger.js'
import type { StoredTensor } from '../models/safetensors.js'
import { taggerParameters } from '../models/tagger.js'
import { saveCheckpoint, type Checkpoint } from './checkpoint.js'
import type { TrainEvent } from './events.js'
import { appendLog, startLog, type LogEntry } from './log.js'
import type { LoopEvent, Position } from './loop.js'
import type { Trainer } from './cpu/trainer.js'

/** The weights that a run comes to: the best by dev, else the last. */
export interface BestWeights {
  get(): Promise<ReadonlyMap<string, Float32Array>>
  /** What a checkpoint at a position keeps of them beside the current weights. */
  stored(at: Position): [string, StoredTensor][]
}

/** Keeps a copy of the weights at each best evaluation, and passes the events on. */
export function keepBest(trainer: Trainer, tagger: Tagger, before: ReadonlyMap<string, Float32Array> | undefined) {
  let weights = before
  const copy = async () => {
    const live = await trainer.weights(taggerParameters(tagger).map(({ name }) => name))
    return new Map([...live].map(([name, data]) => [name, data.slice()]))
  }
  const best: BestWeights = {
    get: async () => weights ?? (await copy()),
    stored: ({ best: place, step }) =>
      weights === undefined || place?.step === step
        ? []
        : taggerParameters(tagger).map(({ name, shape }) => [`best.${name}`, { shape, data: weights!.get(name)! }]),
  }
  async function* follow(events: AsyncGenerator<LoopEvent, Position>): AsyncGenerator<LoopEvent, Position> {
    return yield* each(events, async (event) => {
      if (event.kind === 'evaluation' && event.best) weights = await copy()
    })
  }
  return { best, follow }
}

/** Writes some five hundred steps, and every evaluation, into `train.log.jsonl`, and passes the events on. */
export function keepLog(
  output: string,
  totalSteps: number,
  before: { readonly steps: number; readonly epochs: number; readonly log: readonly LogEntry[] },
) {
  const entries = [...before.log]
  startLog(output, entries)
  const write = (entry: LogEntry) => {
    appendLog(output, entry)
    entries.push(entry)
  }
  const every = Math.max(1, Math.floor(totalSteps / 500))
  let since = { loss: 0, count: 0 }
  async function* follow(events: AsyncGenerator<LoopEvent, Position>): AsyncGenerator<LoopEvent, Position> {
    return yield* each(events, (event) => {
      if (event.kind === 'between') return
      const place = { step: before.steps + event.at.step, epoch: before.epochs + event.epoch }
      if (event.kind === 'evaluation') {
        const { f1, precision, recall } = event.scores.micro
        write({ ...place, eval_overall_f1: f1, eval_overall_precision: precision, eval_overall_recall: recall })
        return
      }
      since = { loss: since.loss + event.loss, count: since.count + 1 }
      if (event.at.step % every !== 0) return
      const { learningRate, gradientNorm } = event
      write({ ...place, loss: since.loss / since.count, learning_rate: learningRate, grad_norm: gradientNorm })
      since = { loss: 0, count: 0 }
    })
  }
  return { entries: entries as readonly LogEntry[], follow }
}

/** What saves a checkpoint of a run that is at a position. */
export type Save = (at: Position) => Promise<void>

/**
 * Saves checkpoints between steps, and ends the steps, with one, where the signal is aborted. Passes on what callers are
 * shown; gives undefined where it was interrupted.
 */
export async function* keepCheckpoints(
  events: AsyncGenerator<LoopEvent, Position>,
  { checkpoint_every: every }: Config['training'],
  save: Save,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, Position | undefined> {
  for (;;) {
    const { value: event, done } = await events.next()
    if (done === true) return event
    if (event.kind !== 'between') {
      const { at, ...shown } = event
      yield { ...shown, step: at.step }
      continue
    }
    const { at, isPause, isLast } = event
    const isDue = every === null ? isPause : at.step % every === 0
    const isInterrupted = !isLast && signal?.aborted === true
    if (!isLast && !isDue && !isInterrupted) continue
    await save(at)
    if (isInterrupted) {
      await events.return(at)
      return undefined
    }
    if (!isLast) yield { kind: 'checkpoint', step: at.step }
  }
}

/** How a run's state becomes its checkpoint. */
export function checkpointing(
  output: string,
  name: string,
  trainer: Trainer,
  best: BestWeights,
  facts: (at: Position) => Pick<Checkpoint, 'progress' | 'fingerprint'>,
): Save {
  return async (at) => {
    const tensors = new Map<string, StoredTensor>([...(await trainer.state()), ...best.stored(at)])
    saveCheckpoint(output, { ...facts(at), tensors }, name)
  }
}

/** Looks at each event before it is passed on. */
async function* each<E, R>(
  events: AsyncGenerator<E, R>,
  look: (event: E) => void | Promise<void>,
): AsyncGenerator<E, R> {
  try {
    for (;;) {
      const { value, done } = await events.next()
      if (done === true) return value
      await look(value)
      yield value
    }
  } finally {
    await events.return(undefined as never)
  }
}
