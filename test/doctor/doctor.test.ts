import { afterEach, describe, expect, it, vi } from 'vitest'
import { diagnose, type Diagnosis } from '../../src/doctor/doctor.js'

afterEach(() => vi.unstubAllEnvs())

async function examine(): Promise<{ said: string[]; found: Diagnosis }> {
  const said: string[] = []
  const work = diagnose()
  for (;;) {
    const { value, done } = await work.next()
    if (done === true) return { said, found: value }
    said.push(value)
  }
}

describe('a machine without a GPU', () => {
  it('is shown to train on its CPU; what is missing is named with its remedy', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/icd.json')
    vi.stubEnv('VK_DRIVER_FILES', undefined)
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '')
    vi.stubEnv('HF_TOKEN', 'hf_secret')
    vi.stubEnv('HF_HUB_CACHE', '/nowhere/cache')
    const { said, found } = await examine()
    expect(said).toEqual(['looking for cpu', 'training on cpu', 'looking for webgpu', 'looking for cuda'])
    const [cpu, ...gpus] = found.devices
    expect(cpu).toMatchObject({ usable: true, proof: { difference: 0 } })
    const { losses } = cpu!.proof!
    expect(losses[2]).toBeLessThan(losses[0]!)
    for (const gpu of gpus) expect(gpu).toMatchObject({ usable: false, reason: expect.stringMatching(/./) as string })
    expect(found.hub).toMatchObject({ token: 'HF_TOKEN', cache: '/nowhere/cache', models: 0 })
    expect(JSON.stringify(found)).not.toContain('hf_secret')
  })
})
