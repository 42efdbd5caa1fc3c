import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { unwritable, writeFileAtomically } from '../io/write.js'

/** A line of `train.log.jsonl`; of HF's Trainer's `log_history`. */
export interface LogEntry {
  readonly step: number
  readonly epoch: number
  readonly loss?: number
  readonly learning_rate?: number
  readonly grad_norm?: number
  readonly eval_overall_f1?: number
  readonly eval_overall_precision?: number
  readonly eval_overall_recall?: number
  /** Where a round of self-training begins: its number, and the share of words that it learns from. */
  readonly self_training_round?: number
  readonly confident_words?: number
}

const logOf = (output: string) => join(output, 'train.log.jsonl')
const line = (entry: LogEntry) => `${JSON.stringify(entry)}\n`

/** Begins the log with what a resumed run had logged by its checkpoint. */
export function startLog(output: string, entries: readonly LogEntry[]): void {
  writeFileAtomically(logOf(output), entries.map(line).join(''))
}

export function appendLog(output: string, entry: LogEntry): void {
  try {
    appendFileSync(logOf(output), line(entry))
  } catch (error) {
    throw unwritable(logOf(output), error)
  }
}
