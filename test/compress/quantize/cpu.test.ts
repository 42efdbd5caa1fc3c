import { expect, test } from 'vitest'
import { detectCpu } from '../../../src/compress/quantize/cpu.js'

test.each([
  ['x64', 'flags : fpu sse2 avx avx2 fma', 'avx2'],
  ['x64', 'flags : avx2 avx512f avx512bw avx512_vnni', 'vnni'],
  ['x64', 'flags : avx2 avx_vnni', 'vnni'],
  ['x64', '', 'avx2'],
  ['arm64', 'Features : asimd asimddp', 'arm64'],
])('%s with “%s” multiplies bytes as %s', (arch, info, cpu) => {
  expect(detectCpu(arch, () => info)).toBe(cpu)
})
