"""PyTorch's side of `npm run bench -- train`: eager training steps of a BERT-shaped token classifier.

    python step.py [--layers 6 --hidden 384 --heads 12 --batch 32 --seq 128 --labels 9 --threads 2] [--no-dropout]
                   [--steps N --warmup K] [--interactive]

The model is built from a config, with random weights and full-length random batches, in fp32: nothing is downloaded.
A step is what a fine-tuning script does: forward, loss, backward, clipping at 1.0, fused AdamW, linear schedule.

Without --interactive: one JSON line {"median_ms", "times_ms", "peak_rss_mb"} after N timed steps.
With it: {"ready": true} after the K untimed steps; then each line read is a number of steps to run (empty: 1), and is
answered with such a JSON line, so that a runner can take turns with another program. It ends with its input.

Let nothing else run meanwhile: PyTorch's threads spin while they wait for each other, and where they share their cores
a step was seen to take six times as long. GOMP_SPINCOUNT=0 makes that milder.
"""

import argparse
import itertools
import json
import resource
import statistics
import sys
import time

import torch
from transformers import BertConfig, BertForTokenClassification, get_linear_schedule_with_warmup


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {'layers': 6, 'hidden': 384, 'heads': 12, 'batch': 32, 'seq': 128, 'labels': 9, 'vocab': 30522}
    for name, default in {**sizes, 'threads': 2, 'steps': 10, 'warmup': 3}.items():
        parser.add_argument(f'--{name}', type=int, default=default)
    parser.add_argument('--no-dropout', action='store_true')
    parser.add_argument('--interactive', action='store_true')
    return parser.parse_args()


def make_step(sizes):
    """A function that trains one step on the next of four batches and returns its wall time in milliseconds."""
    dropout = 0.0 if sizes.no_dropout else 0.1
    config = BertConfig(
        vocab_size=sizes.vocab,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=4 * sizes.hidden,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        num_labels=sizes.labels,
    )
    model = BertForTokenClassification(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, 100, 10_000)
    shape = (sizes.batch, sizes.seq)
    batches = [
        {
            'input_ids': torch.randint(0, sizes.vocab, shape),
            'attention_mask': torch.ones(shape, dtype=torch.long),
            'labels': torch.randint(0, sizes.labels, shape),
        }
        for _ in range(4)
    ]

    upcoming = itertools.cycle(batches)

    def step():
        start = time.perf_counter()
        loss = model(**next(upcoming)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        loss.item()
        return 1000 * (time.perf_counter() - start)

    return step


def answer(value):
    print(json.dumps(value), flush=True)


def timed(step, steps):
    times = [step() for _ in range(steps)]
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
    return {'median_ms': statistics.median(times), 'times_ms': times, 'peak_rss_mb': peak / 2**20}


def main():
    options = arguments()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    step = make_step(options)
    for _ in range(options.warmup):
        step()
    if not options.interactive:
        return answer(timed(step, options.steps))
    answer({'ready': True})
    for line in sys.stdin:
        answer(timed(step, int(line.strip() or 1)))


if __name__ == '__main__':
    main()
