/**
 * Trains for a few steps on a device, in a process of its own: a driver that fails may take its process with it.
 *   node proof-process.js DEVICE
 * Prints the `Proof` as JSON.
 */
import type { Device } from '../runtime/devices.js'
import { proveDevice } from './proof.js'

const [device] = process.argv.slice(2) as [Device]
try {
  const proof = `${JSON.stringify(await proveDevice(device))}\n`
  // Dawn's threads would keep the process from ending.
  process.stdout.write(proof, () => process.exit(0))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1))
}
