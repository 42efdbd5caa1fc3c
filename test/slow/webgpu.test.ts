import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Debian's chromium brings SwiftShader, a Vulkan device in software, and the loader that finds it. */
const chromium = '/usr/lib/chromium/vk_swiftshader_icd.json'
const driver = process.env['VK_ICD_FILENAMES'] ?? (existsSync(chromium) ? chromium : undefined)
if (driver === undefined) process.stderr.write('WebGPU is not tested: there is no Vulkan device. Install chromium.\n')

/** Runs a script where the Vulkan loader, which is looked for when a process starts, finds that device. */
const onGpu = (...argv: readonly string[]) =>
  promisify(execFile)(process.execPath, argv, {
    env: {
      ...process.env,
      VK_ICD_FILENAMES: driver,
      LD_LIBRARY_PATH: dirname(driver!),
      XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? '/tmp',
    },
  })

interface Steps {
  readonly device: readonly number[]
  readonly host: readonly number[]
  readonly logits: number
}

/** Every node is on the GPU: the session refuses a graph of which one would fall to the CPU. */
describe.skipIf(driver === undefined)('five steps on WebGPU', () => {
  test.each(['softmax', 'crf'])(
    "are the CPU's within 1e-3, with %s, every node on the GPU",
    async (head) => {
      const { stdout } = await onGpu('test/slow/webgpu-steps.js', head)
      const { device, host, logits } = JSON.parse(stdout) as Steps
      expect(device).toHaveLength(5)
      for (const [i, loss] of device.entries()) expect(Math.abs(loss / host[i]! - 1)).toBeLessThan(1e-3)
      expect(host[4]).toBeLessThan(host[0]!)
      expect(logits).toBeLessThan(1e-3)
    },
    600_000,
  )
})

describe.skipIf(driver === undefined)('the command line on WebGPU', () => {
  let scratch: string
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ner-webgpu-'))
  })
  afterAll(() => rmSync(scratch, { recursive: true }))

  /** A tiny model, on a few sentences of the sample; without dropout, whose masks depend on how a device pads. */
  const trainOn = async (device: string) => {
    const output = join(scratch, device)
    const data = join(scratch, 'sample.conll')
    const sentences = readFileSync('data/sample/train.conll', 'utf8').split('\n\n').slice(0, 24)
    writeFileSync(data, `${sentences.join('\n\n')}\n`)
    const keys = {
      ...{ 'model.encoder.hidden_size': 32, 'model.encoder.num_attention_heads': 2 },
      ...{ 'model.encoder.intermediate_size': 64, 'model.dropout': 0, 'model.attention_dropout': 0 },
      ...{ 'tokenizer.vocab_size': 300, 'features.window': 64 },
      ...{ 'training.epochs': 2, 'training.batch_sentences': 8, 'training.warmup': 0 },
    }
    const set = Object.entries(keys).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const files = ['--train', data, '--dev', data, '--out', output]
    const { stderr } = await onGpu('bin/ner.js', 'train', 'configs/default.yaml', ...files, '--device', device, ...set)
    const read = (name: string) => readFileSync(join(output, name), 'utf8')
    const log = read('train.log.jsonl').trim().split('\n')
    return {
      stderr,
      run: JSON.parse(read('run.json')) as { device: string; steps: number },
      losses: log.flatMap((line) => (JSON.parse(line) as { loss?: number }).loss ?? []),
    }
  }

  test('trains from the CPU’s first loss to a model that is scored, and ends', async () => {
    const gpu = await trainOn('webgpu')
    expect(gpu.run).toMatchObject({ device: 'webgpu', steps: 6 })
    const cpu = await trainOn('cpu')
    // Later ones are read off the device every tenth step only; five in a row are compared above.
    expect(Math.abs(gpu.losses[0]! / cpu.losses[0]! - 1)).toBeLessThan(1e-3)
    expect(gpu.stderr.match(/dev F1/g)).toHaveLength(2)
  }, 900_000)

  test('takes the CPU by itself where the GPU is played by it', async () => {
    const { stderr, run } = await trainOn('auto')
    expect(run.device).toBe('cpu')
    expect(stderr).toMatch(/^on cpu: cuda: .*; webgpu: .*SwiftShader.* is the processor playing a GPU/)
  }, 300_000)

  test('is proven by ner doctor', async () => {
    const { stdout } = await onGpu('bin/ner.js', 'doctor', '--device', 'webgpu', '--json')
    const { devices } = JSON.parse(stdout) as { devices: { device: string; proof?: { difference: number } }[] }
    const webgpu = devices.find(({ device }) => device === 'webgpu')
    expect(webgpu).toMatchObject({
      usable: true,
      software: true,
      reason: expect.stringMatching(/SwiftShader/) as string,
    })
    expect(webgpu!.proof!.difference).toBeLessThan(1e-3)
  }, 300_000)
})
