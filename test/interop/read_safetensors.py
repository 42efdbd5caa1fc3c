"""What Python's safetensors library makes of a file: `python read_safetensors.py FILE`.

Prints JSON: the metadata, and every tensor by name with its shape, its dtype and its elements.
"""

import json
import sys

from safetensors import safe_open


def main():
    with safe_open(sys.argv[1], framework='np') as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        described = {
            name: {'shape': list(tensor.shape), 'dtype': str(tensor.dtype), 'data': tensor.flatten().tolist()}
            for name, tensor in tensors.items()
        }
        print(json.dumps({'metadata': file.metadata(), 'tensors': described}))


if __name__ == '__main__':
    main()
