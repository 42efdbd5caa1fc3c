// AssemblyScript: compiled to WebAssembly by `npm run build`. One pass over memory in place of the 17 that the same
// update takes as graph nodes. Pointers and sizes are in bytes, multiples of 16.

/**
 * AdamW (Loshchilov & Hutter, 2019), four floats at a time:
 *   m ← β₁·m + (1−β₁)·c·g,   v ← β₂·v + (1−β₂)·(c·g)²,
 *   w ← w·decay − rate·m / (√(v·correction) + ε)
 * with c the clipping factor, decay = 1 − lr·λ, rate = lr / (1−β₁ᵗ) and correction = 1 / (1−β₂ᵗ).
 */
export function adamw(
  weights: usize,
  gradients: usize,
  first: usize,
  second: usize,
  size: usize,
  clip: f32,
  beta1: f32,
  beta2: f32,
  rate: f32,
  correction: f32,
  epsilon: f32,
  decay: f32,
): void {
  const c = f32x4.splat(clip)
  const b1 = f32x4.splat(beta1)
  const a1 = f32x4.splat(1 - beta1)
  const b2 = f32x4.splat(beta2)
  const a2 = f32x4.splat(1 - beta2)
  const lr = f32x4.splat(rate)
  const k = f32x4.splat(correction)
  const e = f32x4.splat(epsilon)
  const d = f32x4.splat(decay)
  for (let i: usize = 0; i < size; i += 16) {
    const g = f32x4.mul(v128.load(gradients + i), c)
    const m = f32x4.add(f32x4.mul(v128.load(first + i), b1), f32x4.mul(g, a1))
    const v = f32x4.add(f32x4.mul(v128.load(second + i), b2), f32x4.mul(f32x4.mul(g, g), a2))
    v128.store(first + i, m)
    v128.store(second + i, v)
    const step = f32x4.div(f32x4.mul(m, lr), f32x4.add(f32x4.sqrt(f32x4.mul(v, k)), e))
    v128.store(weights + i, f32x4.sub(f32x4.mul(v128.load(weights + i), d), step))
  }
}

/** Σ x², in double precision. */
export function sumOfSquares(values: usize, size: usize): f64 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (let i: usize = 0; i < size; i += 16) {
    const x = v128.load(values + i)
    const a = f64x2.promote_low_f32x4(x)
    const b = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15))
    low = f64x2.add(low, f64x2.mul(a, a))
    high = f64x2.add(high, f64x2.mul(b, b))
  }
  const sum = f64x2.add(low, high)
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** total ← total + addend */
export function accumulate(total: usize, addend: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 16) {
    v128.store(total + i, f32x4.add(v128.load(total + i), v128.load(addend + i)))
  }
}
