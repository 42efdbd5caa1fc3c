// The package is CommonJS: its only name is the default export.
import proto from 'onnx-proto'

export import onnx = proto.onnx
