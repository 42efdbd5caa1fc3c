"""Python's side of `npm run bench -- quantize`: ONNX Runtime's own dynamic quantization of the same file.

    python quantize.py MODEL.onnx OUT.onnx [--reduce-range]

Prints {"ready": true} when OUT.onnx is there, and ends with its input.
"""

import argparse
import json
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('out')
    parser.add_argument('--reduce-range', action='store_true')
    options = parser.parse_args()
    quantize_dynamic(
        options.model,
        options.out,
        op_types_to_quantize=['MatMul'],
        per_channel=True,
        reduce_range=options.reduce_range,
        weight_type=QuantType.QInt8,
    )
    print(json.dumps({'ready': True}), flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
