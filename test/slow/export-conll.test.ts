import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportModel, type Exported } from '../../src/export/export.js'
import { fromRoot } from './trained.js'

/** A model folder of ner train with a CRF, trained on CoNLL-2003. */
const model = process.env.NER_TEST_CONLL_MODEL
const data = fromRoot('../shared/data/conll2003/eng.testb')
const absent = !model ? 'NER_TEST_CONLL_MODEL names no model' : existsSync(data) ? '' : `${data} is absent`

test.skipIf(absent !== '')(
  `on the whole of CoNLL's test set, float32 and the Viterbi in the graph say what the model says${absent && `: ${absent}`}`,
  async () => {
    const out = mkdtempSync(join(tmpdir(), 'ner-export-'))
    try {
      const work = exportModel(model!, { target: 'all', fp16: true, viterbi: true, data, out })
      let exported: Exported | undefined
      while (exported === undefined) {
        const { value, done } = await work.next()
        if (done === true) exported = value
      }
      expect(exported.misses).toEqual([])
      const { graphs, metrics, sample } = exported.manifest
      expect(sample.sentences).toBeGreaterThan(3000)
      const [float, half, viterbi] = graphs
      for (const graph of [float, viterbi]) {
        expect(graph!.verified).toMatchObject({ differingEntities: 0 })
        expect(graph!.verified.maxLogitDifference).toBeLessThan(1e-4)
      }
      const f1 = (path: string) => Number(metrics!.after[path]!['overall_f1'])
      expect(Math.abs(f1(half!.path) - Number(metrics!.before['overall_f1']))).toBeLessThan(0.002)
    } finally {
      rmSync(out, { recursive: true })
    }
  },
)
