import { NerError } from '../errors.js'
import type { Device } from '../runtime/devices.js'
import { diagnose, type DeviceDiagnosis, type Diagnosis } from '../doctor/doctor.js'
import { defineCommand, exit } from './command.js'
import { write } from './output.js'
import { steps } from './progress.js'

export const command = defineCommand({
  positionals: {},
  options: {
    device: { type: 'string', describe: 'Exit 2 where this one does not work: cpu (the default), webgpu, cuda[:N]' },
    json: { type: 'boolean', describe: 'What was found, as JSON' },
  },
  examples: [
    ['ner doctor', 'what is there, and what is missing'],
    ['ner doctor --device cuda', 'a check before a training'],
  ],
  async run(args) {
    const device = args.device ?? 'cpu'
    if (!isDevice(device)) {
      throw new NerError('usage/bad-flag', `There is no kind of device '${device}'.`, {
        mend: 'Take cpu, webgpu, cuda or cuda:N.',
      })
    }
    const found = await steps(diagnose(device))
    await write(args.json === true ? `${JSON.stringify(found, null, 2)}\n` : summary(found))
    const asked = found.devices.find((it) => it.device === (device === 'cuda:0' ? 'cuda' : device))
    return asked?.usable === true && found.versions.tokenizers !== undefined ? exit.done : exit.badInput
  },
})

const isDevice = (text: string): text is Device => /^(cpu|webgpu|cuda(:\d+)?)$/.test(text)

function summary({ versions, processor, hub, devices }: Diagnosis): string {
  const { instructions } = processor
  const words = Object.entries(instructions ?? {}).map(([name, there]) => (there ? name : `no ${name}`))
  const lines = [
    ['ner', versions.ner],
    ['Node.js', versions.node],
    ['ONNX Runtime', versions.onnxruntime],
    ['tokenizers', versions.tokenizers ?? 'cannot be loaded: npm ci'],
    ['processor', [processor.model, `${processor.cores} cores`, ...words].join(', ')],
    ['hub', `${hub.endpoint}${hub.offline ? ', offline' : ''}`],
    ['', `${hub.models} models in ${hub.cache}`],
    ['', hub.token === undefined ? 'no token: set HF_TOKEN for private and gated models' : `token from ${hub.token}`],
    ...devices.flatMap(deviceLines),
  ]
  const width = Math.max(...lines.map(([name]) => name!.length))
  return lines.map(([name, text]) => `${name!.padEnd(width)}  ${text}\n`).join('')
}

function deviceLines({ device, usable, software, reason, mend, proof }: DeviceDiagnosis): string[][] {
  const what = `${usable ? 'works' : 'does not work'}: ${reason}${software ? ', a GPU in software' : ''}`
  const agreement =
    proof && (device === 'cpu' ? '' : `, losses within ${proof.difference.toExponential(1)} of the CPU's`)
  return [
    [device, what],
    ...(proof
      ? [['', `${proof.losses.length} training steps in ${Math.round(proof.milliseconds)} ms${agreement}`]]
      : []),
    ...(mend === undefined ? [] : [['', mend]]),
  ]
}
