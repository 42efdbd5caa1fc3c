import type { Graph } from '../graph.js'
import { constantOf } from './linear.js'
import { rewrite, type Rewritten } from './rewrite.js'
import { quantizeRows } from './symmetric.js'

/**
 * Embedding tables in int8, a scale for each row: a quarter of the file, and of the memory that look-ups go to.
 *
 *     y = T[i]   →   y = float(Q[i])·s[i],   T ≈ diag(s)·Q
 *
 * Matches a Gather of rows from a float32 matrix that is part of the graph and that `includes` names, by its purpose or
 * else by its own name; any other Gather is left alone.
 */
export function quantizeTables(g: Graph, includes: (table: string) => boolean): Rewritten {
  return rewrite(g, (next, { op, domain, inputs: [table, indices], attributes }) => {
    const tensor = constantOf(next, table)
    const isLookUp = op === 'Gather' && domain === '' && attributes['axis'] === 0
    if (!isLookUp || tensor?.dtype !== 'float32' || tensor.dims.length !== 2) return undefined
    const purpose = table!.purpose
    if (!includes(purpose && 'table' in purpose ? purpose.table : table!.name)) return undefined
    const { matrix, scales } = quantizeRows(tensor)
    const rows = next.gather(next.initializer(`${table!.name}.int8`, matrix), indices!)
    const scale = next.gather(next.initializer(`${table!.name}.scales`, scales), indices!)
    return [next.mul(next.cast(rows, 'float32'), scale)]
  })
}
