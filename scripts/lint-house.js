// Holds the house's rule of layout: a folder of src imports only from the folders that this map gives it. The folders
// stand in the order in which data flow, and none imports from one below it.
import { dirname, relative, resolve } from 'node:path'

const files = ['io', 'text', 'data']
const encoders = ['graph', 'runtime', 'features', 'models', 'artifacts']

/** What each folder may import besides itself and the files right under src. */
export const house = {
  io: [],
  text: [],
  data: ['io', 'text'],
  hub: ['io'],
  config: ['io', 'hub'],
  gazetteer: [...files],
  patterns: [...files],
  agreement: ['data'],
  sample: ['data'],
  graph: ['io'],
  runtime: ['graph'],
  features: ['text', 'data'],
  models: [...files, 'graph', 'runtime', 'features'],
  artifacts: [...files, 'config', 'graph', 'features', 'models'],
  inference: [...files, ...encoders],
  sources: [...files, 'config', 'gazetteer', 'patterns', 'artifacts', 'inference'],
  evaluation: [...files, 'hub', 'agreement', ...encoders, 'inference'],
  pipeline: ['io', 'data', 'sources'],
  report: ['data', 'agreement', 'evaluation'],
  weak: [...files, 'features', 'report', 'sources'],
  training: [...files, 'hub', 'config', ...encoders, 'inference', 'evaluation', 'report'],
  compress: [...files, 'hub', 'config', 'gazetteer', ...encoders, 'inference', 'evaluation', 'training', 'report'],
  export: [...files, ...encoders, 'inference', 'evaluation', 'compress', 'training'],
  serve: [...files, 'config', 'gazetteer', 'patterns', ...encoders, 'inference', 'sources', 'pipeline', 'weak'],
  doctor: [...files, 'hub', ...encoders, 'training'],
}

const order = Object.keys(house)

/** The files that stand on everything; all others right under src are for everybody (errors, random …). */
const last = ['cli', 'index']

const source = resolve('src')

/** The folder of src that a path lies in, or the name of a file right under src. */
const placeOf = (path) => {
  const [first, ...rest] = relative(source, path).split('/')
  return rest.length > 0 ? { folder: first } : { file: first.replace(/\.[jt]s$/, '') }
}

/** What is wrong with an import, or undefined. */
function objection(file, target) {
  const from = placeOf(file)
  if (/^onnxruntime-(node|common|web)/.test(target)) {
    return from.folder === 'runtime' ? undefined : 'Only runtime/ imports ONNX Runtime.'
  }
  if (!target.startsWith('.')) return undefined
  const to = placeOf(resolve(dirname(file), target))
  for (const { folder } of [from, to]) {
    if (folder !== undefined && folder !== 'commands' && !order.includes(folder)) {
      return `${folder}/ has no place in the map of folders; give it one.`
    }
  }
  if (to.folder === 'commands') {
    return from.folder === 'commands' || from.file === 'cli' ? undefined : 'Only cli.ts imports commands/.'
  }
  if (last.includes(to.file)) return from.folder === undefined ? undefined : `Nothing imports ${to.file}.ts.`
  if (from.folder === undefined) {
    return last.includes(from.file) || to.folder === undefined
      ? undefined
      : `${from.file}.ts is for everybody and knows no folder.`
  }
  if (from.folder === 'commands' || to.folder === undefined || from.folder === to.folder) return undefined
  return house[from.folder].includes(to.folder)
    ? undefined
    : `${from.folder}/ must not know of ${to.folder}/: see the map in scripts/lint-house.js.`
}

export const importDirection = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const check = (node) => {
      if (typeof node?.value !== 'string') return
      const message = objection(context.filename, node.value)
      if (message !== undefined) context.report({ node, message })
    }
    return {
      ImportDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSImportType: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
    }
  },
}

/** Commands are loaded when they are run: `ner --help` must not load the engine. */
export const lazyCommands = {
  meta: { type: 'problem', schema: [] },
  create: (context) => ({
    ImportDeclaration(node) {
      if (node.importKind !== 'type' && node.source.value.startsWith('./commands/')) {
        context.report({ node, message: 'Load a command with import() where it is run.' })
      }
    },
  }),
}

/** Errors of the library name options in backticks; only the command line, which translates them, speaks of flags. */
export const optionsInErrors = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const place = placeOf(context.filename)
    if (place.folder === 'commands' || place.file === 'cli') return {}
    const check = (node, text) => {
      if (!/(^|[\s(])--[a-z]/.test(text)) return
      const inError = context.sourceCode
        .getAncestors(node)
        .some(({ type, callee }) => type === 'NewExpression' && callee.name === 'NerError')
      if (inError) context.report({ node, message: 'Name the option in backticks, not its flag.' })
    }
    return {
      Literal: (node) => check(node, String(node.value)),
      TemplateElement: (node) => check(node, node.value.cooked),
    }
  },
}
