/**
 * float16 (IEEE 754 binary16) from float32, rounded to the nearest, ties to even, as its bits. What is out of range
 * becomes the largest finite number, ±65504, not infinity: a weight that saturates is nearly right, one that is infinite
 * makes every result NaN.
 */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, halfBits)
}

function halfBits(single: number): number {
  const sign = (single >>> 16) & 0x8000
  const magnitude = single & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x47800000) return sign | 0x7bff
  // Normal numbers: rebias the exponent (127 to 15), then round the 13 bits that are dropped. A carry moves it on.
  if (magnitude >= 0x38800000) return sign | Math.min(0x7bff, rounded(magnitude - 0x38000000, 13))
  // Below 2⁻¹⁴ half is subnormal: multiples of 2⁻²⁴. Below half of the smallest there is only 0.
  if (magnitude < 0x33000000) return sign
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  return sign | rounded(mantissa, 126 - (magnitude >>> 23))
}

/** `value / 2^shift`, to the nearest, ties to even. */
function rounded(value: number, shift: number): number {
  const half = 1 << (shift - 1)
  return (value + half - 1 + ((value >>> shift) & 1)) >>> shift
}
