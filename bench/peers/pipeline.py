"""Python's side of `npm run bench -- predict`: transformers' token-classification pipeline on the CPU.

    python pipeline.py MODEL_DIR [--threads 2]

Prints {"ready": true}; then each line read is {"texts": ["…"], "batch_size": 32} and is answered with a JSON line
{"seconds", "entities", "latencies_ms", "peak_rss_mb"}. With a batch_size of 1 the texts are given one at a time, each
call timed in latencies_ms; otherwise in one call, and latencies_ms is empty. It ends with its input.
"""

import argparse
import json
import resource
import sys
import time

import torch
from transformers import pipeline


def answer(value):
    print(json.dumps(value), flush=True)


def one_at_a_time(tagger, texts):
    entities, latencies = 0, []
    for text in texts:
        start = time.perf_counter()
        entities += len(tagger(text))
        latencies.append(1000 * (time.perf_counter() - start))
    return entities, latencies


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--threads', type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tagger = pipeline(
        'token-classification',
        model=options.model,
        aggregation_strategy='simple',
        device='cpu',
        # Not the type the folder was saved in: fp16 is many times slower on a CPU.
        dtype=torch.float32,
    )
    tagger('The first call pays for what is set up late.')
    answer({'ready': True})
    for line in sys.stdin:
        request = json.loads(line)
        texts, batch_size = request['texts'], request.get('batch_size', 32)
        start = time.perf_counter()
        if batch_size == 1:
            entities, latencies = one_at_a_time(tagger, texts)
        else:
            entities, latencies = sum(map(len, tagger(texts, batch_size=batch_size))), []
        seconds = time.perf_counter() - start
        # ru_maxrss is in KiB on Linux and in bytes on macOS.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
        answer({'seconds': seconds, 'entities': entities, 'latencies_ms': latencies, 'peak_rss_mb': peak / 2**20})


if __name__ == '__main__':
    main()
