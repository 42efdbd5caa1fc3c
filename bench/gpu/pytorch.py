"""PyTorch's side of bench/gpu/run.js: eager steps of a BERT tagger with fused AdamW, fp32 (TF32 products), or autocast to
fp16 with a GradScaler, or to bf16. Says {"ready": true}; each line read is a number of steps, answered with {"ms"} of one."""

import argparse
import json
import sys
import time

import torch
from transformers import BertConfig, BertForTokenClassification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--device', default='cuda')
parser.add_argument('--precision', choices=['fp32', 'fp16', 'bf16'], default='fp32')
for name, default in {'layers': 12, 'hidden': 768, 'heads': 12, 'batch': 32, 'sequence': 128, 'vocabulary': 30522}.items():
    parser.add_argument(f'--{name}', type=int, default=default)
args = parser.parse_args()

torch.set_float32_matmul_precision('high')
device = torch.device(args.device)
sizes = BertConfig(
    vocab_size=args.vocabulary,
    hidden_size=args.hidden,
    num_hidden_layers=args.layers,
    num_attention_heads=args.heads,
    intermediate_size=4 * args.hidden,
    num_labels=9,
)
model = BertForTokenClassification(sizes).to(device).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
scaler = torch.amp.GradScaler(args.device, enabled=args.precision == 'fp16')
half = {'fp32': None, 'fp16': torch.float16, 'bf16': torch.bfloat16}[args.precision]
shape = (args.batch, args.sequence)
batches = [
    {
        'input_ids': torch.randint(0, args.vocabulary, shape, device=device),
        'attention_mask': torch.ones(shape, dtype=torch.long, device=device),
        'labels': torch.randint(0, 9, shape, device=device),
    }
    for _ in range(4)
]


def synchronise():
    if args.device != 'cpu':
        torch.cuda.synchronize()


def run(steps):
    synchronise()
    began = time.perf_counter()
    for step in range(steps):
        with torch.autocast(args.device, dtype=half, enabled=half is not None):
            loss = model(**batches[step % 4]).loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    synchronise()
    return 1000 * (time.perf_counter() - began) / steps


print(json.dumps({'ready': True}), flush=True)
for line in sys.stdin:
    print(json.dumps({'ms': run(int(line))}), flush=True)
