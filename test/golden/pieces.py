"""Piece ids of pre-split words, as transformers gives them: python pieces.py SHARED_MODELS

Trains the tiny tokenizers in tokenizers/ (WordPiece, Unigram behind Metaspace, byte-level BPE) on sentences written for
this purpose, then writes pieces.json: for these and for the models in SHARED_MODELS (../../../shared/models), every
word's ids without special pieces, and the ids around an encoded text.
"""

import json
import os
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
SENTENCES = [
    "Ada Lindqvist moved from Lisbon to Reykjavik in the winter of 1987.",
    "The harbour board of Trondheim hired two engineers from Porto.",
    "Mr. Okafor's firm, Blue Heron Ltd., doesn't sell boats any more.",
    "Every autumn the ferry to Gotland carries musicians, bakers and their dogs.",
    "“We asked for $5.4 million,” said Ms. Duarte, “and got 3-2 against us.”",
    "Zoë and Jürgen read the Þingvellir guide; naïve, but café-proof.",
    "Readers in Tōkyō, Αθήνα and Москва wrote letters to the editor.",
]
WORDS = """Ada Lindqvist moved Lisbon lisbon LISBON Reykjavik 's n't do doesn't 1987 1996-08-22 U.N. $ 5.4 3-2 , . " “ ” ( ) --
French-German O'Brien AT&T http://example.org/a?b=c a@b.co İstanbul Straße ﬁne naïve café cafe\u0301 Þingvellir Αθήνα
Москва 東京 日本語 👍 👨‍👩‍👧 🇩🇪 ½ ²  ٣ हिन्दी ภาษาไทย x_y #tag @user ... !!! [SEP] </s> <s> ▁ ▁a Ġ Ġa ## ##ing
\u200b \u00ad \u0007 a\u0007b a\u00a0b \ufffd
Donaudampfschifffahrtsgesellschaft""".replace("\n", " ").split(" ") + ["z" * 120, "ab" * 40]
WORDS = [word for word in dict.fromkeys(WORDS) if word]


def train(name, model, trainer, normalizer, pre_tokenizer, decoder, cls, sep, roles, tokenizer_class="PreTrainedTokenizerFast"):
    folder = os.path.join(HERE, "tokenizers", name)
    os.makedirs(folder, exist_ok=True)
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        special_tokens=[(cls, tokenizer.token_to_id(cls)), (sep, tokenizer.token_to_id(sep))],
    )
    # Both must be undone by the reader.
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(length=6, pad_token=roles["pad_token"], pad_id=tokenizer.token_to_id(roles["pad_token"]))
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"tokenizer_class": tokenizer_class, "model_max_length": 64, **roles}, file, indent=2)
        file.write("\n")


def train_all():
    bert = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token"], ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
    xlm = dict(zip(["cls_token", "pad_token", "sep_token", "unk_token"], ["<s>", "<pad>", "</s>", "<unk>"]))
    train(
        "wordpiece",
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=160, special_tokens=list(bert.values()), show_progress=False),
        normalizers.BertNormalizer(lowercase=False),
        pre_tokenizers.BertPreTokenizer(),
        decoders.WordPiece(),
        "[CLS]",
        "[SEP]",
        bert,
    )
    train(
        "unigram",
        models.Unigram(),
        trainers.UnigramTrainer(
            vocab_size=120, special_tokens=list(xlm.values()), unk_token="<unk>", show_progress=False
        ),
        normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()]),
        pre_tokenizers.Metaspace(prepend_scheme="always"),
        decoders.Metaspace(),
        "<s>",
        "</s>",
        xlm,
    )
    train(
        "bpe",
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=list(xlm.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
        None,
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
        "<s>",
        "</s>",
        xlm,
        "RobertaTokenizer",
    )


def as_written(folder):
    """The pipeline of tokenizer.json. The XLM-RoBERTa class of transformers 5 builds its own, without the normalizer."""
    return PreTrainedTokenizerFast.from_pretrained(folder)


def describe(tokenizer):
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    encoding = tokenizer(WORDS, is_split_into_words=True, add_special_tokens=False)
    pieces = [[] for _ in WORDS]
    for piece, word in zip(encoding["input_ids"], encoding.word_ids()):
        pieces[word].append(piece)
    return {
        "pieces": pieces,
        "framed": tokenizer(["a"], is_split_into_words=True)["input_ids"],
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
    }


if __name__ == "__main__":
    train_all()
    tiny = os.path.join(HERE, "tokenizers")
    golden = {
        "words": WORDS,
        "tokenizers": {
            "wordpiece": describe(as_written(os.path.join(tiny, "wordpiece"))),
            "unigram": describe(as_written(os.path.join(tiny, "unigram"))),
            "bpe": describe(AutoTokenizer.from_pretrained(os.path.join(tiny, "bpe"), add_prefix_space=True)),
        },
        "models": {
            name: describe(as_written(os.path.join(sys.argv[1], name)))
            for name in ["minilm-l6-uncased", "e5-small-l12-cased"]
        },
    }
    with open(os.path.join(HERE, "pieces.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")
