import { spawnSync } from 'node:child_process'

const find = 'import sys; from importlib.util import find_spec; print(*(m for m in sys.argv[1:] if not find_spec(m)))'

/** The Python that NER_TEST_PYTHON names, where it has all `modules`; where not, says what is lacking. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const python = process.env['NER_TEST_PYTHON']
  if (!python) {
    console.warn(`skipped: NER_TEST_PYTHON names no Python with ${modules.join(', ')}`)
    return undefined
  }
  const { status, stdout } = spawnSync(python, ['-c', find, ...modules], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`NER_TEST_PYTHON=${python} does not run`)
  const lacking = stdout.trim()
  if (lacking !== '') console.warn(`skipped: ${python} lacks ${lacking}`)
  return lacking === '' ? python : undefined
}
