"""Writes token_classification.json: what transformers' token-classification pipeline makes of given logits.

Two tokenizers, one that marks pieces within words and one that marks words. Needs torch, tokenizers and transformers.
"""
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast, pipeline

texts = ["Marie-Curie left Warsaw.", "😀 unsaid, said; İs warsaw", "said said unsaid curie", "", "東京 said"]
tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-X-Y"]
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
words = ["marie", "left", "war", "un", "said", "cu", "-", ".", ",", ";", "東", "is"]


def word_piece():
    pieces = special + words + ["##saw", "##said", "##rie", "##r"]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def unigram():
    pieces = special + ["▁" + word for word in words] + words + ["saw", "said", "rie", "r", "▁"]
    pieces = list(dict.fromkeys(pieces))
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0 - i / 50) for i, piece in enumerate(pieces)], unk_id=1))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def case(tokenizer):
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = BertConfig(
        vocab_size=64,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        id2label=dict(enumerate(tags)),
        label2id={tag: i for i, tag in enumerate(tags)},
    )
    model = BertForTokenClassification(config).eval()
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    classify = pipeline("token-classification", model=model, tokenizer=fast, device="cpu")
    strategies = ["none", "simple", "first", "average", "max"]
    documents = []
    for text in texts:
        with torch.no_grad():
            logits = model(**fast(text, return_tensors="pt")).logits[0, 1:-1]
        answers = {
            strategy: [
                {key: value.item() if hasattr(value, "item") else value for key, value in entity.items()}
                for entity in classify(text, aggregation_strategy=strategy, ignore_labels=[])
            ]
            for strategy in strategies
        }
        documents.append({"text": text, "logits": logits.flatten().tolist(), "answers": answers})
    return {"tokenizer": json.loads(tokenizer.to_str()), "documents": documents}


torch.manual_seed(5)
golden = {"tags": tags, "cases": {"WordPiece": case(word_piece()), "Unigram": case(unigram())}}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
