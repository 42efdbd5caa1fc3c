import { existsSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { cardOf, providerOf, type Device } from '../../src/runtime/devices.js'
import { chooseDevice, explain, probe } from '../../src/runtime/probe.js'
import { ner } from '../cli/invoke.js'

const loader = '/usr/lib/chromium/libvulkan.so.1'

afterEach(() => vi.unstubAllEnvs())

/** Makes the machine one without a GPU. */
function hideGpus() {
  vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/icd.json')
  vi.stubEnv('VK_DRIVER_FILES', undefined)
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '')
}

describe('devices by name', () => {
  it.each<[Device, string, number]>([
    ['cpu', 'cpu', 0],
    ['webgpu', 'webgpu', 0],
    ['cuda', 'cuda', 0],
    ['cuda:3', 'cuda', 3],
  ])('%s is run by %s, card %i', (device, provider, card) => {
    expect([providerOf(device), cardOf(device)]).toEqual([provider, card])
  })
})

describe('a device is looked for', () => {
  it('the CPU is always there', async () => {
    expect(await probe('cpu')).toMatchObject({ device: 'cpu', usable: true, software: false })
  })

  it('a GPU that no driver is for is missing, with what was looked for and what mends it', async () => {
    hideGpus()
    const found = await probe('webgpu')
    expect(found.usable).toBe(false)
    expect(found.reason).toMatch(/looked for (libvulkan\.so\.1|those of \/nowhere\/icd\.json)|offers no GPU/)
    expect(found.mend).toMatch(/libvulkan1|mesa-vulkan-drivers|driver/)
  })

  it.skipIf(!existsSync(loader))('where there is a loader, it is the driver that is missing', async () => {
    hideGpus()
    vi.stubEnv('LD_LIBRARY_PATH', '/usr/lib/chromium')
    expect(await probe('webgpu')).toMatchObject({
      reason: 'no GPU has a Vulkan driver: looked for those of /nowhere/icd.json',
      mend: expect.stringContaining('sudo apt-get install mesa-vulkan-drivers') as string,
    })
  })

  it('CUDA without a driver, its provider or a card says which', async () => {
    hideGpus()
    const found = await probe('cuda:7')
    expect(found.usable).toBe(false)
    expect(found.reason).toMatch(/NVIDIA driver|CUDA provider|CUDA 12|no card|Linux x64 only/)
  })
})

describe("the engine's words", () => {
  // As ONNX Runtime 1.30 and its users' reports have them: no card is at hand.
  it.each<[string, RegExp, RegExp]>([
    [
      'Failed to load library /a/libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory',
      /looked for libcublasLt\.so\.12$/,
      /pip install .* nvidia-cublas-cu12 nvidia-cudnn-cu12 .*LD_LIBRARY_PATH=/,
    ],
    ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /too old/, /525/],
    ['CUDA failure 100: no CUDA-capable device is detected ; GPU=-1', /finds no card/, /nvidia-smi/],
    ['CUDA failure 101: invalid device ordinal ; GPU=2', /no card 2$/, /nvidia-smi -L/],
    ['[Vulkan Loader] INFO: \nCUDA failure 999: unknown error\n', /^CUDA failure 999: unknown error$/, /nvidia-smi/],
  ])('of CUDA: %s', (said, reason, mend) => {
    const found = explain.cuda(said, 'cuda:2')
    expect(found.reason).toMatch(reason)
    expect(found.mend).toMatch(mend)
  })

  it('of WebGPU', () => {
    const said =
      "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file\nFailed to get a WebGPU adapter"
    expect(explain.webgpu(said, 'webgpu')).toMatchObject({
      reason: 'the Vulkan loader is not installed: looked for libvulkan.so.1',
      mend: expect.stringMatching(/^sudo apt-get install libvulkan1/) as string,
    })
    expect(explain.webgpu('the process died of SIGSEGV', 'webgpu').reason).toBe('the process died of SIGSEGV')
  })
})

describe('--device', () => {
  it('auto takes the CPU where there is nothing else, and says why', async () => {
    hideGpus()
    const { device, reason } = await chooseDevice('auto')
    expect(device).toBe('cpu')
    expect(reason).toMatch(/^cuda: .*; webgpu: /)
  })

  it('names a device that is not there: exit 2, before anything is read', async () => {
    hideGpus()
    const { code, stderr } = await ner('train', 'recipes/quickstart.yaml', '--device', 'cuda:9', '--train', 'no.conll')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^cuda:9 does not work here: .*\[runtime\/no-device\]\n {2}mend: .*--device cpu/s)
  })

  it.each(['gpu', 'cuda:', 'cuda:-1', 'cuda:1.5', 'webgpu:0'])('%s is none', async (device) => {
    const { code, stderr } = await ner('train', 'recipes/quickstart.yaml', '--device', device)
    expect(code).toBe(2)
    expect(stderr).toMatch(/device is wrong: expected auto, cpu, webgpu, cuda or cuda:N/)
  })
})
