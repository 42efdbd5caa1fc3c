import { NerError } from '../../errors.js'
import { parsed } from './errors.js'
import { spansOut } from './offsets.js'
import { answerAll, type Asker, type Service } from './requests.js'
import { inferRequest, type InferRequest } from './schemas.js'

/*
 * The Open Inference Protocol, version 2, with its extension for binary tensors, as KServe's and Triton's clients speak it:
 * https://github.com/kserve/open-inference-protocol and Triton's docs/protocol/extension_binary_data.md.
 *
 * The model takes BYTES `text`, one text an element, and gives BYTES `entities`, a JSON list for each.
 */

export const inputName = 'text'
export const outputName = 'entities'

/** The header that says how long the JSON before binary tensors is. */
export const lengthHeader = 'inference-header-content-length'

export interface InferAnswer {
  readonly body: Buffer
  /** Length of the JSON in the body, where tensors follow it. */
  readonly jsonLength?: number
}

export const modelMetadata = (name: string, version: string) => ({
  name,
  versions: [version],
  platform: 'ner_onnx',
  inputs: [{ name: inputName, datatype: 'BYTES', shape: [-1] }],
  outputs: [{ name: outputName, datatype: 'BYTES', shape: [-1] }],
})

/** `POST /v2/models/NAME/infer`. `jsonLength` is what the request's header says. */
export async function answerInfer(
  service: Service,
  body: Buffer,
  jsonLength: number | undefined,
  asker: Asker,
): Promise<InferAnswer> {
  const json = body.subarray(0, jsonLength ?? body.length)
  const request = parsed(inferRequest, jsonOf(json))
  const texts = textsOf(request, body.subarray(json.length))
  const { version } = service.recognizer
  const answers = await answerAll(
    service,
    texts.map((text) => ({ text })),
    asker,
  )
  const entities = answers.map(({ spans }, i) =>
    JSON.stringify(
      spansOut(
        texts[i]!,
        spans.map((span) => ({ ...span, text: texts[i]!.slice(span.start, span.end) })),
        'code_point',
      ),
    ),
  )
  const shape = request.inputs[0]!.shape
  const output = { name: outputName, datatype: 'BYTES', shape }
  const head = {
    model_name: service.name,
    model_version: version,
    ...(request.id !== undefined && { id: request.id }),
  }
  if (!wantsBinary(request)) {
    return { body: Buffer.from(JSON.stringify({ ...head, outputs: [{ ...output, data: entities }] })) }
  }
  const tensor = Buffer.concat(entities.map(withLength))
  const parameters = { binary_data_size: tensor.length }
  const start = Buffer.from(JSON.stringify({ ...head, outputs: [{ ...output, parameters }] }))
  return { body: Buffer.concat([start, tensor]), jsonLength: start.length }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw malformed('The request is not JSON.', cause)
  }
}

const malformed = (what: string, cause?: unknown) =>
  new NerError('serve/bad-request', what, {
    mend: `Send the BYTES input “${inputName}” as the Open Inference Protocol, version 2, has it.`,
    cause,
  })

function textsOf({ inputs }: InferRequest, binary: Buffer): string[] {
  const [input] = inputs
  const size = input!.parameters?.['binary_data_size']
  const texts = size === undefined ? input!.data : binaryTexts(binary, size)
  if (texts === undefined) throw malformed('The input holds no texts.')
  if (texts.length !== input!.shape.reduce((product, size) => product * size, 1)) {
    throw malformed(`The input has ${texts.length} texts, and its shape ${JSON.stringify(input!.shape)}.`)
  }
  return texts
}

/** Elements of a BYTES tensor: each a length, 4 bytes with the lowest first, and so many bytes. */
function binaryTexts(binary: Buffer, size: unknown): string[] {
  if (size !== binary.length) throw malformed(`binary_data_size is ${String(size)}, and ${binary.length} bytes follow.`)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const texts: string[] = []
  for (let at = 0; at < binary.length;) {
    const length = at + 4 <= binary.length ? binary.readUInt32LE(at) : Infinity
    if (at + 4 + length > binary.length) throw malformed('The binary input is cut short.')
    try {
      texts.push(decoder.decode(binary.subarray(at + 4, at + 4 + length)))
    } catch (cause) {
      throw malformed('The binary input is not UTF-8.', cause)
    }
    at += 4 + length
  }
  return texts
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Whether the client asks for the output as bytes: by name, or for all outputs. */
function wantsBinary({ outputs, parameters }: InferRequest): boolean {
  const named = outputs?.find(({ name }) => name === outputName)
  return (named?.parameters?.['binary_data'] ?? parameters?.['binary_data_output']) === true
}
