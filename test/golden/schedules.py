"""Makes schedules.json with transformers: `python schedules.py` rewrites it.

The factor on the learning rate at every step of get_linear_, get_cosine_ and get_constant_schedule_with_warmup, for a
few numbers of steps and of warm-up steps: none, one, some, all but one.
"""

import json
from pathlib import Path

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

SCHEDULES = {
    'linear': get_linear_schedule_with_warmup,
    'cosine': get_cosine_schedule_with_warmup,
    'constant': lambda optimizer, warmup, steps: get_constant_schedule_with_warmup(optimizer, warmup),
}


def factors(make, steps, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, warmup, steps)
    values = []
    for _ in range(steps):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


def main():
    cases = [
        {'schedule': name, 'steps': steps, 'warmup': warmup, 'factors': factors(make, steps, warmup)}
        for name, make in SCHEDULES.items()
        for steps, warmup in [(1, 0), (7, 0), (7, 1), (12, 4), (7, 6)]
    ]
    lines = ',\n'.join(json.dumps(case) for case in cases)
    Path(__file__).with_name('schedules.json').write_text(f'[\n{lines}\n]\n', encoding='utf8')


if __name__ == '__main__':
    main()
