import { readFileSync } from 'node:fs'
import type { Limit } from '../../graph/rewrite/symmetric.js'

/** Processors by how they multiply bytes, and the largest weight that their kernels multiply without an overflow. */
export const cpus = {
  /** x86 without VNNI: vpmaddubsw adds two products in 16 bits, and saturates. */
  avx2: 64,
  /** x86 with AVX-VNNI or AVX-512 VNNI: vpdpbusd adds four products in 32 bits. */
  vnni: 127,
  /** ARM with or without dot products adds in 32 bits. */
  arm64: 127,
} as const satisfies Record<string, Limit>

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
