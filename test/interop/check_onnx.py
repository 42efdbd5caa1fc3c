"""What Python's onnx says of model files: `python check_onnx.py FILE…`, with its own shape inference.

Prints JSON: for every file the error, or null where there is none.
"""

import json
import sys

import onnx


def check(path):
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:
        return str(error)


def main():
    print(json.dumps({path: check(path) for path in sys.argv[1:]}))


if __name__ == '__main__':
    main()
