"""Makes encoders/ beside this script with PyTorch and transformers: `python encoders.py [NAME…]` rewrites all or some.

encoders/NAME/           a tiny random token classifier of one architecture, a Hugging Face folder without tokenizer.
                         Weights are larger than a fresh initialisation's, so that no term vanishes.
encoders/NAME.json       a batch with ragged padding, and in float64 the logits at every piece that is not padding, the
                         loss (the mean over words of the cross entropy at first pieces) and the gradients: of small
                         tensors whole, of others every seventh element, so that the file stays small.
encoders/buckets.json    DeBERTa's buckets of distances

As in make.py, the reference is computed in float64 from the float32 weights of the file (ModernBERT's rotary embedding
is in float32 whatever is asked for), and the script asserts that PyTorch in float32 stays far inside the tests'
tolerances.
"""

import copy
import json
import random
import sys
from pathlib import Path

import torch
from make import CLS, LABELS, PAD, SEP, make_batch, plain, word_loss
from transformers import (
    AlbertConfig,
    AutoModelForTokenClassification,
    CamembertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
    XLMRobertaConfig,
)
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

HERE = Path(__file__).parent / 'encoders'
STRIDE = 7
VOCABULARY = 24

SIZES = {
    'vocab_size': VOCABULARY,
    'hidden_size': 16,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 24,
    'max_position_embeddings': 20,
    'pad_token_id': PAD,
}
NO_DROPOUT = {'hidden_dropout_prob': 0.0, 'attention_probs_dropout_prob': 0.0}
ROBERTA = {**SIZES, **NO_DROPOUT, 'type_vocab_size': 1, 'layer_norm_eps': 1e-5}
DEBERTA_V3 = {
    **SIZES,
    **NO_DROPOUT,
    'type_vocab_size': 0,
    'layer_norm_eps': 1e-7,
    'relative_attention': True,
    'position_biased_input': False,
    'share_att_key': True,
    'norm_rel_ebd': 'layer_norm',
    'position_buckets': 6,
    'max_relative_positions': -1,
    'pos_att_type': ['p2c', 'c2p'],
}

CONFIGS = {
    'roberta': RobertaConfig(**ROBERTA),
    'xlm-roberta': XLMRobertaConfig(**{**ROBERTA, 'pad_token_id': 1}),
    'camembert': CamembertConfig(**ROBERTA),
    'electra': ElectraConfig(**SIZES, **NO_DROPOUT, embedding_size=8, type_vocab_size=2),
    'distilbert': DistilBertConfig(
        vocab_size=VOCABULARY,
        dim=16,
        n_layers=2,
        n_heads=2,
        hidden_dim=24,
        max_position_embeddings=20,
        pad_token_id=PAD,
        dropout=0.0,
        attention_dropout=0.0,
    ),
    'albert': AlbertConfig(
        **{**SIZES, 'num_hidden_layers': 4},
        **NO_DROPOUT,
        embedding_size=8,
        num_hidden_groups=2,
        inner_group_num=1,
        classifier_dropout_prob=0.0,
    ),
    'deberta-v3': DebertaV2Config(**DEBERTA_V3),
    # The ways of DeBERTa-v2's first models, and a convolution.
    'deberta-v2': DebertaV2Config(
        **{
            **DEBERTA_V3,
            'share_att_key': False,
            'position_biased_input': True,
            'norm_rel_ebd': 'none',
            'position_buckets': -1,
            'max_relative_positions': 4,
            'pos_att_type': ['c2p', 'p2c'],
            'conv_kernel_size': 3,
            'conv_act': 'gelu',
            'type_vocab_size': 2,
        }
    ),
    'modernbert': ModernBertConfig(
        **{**SIZES, 'num_hidden_layers': 3},
        bos_token_id=CLS,
        cls_token_id=CLS,
        eos_token_id=SEP,
        sep_token_id=SEP,
        local_attention=4,
        global_attn_every_n_layers=2,
    ),
}


def make(name, config):
    torch.manual_seed(11)
    draw = random.Random(11)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: index for index, label in enumerate(LABELS)}
    # Eager ModernBERT's softmax is in float32, where float64's smallest number is minus infinity: NaN on padding.
    attention = 'sdpa' if name == 'modernbert' else 'eager'
    model = AutoModelForTokenClassification.from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            parameter.normal_(0.0, 0.2)
            if 'norm' in parameter_name.lower() and parameter_name.endswith('weight'):
                parameter.add_(1.0)
            elif 'embeddings' in parameter_name and parameter.dim() > 1:
                parameter.mul_(3.0)
    batch = make_batch(draw, [12, 9, 5], cover=False, vocabulary=VOCABULARY)
    pad = config.pad_token_id
    if pad != PAD:
        batch['inputIds'] = [
            [piece if real else pad for piece, real in zip(ids, mask, strict=True)]
            for ids, mask in zip(batch['inputIds'], batch['attentionMask'], strict=True)
        ]

    model.save_pretrained(HERE / name)
    exact = forward_and_gradients(copy.deepcopy(model).double(), batch)
    check(name, exact, forward_and_gradients(model, batch))
    (HERE / f'{name}.json').write_text(to_json({'batch': batch, **exact}), encoding='utf8')


def forward_and_gradients(model, batch):
    loss = word_loss(model, batch)
    loss.backward()
    inputs = {'input_ids': batch['inputIds'], 'attention_mask': batch['attentionMask']}
    with torch.no_grad():
        logits = model(**{key: torch.tensor(rows) for key, rows in inputs.items()}).logits
    real = torch.tensor(batch['attentionMask']).bool()
    gradients = {key: value.grad for key, value in model.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    return {
        'logits': logits[real],
        'loss': loss.item(),
        'globalNorm': torch.stack([gradient.norm() for gradient in gradients.values()]).norm().item(),
        'gradients': {key: sample(gradient) for key, gradient in gradients.items()},
    }


def sample(gradient):
    """Rows of the piece table are not differentiated as a table here; the test leaves them out."""
    flat = gradient.flatten()
    return flat if flat.numel() <= 32 else flat[::STRIDE]


def check(name, exact, single):
    apart = (exact['logits'] - single['logits']).abs().max()
    assert apart < 2e-6, f'{name}: {apart}'
    for key, gradient in exact['gradients'].items():
        apart = (gradient - single['gradients'][key]).abs().max()
        assert apart < 1e-5, f'{name} {key}: {apart}'
        assert gradient.abs().max() > 1e-6 or key.endswith('bias'), f'{name} {key} has no gradient'


def to_json(value):
    lines = ',\n'.join(
        f'  {json.dumps(key)}: {json.dumps(short(item), separators=(",", ":"))}' for key, item in value.items()
    )
    return f'{{\n{lines}\n}}\n'


def short(value):
    """Seven digits after the point are a hundredth of the finest tolerance."""
    value = plain(value)
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [short(item) for item in value]
    return round(value, 7) if isinstance(value, float) else value


def write_buckets():
    """The bucket of every distance from 0 on, by [buckets, span]; the published models have 256 and 512."""
    buckets = {
        f'{size} {span}': make_log_bucket_position(torch.arange(span), size, span).long().tolist()
        for size, span in ((256, 512), (32, 512), (32, 40), (6, 20))
    }
    (HERE / 'buckets.json').write_text(to_json(buckets), encoding='utf8')


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in sys.argv[1:] or CONFIGS:
        make(name, CONFIGS[name])
    write_buckets()


if __name__ == '__main__':
    main()
