import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const run = (folder: string, command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

test('the packed tarball is a library: examples are type-checked against it, and run', () => {
  const project = mkdtempSync(join(tmpdir(), 'ner-package-'))
  run('.', 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', project)
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))!
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    // ONNX Runtime's declarations want a browser's.
    skipLibCheck: true,
    outDir: 'out',
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  cpSync('test/package/examples.ts', join(project, 'examples.ts'))
  run(
    project,
    'npm',
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    tarball,
    '@types/node@20',
    'typescript@5.9',
  )

  run(project, 'npx', 'tsc', '-p', '.')
  expect(run(project, 'node', 'out/examples.js', resolve('data/sample'), join(project, 'model'))).toBe('done\n')
})
