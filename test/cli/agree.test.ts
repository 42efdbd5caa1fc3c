import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ner } from './invoke.js'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'ner-agree-'))))
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const path = (name: string) => join(folder, name)

function file(name: string, content: string): string {
  writeFileSync(path(name), content)
  return path(name)
}

const sentences = (tags: readonly string[]) =>
  tags.map((tag, i) => `Name${i} ${tag}\nran O\n`).join('\n') // prettier-ignore

/**
 * Ten sentences of two words; the annotators differ on one name and on one type: pₒ = 18/20, pₑ = (10 · 11 + 10 · 8)/400,
 * κ = 17/21.
 */
const ann = () => file('ann.conll', sentences(Array.from({ length: 10 }, () => 'B-PER')))
const bob = () =>
  file('bob.conll', sentences(Array.from({ length: 10 }, (_, i) => (i === 2 ? 'O' : i === 7 ? 'B-LOC' : 'B-PER'))))

describe('help', () => {
  it.each(['agree', 'data sample', 'data merge', 'data guide', 'data doubt'])('%s', async (name) => {
    const { code, stdout } = await ner(...name.split(' '), '--help')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })
})

describe('ner agree', () => {
  it('prints kappa, F1, the confusion matrix and what is confused', async () => {
    const { code, stdout } = await ner('agree', ann(), bob())
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  it('prints JSON', async () => {
    const { stdout } = await ner('agree', ann(), bob(), '--json')
    const json = JSON.parse(stdout) as { pairs: { cohen_kappa: Record<string, { observed: number }> }[] }
    expect(json).toMatchObject({
      annotators: ['ann.conll', 'bob.conll'],
      documents: 10,
      unit: 'token',
      headline: { measure: 'Cohen’s kappa', labels: 'tags' },
      disagreements: { count: 2 },
    })
    expect(json.pairs[0]!.cohen_kappa['tags']).toMatchObject({ observed: 0.9, units: 20 })
    expect(stdout).not.toContain('NaN')
  })

  it.each([
    [['--min-kappa', '0.8'], 0, /^$/],
    [['--min-kappa', '0.9'], 1, /kappa is 0\.8095, below the gate of 0\.9000\./],
    [['--min-kappa', '0.8', '--strict'], 1, /The lower bound of the interval of Cohen’s kappa is 0\.\d{4}, below the gate of 0\.8000\./], // prettier-ignore
    [['--min-kappa', '80'], 2, /--min-kappa 0\.8/],
    [['--strict'], 2, /--strict says how/],
    [['--unit', 'word'], 2, /unit/],
  ])('with %s ends with %i', async (flags, code, said) => {
    const outcome = await ner('agree', ann(), bob(), ...flags)
    expect(outcome.code).toBe(code)
    expect(outcome.stderr).toMatch(said)
  })

  it('writes an adjudication queue that ner data merge reads back, and a report', async () => {
    const [a, b, queue, report] = [ann(), bob(), path('queue.jsonl'), path('report.html')]
    await ner('agree', a, b, '--disagreements', queue, '--report', report)
    expect(readFileSync(report, 'utf8')).toContain('<mark class="wrong">Name2<small>PER</small></mark>')
    const records = readFileSync(queue, 'utf8').trim().split('\n')
    expect(records.length).toBe(2)

    const undecided = await ner('data', 'merge', a, b, '--adjudicated', queue, '--out', path('merged.jsonl'))
    expect(undecided.code).toBe(0)
    expect(undecided.stderr).toMatch(/by decision: 0, by majority: 0, tied: 2[^]*LOC \/ PER {2}“Name7”/)

    const decided = records.map((line) => line.replace('"answer":null', '"answer":"accept"')).join('\n')
    const { stdout, stderr } = await ner('data', 'merge', a, b, '--adjudicated', file('decided.jsonl', decided))
    expect(stderr).toMatch(/by decision: 2, by majority: 0, tied: 0/)
    // The first annotator's proposals were accepted: everything is a person.
    const labels = stdout.trim().split('\n').map((line) => (JSON.parse(line) as { spans: { label: string }[] }).spans) // prettier-ignore
    expect(labels.flat().map(({ label }) => label)).toEqual(Array.from({ length: 10 }, () => 'PER'))

    const rejected = decided.replace('"accept"', '"reject"')
    const partly = await ner('data', 'merge', a, b, '--adjudicated', file('rejected.jsonl', rejected))
    expect(partly.stderr).toMatch(
      /by decision: 1, by majority: 0, tied: 1\n.*rejected\.jsonl:1: not decided\. .*“reject”/,
    )
  })

  it('takes one file whose rows say who labelled them', async () => {
    const row = (who: string, label: string) =>
      JSON.stringify({ text: 'Ann ran', _input_hash: 7, _session_id: who, spans: [{ start: 0, end: 3, label }] })
    const prodigy = file('prodigy.jsonl', [row('s-ann', 'PER'), row('s-bob', 'LOC'), row('s-eve', 'PER')].join('\n'))
    const { code, stdout } = await ner('agree', prodigy)
    expect(code).toBe(0)
    expect(stdout).toMatch(/s-ann, s-bob, s-eve\ndocuments in common: 1/)
    expect(stdout).toMatch(/Fleiss’ kappa, IOB2 tags/)
    expect(stdout).toMatch(/s-ann – s-eve/)
  })

  it('says what it cannot compare, and writes nothing', async () => {
    const nothing = file('o.conll', 'ran O\n')
    const queue = path('queue.jsonl')
    const one = await ner('agree', nothing, nothing, '--disagreements', queue)
    expect(one).toMatchObject({ code: 2, stdout: '' })
    expect(one.stderr).toMatch(/one label O\. \[agreement\/undefined\][^]*observed agreement 100\.00 %/)
    expect(existsSync(queue)).toBe(false)
    const other = await ner('agree', ann(), file('other.conll', 'sat O\n'), '--disagreements', queue)
    expect(other.stderr).toMatch(/agreement\/no-overlap/)
    expect(existsSync(queue)).toBe(false)
    expect((await ner('agree', ann())).stderr).toMatch(/agreement\/one-annotator/)
    const votes = file('votes.jsonl', '{"text": "Name0 ran", "layers": {"rules": []}}\n')
    expect((await ner('agree', votes, votes)).stderr).toMatch(/only the layers rules[^]*votes\.jsonl:1/)
  })
})

describe('ner data sample', () => {
  it('writes a sample and prints its allocation', async () => {
    const out = path('sample.conll')
    const { code, stdout } = await ner('data', 'sample', bob(), '--n', '3', '--by', 'type', '--out', out)
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(readFileSync(out, 'utf8').match(/ran/g)!.length).toBe(3)
  })

  it.each([
    [['--n', '0'], /--n takes a whole number/],
    [['--n', '3', '--by', 'colour'], /--by colour is not known/],
    [['--n', '3', '--by', 'uncertainty'], /go together/],
  ])('refuses %s', async (flags, said) => {
    const { code, stderr } = await ner('data', 'sample', bob(), ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(said)
  })
})

describe('ner data guide', () => {
  it("drafts a guide with the project's own confusions", async () => {
    const { code, stdout } = await ner('data', 'guide', ann(), bob())
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })
})
