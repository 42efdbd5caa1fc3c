import { readFileSync } from 'node:fs'
import type { Limit } from '../../graph/rewrite/symmetric.js'

interface Kernels {
  /** The largest weight that is multiplied without an overflow. */
  readonly limit: Limit
  /** What static activations are multiplied as; dynamic ones are always uint8. */
  readonly activations: 'int8' | 'uint8'
}

/** Processors by how they multiply bytes. */
export const cpus = {
  /** x86 without VNNI: vpmaddubsw adds two products in 16 bits, and saturates. */
  avx2: { limit: 64, activations: 'uint8' },
  /** x86 with AVX-VNNI or AVX-512 VNNI: vpdpbusd adds four products in 32 bits. */
  vnni: { limit: 127, activations: 'uint8' },
  /** ARM with or without dot products adds in 32 bits. */
  arm64: { limit: 127, activations: 'int8' },
  /** TensorRT: int8 with a zero point of 0, and scales that are known. */
  gpu: { limit: 127, activations: 'int8' },
} as const satisfies Record<string, Kernels>

export type Cpu = keyof typeof cpus

/** This machine's. Where it cannot be told, as on x86 that is not Linux, the one that is safe everywhere. */
export function detectCpu(arch: string = process.arch, readCpuInfo = linuxCpuInfo): Cpu {
  if (arch === 'arm64') return 'arm64'
  return /\bav(x512_|x_)vnni\b/.test(readCpuInfo()) ? 'vnni' : 'avx2'
}

function linuxCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return ''
  }
}
