"""Python's side of `npm run bench -- weak-fit`: skweak's HMM and its majority vote on votes that are given.

    python weak_fit.py VOTES.jsonl

Prints {"ready": true}; then each line read is a model, "hmm" or "majority", and is answered with a JSON line
{"seconds", "spans": [[[start, end, label] of every document, in words]]}. The time is that of fitting and labelling
documents that are in memory.
"""

import contextlib
import json
import os
import sys
import time

import spacy
import skweak
from spacy.tokens import Doc, Span


def answer(value):
    print(json.dumps(value), flush=True)


def read(path, vocab):
    """Documents with their votes as span groups, and the types voted for."""
    documents, labels = [], set()
    for line in open(path, encoding="utf8"):
        record = json.loads(line)
        tokens = record["tokens"]
        document = Doc(vocab, words=[record["text"][t["start"] : t["end"]] for t in tokens])
        starts = {t["start"]: i for i, t in enumerate(tokens)}
        ends = {t["end"]: i + 1 for i, t in enumerate(tokens)}
        for source, spans in record["layers"].items():
            document.spans[source] = [
                Span(document, starts[s["start"]], ends[s["end"]], label=s["label"]) for s in spans
            ]
            labels |= {s["label"] for s in spans}
        documents.append(document)
    return documents, sorted(labels)


def label(documents, labels, name):
    start = time.perf_counter()
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        if name == "hmm":
            model = skweak.generative.HMM("weak", labels)
            model.fit(documents)
        else:
            model = skweak.voting.SequentialMajorityVoter("weak", labels)
        documents = list(model.pipe(documents))
    seconds = time.perf_counter() - start
    spans = [[[s.start, s.end, s.label_] for s in d.spans.get("weak", [])] for d in documents]
    for document in documents:
        document.spans.pop("weak", None)
    return seconds, spans


def main():
    documents, labels = read(sys.argv[1], spacy.blank("en").vocab)
    answer({"ready": True})
    for line in sys.stdin:
        seconds, spans = label(documents, labels, line.strip())
        answer({"seconds": seconds, "spans": spans})


main()
