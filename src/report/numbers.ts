/** `0.8712` as `87.12`, the form that the field quotes F1 in. */
export const percent = (share: number): string => (100 * share).toFixed(2)

/** Kappa and alpha are no shares, and have no percent. */
export const kappa = (value: number): string => value.toFixed(4)

/** `12345.6` as `12,346`. */
export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')

/** A measured value, short: `0.000125` as `1.25e-4`, `0.25` as `0.25`, `1200` as `1,200`. */
export function short(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1000) return thousands(value)
  return size < 1e-3 ? value.toExponential(2).replace(/\.?0*e/, 'e') : String(Number(value.toPrecision(3)))
}
