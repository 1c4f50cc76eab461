"""Writes metrics.json: what scikit-learn makes of small sets of predictions.

    python tests/golden/metrics.py > tests/golden/metrics.json

null stands for undefined. scikit-learn says nan where a denominator is zero
if asked to (zero_division=nan), with these exceptions, where it has a number
and this file null:

  - matthews_corrcoef of a truth or a prediction with one value only (0);
  - average_precision_score and precision_recall_curve without a positive row
    (0, and a recall of 1);
  - roc_curve without a positive or a negative row (nan, with a warning).

The mean over rows of the probability metrics needs a row. Two metrics have no
function in scikit-learn and are written out below with numpy: the expected
calibration error, and the area under the risk-coverage curve. Weights are
whole numbers, and are given to scikit-learn as sample_weight.

The predictions are drawn from a seeded generator; nobody's text is in them.
"""

import json
import math
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

SEED = 20260611
BINS = 15
# All probabilities are whole multiples of this, so that rows sum to 1 exactly
# and scores have ties.
GRAIN = 64


def draw(rng, shares, n, lean=1.5, decided="argmax"):
    """Truth with these shares of classes, probabilities that lean to it, and
    decisions: the most probable class, or one by a rule that prefers others."""
    k = len(shares)
    truth = rng.choice(k, size=n, p=shares)
    centre = np.ones((n, k))
    centre[np.arange(n), truth] += lean
    p = np.array([rng.multinomial(GRAIN, rng.dirichlet(row)) for row in centre]) / GRAIN
    scores = p if decided == "argmax" else p / np.asarray(shares)
    return truth, scores.argmax(axis=1), p


def one_hot(classes, k):
    return np.eye(k)[classes]


def defined(value):
    """A float, or None for nan."""
    value = float(value)
    return None if math.isnan(value) else value


def kept(weights, *columns):
    """The columns without the rows of weight 0."""
    there = weights > 0
    return [column[there] for column in columns]


def curves(positive, scores, weights):
    """Area, average precision and both curves, as far as they are defined.

    The curves are of the unweighted rows, from the highest threshold on."""
    up, down = (weights[positive] > 0).any(), (weights[~positive] > 0).any()
    found = {"auc": None, "average_precision": None, "roc": [], "precision_recall": []}
    if up and down:
        found["auc"] = defined(m.roc_auc_score(positive, scores, sample_weight=weights))
    if up:
        found["average_precision"] = defined(
            m.average_precision_score(positive, scores, sample_weight=weights)
        )
    if positive.any() and not positive.all():
        fpr, tpr, _ = m.roc_curve(positive, scores, drop_intermediate=False)
        found["roc"] = [[float(x), float(y)] for x, y in zip(fpr, tpr)]
    if positive.any():
        precision, recall, _ = m.precision_recall_curve(positive, scores)
        found["precision_recall"] = [[float(x), float(y)] for x, y in zip(recall[::-1], precision[::-1])]
    return found


def calibration_error(truth, p, weights):
    """Bins ((b - 1)/15, b/15] of the greatest probability."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == truth
    inner = np.arange(1, BINS) / BINS
    bins = np.searchsorted(inner, confidence, side="left")
    error = 0.0
    for b in range(BINS):
        w = weights * (bins == b)
        if w.sum() > 0:
            gap = abs((w * right).sum() / w.sum() - (w * confidence).sum() / w.sum())
            error += w.sum() / weights.sum() * gap
    return float(error)


def area_under_risk(sureness, wrong, weights):
    """The mean over i of the share of wrong rows among the i surest; a tied
    row counts as wrong as its tie is on average."""
    sureness, wrong = np.repeat(sureness, weights), np.repeat(wrong.astype(float), weights)
    for value in np.unique(sureness):
        wrong[sureness == value] = wrong[sureness == value].mean()
    wrong = wrong[np.argsort(-sureness, kind="stable")]
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


def case(name, k, truth, predicted, p, weights=None):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    p = np.asarray(p, dtype=float)
    weighted = weights is not None
    weights = np.asarray(weights) if weighted else np.ones(len(truth), dtype=int)
    labels = list(range(k))
    of = dict(labels=labels, sample_weight=weights, zero_division=np.nan)
    precision, recall, f1, _ = m.precision_recall_fscore_support(truth, predicted, **of)
    # The same from the single functions.
    assert np.array_equal(precision, m.precision_score(truth, predicted, average=None, **of), equal_nan=True)
    assert np.array_equal(recall, m.recall_score(truth, predicted, average=None, **of), equal_nan=True)
    assert np.array_equal(f1, m.f1_score(truth, predicted, average=None, **of), equal_nan=True)
    varied = all(len(np.unique(column)) > 1 for column in kept(weights, truth, predicted))
    classes = [curves(truth == c, p[:, c], weights) for c in labels]
    sureness = p[np.arange(len(p)), predicted]
    # The two polar classes are the first two, where there are three.
    sided, polar = truth < 2, np.flatnonzero(truth < 2)
    both = p[:, 0] + p[:, 1]
    first = np.where(both > 0, p[:, 0] / np.where(both > 0, both, 1.0), 0.5)
    expected = {
        "confusion": m.confusion_matrix(truth, predicted, labels=labels, sample_weight=weights).tolist(),
        "accuracy": defined(m.accuracy_score(truth, predicted, sample_weight=weights)),
        "precision": [defined(x) for x in precision],
        "recall": [defined(x) for x in recall],
        "f1": [defined(x) for x in f1],
        "macro_f1": defined(m.f1_score(truth, predicted, average="macro", **of)),
        "mcc": defined(m.matthews_corrcoef(truth, predicted, sample_weight=weights)) if varied else None,
        "brier": defined(
            m.brier_score_loss(truth, p, labels=labels, sample_weight=weights, scale_by_half=False)
        ),
        "log_loss": defined(m.log_loss(truth, p, labels=labels, sample_weight=weights)),
        "ece": calibration_error(truth, p, weights),
        "aurc": area_under_risk(sureness, truth != predicted, weights),
        "auc_sided": curves(sided, both, weights)["auc"] if k == 3 else None,
        "auc_direction": curves(truth[polar] == 0, first[polar], weights[polar])["auc"] if k == 3 else None,
        "classes": classes,
    }
    return {
        "name": name,
        "k": k,
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "probabilities": p.tolist(),
        "weights": weights.tolist() if weighted else None,
        "expected": expected,
    }


def cases():
    rng = np.random.default_rng(SEED)
    yield case("two classes", 2, *draw(rng, [0.6, 0.4], 50))
    yield case("three classes", 3, *draw(rng, [0.4, 0.3, 0.3], 60))
    yield case("four classes", 4, *draw(rng, [0.4, 0.3, 0.2, 0.1], 70))
    yield case("imbalanced, as press is", 3, *draw(rng, [0.75, 0.12, 0.13], 200))
    yield case(
        "decisions that prefer rare classes", 3, *draw(rng, [0.75, 0.12, 0.13], 120, decided="by shares")
    )
    yield case("no better than chance", 3, *draw(rng, [0.34, 0.33, 0.33], 60, lean=0.0))

    truth, predicted, p = draw(rng, [0.5, 0.3, 0.2], 40)
    yield case("weights", 3, truth, predicted, p, rng.integers(0, 4, 40))
    truth, predicted, p = draw(rng, [0.75, 0.12, 0.13], 80)
    yield case("weights of a resample", 3, truth, predicted, p, rng.multinomial(80, np.full(80, 1 / 80)))
    yield case("weights that leave a class out", 3, truth, predicted, p, np.where(truth == 1, 0, 2))

    truth, predicted, p = draw(rng, [0.5, 0.5, 0.0], 30)
    absent = np.where(predicted == 2, 0, predicted)
    yield case("a class in neither truth nor predictions", 3, truth, absent, p)
    yield case("a class predicted only", 3, truth, np.where(np.arange(30) % 5 == 0, 2, absent), p)
    truth, predicted, p = draw(rng, [0.4, 0.3, 0.3], 30)
    yield case("a class in truth only", 3, truth, np.where(predicted == 1, 2, predicted), p)
    yield case("one class predicted", 3, truth, np.full(30, 2), p)
    yield case("one class in truth", 3, np.full(30, 2), predicted, p)

    yield case("one row, right", 3, [1], [1], [[0.25, 0.5, 0.25]])
    yield case("one row, wrong", 3, [1], [0], [[0.5, 0.25, 0.25]])
    truth = rng.choice(3, size=30)
    yield case("all right", 3, truth, truth, 0.5 * one_hot(truth, 3) + 0.5 / np.array([2, 4, 4]))
    wrong = (truth + 1) % 3
    yield case("all wrong", 3, truth, wrong, 0.5 * one_hot(wrong, 3) + 0.5 / np.array([2, 4, 4]))
    wrong = np.where(np.arange(30) % 7 == 3, (truth + 2) % 3, truth)
    yield case("certain, and at times wrong", 3, truth, wrong, one_hot(wrong, 3))
    yield case("certain and right", 3, truth, truth, one_hot(truth, 3))
    yield case("certain and wrong", 2, [0, 1, 0], [1, 0, 1], one_hot([1, 0, 1], 2))
    truth, predicted, _ = draw(rng, [0.3, 0.3, 0.4], 24)
    yield case("all rows tied", 3, truth, predicted, np.tile([0.25, 0.25, 0.5], (24, 1)))


def ranking(name, positive, scores, weights=None):
    positive, scores = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=float)
    weighted = weights is not None
    weights = np.asarray(weights) if weighted else np.ones(len(positive), dtype=int)
    return {
        "name": name,
        "positive": positive.tolist(),
        "scores": scores.tolist(),
        "weights": weights.tolist() if weighted else None,
        "expected": curves(positive, scores, weights),
    }


def rankings():
    rng = np.random.default_rng(SEED + 1)
    yield ranking("ties across the kinds", [0, 0, 1, 1, 1, 0, 0, 1, 1, 0], [1, 4, 4, 4, 8, 8, 2, 9, 1, 5])
    yield ranking("all tied", [0, 1, 1, 0, 0], [3] * 5)
    yield ranking("perfect", [0, 0, 1, 1], [-2, -1, 0, 1])
    yield ranking("worst", [1, 1, 0, 0], [-2, -1, 0, 1])
    yield ranking("no negative row", [1, 1, 1], [1, 2, 2])
    yield ranking("no positive row", [0, 0, 0], [1, 2, 2])
    yield ranking("one row", [1], [0.5])
    yield ranking("zeros of both signs", [1, 0, 1, 0], [0.0, -0.0, 1.0, -1.0])
    positive = rng.random(80) < 0.2
    scores = rng.normal(size=80) + positive
    yield ranking("no ties", positive, scores)
    yield ranking("weights without ties", positive, scores, rng.integers(0, 5, 80))
    yield ranking("weights with ties", positive, np.round(scores, 1), rng.integers(0, 5, 80))
    yield ranking("weights that leave the positive rows out", positive, scores, np.where(positive, 0, 1))
    yield ranking("weights that leave the negative rows out", positive, scores, np.where(positive, 2, 0))
    yield ranking("one positive row of many", np.arange(60) == 20, np.sin(np.arange(60)))


def main():
    # What is undefined, and scikit-learn warns of, is null: see above.
    warnings.simplefilter("ignore")

    def lines(items):
        return ",\n".join(json.dumps(item, allow_nan=False) for item in items)

    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    print(f'{{"versions": {json.dumps(versions)},')
    print(f'"cases": [\n{lines(cases())}\n],')
    print(f'"rankings": [\n{lines(rankings())}\n]}}')


if __name__ == "__main__":
    main()
