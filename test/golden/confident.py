"""Label issues by cleanlab's confident learning: python confident.py > confident.json"""

import json

import numpy
from cleanlab.filter import find_label_issues


def case(seed, examples, classes, noise):
    random = numpy.random.default_rng(seed)
    truth = random.choice(classes, size=examples, p=[0.6] + [0.4 / (classes - 1)] * (classes - 1))
    given = numpy.where(random.random(examples) < noise, random.integers(0, classes, examples), truth)
    logits = random.normal(size=(examples, classes)) + 2.5 * numpy.eye(classes)[truth]
    shares = numpy.round(numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True), 4)
    shares /= shares.sum(axis=1, keepdims=True)
    issues = find_label_issues(given, shares, filter_by="confident_learning", n_jobs=1)
    return {"given": given.tolist(), "probabilities": numpy.round(shares, 12).tolist(), "issues": numpy.flatnonzero(issues).tolist()}


print(json.dumps([case(1, 120, 3, 0.2), case(2, 150, 5, 0.3)]))
