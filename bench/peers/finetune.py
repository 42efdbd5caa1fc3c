"""Runs a fine-tuning script that loads its model with `from_pretrained` in float32, whatever the checkpoint holds.

    python finetune.py SCRIPT ARGUMENT...

transformers 5 loads a checkpoint in the type it was saved in, transformers 4 in float32. A script written for 4 that
starts from an fp16 checkpoint would silently train in fp16, which PyTorch does many times slower on a CPU, and worse:
no peer to race.
"""

import functools
import runpy
import sys

import torch
from transformers import AutoModelForTokenClassification


def main():
    load = AutoModelForTokenClassification.from_pretrained
    AutoModelForTokenClassification.from_pretrained = functools.partial(load, dtype=torch.float32)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
