import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

/** Debian's chromium brings SwiftShader, a Vulkan device in software, and the loader that finds it. */
const chromium = '/usr/lib/chromium/vk_swiftshader_icd.json'
const driver = process.env['VK_ICD_FILENAMES'] ?? (existsSync(chromium) ? chromium : undefined)
if (driver === undefined) process.stderr.write('WebGPU is not tested: there is no Vulkan device. Install chromium.\n')

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
      const { stdout } = await promisify(execFile)(process.execPath, ['test/slow/webgpu-steps.js', head], {
        env: {
          ...process.env,
          VK_ICD_FILENAMES: driver,
          LD_LIBRARY_PATH: dirname(driver!),
          XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? '/tmp',
        },
      })
      const { device, host, logits } = JSON.parse(stdout) as Steps
      expect(device).toHaveLength(5)
      for (const [i, loss] of device.entries()) expect(Math.abs(loss / host[i]! - 1)).toBeLessThan(1e-3)
      expect(host[4]).toBeLessThan(host[0]!)
      expect(logits).toBeLessThan(1e-3)
    },
    600_000,
  )
})
