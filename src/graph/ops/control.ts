import { formatShape } from '../dims.js'
import { input, require, requireSameShape, type Rules } from './rule.js'

export const control: Rules<'Scan'> = {
  // The body runs once for each element of the scanned inputs' first axis. Its inputs are the states and one element
  // of each scanned input, its outputs the next states and one element of each scanned output.
  // Not differentiated: what scans here (the CRF) has a closed-form gradient.
  Scan: {
    infer: (inputs, { body, num_scan_inputs }) => {
      const values = inputs.map((_, index) => input(inputs, index))
      require(values.length === body.inputs.length, `the body takes ${body.inputs.length} inputs, not ${values.length}`)
      require(num_scan_inputs > 0 && num_scan_inputs <= values.length, 'at least one input is scanned')
      const states = values.length - num_scan_inputs
      const steps = values[states]!.shape[0]
      require(steps !== undefined, 'a scanned input has an axis to scan')
      values.forEach((value, i) => {
        const element = i < states ? value.shape : value.shape.slice(1)
        const taken = body.inputs[i]!
        require(value.dtype === taken.dtype, `input ${i} is ${value.dtype}, and the body takes ${taken.dtype}`)
        requireSameShape(element, taken.shape, `input ${i} is what the body takes`)
        require(i < states ||
          value.shape[0] === steps, `scanned inputs are ${steps} long, not ${formatShape(value.shape)}`)
      })
      require(body.outputs.length >= states, `the body gives ${states} next states, not ${body.outputs.length}`)
      body.outputs.slice(0, states).forEach(({ value }, i) => {
        const state = values[i]!
        require(value.dtype === state.dtype, `state ${i} is ${state.dtype}, and the next one ${value.dtype}`)
        requireSameShape(value.shape, state.shape, `state ${i} keeps its shape`)
      })
      return body.outputs.map(({ value }, i) => ({
        dtype: value.dtype,
        shape: i < states ? value.shape : [steps, ...value.shape],
      }))
    },
    gradient: null,
  },
}
