// Compiles every src/**/NAME.as.ts (AssemblyScript) to dist/**/NAME.wasm. Code that loads one names it from the root,
// `new URL('../../../dist/training/cpu/adamw.wasm', import.meta.url)`, which holds from src (tests) and from dist alike.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory']
const sources = readdirSync('src', { recursive: true }).filter((path) => path.endsWith('.as.ts'))

for (const source of sources) {
  const target = join('dist', source.replace(/\.as\.ts$/, '.wasm'))
  if ((statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0) > statSync(join('src', source)).mtimeMs) continue
  const { error, stderr } = await asc.main([join('src', source), '--outFile', target, ...flags])
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${error.message}\n`)
    process.exitCode = 1
  }
}
