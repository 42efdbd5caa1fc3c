import { describe, expect, test } from 'vitest'
import { legalTransitions } from '../../src/data/schemes.js'
import { gradients } from '../../src/graph/autodiff.js'
import { evidenceLoss } from '../../src/models/crf.js'
import { normal, random } from '../../src/random.js'
import { enumerate, type Rows, type Scores } from './enumeration.js'
import { compile, distance, float32, int64 } from './graphs.js'

const labels = 4
const legal = legalTransitions(['O', 'B-X', 'I-X', 'B-Y'], 'IOB2')
const parts = ['emissions', 'transitions', 'start', 'end'] as const

/** The loss of one sentence and its gradients, as the engine computes them; in a scan, or padded for devices without. */
async function engine(length: 'words' | number) {
  const run = await compile((g) => {
    const sentences = length === 'words' ? 'sentences' : 1
    const emissions = g.input('emissions', 'float32', [sentences, length, labels])
    const parameters = {
      transitions: g.input('transitions', 'float32', [labels, labels]),
      start: g.input('start', 'float32', [labels]),
      end: g.input('end', 'float32', [labels]),
    }
    const words = {
      lengths: g.input('lengths', 'int64', [sentences]),
      mask: g.input('mask', 'float32', [sentences, length, 1]),
    }
    const evidence = g.input('evidence', 'float32', [sentences, length, labels])
    const loss = evidenceLoss(g, emissions, parameters, words, evidence, legal)
    const all = gradients(g, loss, [emissions, parameters.transitions, parameters.start, parameters.end])
    return { loss, ...Object.fromEntries(parts.map((name, i) => [`d ${name}`, all[i]!])) }
  })
  return (emissions: Rows, evidence: Rows, { transitions, start, end }: Scores) => {
    const size = length === 'words' ? emissions.length : length
    const filled = (rows: Rows, filling: number) => [
      ...rows.flat(),
      ...new Array<number>((size - rows.length) * labels).fill(filling),
    ]
    return run({
      emissions: float32([1, size, labels], filled(emissions, 3)),
      evidence: float32([1, size, labels], filled(evidence, 1)),
      mask: float32(
        [1, size, 1],
        Array.from({ length: size }, (_, word) => Number(word < emissions.length)),
      ),
      lengths: int64([1], [emissions.length]),
      transitions: float32([labels, labels], transitions.flat()),
      start: float32([labels], start),
      end: float32([labels], end),
    })
  }
}

/** The same from all paths, in double precision: log Z − log Z with the evidence, and p − q. */
function enumerated(emissions: Rows, evidence: Rows, scores: Scores) {
  const told = emissions.map((row, word) =>
    row.map((x, tag) => x + Math.log(Math.max(evidence[word]![tag]!, 2 ** -30))),
  )
  const [p, q] = [enumerate(emissions, scores, legal), enumerate(told, scores, legal)]
  const minus = (a: Rows, b: Rows) => a.flatMap((row, i) => row.map((x, k) => x - b[i]![k]!))
  return {
    loss: [p.logPartition - q.logPartition],
    emissions: minus(p.marginals, q.marginals),
    transitions: minus(p.pairs, q.pairs),
    start: minus(p.marginals.slice(0, 1), q.marginals.slice(0, 1)),
    end: minus(p.marginals.slice(-1), q.marginals.slice(-1)),
  }
}

const next = random('evidence')
const row = (deviation: number) => Array.from({ length: labels }, () => Math.fround(deviation * normal(next)))
const scores: Scores = { transitions: Array.from({ length: labels }, () => row(1)), start: row(1), end: row(1) }
const nothing = [1, 1, 1, 1]
const cases: Record<string, Rows> = {
  'a tag known, the rest not': [nothing, [0, 1, 0, 0], nothing],
  'all tags known': [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [1, 0, 0, 0],
  ],
  shares: [[0.9, 0.05, 0.02, 0.03], nothing, [0.01, 0.95, 0.02, 0.02]],
  'nothing known': [nothing, nothing],
  'evidence for what no sequence has': [
    [0, 0, 1, 0],
    [0, 0, 1, 0],
  ],
}

describe('the likelihood of what is known of a sequence', () => {
  test.each(Object.entries(cases))('is that of all its paths: %s', async (_, evidence) => {
    const emissions = evidence.map(() => row(2))
    const expected = enumerated(emissions, evidence, scores)
    for (const length of ['words', 6] as const) {
      const found = await (await engine(length))(emissions, evidence, scores)
      expect(Math.abs(found['loss']![0]! - expected.loss[0]!)).toBeLessThan(1e-4)
      for (const name of parts) {
        const own = found[`d ${name}`]!
        const padded = [...expected[name], ...new Array<number>(own.length - expected[name].length).fill(0)]
        expect(distance(own, padded), name).toBeLessThan(1e-5)
      }
    }
  })
})
