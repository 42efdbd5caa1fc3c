/**
 * Every message a user can cause has a code, and says what is wrong, where, and how to mend it.
 * Codes are grouped by the folder that raises them; a code never changes its meaning once released.
 */
export const codes = {
  // usage
  'usage/bad-flag': 'A flag or argument of the command line is wrong.',
  'usage/bad-option': 'An option is wrong, or does not go with what it is given for.',
  'config/unknown-key': 'The configuration has a key that does not exist.',
  'config/bad-value': 'A value of the configuration has the wrong type or is out of range.',
  // files
  'file/unreadable': 'A file or folder cannot be read.',
  'file/too-large': 'A file unpacks to more than is taken.',
  'file/unwritable': 'A file or folder cannot be written.',
  'file/disk-full': 'The disk is full.',
  'output/occupied': 'The output folder holds another run.',
  'output/locked': 'Another run is writing the output folder.',
  // data
  'data/empty': 'A data file holds no usable rows.',
  'data/bad-row': 'A row of a data file is malformed.',
  'data/unknown-format': 'The format of a data file is not recognised.',
  'data/unknown-scheme': 'The tags follow no known scheme.',
  'data/ambiguous-scheme': 'The tags fit several schemes that mean different spans.',
  'data/too-many-labels': 'The training data has more labels than a model takes.',
  'data/unseen-label': 'A label of the dev or test data is not in the training data.',
  'data/misaligned-span': 'A span cuts a word.',
  'data/bad-offset': 'A span lies outside its text or inside a surrogate pair.',
  // agreement
  'agreement/one-annotator': 'There is only one annotator.',
  'agreement/no-overlap': 'The annotators share no document.',
  'agreement/different-text': 'Annotators have different texts for one document.',
  'agreement/different-tokens': 'Annotators divide one text into different words.',
  'agreement/undefined': 'A measure of agreement is undefined: everything has one label.',
  'agreement/bad-decision': 'A decision of an adjudicator fits no disagreement.',
  // weak supervision
  'weak/no-votes': 'No layer of the documents holds votes.',
  'weak/no-checked': 'The checked set has no labels.',
  'weak/bad-model': 'The file of a label model is malformed, or of another version.',
  'weak/different-votes': 'Votes are of other functions or types than those of the label model or the checked set.',
  'weak/not-finite': 'A label model has no finite likelihood.',
  'weak/bad-pattern': 'A regular expression cannot be run.',
  'weak/bad-token-pattern': 'A token pattern is malformed.',
  'weak/bad-entry': 'A knowledge base lacks a column, or a row of it is malformed.',
  'weak/function-failed': 'A labelling function failed.',
  'weak/unproduced-type':
    'A configuration names a type that no function produces, or a function one that is not named.',
  // models
  'model/missing-file': 'A model folder lacks a file.',
  'model/mixed': 'The files of a model folder are not of one model.',
  'model/bad-config': 'A model configuration is malformed.',
  'model/unknown-type': 'The encoder architecture is not supported.',
  'model/missing-weight': 'The weights lack a tensor.',
  'model/misshapen-weight': 'A tensor of the weights has the wrong shape or type.',
  'model/extra-weight': 'The weights hold a tensor the model does not have.',
  'model/corrupt-weights': 'The weights file is damaged.',
  'model/other-graph': 'A graph and the folder that it lies in are of two models.',
  'model/not-finite': 'A model gives scores that are no numbers.',
  'model/in-sample': 'The model has been trained on the data it should judge.',
  'model/tokenizer': 'The tokenizer cannot be loaded or does not suit the model.',
  // hub
  'hub/not-found': 'The hub has no model or revision of that name.',
  'hub/unreachable': 'The hub cannot be reached.',
  'hub/refused': 'The hub refuses: a token is wrong, or it lacks the right.',
  'hub/cut-short': 'A download was cut short.',
  'hub/checksum': 'A downloaded file is not the one that the hub announces.',
  'hub/not-cached': 'Offline, and a model is not in the cache.',
  'hub/unusable': 'A model on the hub has its files in a form that is not read.',
  // graph and runtime
  'graph/invalid': 'A graph breaks a rule of its operators.',
  'graph/corrupt': 'An ONNX file is damaged or not supported.',
  'graph/external-data': 'An ONNX file refers to data that is not safe to read.',
  'graph/old-opset': 'An operator of a graph is not in the opset asked for.',
  'runtime/no-device': 'The device asked for is not there.',
  'runtime/failed': 'The engine failed.',
  'runtime/out-of-memory': 'The device has too little memory.',
  // training
  'training/not-finite': 'The loss is not a number.',
  'training/overflow': 'fp16 overflows at every loss scale.',
  'training/no-checkpoint': 'There is no checkpoint to resume from.',
  'training/corrupt-checkpoint': 'A checkpoint is damaged.',
  'training/different-run': 'A checkpoint belongs to another configuration or other data.',
  // compression
  'quantize/already': 'A model is quantized already.',
  // export
  'export/not-tensorrt': 'TensorRT does not take a node of a graph.',
  'export/not-transformers-js': 'transformers.js cannot load a tokenizer.',
  // distillation
  'compress/unlike-models': 'Teachers and student differ where they must be alike.',
  // serving
  'serve/bad-request': 'A request is malformed.',
  'serve/unauthorized': 'A request has no token, or a wrong one.',
  'serve/not-found': 'The server has no such address or model.',
  'serve/wrong-method': 'An address of the server does not take the method of a request.',
  'serve/slow-request': 'A client has not sent its request in time.',
  'serve/long-head': 'The address and headers of a request are longer than the server takes.',
  'serve/too-large': 'A request or text is larger than the server takes.',
  'serve/unsupported-type': 'A request is of a content type that is not read.',
  'serve/overloaded': 'More waits than the server takes.',
  'serve/not-ready': 'The server is starting, or stopping.',
  'serve/deadline': 'A text was not answered within its deadline.',
  'serve/engine-hung': 'An engine has not answered in time, and was replaced.',
  'serve/engine-lost': 'An engine has stopped, and is started again.',
  'serve/bad-list': 'A list or overrides of a server cannot be read; those read before are kept.',
  'serve/port-taken': 'The address that the server should listen on is taken or not allowed.',
} as const

export type ErrorCode = keyof typeof codes

/**
 * An error the user can mend. The command line prints it without a stack and exits with 2.
 *
 * Texts name an option of the library in backticks, `skip-bad`; the command line says its flag there, --skip-bad.
 */
export class NerError extends Error {
  override readonly name = 'NerError'
  constructor(
    readonly code: ErrorCode,
    /** What is wrong, in one sentence. */
    readonly what: string,
    readonly detail: {
      /** File, line, node, key: the place to look. */
      readonly where?: string
      /** What the user can do about it. */
      readonly mend?: string
      readonly cause?: unknown
    } = {},
  ) {
    super(
      [`${what} [${code}]`, detail.where && `  where: ${detail.where}`, detail.mend && `  mend:  ${detail.mend}`]
        .filter(Boolean)
        .join('\n'),
      { cause: detail.cause },
    )
  }
}
