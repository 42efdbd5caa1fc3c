import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NerError } from '../errors.js'
import { cardOf, providerOf, type Device, type Provider } from './devices.js'

/** Whether a device is there, and what it is, or what is missing. */
export interface Probe {
  readonly device: Device
  readonly usable: boolean
  /** A GPU that the processor only plays. */
  readonly software: boolean
  /** What is there, or what was looked for and is not. */
  readonly reason: string
  /** The command, or else the deed, that mends what is missing. */
  readonly mend?: string
}

type Finding = Pick<Probe, 'reason'> & Partial<Probe>

const there = (device: Device, reason: string, software = false): Probe => ({ device, usable: true, software, reason })

/** Looks for a device, by running a small graph on it in a process of its own. Never fails. */
export async function probe(device: Device): Promise<Probe> {
  const provider = providerOf(device)
  const missing = looks[provider]()
  if (missing) return { device, usable: false, software: false, ...missing }
  if (provider === 'cpu') return there(device, `${process.platform} ${process.arch}`)
  const { works, said } = await runProbe(device)
  if (!works) return { device, usable: false, software: false, ...explain[provider](said, device) }
  const [name = 'a device'] = gpuNames(said)
  return there(
    device,
    provider === 'webgpu' ? name : `card ${cardOf(device)}`,
    provider === 'webgpu' && isSoftware(name),
  )
}

/**
 * The device that is meant: `auto` is CUDA where it works, else WebGPU where that is a real GPU, else the CPU.
 *
 * @throws NerError `runtime/no-device` where the one that is named does not work
 */
export async function chooseDevice(wanted: Device | 'auto'): Promise<{ device: Device; reason: string }> {
  if (wanted === 'cpu') return { device: 'cpu', reason: 'as asked' }
  if (wanted !== 'auto') {
    const found = await probe(wanted)
    if (found.usable) return found
    throw new NerError('runtime/no-device', `${wanted} does not work here: ${found.reason}.`, {
      mend: `Give \`device\` cpu, or mend it: ${found.mend ?? 'ner doctor says more'}`,
    })
  }
  const cuda = await probe('cuda')
  if (cuda.usable) return cuda
  const webgpu = await probe('webgpu')
  if (webgpu.usable && !webgpu.software) return webgpu
  const why = webgpu.usable ? `${webgpu.reason} is the processor playing a GPU` : webgpu.reason
  return { device: 'cpu', reason: `cuda: ${cuda.reason}; webgpu: ${why}` }
}

function runProbe(device: Device): Promise<{ works: boolean; said: string }> {
  const script = fileURLToPath(new URL('../../dist/runtime/probe-process.js', import.meta.url))
  // The Vulkan loader tells which devices it has; the engine does not.
  const env = { ...process.env, VK_LOADER_DEBUG: 'all' }
  return new Promise((resolve) => {
    execFile(process.execPath, [script, device], { env, timeout: 120_000, maxBuffer: 1 << 26 }, (error, _, said) =>
      resolve({ works: error === null, said: error?.signal ? `${said}\nthe process died of ${error.signal}` : said }),
    )
  })
}

/** What can be told to be missing without the engine's help. */
const looks: Readonly<Record<Provider, () => Finding | undefined>> = {
  cpu: () => undefined,
  webgpu: () =>
    process.platform === 'linux' && process.arch !== 'x64'
      ? { reason: `ONNX Runtime has no WebGPU for Linux on ${process.arch}` }
      : undefined,
  cuda() {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      return {
        reason: `ONNX Runtime for Node has CUDA on Linux x64 only, and this is ${process.platform} ${process.arch}`,
      }
    }
    if (!drivers.some((path) => existsSync(path))) {
      return {
        reason: `there is no NVIDIA driver: looked for ${drivers.join(' and ')}`,
        mend: 'sudo apt-get install nvidia-driver (Debian), or sudo ubuntu-drivers install; in Docker, --gpus all',
      }
    }
    const library = join(engineFolder(), 'libonnxruntime_providers_cuda.so')
    return existsSync(library)
      ? undefined
      : {
          reason: `ONNX Runtime's CUDA provider is not installed: looked for ${library}`,
          mend: `ONNXRUNTIME_NODE_INSTALL=1 node ${join(enginePackage(), 'script/install.js')}`,
        }
  },
}

/** Of Linux, and of Linux within Windows. */
const drivers = ['/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1']

const enginePackage = () => dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
const engineFolder = () => join(enginePackage(), 'bin/napi-v6', process.platform, process.arch)

/** What the engine's words mean. */
export const explain: Readonly<Record<Exclude<Provider, 'cpu'>, (said: string, device: Device) => Finding>> = {
  webgpu(said) {
    if (/Couldn't load Vulkan|libvulkan/.test(said)) {
      return {
        reason: 'the Vulkan loader is not installed: looked for libvulkan.so.1',
        mend: 'sudo apt-get install libvulkan1 (Fedora: sudo dnf install vulkan-loader)',
      }
    }
    if (/adapter/i.test(said)) {
      const place = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'] ?? '/usr/share/vulkan/icd.d'
      return {
        reason:
          process.platform === 'linux'
            ? `no GPU has a Vulkan driver: looked for those of ${place}`
            : 'the system offers no GPU',
        mend:
          process.platform === 'linux'
            ? "sudo apt-get install mesa-vulkan-drivers (AMD, Intel); NVIDIA's driver has its own; VK_ICD_FILENAMES names one"
            : "Install the GPU maker's driver.",
      }
    }
    return { reason: lastLine(said) }
  },
  cuda(said, device) {
    const library = /(lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(said)?.[1]
    if (library !== undefined) {
      return {
        reason: `CUDA 12 or cuDNN 9 is not installed: looked for ${library}`,
        mend: `python3 -m pip install --target ~/cuda12 ${cudaPackages.join(' ')} && export LD_LIBRARY_PATH=$(echo ~/cuda12/nvidia/*/lib | tr ' ' :)`,
      }
    }
    if (/CUDA failure 101|invalid device ordinal/i.test(said)) {
      return { reason: `there is no card ${cardOf(device)}`, mend: 'nvidia-smi -L lists the cards' }
    }
    if (/CUDA failure 35|driver version is insufficient/i.test(said)) {
      return { reason: 'the NVIDIA driver is too old for CUDA 12', mend: 'Install driver 525 or newer.' }
    }
    if (/CUDA failure 100|no CUDA-capable device/i.test(said)) {
      return {
        reason: 'the NVIDIA driver finds no card',
        mend: 'nvidia-smi says what it finds; look at CUDA_VISIBLE_DEVICES',
      }
    }
    return { reason: lastLine(said), mend: 'nvidia-smi says whether the driver works' }
  },
}

/** What the CUDA provider links with, as NVIDIA packs it for pip. */
const cudaPackages = ['runtime', 'nvrtc']
  .map((name) => `nvidia-cuda-${name}-cu12`)
  .concat(['cublas', 'cudnn', 'cufft', 'curand', 'nvjitlink'].map((name) => `nvidia-${name}-cu12`))

/** As the loader lists them: `INFO | DRIVER:  [0] NAME`, the preferred one first in `Sorted order`. */
function gpuNames(said: string): string[] {
  const sorted = said.slice(Math.max(0, said.lastIndexOf('Sorted order:')))
  return [...sorted.matchAll(/DRIVER:\s+\[\d+\] (.+?)\s*$/gm)].map(([, name]) => name!)
}

/** SwiftShader and Mesa's llvmpipe play a GPU; Windows' own is its Basic Render Driver. */
const isSoftware = (name: string) => /swiftshader|llvmpipe|basic render/i.test(name)

const lastLine = (said: string) =>
  said
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('Vulkan Loader'))
    .at(-1)
    ?.trim() ?? 'the engine says nothing'
