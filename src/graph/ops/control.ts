import { formatShape } from '../dims.js'
import { input, require, requireSameShape, type Rules } from './rule.js'

export const control: Rules<'Scan' | 'Loop'> = {
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

  // The body runs as often as the first input says; a condition (the second) to stop before is not taken. The body's inputs
  // are the iteration's number, the condition, the states, and what every iteration reads as it is; its outputs are
  // the condition, the next states, and what is stacked along a new first axis, as long as there are iterations.
  Loop: {
    infer: (inputs, { body, captures }) => {
      const count = input(inputs, 0)
      require(count.dtype === 'int64' && count.content?.length === 1, 'the number of iterations is a known dimension')
      require(inputs[1] === undefined, 'the number of iterations alone ends it')
      const values = inputs.slice(2).map((_, index) => input(inputs, index + 2))
      require(body.inputs.length ===
        values.length + 2, `the body takes ${body.inputs.length} inputs, not ${values.length + 2}`)
      const [iteration, going, ...taken] = body.inputs
      require(iteration!.dtype === 'int64' &&
        iteration!.shape.length === 0, "the body's first input is an int64 scalar")
      require(going!.dtype === 'bool' && body.outputs[0]?.value === going, 'the condition is handed on as it is')
      values.forEach(({ dtype, shape }, i) => {
        require(dtype === taken[i]!.dtype, `input ${i + 2} is ${dtype}, and the body takes ${taken[i]!.dtype}`)
        requireSameShape(shape, taken[i]!.shape, `input ${i + 2} is what the body takes`)
      })
      const states = values.length - captures
      const given = body.outputs.slice(1).map(({ value }) => value)
      require(states >= 0 && given.length >= states, `the body gives ${states} next states, not ${given.length}`)
      return given.map(({ dtype, shape }, i) => {
        if (i >= states) return { dtype, shape: [count.content![0]!, ...shape] }
        require(dtype === values[i]!.dtype, `state ${i} is ${values[i]!.dtype}, and the next one ${dtype}`)
        requireSameShape(shape, values[i]!.shape, `state ${i} keeps its shape`)
        return { dtype, shape }
      })
    },
    gradient: null,
  },
}
