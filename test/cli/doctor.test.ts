import { beforeEach, describe, expect, it, vi } from 'vitest'
import { diagnose, type Diagnosis } from '../../src/doctor/doctor.js'
import { ner } from './invoke.js'

vi.mock('../../src/doctor/doctor.js', () => ({ diagnose: vi.fn() }))

const diagnosis: Diagnosis = {
  versions: { ner: '0.1.0', node: '20.19.0', onnxruntime: '1.30.0', tokenizers: '0.23.2' },
  processor: { model: 'A processor', cores: 8, instructions: { AVX2: true, 'AVX-512': true, VNNI: false } },
  hub: { endpoint: 'https://huggingface.co', offline: false, cache: '/cache', models: 3, token: 'HF_TOKEN' },
  devices: [
    {
      device: 'cpu',
      usable: true,
      software: false,
      reason: 'linux x64',
      proof: { losses: [3, 2, 1], milliseconds: 12.3, difference: 0 },
    },
    {
      device: 'webgpu',
      usable: true,
      software: true,
      reason: 'SwiftShader',
      proof: { losses: [3, 2, 1], milliseconds: 2000, difference: 1.2e-6 },
    },
    { device: 'cuda', usable: false, software: false, reason: 'there is no driver', mend: 'install it' },
  ],
}

const finds = (found: Diagnosis) =>
  vi.mocked(diagnose).mockImplementation(async function* () {
    yield await Promise.resolve('looking for cpu')
    return found
  })

beforeEach(() => void finds(diagnosis))

describe('ner doctor', () => {
  it('lists what there is, and what mends the rest', async () => {
    const { code, stdout, stderr } = await ner('doctor')
    expect(code).toBe(0)
    expect(stdout).toMatchSnapshot()
    expect(stderr).toBe('looking for cpu\n')
  })

  it('prints the same as JSON', async () => {
    expect(JSON.parse((await ner('doctor', '--json')).stdout)).toEqual(diagnosis)
  })

  it.each([
    ['cpu', 0],
    ['webgpu', 0],
    ['cuda', 2],
    ['cuda:0', 2],
    ['cuda:1', 2],
  ])('with --device %s ends with %i', async (device, code) => {
    expect((await ner('doctor', '--device', device)).code).toBe(code)
  })

  it('ends with 2 where the CPU does not work, or text cannot be read', async () => {
    const [cpu, ...others] = diagnosis.devices
    finds({ ...diagnosis, devices: [{ ...cpu!, usable: false, reason: 'training fails' }, ...others] })
    expect((await ner('doctor')).code).toBe(2)
    finds({ ...diagnosis, versions: { ...diagnosis.versions, tokenizers: undefined } })
    expect((await ner('doctor')).code).toBe(2)
  })

  it('knows which devices there are', async () => {
    expect((await ner('doctor', '--device', 'gpu')).stderr).toMatch(/no kind of device 'gpu'/)
  })
})
