import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.js'
import { train, type TrainEvent, type TrainOptions } from '../../src/training/train.js'
import { followed } from './follow.js'

/** Copies of a letter with a span at each of these places, as JSON lines. */
export function letters(path: string, copies: number, ...spans: (readonly [number, number])[]): string {
  const labelled = spans.map(([start, end]) => ({ start, end, label: 'PER' }))
  const row = `${JSON.stringify({ id: 'letter', text: 'Anna met Bob', spans: labelled })}\n`
  writeFileSync(path, row.repeat(copies))
  return path
}

/** Trains the smallest of models for moments, in a folder of `scratch`. */
export async function tinyRun(
  scratch: string,
  { output, set = [], ...files }: { output: string; train: string; dev?: string; test?: string; set?: string[] },
  options: TrainOptions = {},
  watch: (event: TrainEvent) => void = () => {},
) {
  const encoder = 'model.encoder={hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}'
  const data = Object.fromEntries(Object.entries(files).map(([split, path]) => [`data.${split}`, path]))
  const config = loadConfig({
    set: ['threads=1', 'training.epochs=1', 'tokenizer.vocab_size=100', encoder, ...set],
    overrides: { ...data, output: join(scratch, output) },
  })
  return followed(train(config, options), watch)
}
