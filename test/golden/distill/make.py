"""Makes the goldens of this folder with PyTorch and transformers: `python make.py` rewrites all of them.

The teacher is ../models/tiny-bert with a CRF; a second one has the same encoder and half its classifier, and no CRF. The
student is half as wide, with one layer of two heads. Values are computed in float64 from weights that float32 holds.

student.safetensors    the student's weights, its CRF, and the projections to the teacher's width
losses.json            the batch, the teacher's CRF, and of each loss its value and the norm of its gradient
gradients.safetensors  the gradient of each loss by each parameter, as `loss/parameter`
"""

import json
import random
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import linear, log_softmax, softmax
from transformers import BertConfig, BertForTokenClassification

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / 'models'))
from make import LABELS, constrained, crf_log_partition, make_batch, plain, word_mask  # noqa: E402

TEMPERATURE, EMISSION_LOSS, UNLABELLED = 2.0, 0.1, 2


def float32(tensor):
    return tensor.float().double()


def student_model(teacher):
    config = BertConfig(**{**teacher.config.to_dict(), 'hidden_size': 16, 'num_hidden_layers': 1,
                           'num_attention_heads': 2, 'intermediate_size': 32}, attn_implementation='eager')
    model = BertForTokenClassification(config).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, 0.3)
            if name.endswith('LayerNorm.weight'):
                parameter.add_(1.0)
            parameter.copy_(float32(parameter))
    return model


def random_crf():
    labels = len(LABELS)
    shapes = {'transitions': (labels, labels), 'start': (labels,), 'end': (labels,)}
    return {name: float32(torch.randn(shape).double()) for name, shape in shapes.items()}


def read(model, batch):
    """Logits of words, hidden states, and what each layer attends with."""
    seen = {}
    hooks = []
    for index, layer in enumerate(model.bert.encoder.layer):
        for part in ('query', 'key', 'value'):
            keep = lambda _m, _i, output, key=(index + 1, part): seen.__setitem__(key, output)
            hooks.append(getattr(layer.attention.self, part).register_forward_hook(keep))
    output = model(
        input_ids=torch.tensor(batch['inputIds']),
        attention_mask=torch.tensor(batch['attentionMask']),
        output_hidden_states=True,
    )
    for hook in hooks:
        hook.remove()
    words = output.logits.flatten(0, 1)[torch.tensor(batch['wordIndex'])]
    return {'logits': words, 'hidden': output.hidden_states, 'attention': seen, 'heads': model.config.num_attention_heads}


def scaled(crf, temperature):
    return {name: value / temperature for name, value in crf.items()}


def chain_marginals(crf, emissions):
    """q(y_t) and Σ q(y_t-1, y_t) of one sentence: the gradient of log Z by the scores."""
    emissions = emissions.detach().requires_grad_()
    transitions = crf['transitions'].detach().requires_grad_()
    log_z = crf_log_partition({**crf, 'transitions': transitions}, emissions)
    if len(emissions) == 1:
        return torch.autograd.grad(log_z, emissions)[0], torch.zeros_like(transitions)
    return torch.autograd.grad(log_z, (emissions, transitions))


def chain_loss(crf, emissions, q):
    """log Z - E_q[score] of one sentence. Illegal transitions score minus infinity and have no share in q."""
    tags, pairs = q
    score = (tags * emissions).sum() + (pairs * crf['transitions'])[pairs > 0].sum()
    score = score + (tags[0] * crf['start'])[tags[0] > 0].sum() + (tags[-1] * crf['end']).sum()
    return crf_log_partition(crf, emissions) - score


def cross_entropy(logits, targets):
    return -(targets * log_softmax(logits, -1)).sum()


def legal_scores():
    """All that is legal alike."""
    labels = len(LABELS)
    return constrained({
        'transitions': torch.zeros(labels, labels).double(),
        'start': torch.zeros(labels).double(),
        'end': torch.zeros(labels).double(),
    })


def relation(rows, heads, mask):
    batch, sequence, hidden = rows.shape
    split = rows.view(batch, sequence, heads, hidden // heads).transpose(1, 2)
    return (split @ split.transpose(2, 3)) / (hidden // heads) ** 0.5 + (mask[:, None, None, :] - 1) * 1e4


def losses_of(student, crf, projections, teacher, teacher_crf, other, batch):
    mask, pieces = word_mask(batch), torch.tensor(batch['attentionMask']).double()
    lengths, t = batch['lengths'], TEMPERATURE
    rows = range(len(lengths))

    def gold():
        total, sentences = 0, 0
        for i in rows:
            if i == UNLABELLED:
                continue
            n = lengths[i]
            tags = torch.nn.functional.one_hot(torch.tensor(batch['tags'][i][:n]), len(LABELS)).double()
            q = tags, tags[:-1].T @ tags[1:]
            emissions = student['logits'][i, :n]
            total = total + chain_loss(constrained(crf), emissions, q) + EMISSION_LOSS * cross_entropy(emissions, tags)
            sentences += 1
        return total / sentences

    def soft():
        targets = softmax(teacher['logits'] / t, -1) * mask[..., None]
        return t**2 * cross_entropy(student['logits'] / t, targets) / mask.sum()

    def posterior(mixed):
        total = 0
        for i in rows:
            n = lengths[i]
            q = chain_marginals(constrained(scaled(teacher_crf, t)), teacher['logits'][i, :n] / t)
            if mixed:
                potentials = log_softmax(other['logits'][i, :n] / t, -1)
                second = chain_marginals(legal_scores(), potentials)
                q = tuple((a + b) / 2 for a, b in zip(q, second))
            emissions = student['logits'][i, :n] / t
            total = total + chain_loss(constrained(scaled(crf, t)), emissions, q)
            total = total + EMISSION_LOSS * cross_entropy(emissions, q[0])
        return t**2 * total / len(lengths)

    def hidden():
        total = 0
        for own, to in ((0, 0), (1, 2)):
            weight, bias = projections[f'projection.{own}.{to}.weight'], projections[f'projection.{own}.{to}.bias']
            target = teacher['hidden'][to]
            difference = (linear(student['hidden'][own], weight, bias) - target) * pieces[..., None]
            total = total + (difference**2).sum() / (pieces.sum() * target.shape[-1])
        return total

    def relations():
        heads = 2
        total = 0
        for part in ('query', 'key', 'value'):
            target = relation(teacher['attention'][(2, part)], heads, pieces)
            own = relation(student['attention'][(1, part)], heads, pieces)
            p = softmax(target, -1) * pieces[:, None, :, None]
            total = total + (p * (log_softmax(target, -1) - log_softmax(own, -1))).sum()
        return total / (pieces.sum() * heads)

    return {
        'gold': gold,
        'soft': soft,
        'posterior': lambda: posterior(False),
        'mixture': lambda: posterior(True),
        'hidden': hidden,
        'relations': relations,
    }


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    draw = random.Random(5)
    teacher = BertForTokenClassification.from_pretrained(
        HERE.parent / 'models/tiny-bert', attn_implementation='eager').double().eval()
    other = BertForTokenClassification.from_pretrained(
        HERE.parent / 'models/tiny-bert', attn_implementation='eager').double().eval()
    with torch.no_grad():
        other.classifier.weight.mul_(0.5)
        other.classifier.bias.mul_(0.5)
    student = student_model(teacher)
    teacher_crf, crf = random_crf(), random_crf()
    projections = {}
    for own, to in ((0, 0), (1, 2)):
        projections[f'projection.{own}.{to}.weight'] = float32(0.3 * torch.randn(32, 16).double())
        projections[f'projection.{own}.{to}.bias'] = float32(0.3 * torch.randn(32).double())
    batch = make_batch(draw, [9, 6, 8, 5], cover=False)

    leaves = {name: parameter for name, parameter in student.named_parameters()}
    leaves |= {f'crf.{name}': value.requires_grad_() for name, value in crf.items()}
    leaves |= {name: value.requires_grad_() for name, value in projections.items()}
    with torch.no_grad():
        said = [read(model, batch) for model in (teacher, other)]
    results, gradients = {}, {}
    names = losses_of(read(student, batch), crf, projections, said[0], teacher_crf, said[1], batch).keys()
    for name in names:
        for leaf in leaves.values():
            leaf.grad = None
        loss = losses_of(read(student, batch), crf, projections, said[0], teacher_crf, said[1], batch)[name]()
        loss.backward()
        own = {key: leaf.grad for key, leaf in leaves.items() if leaf.grad is not None}
        norm = torch.cat([gradient.flatten() for gradient in own.values()]).norm()
        results[name] = {'loss': loss.item(), 'norm': norm.item()}
        gradients |= {f'{name}/{key}': gradient.float().contiguous() for key, gradient in own.items()}
    save_file({key: leaf.detach().float().contiguous() for key, leaf in leaves.items()}, HERE / 'student.safetensors')
    save_file(gradients, HERE / 'gradients.safetensors')
    content = {'labels': LABELS, 'temperature': TEMPERATURE, 'emissionLoss': EMISSION_LOSS, 'unlabelled': UNLABELLED,
               'batch': batch, 'teacherCrf': teacher_crf, 'losses': results}
    (HERE / 'losses.json').write_text(json.dumps(plain(content), separators=(",", ":")) + '\n', encoding='utf8')


if __name__ == '__main__':
    main()
