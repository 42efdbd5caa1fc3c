"""Agreement by scikit-learn, statsmodels, krippendorff and seqeval: writes agreement.json beside this file.

python agreement.py SHARED_DATA
SHARED_DATA holds conll2003/eng.testb and conllpp/test.txt.
"""

import json
import sys
from pathlib import Path

import krippendorff
import numpy
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

TYPES = ["LOC", "ORG", "PER"]


def sentences(path):
    """Tags, in IOB2, of each sentence of an IOB1 or IOB2 file."""
    rows = path.read_text(encoding="utf-8").replace("\r", "").split("\n")
    sentence, found = [], []
    for row in rows + [""]:
        if row.strip() and not row.startswith("-DOCSTART-"):
            sentence.append(row.split(" ")[-1])
        elif sentence:
            found.append(sentence)
            sentence = []
    return [iob2(tags) for tags in found]


def iob2(tags):
    return [
        tag if tag == "O" else ("I-" if i > 0 and tag[0] == "I" and tags[i - 1][2:] == tag[2:] else "B-") + tag[2:]
        for i, tag in enumerate(tags)
    ]


def kind(tag):
    return tag if tag == "O" else tag[2:]


def pair(a, b):
    """Kappa over tags and types, of all tokens and without those that both call O; one type against the rest."""
    first = [tag for tags in a for tag in tags]
    second = [tag for tags in b for tag in tags]
    marked = [(x, y) for x, y in zip(first, second) if (x, y) != ("O", "O")]
    types = sorted({kind(tag) for tag in first + second} - {"O"})
    return {
        "tokens": len(first),
        "tags": cohen_kappa_score(first, second),
        "types": cohen_kappa_score([kind(x) for x in first], [kind(y) for y in second]),
        "tagsWithoutO": cohen_kappa_score([x for x, _ in marked], [y for _, y in marked]),
        "typesWithoutO": cohen_kappa_score([kind(x) for x, _ in marked], [kind(y) for _, y in marked]),
        "perType": {t: cohen_kappa_score([kind(x) == t for x in first], [kind(y) == t for y in second]) for t in types},
        "f1": f1_score(a, b, mode="strict", scheme=IOB2),
    }


def common(seed, raters, documents, tokens, missing, noise):
    """Random labels, a code for each rater and token (0 is O, -1 not labelled), and what the references say of them."""
    random = numpy.random.default_rng(seed)
    truth = random.choice(len(TYPES) + 1, size=(documents, tokens), p=[0.7, 0.15, 0.1, 0.05])
    labels = numpy.stack([truth] * raters)
    wrong = random.random(labels.shape) < noise
    labels[wrong] = random.integers(0, len(TYPES) + 1, wrong.sum())
    absent = random.random((raters, documents)) < missing
    labels[absent] = -1
    flat = labels.reshape(raters, -1)
    alpha = lambda codes: krippendorff.alpha(
        reliability_data=numpy.where(codes < 0, numpy.nan, codes.astype(float)), level_of_measurement="nominal"
    )
    complete = flat[:, (flat >= 0).all(axis=0)]
    called = ((flat > 0) & (flat >= 0)).any(axis=0)
    fleiss = lambda codes: fleiss_kappa(aggregate_raters(codes.T, n_cat=len(TYPES) + 1)[0], method="fleiss")
    return {
        "labels": labels.tolist(),
        "krippendorff": {"types": alpha(flat), "typesWithoutO": alpha(flat[:, called])},
        "fleiss": {"types": fleiss(complete), "typesWithoutO": fleiss(complete[:, (complete > 0).any(axis=0)])},
    }


if __name__ == "__main__":
    data = Path(sys.argv[1])
    golden = {
        "conll": pair(sentences(data / "conll2003/eng.testb"), sentences(data / "conllpp/test.txt")),
        "types": TYPES,
        "common": [common(1, 3, 6, 12, 0, 0.2), common(2, 4, 10, 10, 0.25, 0.3), common(3, 5, 4, 25, 0.1, 0.9)],
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
