/**
 * Runs a graph of one product on a device, in a process of its own: a driver that fails may take its process with it.
 *   node probe-process.js DEVICE
 * Ends with 0, or with what the engine said on standard error.
 */
import { Graph } from '../graph/graph.js'
import { encodeModel } from '../graph/onnx/encode.js'
import type { Device } from './devices.js'
import { createSession } from './session.js'

const [device] = process.argv.slice(2) as [Device]
const g = new Graph('probe')
g.output('double', g.mul(g.input('x', 'float32', [2]), g.scalar(2)))
try {
  const session = await createSession(encodeModel(g), { device })
  const { double } = await session.run({ x: { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } })
  if (double!.data[1] !== 4) throw new Error(`twice 2 is ${double!.data[1]} there`)
  // Dawn's threads would keep the process from ending.
  process.exit(0)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1))
}
