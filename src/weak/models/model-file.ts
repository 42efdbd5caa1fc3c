import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { schemeTags } from '../../data/schemes.js'
import { NerError } from '../../errors.js'
import type { LabelModel } from './label-model.js'
import { sentinelLabel } from '../../sources/source.js'
import type { Votes } from '../votes/votes.js'

/** A label model with the names that its numbers belong to. */
export interface NamedLabelModel extends Pick<Votes, 'sources' | 'labels'> {
  readonly model: LabelModel
}

/** Of the form below; a file of another one is refused. */
const version = 1

const rows = (table: Float64Array, width: number): number[][] =>
  Array.from({ length: table.length / width }, (_, row) => Array.from(table.subarray(row * width, (row + 1) * width)))

/** A label model as JSON. Numbers are written in full: what is read back labels as what was fitted. */
export function labelModelJson({ sources, labels, model }: NamedLabelModel): object {
  const head = { version, kind: model.kind, sources, labels }
  const bySource = (of: (source: number) => unknown) =>
    Object.fromEntries(sources.map((name, source) => [name, of(source)]))
  switch (model.kind) {
    case 'majority':
      return head
    case 'weighted': {
      const precisions = rows(model.precisions, 1 + labels.length)
      const byType = (source: number) =>
        Object.fromEntries(typesOf(labels).map((type, i) => [type, precisions[source]![i]]))
      return { ...head, precisions: bySource(byType) }
    }
    case 'hmm': {
      const tags = schemeTags(labels, 'IOB2')
      return {
        ...head,
        tags,
        choices: ['abstain', ...tags],
        initial: Array.from(model.initial),
        transition: rows(model.transition, tags.length),
        confusions: bySource((source) => rows(model.confusions[source]!, 1 + tags.length)),
        correlations: rows(model.correlations, sources.length),
        objective: model.history,
      }
    }
  }
}

const typesOf = (labels: readonly string[]) => [sentinelLabel, ...labels]

const share = z.number().min(0).max(1)
const distribution = z.array(share).refine((shares) => Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-6, {
  error: 'expected shares that sum to 1',
})
/** In the order in which votes have them. */
const names = z
  .array(z.string())
  .min(1)
  .refine((all) => all.every((name, i) => i === 0 || all[i - 1]! < name), { error: 'expected sorted names' })
const head = { version: z.literal(version), sources: names, labels: names }

const schema = z.discriminatedUnion('kind', [
  z.object({ ...head, kind: z.literal('majority') }),
  z.object({
    ...head,
    kind: z.literal('weighted'),
    precisions: z.record(z.string(), z.record(z.string(), z.number().gt(0).lt(1))),
  }),
  z.object({
    ...head,
    kind: z.literal('hmm'),
    initial: distribution,
    transition: z.array(distribution),
    confusions: z.record(z.string(), z.array(distribution)),
    correlations: z.array(z.array(share)),
    objective: z.array(z.number()),
  }),
])

/** @throws NerError `file/unreadable`; `weak/bad-model` naming the first key that is wrong */
export function readLabelModel(file: string): NamedLabelModel {
  const result = schema.safeParse(readJson(file))
  if (!result.success) {
    const { path, message } = result.error.issues[0]!
    throw badModel(file, path.join('.') || 'the file', message.replace(/^Invalid input: /, ''))
  }
  const { sources, labels } = result.data
  return { sources, labels, model: modelOf(result.data, file) }
}

function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const what = `The label model cannot be read: ${(cause as Error).message}.`
    throw new NerError('file/unreadable', what, { where: file, mend: 'Check the path.', cause })
  }
  try {
    return JSON.parse(text)
  } catch {
    throw badModel(file, 'the file', 'expected JSON')
  }
}

const badModel = (file: string, key: string, what: string) =>
  new NerError('weak/bad-model', `This is no label model: at ${key}, ${what}.`, {
    where: file,
    mend: 'Write it again: ner weak fit with `save`.',
  })

function modelOf(saved: z.output<typeof schema>, file: string): LabelModel {
  const { sources, labels } = saved
  const states = 1 + 2 * labels.length
  const table = (key: string, rows: readonly (readonly number[])[], height: number, width: number) => {
    if (rows.length !== height || rows.some((row) => row.length !== width))
      throw badModel(file, key, `expected ${height} × ${width} numbers`)
    return Float64Array.from(rows.flat())
  }
  const bySource = <T>(key: string, values: Readonly<Record<string, T>>) =>
    sources.map((name) => values[name] ?? missing(file, `${key}.${name}`))
  switch (saved.kind) {
    case 'majority':
      return { kind: saved.kind }
    case 'weighted': {
      const precisions = bySource('precisions', saved.precisions).flatMap((own, source) =>
        typesOf(labels).map((type) => own[type] ?? missing(file, `precisions.${sources[source]!}.${type}`)),
      )
      return { kind: saved.kind, precisions: Float64Array.from(precisions) }
    }
    case 'hmm':
      return {
        kind: saved.kind,
        initial: table('initial', [saved.initial], 1, states),
        transition: table('transition', saved.transition, states, states),
        confusions: bySource('confusions', saved.confusions).map((own, source) =>
          table(`confusions.${sources[source]!}`, own, states, 1 + states),
        ),
        correlations: table('correlations', saved.correlations, sources.length, sources.length),
        history: saved.objective,
      }
  }
}

function missing(file: string, key: string): never {
  throw badModel(file, key, 'expected a value')
}
