import { describe, expect, it } from 'vitest'
import { ner } from './invoke.js'

/** Whether this process has the engine's native library in memory. */
function engineIsLoaded(): boolean {
  Object.assign(process.report, { excludeNetwork: true })
  const { sharedObjects } = process.report.getReport() as { sharedObjects: string[] }
  return sharedObjects.some((path) => path.includes('onnxruntime'))
}

describe('help', () => {
  it('lists the commands without loading the engine', async () => {
    const { code, stdout } = await ner('--help')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(engineIsLoaded()).toBe(false)
    // The probe can see it: a command does load it.
    await ner('predict', '--help')
    expect(engineIsLoaded()).toBe(true)
  })

  it.each(['train', 'eval', 'predict', 'quantize', 'export', 'bench', 'doctor'])('%s', async (command) => {
    const { code, stdout } = await ner(command, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  it('is what there is to see without a command', async () => {
    expect(await ner()).toEqual(await ner('--help'))
  })

  it('tells the version', async () => {
    expect((await ner('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
