"""Scores of seqeval 1.2.2 on hand-made and random tag sequences: python seqeval_scores.py > seqeval.json

Labels do not begin or end with a dash: seqeval's strict mode would strip it. IOB1 is scored on tags that follow the
scheme, since seqeval leaves out an IOB1 span whose B- was not needed, and this project reads it. seqeval's default mode
does not know BILOU's L- and U-: it is given the same tags as IOBES.
"""

import json
import random
import sys
import warnings

from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_scores
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, IOE2, Entities

warnings.filterwarnings("ignore")
SCHEMES = {"IOB1": IOB1, "IOB2": IOB2, "IOE2": IOE2, "IOBES": IOBES, "BILOU": BILOU}
PREFIXES = {"IOB2": "BI", "IOE2": "IE", "IOBES": "BIES", "BILOU": "BILU"}
LABELS = ["PER", "LOC", "GPE-X", "a-b-c"]

HAND_MADE = {
    "IOB2": [
        # (gold, predicted)
        ("O B-PER I-PER O", "O I-PER I-PER O"),  # orphan I-
        ("B-PER I-PER O B-LOC", "B-PER I-LOC O B-LOC"),  # the type changes inside an entity
        ("B-GPE-X I-GPE-X O", "B-GPE-X I-GPE O"),  # dashes
        ("B-PER B-PER I-PER", "B-PER I-PER I-PER"),  # touching
        ("I-PER I-LOC B-LOC", "I-LOC I-LOC I-LOC"),  # no B- at all
        ("O O O", "O O O"),
        ("O O", "B-PER O"),
        ("B-PER", "B-PER"),
    ],
    "IOBES": [
        ("S-PER O B-LOC E-LOC", "S-PER O B-LOC I-LOC"),  # not closed
        ("B-PER I-PER E-PER", "B-PER I-LOC E-PER"),
        ("O S-LOC S-LOC", "O B-LOC E-LOC"),
        ("B-PER E-PER", "I-PER E-PER"),
        ("S-GPE-X O", "S-GPE O"),
        ("B-PER B-LOC E-LOC", "B-PER E-LOC S-LOC"),
        ("E-PER S-PER I-PER", "S-PER I-PER E-PER"),
    ],
    "BILOU": [
        ("U-PER O B-LOC L-LOC", "U-PER O B-LOC I-LOC"),
        ("B-PER I-PER L-PER", "B-PER I-LOC L-PER"),
        ("O U-LOC U-LOC", "O B-LOC L-LOC"),
    ],
    "IOE2": [
        ("I-PER E-PER O E-LOC", "I-PER I-PER O E-LOC"),
        ("I-PER E-LOC", "E-PER E-LOC"),
        ("I-LOC I-LOC E-LOC", "I-LOC E-LOC E-LOC"),
    ],
    "IOB1": [
        ("I-PER I-PER B-PER O", "I-PER I-PER I-PER O"),
        ("I-PER I-LOC B-LOC", "I-PER I-LOC I-LOC"),
    ],
}


def random_tags(rng, scheme, length):
    tags = ["O" if rng.random() < 0.4 else rng.choice(PREFIXES[scheme]) + "-" + rng.choice(LABELS) for _ in range(length)]
    # Runs of one label, or long spans would be rare.
    for i in range(1, length):
        if tags[i] != "O" and tags[i - 1] != "O" and rng.random() < 0.6:
            tags[i] = tags[i][:2] + tags[i - 1][2:]
    return tags


def disturb(rng, scheme, tags):
    return [random_tags(rng, scheme, 1)[0] if rng.random() < 0.25 else tag for tag in tags]


def legal_iob1(rng, length):
    tags = []
    while len(tags) < length:
        if rng.random() < 0.4:
            tags.append("O")
            continue
        label = rng.choice(LABELS[:2])
        touching = tags and tags[-1][2:] == label
        tags.append(("B-" if touching else "I-") + label)
        tags.extend(["I-" + label] * rng.randrange(3))
    return tags[:length]


def scores(gold, predicted, function, **options):
    def average(kind):
        p, r, f, support = function(gold, predicted, average=kind, **options)
        return {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(support)}

    return {kind: average(kind) for kind in ("micro", "macro", "weighted")}


def per_type(names, gold, predicted, function, **options):
    columns = function(gold, predicted, average=None, **options)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "number": int(n)}
        for name, p, r, f, n in zip(sorted(names), *columns)
    }


def as_iobes(tags):
    return [{"L": "E", "U": "S"}.get(tag[0], tag[0]) + tag[1:] for tag in tags]


def case(name, scheme, pairs):
    gold = [g for g, _ in pairs]
    predicted = [p for _, p in pairs]
    kind = SCHEMES[scheme]
    strict = [Entities([tags], scheme=kind).entities[0] for tags in gold + predicted]
    lenient_gold, lenient_predicted = [as_iobes(t) for t in gold], [as_iobes(t) for t in predicted]
    lenient = [get_entities(tags) for tags in lenient_gold + lenient_predicted]
    half = len(pairs)
    return {
        "name": name,
        "scheme": scheme,
        "gold": [" ".join(tags) for tags in gold],
        "predicted": [" ".join(tags) for tags in predicted],
        "accuracy": float(accuracy_score(gold, predicted)),
        "strict": {
            **scores(gold, predicted, strict_scores, scheme=kind),
            "perType": per_type({e.tag for s in strict for e in s}, gold, predicted, strict_scores, scheme=kind),
            "predictedSpans": [[[e.start, e.end, e.tag] for e in s] for s in strict[half:]],
        },
        "conlleval": {
            **scores(lenient_gold, lenient_predicted, precision_recall_fscore_support),
            "perType": per_type(
                {t for s in lenient for t, _, _ in s}, lenient_gold, lenient_predicted, precision_recall_fscore_support
            ),
            "predictedSpans": [[[start, end + 1, tag] for tag, start, end in s] for s in lenient[half:]],
        },
    }


def main():
    rng = random.Random(20030531)
    cases = []
    for scheme, pairs in HAND_MADE.items():
        cases.append(case("hand-made", scheme, [(g.split(), p.split()) for g, p in pairs]))
    for scheme in SCHEMES:
        pairs = []
        for _ in range(40):
            length = rng.randrange(1, 10)
            if scheme == "IOB1":
                pairs.append((legal_iob1(rng, length), legal_iob1(rng, length)))
            else:
                gold = random_tags(rng, scheme, length)
                pairs.append((gold, disturb(rng, scheme, gold)))
        cases.append(case("random", scheme, pairs))
    json.dump(cases, sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
