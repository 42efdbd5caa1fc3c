import { Linter, type Rule } from 'eslint'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const house = (await import(resolve('scripts/lint-house.js'))) as Record<
  'importDirection' | 'lazyCommands' | 'optionsInErrors',
  Rule.RuleModule
>

const { house: map } = (await import(resolve('scripts/lint-house.js'))) as {
  readonly house: Readonly<Record<string, readonly string[]>>
}

function objections(file: string, code: string): string[] {
  const config: Linter.Config = {
    files: ['**/*.ts'],
    plugins: {
      house: { rules: { direction: house.importDirection, lazy: house.lazyCommands, options: house.optionsInErrors } },
    },
    rules: { 'house/direction': 'error', 'house/lazy': 'error', 'house/options': 'error' },
  }
  return new Linter().verify(code, config, { filename: resolve(file) }).map(({ message }) => message)
}

it('the map names only folders above', () => {
  const rooms = Object.keys(map)
  for (const [room, may] of Object.entries(map)) {
    for (const other of may) expect(rooms.indexOf(other), `${room} imports ${other}`).toBeLessThan(rooms.indexOf(room))
    expect(may.filter((other) => !rooms.includes(other))).toEqual([])
  }
})

it('no room holds more than 25 files of its own', () => {
  const crowded = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (counts, { parentPath }) => counts.set(parentPath, (counts.get(parentPath) ?? 0) + 1),
      new Map<string, number>(),
    )
  expect([...crowded].filter(([, count]) => count > 25)).toEqual([])
})

describe('the direction of imports', () => {
  it.each([
    ['src/graph/graph.ts', "import { random } from '../random.js'"],
    ['src/graph/ops/a.ts', "import { b } from './b.js'; import { c } from '../../errors.js'"],
    ['src/training/a.ts', "import { bert } from '../models/encoders/bert.js'; import { z } from 'zod'"],
    ['src/runtime/a.ts', "import ort from 'onnxruntime-node'"],
    ['src/commands/a.ts', "import { predict } from '../inference/predict.js'"],
    ['src/cli.ts', "const a = () => import('./commands/a.js')"],
    ['src/index.ts', "export { a } from './inference/a.js'"],
  ])('%s may say %s', (file, code) => {
    expect(objections(file, code)).toEqual([])
  })

  it.each([
    ['src/graph/graph.ts', "import { a } from '../models/a.js'"],
    ['src/graph/ops/a.ts', "export * from '../../training/a.js'"],
    ['src/data/a.ts', "export { a } from '../features/a.js'"],
    ['src/models/a.ts', "const a = import('../inference/a.js')"],
    ['src/errors.ts', "import { a } from './config/a.js'"],
    ['src/inference/a.ts', "import ort from 'onnxruntime-node'"],
    ['src/inference/a.ts', "import { a } from '../cli.js'"],
    ['src/index.ts', "import { a } from './commands/a.js'"],
    ['src/cli.ts', "import { a } from './commands/a.js'"],
    ['src/inference/a.ts', "import { a } from '../training/a.js'"],
    ['src/evaluation/a.ts', "import { a } from '../compress/a.js'"],
    ['src/agreement/a.ts', "import { a } from '../hub/a.js'"],
    ['src/newcomer/a.ts', "import { a } from '../errors.js'"],
  ])('%s may not say %s', (file, code) => {
    expect(objections(file, code)).not.toEqual([])
  })
})

describe('errors', () => {
  const error = (mend: string) => `throw new NerError('file/unreadable', 'It is.', { mend: '${mend}' })`
  it.each([
    ['src/io/a.ts', 'Give `out` another folder.'],
    ['src/commands/a.ts', 'Give --out another folder.'],
    ['src/cli.ts', 'Give --out another folder.'],
  ])('of %s may say %s', (file, mend) => {
    expect(objections(file, error(mend))).toEqual([])
  })

  it.each(['Give --out another folder.', 'Give another folder (--out).', '--out is missing.'])(
    'of the library name no flag: %s',
    (mend) => {
      expect(objections('src/io/a.ts', error(mend))).toEqual(['Name the option in backticks, not its flag.'])
    },
  )
})
