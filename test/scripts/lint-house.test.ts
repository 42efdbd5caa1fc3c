import { Linter, type Rule } from 'eslint'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const house = (await import(resolve('scripts/lint-house.js'))) as Record<
  'importDirection' | 'lazyCommands',
  Rule.RuleModule
>

function objections(file: string, code: string): string[] {
  const config: Linter.Config = {
    files: ['**/*.ts'],
    plugins: { house: { rules: { direction: house.importDirection, lazy: house.lazyCommands } } },
    rules: { 'house/direction': 'error', 'house/lazy': 'error' },
  }
  return new Linter().verify(code, config, { filename: resolve(file) }).map(({ message }) => message)
}

describe('the direction of imports', () => {
  it.each([
    ['src/graph/graph.ts', "import { random } from '../random.js'"],
    ['src/graph/ops/a.ts', "import { b } from './b.js'; import { c } from '../../errors.js'"],
    ['src/training/a.ts', "import { bert } from '../models/encoders/bert.js'; import { z } from 'zod'"],
    ['src/runtime/a.ts', "import ort from 'onnxruntime-node'"],
    ['src/commands/a.ts', "import { predict } from '../run/predict.js'"],
    ['src/cli.ts', "const a = () => import('./commands/a.js')"],
    ['src/index.ts', "export { a } from './run/a.js'"],
  ])('%s may say %s', (file, code) => {
    expect(objections(file, code)).toEqual([])
  })

  it.each([
    ['src/graph/graph.ts', "import { a } from '../models/a.js'"],
    ['src/graph/ops/a.ts', "export * from '../../training/a.js'"],
    ['src/data/a.ts', "export { a } from '../features/a.js'"],
    ['src/models/a.ts', "const a = import('../run/a.js')"],
    ['src/errors.ts', "import { a } from './config/a.js'"],
    ['src/run/a.ts', "import ort from 'onnxruntime-node'"],
    ['src/run/a.ts', "import { a } from '../cli.js'"],
    ['src/index.ts', "import { a } from './commands/a.js'"],
    ['src/cli.ts', "import { a } from './commands/a.js'"],
    ['src/newcomer/a.ts', "import { a } from '../errors.js'"],
  ])('%s may not say %s', (file, code) => {
    expect(objections(file, code)).not.toEqual([])
  })
})
