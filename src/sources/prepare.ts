import type { Json } from '../data/json.js'
import { isObject } from '../data/json.js'
import type { Reject } from '../data/source.js'
import { hashFile } from '../io/hash.js'
import { linesOf } from '../io/lines.js'
import { readWhole } from '../io/open.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { FunctionSpec, SpecOf, ConfigFile } from './config.js'
import {
  type Gazetteer,
  type GazetteerBuilder,
  gazetteerBuilder,
  type SurfaceSettings,
} from '../gazetteer/gazetteer.js'
import { readKnowledgeBase } from '../gazetteer/knowledge-base.js'
import { folded } from '../text/fold.js'
import { compileRegex, type LabelledRegex } from '../patterns/regex-matcher.js'
import { inlineRows, phrase, readPatternFile } from '../patterns/pattern-file.js'
import { parseTokenPattern, type WordLists } from '../patterns/token-pattern.js'
import { sentinelLabel } from './source.js'
import { moduleHashes, versionOf } from './version.js'

/** A token pattern as it was written, checked. */
export interface SourcePattern {
  /** Index of the function. */
  readonly source: number
  readonly label: string
  readonly pattern: Json
  readonly where: string
}

/** A function, checked. */
export interface NamedFunction {
  readonly name: string
  /** Its place among the functions. */
  readonly index: number
  readonly spec: FunctionSpec
  readonly labels: readonly string[]
  readonly version: string
  /** The functions above it whose layers it reads. */
  readonly reads: readonly string[]
}

/** Everything that functions read from files, checked and ready; can be handed to other threads. */
export interface Prepared {
  readonly functions: readonly NamedFunction[]
  readonly labels: readonly string[]
  readonly gazetteer: Gazetteer
  readonly regexes: readonly LabelledRegex[]
  readonly patterns: readonly SourcePattern[]
  /** Lists of words that patterns name. */
  readonly lists: WordLists
  /** Rows of knowledge bases that were left out. */
  readonly rejects: readonly Reject[]
}

export interface PrepareOptions {
  /** Leave bad rows of knowledge bases out instead of stopping at the first. */
  readonly skipBad?: boolean
  /** Take every label that a function votes for, whatever the configuration's own are. */
  readonly anyLabel?: boolean
}

/** What the preparation of one function adds to. */
interface Preparation {
  readonly gazetteer: GazetteerBuilder
  readonly regexes: LabelledRegex[]
  readonly patterns: SourcePattern[]
  readonly lists: WordLists
  readonly rejects: Reject[]
  readonly options: PrepareOptions
}

/** A function while it is prepared. */
interface FunctionContext {
  readonly name: string
  readonly source: number
  /** The functions above it. */
  readonly above: readonly NamedFunction[]
  /** Where its keys stand. */
  readonly where: (...path: (string | number)[]) => string
}

/** What a function's votes may be, each with the place that says so. */
type Votes = ReadonlyMap<string, string>

/** What is known of a function that is checked, its files read. */
interface Checked {
  /** Absent where the functions above decide that. */
  readonly votes?: Votes
  /** What its answers depend on, as JSON. */
  readonly depends: unknown
  readonly reads?: readonly string[]
}

type Preparer<Spec> = (spec: Spec, context: FunctionContext, to: Preparation) => Promise<Checked>

const preparers: { readonly [Kind in FunctionSpec['kind']]: Preparer<SpecOf<Kind>> } = {
  regex: prepareRegexes,
  token_patterns: preparePatterns,
  knowledge_base: prepareKnowledgeBase,
  document: prepareDocumentRule,
  model: prepareModel,
  module: prepareModule,
}

/**
 * Reads and checks everything that a configuration names.
 *
 * @throws NerError `weak/bad-pattern`, `weak/bad-token-pattern`, `weak/bad-entry`, `weak/unproduced-type`,
 *   `config/bad-value`, `file/unreadable`
 */
export async function prepare({ config, where }: ConfigFile, options: PrepareOptions = {}): Promise<Prepared> {
  const functions: NamedFunction[] = []
  const rejects: Reject[] = []
  const lists = await readLists(config.lists, rejects, options)
  const to = { gazetteer: gazetteerBuilder(), regexes: [], patterns: [], lists, rejects, options }
  const produced = new Set<string>()
  for (const [name, spec] of Object.entries(config.functions)) {
    const context: FunctionContext = {
      name,
      source: functions.length,
      above: functions,
      where: (...path) => where(['functions', name, ...path]),
    }
    const { votes, depends, reads = [] } = await (preparers[spec.kind] as Preparer<FunctionSpec>)(spec, context, to)
    for (const [label, from] of votes ?? []) {
      if (options.anyLabel !== true) checkLabel(label, config.labels, from)
      produced.add(label)
    }
    const labels = votes ? [...votes.keys()] : labelsOfRule(spec, functions, reads)
    const version = versionOf(spec.kind, depends)
    functions.push({ name, index: functions.length, spec, labels, version, reads })
  }
  const missing = options.anyLabel === true ? undefined : config.labels.find((label) => !produced.has(label))
  if (missing !== undefined) {
    const at = config.labels.indexOf(missing)
    const there = [...produced].filter((label) => label !== sentinelLabel)
    throw new NerError('weak/unproduced-type', `No function votes for ${missing}.`, {
      where: where(['labels', at]),
      mend: `Leave it out, or write a function for it; functions vote for ${there.join(', ') || 'nothing'}.`,
    })
  }
  const { regexes, patterns } = to
  return { functions, labels: config.labels, gazetteer: to.gazetteer.finish(), regexes, patterns, lists, rejects }
}

function checkLabel(label: string, labels: readonly string[], where: string): void {
  if (label === sentinelLabel || labels.includes(label)) return
  const meant = nearest(label, labels)
  throw new NerError('weak/unproduced-type', `A function votes for ${label}, which is none of the labels.`, {
    where,
    mend:
      meant === undefined
        ? `Add it to labels, or map a file’s types to labels: types: {${label}: ${labels[0]!}}`
        : `Did you mean ${meant}?`,
  })
}

async function readLists(files: ConfigFile['config']['lists'], rejects: Reject[], options: PrepareOptions) {
  const lists: Record<string, string[]> = {}
  const reader = { ...plainReader, ...rejectsInto(rejects, options) }
  for (const [name, paths] of Object.entries(files)) {
    const list: string[] = (lists[name] = [])
    for (const file of paths) {
      for await (const { surfaces } of readKnowledgeBase(file, reader)) {
        list.push(...surfaces.map((surface) => (typeof surface === 'string' ? surface : surface.join(' '))))
      }
    }
  }
  return lists
}

const plainReader = {
  columns: { surface: 'surface', type: 'type', id: 'id', aliases: 'aliases', popularity: 'popularity' },
  aliasSeparator: '|',
}

const rejectsInto = (rejects: Reject[], { skipBad }: PrepareOptions) =>
  skipBad === true ? { onReject: (reject: Reject) => void rejects.push(reject) } : {}

function prepareRegexes(spec: SpecOf<'regex'>, { source, where }: FunctionContext, to: Preparation): Promise<Checked> {
  for (const [i, pattern] of spec.patterns.entries()) {
    const { label, group, ignore_case: ignoreCase } = spec
    const regex = { source, label, pattern, group, ignoreCase, where: where('patterns', i) }
    compileRegex(regex)
    to.regexes.push(regex)
  }
  return Promise.resolve({ votes: new Map([[spec.label, where('label')]]), depends: spec })
}

async function preparePatterns(
  spec: SpecOf<'token_patterns'>,
  { source, where }: FunctionContext,
  to: Preparation,
): Promise<Checked> {
  const from = to.patterns.length
  const votes = new Map<string, string>()
  const rows =
    spec.file === undefined ? inlineRows(spec.patterns!, (i) => where('patterns', i)) : await readPatternFile(spec.file)
  for (const { value, where } of rows) {
    const labelled = isObject(value) ? value : { label: spec.label, pattern: value }
    const label = labelled['label'] ?? spec.label
    if (typeof label !== 'string' || label === '') {
      throw new NerError('weak/bad-token-pattern', 'The pattern has no label.', {
        where,
        mend: 'Write {"label": "ORG", "pattern": […]}, or give the function a label.',
      })
    }
    const pattern = typeof labelled.pattern === 'string' ? phrase(labelled.pattern) : (labelled.pattern ?? null)
    parseTokenPattern(pattern, where, to.lists)
    to.patterns.push({ source, label, pattern, where })
    if (!votes.has(label)) votes.set(label, where)
  }
  const own = to.patterns.slice(from)
  const depends = {
    patterns: own.map(({ label, pattern }) => [label, pattern]),
    lists: listsIn(
      own.map(({ pattern }) => pattern),
      to.lists,
    ),
  }
  return { votes, depends }
}

/** The lists that patterns name. */
function listsIn(patterns: Json, lists: WordLists): Record<string, readonly string[]> {
  const named: Record<string, readonly string[]> = {}
  JSON.stringify(patterns, (key, value: unknown) => {
    if ((key === 'IN' || key === 'NOT_IN') && typeof value === 'string') named[value] = lists[value]!
    return value
  })
  return named
}

async function prepareKnowledgeBase(
  spec: SpecOf<'knowledge_base'>,
  { name, source, where }: FunctionContext,
  to: Preparation,
): Promise<Checked> {
  const settings = await surfaceSettings(spec)
  const votes = new Map<string, string>()
  for (const file of spec.files) {
    const onReject = rejectsInto(to.rejects, to.options)
    const reader = { columns: spec.columns, aliasSeparator: spec.alias_separator, ...onReject }
    let taken = 0
    for await (const entry of readKnowledgeBase(file, reader)) {
      const label = labelOf(entry.type, spec)
      if (label === undefined && entry.type === undefined) {
        throw new NerError('weak/bad-entry', `An entry has no type: ${JSON.stringify(entry.surfaces[0])}.`, {
          where: file,
          mend: `Give ${name} a label for entries without a type.`,
        })
      }
      if (label === undefined) continue
      taken += to.gazetteer.add(entry, label, source, settings)
      if (!votes.has(label)) votes.set(label, where('types') === where() ? `${where()}, ${file}` : where('types'))
    }
    if (taken === 0) {
      throw new NerError('weak/bad-entry', `Nothing of the knowledge base is of use to ${name}.`, {
        where: file,
        mend: 'Check types, min_length, min_words and min_popularity; the file may be empty.',
      })
    }
  }
  const { files, stop_files: _, ...rest } = spec
  return { votes, depends: { ...rest, stop: [...settings.stop].sort(), files: files.map(hashFile) } }
}

const labelOf = (type: string | undefined, { types, label }: SpecOf<'knowledge_base'>): string | undefined =>
  type === undefined ? label : types ? (types[type] ?? types['*']) : type

async function surfaceSettings(spec: SpecOf<'knowledge_base'>): Promise<SurfaceSettings> {
  const { case: spelling, boundaries, overlaps, min_popularity: minPopularity } = spec
  return {
    case: spelling,
    boundaries,
    overlaps,
    minLength: spec.min_length,
    minWords: spec.min_words,
    ...(minPopularity !== undefined && { minPopularity }),
    stop: await stopList(spec),
  }
}

async function stopList({ stop, stop_files: files = [] }: SpecOf<'knowledge_base'>): Promise<Set<string>> {
  const words = [...stop]
  for (const file of files) {
    const { bytes } = await readWhole(file)
    for (const line of linesOf(bytes, file)) words.push(line.trim())
  }
  return new Set(words.filter((word) => word !== '').map(folded))
}

/** A rule repeats what others say. */
function prepareDocumentRule(spec: SpecOf<'document'>, { above, where }: FunctionContext): Promise<Checked> {
  const names = above.map(({ name }) => name)
  const unknown = spec.sources?.find((source) => !names.includes(source))
  if (unknown !== undefined) {
    const meant = nearest(unknown, names)
    throw new NerError('config/bad-value', `There is no function ${unknown} above this one.`, {
      where: where('sources', spec.sources!.indexOf(unknown)),
      mend: meant === undefined ? `Above it are ${names.join(', ') || 'none'}.` : `Did you mean ${meant}?`,
    })
  }
  const reads = spec.sources ?? names
  const versions = reads.map((name) => above.find((source) => source.name === name)!.version)
  const { sources: _, ...rest } = spec
  return Promise.resolve({ depends: { ...rest, versions }, reads })
}

/** What a rule may repeat. */
function labelsOfRule(spec: FunctionSpec, above: readonly NamedFunction[], reads: readonly string[]): string[] {
  const read = above.filter(({ name }) => reads.includes(name)).flatMap(({ labels }) => labels)
  const wanted = spec.kind === 'document' ? spec.labels : undefined
  return [...new Set(read)].filter((label) => label !== sentinelLabel && (wanted?.includes(label) ?? true))
}

/** The folder is read only where a configuration has a model. */
async function prepareModel(spec: SpecOf<'model'>, { where }: FunctionContext): Promise<Checked> {
  const { loadModel } = await import('../artifacts/model.js')
  const { modelVersion } = await import('../inference/version.js')
  const model = await loadModel(spec.folder)
  const own = [...new Set(model.tagger.tags.flatMap((tag) => (tag === 'O' ? [] : [tag.slice(2)])))]
  const unknown = Object.keys(spec.types ?? {}).find((type) => !own.includes(type))
  if (unknown !== undefined) {
    throw new NerError('weak/unproduced-type', `The model does not know ${unknown}; it knows ${own.join(', ')}.`, {
      where: where('types', unknown),
    })
  }
  const labels = spec.types ? Object.values(spec.types) : own
  const { types, min_score: least } = spec
  return {
    votes: new Map(labels.map((label) => [label, where(spec.types ? 'types' : 'folder')])),
    depends: { model: modelVersion(model), types, least },
  }
}

function prepareModule(spec: SpecOf<'module'>, { where }: FunctionContext): Promise<Checked> {
  const { export: exported, labels, file } = spec
  return Promise.resolve({
    votes: new Map(labels.map((label) => [label, where('labels')])),
    depends: { exported, labels, files: moduleHashes(file) },
  })
}
