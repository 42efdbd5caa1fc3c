import { dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { readYaml, type YamlFile } from '../config/yaml.js'
import { NerError } from '../errors.js'
import { nearest } from '../nearest.js'
import { sentinelLabel } from './source.js'

const name = z.string().min(1)
const names = z.union([name.transform((one) => [one]), z.array(name).min(1)])

const regex = z.strictObject({
  kind: z.literal('regex'),
  label: name,
  patterns: names,
  /** The capture group whose text is the span: a number, or a name; 0 is the whole match. */
  group: z.union([z.int().min(0), name]).default(0),
  ignore_case: z.boolean().default(false),
})

const tokenPatterns = z
  .strictObject({
    kind: z.literal('token_patterns'),
    /** Of patterns that name no label themselves. */
    label: name.optional(),
    /** As in spaCy: a list of tokens, or `{label, pattern, id}`. */
    patterns: z.array(z.unknown()).optional(),
    file: name.optional(),
  })
  .refine((it) => (it.patterns === undefined) !== (it.file === undefined), { error: 'give either patterns or a file' })

/** A list of names: its files, and how a text may write them. */
export const knowledgeBase = z.strictObject({
  kind: z.literal('knowledge_base'),
  files: names,
  /** Of entries that have no type themselves. */
  label: name.optional(),
  /** Labels by the knowledge base's own types; `*` stands for all others. Without it a type is a label. */
  types: z.record(name, name).optional(),
  /** Names of columns, where they are not surface, type, id, aliases and popularity. */
  columns: z
    .strictObject({
      surface: name.default('surface'),
      type: name.default('type'),
      id: name.default('id'),
      aliases: name.default('aliases'),
      popularity: name.default('popularity'),
    })
    .prefault({}),
  /** Between the aliases of a cell in CSV and TSV. */
  alias_separator: name.default('|'),
  /** What a text's words may differ in: nothing; all in capitals; case. */
  case: z.enum(['exact', 'capitals', 'any']).default('exact'),
  /** Where a surface may begin and end: at words' ends, or anywhere, inside words too. */
  boundaries: z.enum(['word', 'character']).default('word'),
  /** Of surfaces that overlap in a text: the longest, or all. */
  overlaps: z.enum(['longest', 'all']).default('longest'),
  /** In characters; shorter surfaces are left out. */
  min_length: z.int().min(1).default(1),
  min_words: z.int().min(1).default(1),
  min_popularity: z.number().optional(),
  /** Surfaces that are left out, whatever their case. */
  stop: z.array(name).default([]),
  /** Files with a surface a line that is left out. */
  stop_files: names.optional(),
})

const documentLevel = z.strictObject({
  kind: z.literal('document'),
  /**
   * `elsewhere`: a surface that a source labels in one place is labelled wherever it stands; `short_forms`: parts of a
   * long name after it; `majority`: each labelled surface has one label in a document, that of most votes.
   */
  rule: z.enum(['elsewhere', 'short_forms', 'majority']),
  /** The functions above it whose spans it looks at; all of them unless said. */
  sources: names.optional(),
  /** Only spans of these labels. */
  labels: names.optional(),
  /** Whether a surface may also stand all in capitals, as in headlines. */
  case: z.enum(['exact', 'capitals']).default('exact'),
  /** Where short forms stand: after the long name, or anywhere, as in headlines. */
  place: z.enum(['after', 'anywhere']).default('after'),
  /** Which parts of a name stand for it: its last word, its first, or its initials. */
  parts: z.array(z.enum(['last', 'first', 'initials'])).default(['last']),
  /** How many votes a surface needs in the document. */
  min_votes: z.int().min(1).default(1),
})

const model = z.strictObject({
  kind: z.literal('model'),
  folder: name,
  /** Labels by the model's own; those that are not named are left out. Without it all are taken as they are. */
  types: z.record(name, name).optional(),
  /** Spans of a lower score are left out. */
  min_score: z.number().min(0).max(1).default(0),
})

const module = z.strictObject({
  kind: z.literal('module'),
  file: name,
  export: name.default('default'),
  labels: names,
  /** How long it may take to load, and for each document, in seconds. */
  time_limit: z.number().positive().max(86_400).default(10),
})

const kinds = [regex, tokenPatterns, knowledgeBase, documentLevel, model, module] as const

/** The sections of a configuration that say what finds spans. */
export const sourceSections = {
  /** The entity types, which functions vote for. */
  labels: z.array(name).min(1),
  /** Files of words by name, of any knowledge base's format, which token patterns may call: {TEXT: {IN: name}}. */
  lists: z.record(name, names).default({}),
  /** In the order in which they run; a function's name is its layer's. */
  functions: z.record(name, z.discriminatedUnion('kind', kinds)),
}

export type SourcesConfig = z.output<z.ZodObject<typeof sourceSections>>
export type FunctionSpec = SourcesConfig['functions'][string]
export type FunctionKind = FunctionSpec['kind']
export type SpecOf<Kind extends FunctionKind> = Extract<FunctionSpec, { kind: Kind }>

/** A configuration, and where in its file a key stands. */
export interface ConfigFile<Config extends SourcesConfig = SourcesConfig> {
  readonly config: Config
  readonly where: YamlFile['where']
}

const example = 'recipes/weak/conll.yaml'

/** More sections of a configuration, each an object. */
type Sections = Readonly<Record<string, { readonly shape: object }>>

/**
 * Reads a YAML file of functions by a schema that has `sourceSections`, and `sections` besides. Paths are relative to the
 * file.
 *
 * @throws NerError `file/unreadable`, `config/unknown-key` with the nearest there is, `config/bad-value`
 */
export function loadSourcesConfig<Config extends SourcesConfig>(
  file: string,
  schema: z.ZodType<Config>,
  sections: Sections = {},
): ConfigFile<Config> {
  const { value, where } = readYaml(file, example)
  const result = schema.safeParse(value)
  if (!result.success) throw explain(result.error.issues[0]!, value, where, sections)
  const seen = (path: string) => seenFrom(dirname(file), path)
  const config: Config = {
    ...result.data,
    lists: mapValues(result.data.lists, (paths) => paths.map(seen)),
    functions: mapValues(result.data.functions, (spec) => withPaths(spec, seen)),
  }
  if ('gold' in config.functions) {
    throw new NerError('config/bad-value', 'No function can be called gold: that layer is for people’s labels.', {
      where: where(['functions', 'gold']),
      mend: 'Give it another name.',
    })
  }
  if (config.labels.includes(sentinelLabel)) {
    throw new NerError('config/bad-value', '“O” is no entity type: it says that there is no entity.', {
      where: where(['labels']),
      mend: 'Leave it out of labels; a function may vote for it all the same.',
    })
  }
  return { config, where }
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))

type Path = readonly (string | number)[]

function explain(issue: z.core.$ZodIssue, value: unknown, where: YamlFile['where'], sections: Sections): NerError {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const meant = nearest(key, keysAt(path, value, sections))
    return new NerError('config/unknown-key', `There is no key ${[...path, key].join('.')}.`, {
      where: where([...path, key]),
      mend: meant === undefined ? `${example} shows the keys there are.` : `Did you mean ${meant}?`,
    })
  }
  const kind = issue.code === 'invalid_union' && path.at(-1) === 'kind'
  const what = kind ? `a function is one of ${kindNames.join(', ')}` : issue.message.replace(/^Invalid input: /, '')
  return new NerError('config/bad-value', `${path.join('.') || 'The configuration'} is wrong: ${what}.`, {
    where: where(path),
    mend: `${example} shows the form.`,
  })
}

const kindNames = kinds.map((kind) => kind.shape.kind.value)

/** The keys that may stand where one is not known. */
function keysAt(path: Path, value: unknown, sections: Sections): string[] {
  if (path.length === 0) return [...Object.keys(sourceSections), ...Object.keys(sections)]
  const section = sections[path[0]!]
  if (section) return Object.keys(section.shape)
  const spec = path.slice(0, 2).reduce((at, step) => (at as Record<string, unknown>)[step], value)
  const kind = kinds.find((kind) => kind.shape.kind.value === (spec as { kind?: unknown }).kind)!
  return path.length === 2 ? Object.keys(kind.shape) : Object.keys(knowledgeBase.shape.columns.unwrap().shape)
}

const seenFrom = (folder: string, path: string) => (isAbsolute(path) ? path : join(folder, path))

/** The function with its paths seen from the current folder. */
function withPaths(spec: FunctionSpec, seen: (path: string) => string): FunctionSpec {
  switch (spec.kind) {
    case 'knowledge_base':
      return {
        ...spec,
        files: spec.files.map(seen),
        ...(spec.stop_files && { stop_files: spec.stop_files.map(seen) }),
      }
    case 'token_patterns':
      return spec.file === undefined ? spec : { ...spec, file: seen(spec.file) }
    case 'model':
      return { ...spec, folder: seen(spec.folder) }
    case 'module':
      return { ...spec, file: seen(spec.file) }
    case 'regex':
    case 'document':
      return spec
  }
}
