import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadModel, loadWeights } from '../../../src/artifacts/model.js'
import { quantizableLayers } from '../../../src/compress/quantize/layers.js'
import { measureRanges } from '../../../src/compress/quantize/ranges.js'
import { encodeModel } from '../../../src/graph/onnx/encode.js'
import type { Graph } from '../../../src/graph/graph.js'
import { linearOf } from '../../../src/graph/rewrite/linear.js'
import { quantizeDynamic } from '../../../src/graph/rewrite/dynamic.js'
import type { Tensor } from '../../../src/graph/types.js'
import { servingGraph } from '../../../src/models/serving.js'
import { random } from '../../../src/random.js'
import { createSession } from '../../../src/runtime/session.js'
import { distance } from '../../models/graphs.js'
import { letters, tinyRun } from '../../training/tiny-run.js'

const scratch = mkdtempSync(join(tmpdir(), 'ner-ranges-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Logits of a window of random pieces. */
async function logits(g: Graph, pieces: number): Promise<Float32Array> {
  const session = await createSession(encodeModel(g), { threads: 1 })
  const next = random('window')
  const int64 = (data: BigInt64Array): Tensor => ({ dtype: 'int64', dims: [2, 8], data })
  const all: Record<string, Tensor> = {
    input_ids: int64(BigInt64Array.from({ length: 16 }, () => BigInt(Math.floor(next() * pieces)))),
    attention_mask: int64(new BigInt64Array(16).fill(1n)),
    token_type_ids: int64(new BigInt64Array(16)),
  }
  const result = await session.run(Object.fromEntries(session.inputs.map((name) => [name, all[name]!])))
  await session.release()
  return result['logits']!.data as Float32Array
}

describe('what layers read', () => {
  // ALBERT shares its layers, DeBERTa's keys read pieces and distances, ModernBERT's norms come before its layers.
  test.each(['bert', 'albert', 'deberta-v2', 'modernbert', 'electra'])(
    'is balanced without changing what the model computes, and int8 is near it: %s',
    async (type) => {
      const train = letters(join(scratch, 'letters.jsonl'), 40, [0, 4])
      await tinyRun(scratch, { output: type, train, set: [`model.encoder.model_type=${type}`] })
      const model = await loadModel(join(scratch, type))
      const float = servingGraph(model.tagger, loadWeights(model))
      const layers = quantizableLayers(float, model)
      const { graph, ranges, balanced } = await measureRanges(float, model, layers, 1)
      expect(balanced.length).toBeGreaterThan(0)
      const before = await logits(float, model.tokenizer.vocabSize)
      expect(distance(await logits(graph, model.tokenizer.vocabSize), before)).toBeLessThan(1e-5)

      const includes = (layer: string) => layers.includes(layer)
      const int8 = quantizeDynamic(graph, { limit: 127, ranges, includes }).graph
      const size = Math.max(...before.map(Math.abs))
      expect(distance(await logits(int8, model.tokenizer.vocabSize), before) / size).toBeLessThan(0.05)
      // A matrix is stored once, however many places read it.
      const matrices = new Set(float.nodes.flatMap((node) => linearOf(float, node)?.weight ?? []))
      const stored = int8.nodes.flatMap(({ op, inputs }) => (op === 'MatMulInteger' ? [inputs[1]!] : []))
      expect(new Set(stored).size).toBeLessThanOrEqual(matrices.size)
    },
  )
})
