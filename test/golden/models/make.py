"""Makes the goldens of this folder with PyTorch and transformers: `python make.py` rewrites all of them.

Everything is seeded and runs on one thread. Weights are float32 as in the files; the reference values are computed from
them in float64 and written with the nine digits that hold a float32, so that a test measures our own rounding and not
PyTorch's as well. The script itself asserts that PyTorch in float32 stays far inside the tests' tolerances.

tiny-bert/              a random BERT token classifier, a Hugging Face folder. Weights are larger than a fresh
                        initialisation's, so that attention is not uniform and no term vanishes.
logits.json             logits at every piece of a batch with ragged padding. Compare real positions only.
gradients.json          loss and global gradient norm: the mean over words of the cross entropy at first pieces
gradients.safetensors   the gradient of every parameter, by name
curve-adamw.json        20 steps of AdamW under three ways of decay: losses, gradient norms, final values
curve-crf.json          20 steps with a CRF head and a learning rate for each of encoder, head and CRF
crf.json                a linear-chain CRF, checked here against an enumeration of all paths; free and under IOB2
losses.json             cross entropy with soft targets, label smoothing and class weights, and its gradients
half.json               what half-float16.safetensors and half-bfloat16.safetensors hold, as float32

Batches have the names and shapes of `Batch` in src/features/batch.ts.

In the curves' batches every vocabulary row and every position 0..15 occurs in every batch, so that an optimizer that
updates only the rows a batch touches does exactly what the dense one does. Rows that no batch touches (positions 16 and
up, token type 1) and the padding row have no gradient: the dense optimizer decays them, a sparse one may not, and
the losses cannot tell. A key's bias has none either, softmax does not see it; what is not zero there is rounding.
"""

import copy
import itertools
import json
import math
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForTokenClassification, get_linear_schedule_with_warmup

HERE = Path(__file__).parent
LABELS = ['O', 'B-X', 'I-X', 'B-Y', 'I-Y']
VOCABULARY, PAD, CLS, SEP = 48, 0, 2, 3
STEPS, WARMUP = 20, 2


# --------------------------------------------------------------------------------------------------------------- files


def plain(value):
    """Tensors as nested lists, floats with the nine significant digits that hold a float32."""
    if isinstance(value, torch.Tensor):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f'{value:.9g}') if math.isfinite(value) else {math.inf: 'Infinity', -math.inf: '-Infinity'}.get(
            value, 'NaN'
        )
    return value


def write(name, value):
    """JSON with one line for each of the two outer levels: small, and a change shows in a diff."""

    def lines(item, depth):
        if not isinstance(item, dict) or depth == 3:
            return json.dumps(item, separators=(',', ':'))
        pad = '  ' * (depth + 1)
        body = ',\n'.join(f'{pad}{json.dumps(key)}: {lines(entry, depth + 1)}' for key, entry in item.items())
        return f'{{\n{body}\n{"  " * depth}}}'

    (HERE / name).write_text(lines(plain(value), 0) + '\n', encoding='utf8')


# ------------------------------------------------------------------------------------------------------ model, batches


def tiny_bert():
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
        type_vocab_size=2,
        hidden_act='gelu',
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-12,
        pad_token_id=PAD,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        attn_implementation='eager',
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, 0.2)
            if name.endswith('LayerNorm.weight'):
                parameter.add_(1.0)
            elif 'embeddings' in name and 'LayerNorm' not in name:
                parameter.mul_(3.0)
    return model.eval()


def make_batch(draw, lengths, cover, vocabulary=VOCABULARY):
    """Sentences of the given lengths in pieces, [CLS] and [SEP] included; each word is one to three pieces.
    With `cover`, every vocabulary row occurs (the padding row as padding)."""
    sequence = max(lengths)
    slots = sum(lengths) - 2 * len(lengths)
    ordinary = [piece for piece in range(vocabulary) if piece not in (PAD, CLS, SEP)]
    pieces = [draw.choice(ordinary) for _ in range(slots - len(ordinary) if cover else slots)]
    pieces = pieces + ordinary if cover else pieces
    draw.shuffle(pieces)

    rows, firsts = [], []
    for sentence, length in enumerate(lengths):
        body = [pieces.pop() for _ in range(length - 2)]
        rows.append([CLS, *body, SEP] + [PAD] * (sequence - length))
        first = [position for position in range(1, length - 1) if position == 1 or draw.random() < 0.7]
        firsts.append([sentence * sequence + position for position in first])
    if cover:
        assert {piece for row in rows for piece in row} | {PAD} == {1, *range(VOCABULARY)}
        assert min(lengths) < sequence == 16

    words = max(map(len, firsts))
    pad = lambda row: row + [0] * (words - len(row))
    return {
        'inputIds': rows,
        'attentionMask': [[1] * length + [0] * (sequence - length) for length in lengths],
        'wordIndex': [pad(first) for first in firsts],
        'lengths': [len(first) for first in firsts],
        'tags': [pad(random_tags(draw, len(first))) for first in firsts],
    }


def random_tags(draw, length):
    """Tags that are legal IOB2, so that every loss is finite under the scheme's constraints."""
    tags = []
    for _ in range(length):
        legal = [to for to in range(len(LABELS)) if (LEGAL[tags[-1]][to] if tags else LEGAL_START[to])]
        tags.append(draw.choice(legal))
    return tags


def word_mask(batch):
    return torch.arange(len(batch['wordIndex'][0])) < torch.tensor(batch['lengths'])[:, None]


def logits_of(model, batch):
    return model(
        input_ids=torch.tensor(batch['inputIds']), attention_mask=torch.tensor(batch['attentionMask'])
    ).logits


def word_logits(model, batch):
    """[sentences, words, labels], read off each word's first piece."""
    return logits_of(model, batch).flatten(0, 1)[torch.tensor(batch['wordIndex'])]


def word_loss(model, batch):
    """As transformers computes it: -100 on every piece that is not a word's first."""
    labels = torch.full((len(batch['inputIds']), len(batch['inputIds'][0])), -100)
    mask = word_mask(batch)
    labels.view(-1)[torch.tensor(batch['wordIndex'])[mask]] = torch.tensor(batch['tags'])[mask]
    return model(
        input_ids=torch.tensor(batch['inputIds']), attention_mask=torch.tensor(batch['attentionMask']), labels=labels
    ).loss


# ----------------------------------------------------------------------------------------------------------------- CRF

# IOB2: I-T follows B-T or I-T and nothing else. LEGAL[from][to].
LEGAL = [[not to.startswith('I') or frm[2:] == to[2:] for to in LABELS] for frm in LABELS]
LEGAL_START = [not to.startswith('I') for to in LABELS]


def crf_score(crf, emissions, path):
    """start[y1] + Σ emissions[t, yt] + Σ transitions[yt-1, yt] + end[yn], of one sentence."""
    score = crf['start'][path[0]] + crf['end'][path[-1]]
    score = score + sum(emissions[t, tag] for t, tag in enumerate(path))
    return score + sum(crf['transitions'][a, b] for a, b in itertools.pairwise(path))


def crf_log_partition(crf, emissions):
    """The forward algorithm in log space: alpha[to] = emission[to] + logsumexp over from of alpha + transitions."""
    alpha = crf['start'] + emissions[0]
    for emission in emissions[1:]:
        alpha = emission + torch.logsumexp(alpha[:, None] + crf['transitions'], dim=0)
    return torch.logsumexp(alpha + crf['end'], dim=0)


def crf_loss(crf, emissions, lengths, tags):
    """The mean over sentences of -log p(tags)."""
    losses = [
        crf_log_partition(crf, emissions[i, :length]) - crf_score(crf, emissions[i], tags[i][:length])
        for i, length in enumerate(lengths)
    ]
    return torch.stack(losses).mean()


def enumerate_paths(crf, emissions):
    """log partition, best path, token marginals and pair marginals of one sentence, from the list of all its paths."""
    length, labels = emissions.shape
    paths = torch.cartesian_prod(*[torch.arange(labels)] * length).view(-1, length)
    scores = crf['start'][paths[:, 0]] + crf['end'][paths[:, -1]] + emissions[torch.arange(length), paths].sum(1)
    scores = scores + crf['transitions'][paths[:, :-1], paths[:, 1:]].sum(1)
    log_partition = torch.logsumexp(scores, dim=0)
    p = torch.exp(scores - log_partition)
    marginals = torch.stack([torch.zeros(labels).double().index_add(0, paths[:, t], p) for t in range(length)])
    runner_up, best = scores.topk(2).values.flip(0)
    assert best - runner_up > 1e-3, 'the best path must be clear, or rounding decides it'
    return log_partition, paths[scores.argmax()].tolist(), marginals


def constrained(crf):
    """Illegal transitions and starts score minus infinity."""
    return {
        'start': crf['start'].masked_fill(~torch.tensor(LEGAL_START), -math.inf),
        'transitions': crf['transitions'].masked_fill(~torch.tensor(LEGAL), -math.inf),
        'end': crf['end'],
    }


def crf_golden(crf, emissions, lengths, tags, constrain):
    leaves = {name: value.clone().requires_grad_() for name, value in {'emissions': emissions, **crf}.items()}
    potentials = constrain({name: leaves[name] for name in crf})
    loss = crf_loss(potentials, leaves['emissions'], lengths, tags)
    loss.backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves.values())

    log_partitions, paths, marginals = [], [], torch.zeros_like(emissions)
    expected_gradient = torch.zeros_like(emissions)
    for i, length in enumerate(lengths):
        log_partition, path, marginal = enumerate_paths(constrain(crf), emissions[i, :length])
        assert abs(log_partition - crf_log_partition(constrain(crf), emissions[i, :length])) < 1e-12
        log_partitions.append(log_partition)
        paths.append(path + [0] * (emissions.shape[1] - length))
        marginals[i, :length] = marginal
        # The closed form: marginals minus gold counts.
        expected_gradient[i, :length] = marginal
        expected_gradient[i, torch.arange(length), torch.tensor(tags[i][:length])] -= 1
    assert torch.allclose(leaves['emissions'].grad, expected_gradient / len(lengths), atol=1e-12)
    scores = [crf_score(constrain(crf), emissions[i], tags[i][:length]) for i, length in enumerate(lengths)]
    return {
        'tags': tags,
        'logPartition': torch.stack(log_partitions),
        'goldScore': torch.stack(scores),
        'loss': loss.detach(),
        'gradients': {name: leaf.grad for name, leaf in leaves.items()},
        'viterbi': paths,
        'marginals': marginals,
    }


def write_crf(draw):
    lengths, words, labels = [7, 4, 1, 5], 7, len(LABELS)
    # Rounded to float32 first: the file must hold the very numbers the reference saw. Padding is not zero on purpose.
    emissions = (1.5 * torch.randn(4, words, labels)).double()
    crf = {
        'transitions': torch.randn(labels, labels).double(),
        'start': torch.randn(labels).double(),
        'end': torch.randn(labels).double(),
    }
    any_tags = [[draw.randrange(labels) for _ in range(n)] + [0] * (words - n) for n in lengths]
    legal_tags = [random_tags(draw, n) + [0] * (words - n) for n in lengths]
    free = crf_golden(crf, emissions, lengths, any_tags, lambda potentials: potentials)
    iob2 = crf_golden(crf, emissions, lengths, legal_tags, constrained)
    assert free['viterbi'] != iob2['viterbi'], 'the constraint must matter'
    write(
        'crf.json',
        {
            'labels': LABELS,
            'lengths': lengths,
            'emissions': emissions,
            **crf,
            'legal': {'transitions': LEGAL, 'start': LEGAL_START},
            'free': free,
            'iob2': iob2,
        },
    )


# -------------------------------------------------------------------------------------------------------------- curves


def decays(name):
    return not name.endswith('bias') and 'LayerNorm' not in name


def train(groups, loss_of, batches):
    """20 steps of AdamW: clipping at 1.0 over all parameters together, linear schedule with warm-up from 0.
    `groups` are torch's parameter groups. Returns losses, gradient norms before clipping, schedule factors."""
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    parameters = [parameter for group in groups for parameter in group['params']]
    losses, norms, factors = [], [], []
    for step in range(STEPS):
        factors.append(schedule.get_last_lr()[0] / schedule.base_lrs[0])
        optimizer.zero_grad()
        loss = loss_of(batches[step % len(batches)])
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    return losses, norms, factors


def some_parameters(model):
    """Small tensors whole; of the embeddings a few rows that every batch touches."""
    state = model.state_dict()
    names = ['classifier.bias', 'bert.embeddings.LayerNorm.weight', 'bert.encoder.layer.0.attention.self.query.bias']
    names += ['bert.encoder.layer.0.attention.output.LayerNorm.bias', 'bert.encoder.layer.1.output.LayerNorm.weight']
    rows = {
        'bert.embeddings.word_embeddings.weight': [2, 11, 47],
        'bert.embeddings.position_embeddings.weight': [0, 15],
        'bert.embeddings.token_type_embeddings.weight': [0],
        'classifier.weight': [0, 4],
    }
    return {
        'final': {name: state[name] for name in names},
        'finalRows': {name: {str(row): state[name][row] for row in chosen} for name, chosen in rows.items()},
    }


def agree(name, float64, float32):
    """PyTorch's own float32 curve must be far closer to the reference than the 1e-3 a test allows."""
    worst = max(abs(a - b) / abs(a) for a, b in zip(float64, float32, strict=True))
    print(f'{name}: float32 within {worst:.1e} relative of float64; {float64[0]:.4f} → {float64[-1]:.4f}')
    assert worst < 1e-4


def parameter_groups(named, rate, decay, decayed=decays):
    return [
        {'params': [p for n, p in named if decayed(n)], 'lr': rate, 'weight_decay': decay},
        {'params': [p for n, p in named if not decayed(n)], 'lr': rate, 'weight_decay': 0.0},
    ]


def write_adamw_curve(tiny, batches):
    # The usual decay of 0.01 moves these losses less than a test's tolerance; the strong one shows in them.
    variants = {
        'decayAll': {'weightDecay': 0.01, 'decayed': lambda name: True},
        'decayWeights': {'weightDecay': 0.01, 'decayed': decays},
        'decayStrong': {'weightDecay': 10.0, 'decayed': decays},
    }

    def run(model, variant):
        groups = parameter_groups(list(model.named_parameters()), 1e-3, variant['weightDecay'], variant['decayed'])
        losses, norms, factors = train(
            [group for group in groups if group['params']], lambda batch: word_loss(model, batch), batches
        )
        return {
            'weightDecay': variant['weightDecay'],
            'noDecay': [name for name, _ in tiny.named_parameters() if not variant['decayed'](name)],
            'losses': losses,
            'gradientNorms': norms,
            'scheduleFactors': factors,
            **some_parameters(model),
        }

    runs = {}
    for name, variant in variants.items():
        runs[name] = run(copy.deepcopy(tiny).double(), variant)
        agree(name, runs[name]['losses'], run(copy.deepcopy(tiny), variant)['losses'])
    weak, strong = runs['decayWeights']['losses'][-1], runs['decayStrong']['losses'][-1]
    assert abs(strong / weak - 1) > 1e-2
    optimizer = {'learningRate': 1e-3, 'betas': [0.9, 0.999], 'epsilon': 1e-8, 'clip': 1.0}
    write(
        'curve-adamw.json',
        {'optimizer': {**optimizer, 'steps': STEPS, 'warmup': WARMUP}, 'batches': batches, 'runs': runs},
    )


def write_crf_curve(tiny, batches):
    initial = {
        'transitions': 0.5 * torch.randn(len(LABELS), len(LABELS)),
        'start': 0.5 * torch.randn(len(LABELS)),
        'end': 0.5 * torch.randn(len(LABELS)),
    }
    rates = {'encoder': 1e-3, 'head': 1e-2, 'crf': 5e-2}

    def run(model, crf):
        crf = {name: value.clone().requires_grad_() for name, value in crf.items()}
        groups = [{'params': list(crf.values()), 'lr': rates['crf'], 'weight_decay': 0.0}]
        for prefix, rate in {'bert.': rates['encoder'], 'classifier.': rates['head']}.items():
            named = [(n, p) for n, p in model.named_parameters() if n.startswith(prefix)]
            groups += parameter_groups(named, rate, 0.01)
        loss_of = lambda batch: crf_loss(crf, word_logits(model, batch), batch['lengths'], batch['tags'])
        losses, norms, factors = train(groups, loss_of, batches)
        crf = {name: value.detach() for name, value in crf.items()}
        return losses, {
            'losses': losses,
            'gradientNorms': norms,
            'scheduleFactors': factors,
            **some_parameters(model),
            'finalCrf': crf,
        }

    losses, reference = run(copy.deepcopy(tiny).double(), {name: value.double() for name, value in initial.items()})
    agree('crf', losses, run(copy.deepcopy(tiny), initial)[0])
    write(
        'curve-crf.json',
        {
            'optimizer': {
                'learningRates': rates,
                'betas': [0.9, 0.999],
                'epsilon': 1e-8,
                'weightDecay': 0.01,
                'clip': 1.0,
                'steps': STEPS,
                'warmup': WARMUP,
            },
            'noDecay': ['crf', *(name for name, _ in tiny.named_parameters() if not decays(name))],
            'crf': initial,
            'batches': batches,
            **reference,
        },
    )


# ------------------------------------------------------------------------------------------------------- other goldens


def write_forward_and_gradients(tiny, batch):
    model = copy.deepcopy(tiny).double()
    real = torch.tensor(batch['attentionMask']).bool()
    with torch.no_grad():
        logits = logits_of(model, batch)
        assert (logits - logits_of(tiny, batch))[real].abs().max() < 3e-6
    # Logits of padding are whatever attention makes of it: zero in the file, and not to be compared.
    write('logits.json', {'batch': batch, 'logits': logits.masked_fill(~real[..., None], 0.0)})

    loss = word_loss(model, batch)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    norm = torch.nn.utils.get_total_norm(gradients.values())
    write('gradients.json', {'batch': batch, 'loss': loss.detach(), 'globalNorm': norm})
    save_file(
        {name: gradient.float().contiguous() for name, gradient in gradients.items()},
        HERE / 'gradients.safetensors',
        metadata={'format': 'pt'},
    )


def write_losses(draw):
    logits = (2.0 * torch.randn(6, len(LABELS))).double()
    tags = [draw.randrange(len(LABELS)) for _ in range(6)]
    # Powers of two and a certain row: distributions that float32 holds exactly, and a target of exactly 0.
    soft = torch.tensor(
        [
            [1.0, 0.0, 0.0, 0.0, 0.0],
            [0.5, 0.25, 0.125, 0.0625, 0.0625],
            [0.0, 0.5, 0.5, 0.0, 0.0],
            [0.125, 0.125, 0.25, 0.25, 0.25],
            [0.0, 0.0, 0.0, 0.0, 1.0],
            [0.75, 0.0, 0.0, 0.25, 0.0],
        ]
    ).double()
    weights = torch.tensor([0.25, 1.0, 1.5, 2.0, 4.0]).double()

    def golden(target, **options):
        leaf = logits.clone().requires_grad_()
        loss = cross_entropy(leaf, target, **options)
        loss.backward()
        return {'loss': loss.detach(), 'gradient': leaf.grad}

    hard = torch.tensor(tags)
    write(
        'losses.json',
        {
            'logits': logits,
            'tags': tags,
            'soft': soft,
            'classWeights': weights,
            'labelSmoothing': 0.1,
            'mean': {
                'hard': golden(hard),
                'soft': golden(soft),
                'labelSmoothing': golden(hard, label_smoothing=0.1),
                # torch divides by the sum of the targets' weights, not by the number of words.
                'classWeights': golden(hard, weight=weights),
            },
        },
    )


def write_half():
    """Every kind of number of both formats: normal, subnormal, largest, signed zero, infinite, not a number."""
    kinds = {'float16': torch.float16, 'bfloat16': torch.bfloat16}
    expected = {}
    for name, dtype in kinds.items():
        limits = torch.finfo(dtype)
        subnormal = limits.tiny * limits.eps
        edges = [0.0, -0.0, 1.0, -2.5, limits.max, limits.min, limits.tiny, limits.tiny - subnormal]
        edges += [subnormal, -3 * subnormal, math.inf, -math.inf, math.nan]
        tensors = {
            'matrix': torch.randn(3, 5).to(dtype),
            'scalar': torch.tensor(0.1).to(dtype),
            'edges': torch.tensor(edges, dtype=torch.float64).to(dtype),
        }
        save_file(tensors, HERE / f'half-{name}.safetensors', metadata={'format': 'pt'})
        expected[name] = {key: tensor.float() for key, tensor in tensors.items()}
    write('half.json', expected)


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    draw = random.Random(7)

    tiny = tiny_bert()
    tiny.save_pretrained(HERE / 'tiny-bert')
    write_forward_and_gradients(tiny, make_batch(draw, [9, 6, 4], cover=False))
    batches = [make_batch(draw, lengths, cover=True) for lengths in ([16, 15, 13, 12], [12, 16, 16, 13])]
    batches += [make_batch(draw, lengths, cover=True) for lengths in ([14, 14, 15, 16], [16, 16, 12, 12])]
    write_adamw_curve(tiny, batches)
    write_crf(draw)
    write_crf_curve(tiny, batches)
    write_losses(draw)
    write_half()


if __name__ == '__main__':
    main()
