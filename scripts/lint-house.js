// Holds the house's one rule of layout: a folder of src imports only from those before it in this list.
import { dirname, relative, resolve } from 'node:path'

const order = [
  'hub',
  'config',
  'data',
  'agreement',
  'sample',
  'report',
  'features',
  'weak',
  'graph',
  'runtime',
  'models',
  'training',
  'run',
  'compress',
  'export',
  'commands',
]

/** Files right under src are for everybody (errors, random …), save the two that stand on everything. */
const last = ['cli', 'index']

const source = resolve('src')
const placeOf = (path) => {
  const [first, ...rest] = relative(source, path).split('/')
  if (rest.length > 0) return { name: first, rank: order.indexOf(first) }
  const name = first.replace(/\.[jt]s$/, '')
  return { name, rank: last.includes(name) ? order.length : -1, shared: true }
}

/** What is wrong with an import, or undefined. */
function objection(file, target) {
  if (/^onnxruntime-(node|common|web)/.test(target)) {
    return placeOf(file).name === 'runtime' ? undefined : 'Only runtime/ imports ONNX Runtime.'
  }
  if (!target.startsWith('.')) return undefined
  const from = placeOf(file)
  const to = placeOf(resolve(dirname(file), target))
  const unlisted = [from, to].find((place) => place.rank === -1 && place.shared === undefined)
  if (unlisted !== undefined) return `${unlisted.name}/ has no place in the order of folders; give it one.`
  if (to.name === 'commands' && !['commands', 'cli'].includes(from.name)) return 'Only cli.ts imports commands/.'
  return to.rank > from.rank ? `${from.name} comes before ${to.name} and must not know of it.` : undefined
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
