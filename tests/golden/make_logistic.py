"""Writes logistic.json: optima of L2 logistic regression, by scikit-learn.

    python make_logistic.py [OUTPUT]

Objective of every problem, with w_i the weight of example i's class:

    C * sum_i w_i * loss_i + 0.5 * ||coef||^2        (the intercept is free)

The designs are synthetic bags drawn from a seeded generator; no text of
anybody is in them. scikit-learn finds the optimum, then this script computes
objective and gradient by itself and refuses to write anything if a gradient
is not zero to within GRADIENT_LIMIT.
"""

import json
import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

SEED = 20260117
GRADIENT_LIMIT = 1e-9
STRENGTHS = [0.1, 1.0, 10.0, 100.0]


def draw_design(rng, class_sizes, words=60):
    """Bags of words whose distribution leans on the class; shuffled."""
    y = np.repeat(np.arange(len(class_sizes)), class_sizes)
    rng.shuffle(y)
    base = 1.0 / np.arange(1, words + 1) ** 0.7
    tilts = np.exp(0.9 * rng.standard_normal((len(class_sizes), words)))
    counts = np.zeros((len(y), words), dtype=int)
    for row, label in enumerate(y):
        p = base * tilts[label]
        length = int(rng.integers(5, 16))
        counts[row] = rng.multinomial(length, p / p.sum())
    x = counts / np.sqrt((counts**2).sum(axis=1, keepdims=True))
    return counts, x, y


def balanced_weights(y, classes):
    """n / (K * n_k) for the class of each example."""
    sizes = np.bincount(y, minlength=classes)
    return (len(y) / (classes * sizes))[y]


def binary_check(x, y, weights, strength, coef, intercept):
    """Objective and largest gradient component of one two-class problem."""
    sign = np.where(y == 1, 1.0, -1.0)
    margin = sign * (x @ coef + intercept)
    loss = np.logaddexp(0.0, -margin)
    slope = -sign * np.exp(-np.logaddexp(0.0, margin)) * weights * strength
    gradient = np.append(x.T @ slope + coef, slope.sum())
    objective = strength * (weights * loss).sum() + 0.5 * (coef**2).sum()
    return float(objective), float(np.abs(gradient).max())


def softmax_check(x, y, weights, strength, coef, intercept):
    """Objective and largest gradient component of the multinomial problem."""
    scores = x @ coef.T + intercept
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    residual = np.exp(log_p)
    residual[rows, y] -= 1.0
    residual *= (strength * weights)[:, None]
    gradient = np.hstack([residual.T @ x + coef, residual.sum(axis=0)[:, None]])
    objective = -strength * (weights * log_p[rows, y]).sum() + 0.5 * (coef**2).sum()
    return float(objective), float(np.abs(gradient).max())


def learner(strength, class_weight):
    return LogisticRegression(
        C=strength,
        class_weight=class_weight,
        solver="newton-cholesky",
        tol=1e-12,
        max_iter=1000,
    )


def solve(kind, x, y, strength, class_weight):
    """Fits, checks, and returns the fields of one case."""
    classes = int(y.max()) + 1
    balanced = class_weight == "balanced"
    model = learner(strength, class_weight)
    if kind == "one_vs_rest":
        model = OneVsRestClassifier(model)
    model.fit(x, y)

    if kind == "one_vs_rest":
        coef = np.vstack([m.coef_[0] for m in model.estimators_])
        intercept = np.array([m.intercept_[0] for m in model.estimators_])
        checks = []
        for k in range(classes):
            own = (y == k).astype(int)
            w = balanced_weights(own, 2) if balanced else np.ones(len(y))
            checks.append(binary_check(x, own, w, strength, coef[k], intercept[k]))
    else:
        coef, intercept = model.coef_.copy(), model.intercept_.copy()
        w = balanced_weights(y, classes) if balanced else np.ones(len(y))
        if kind == "binary":
            checks = [binary_check(x, y, w, strength, coef[0], intercept[0])]
        else:
            intercept -= intercept.mean()
            checks = [softmax_check(x, y, w, strength, coef, intercept)]

    gradient = max(g for _, g in checks)
    if not gradient <= GRADIENT_LIMIT:
        sys.exit(f"not converged: {kind} C={strength} {class_weight}: {gradient:.3g}")

    # The probabilities must be those of the coefficients recorded.
    proba = model.predict_proba(x)
    scores = x @ coef.T + intercept
    if kind == "multinomial":
        again = np.exp(scores - scores.max(axis=1, keepdims=True))
    else:
        again = 1.0 / (1.0 + np.exp(-scores))
        if kind == "binary":
            again = np.hstack([1.0 - again, again])
    again /= again.sum(axis=1, keepdims=True)
    if not np.allclose(again, proba, rtol=0, atol=1e-12):
        sys.exit(f"probabilities disagree: {kind} C={strength} {class_weight}")

    return {
        "coef": coef,
        "intercept": intercept,
        "objective": [o for o, _ in checks],
        "gradient_max": gradient,
        "predict_proba": proba,
    }


def dump(value):
    """JSON with floats at 17 significant digits, which round-trip exactly."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(dump(v) for v in value) + "]"
    if isinstance(value, float):
        if not np.isfinite(value):
            sys.exit("a number is not finite")
        return format(value, ".17g")
    return json.dumps(value)


def main():
    warnings.simplefilter("error")
    rng = np.random.default_rng(SEED)
    plan = [
        ("two", [24, 16], ["binary"], STRENGTHS),
        ("three", [20, 12, 8], ["multinomial", "one_vs_rest"], STRENGTHS),
        ("two_rare", [38, 2], ["binary"], [10.0]),
        ("three_rare", [22, 16, 2], ["multinomial", "one_vs_rest"], [10.0]),
    ]
    designs, cases = [], []
    for name, sizes, kinds, strengths in plan:
        counts, x, y = draw_design(rng, sizes)
        designs.append((name, {"classes": len(sizes), "counts": counts, "x": x, "y": y}))
        for kind in kinds:
            for class_weight in (None, "balanced"):
                for strength in strengths:
                    case = {
                        "design": name,
                        "kind": kind,
                        "class_weight": class_weight or "none",
                        "C": strength,
                    }
                    case.update(solve(kind, x, y, strength, class_weight))
                    cases.append(case)

    parts = [
        f'"sklearn": {dump(sklearn.__version__)}',
        f'"numpy": {dump(np.__version__)}',
        f'"seed": {SEED}',
        '"objective": "C * sum_i w_i * loss_i + 0.5 * ||coef||^2, intercept free"',
        '"designs": {\n' + ",\n".join(f"{dump(n)}: {dump(d)}" for n, d in designs) + "\n}",
        '"cases": [\n' + ",\n".join(dump(c) for c in cases) + "\n]",
    ]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    json.loads(text)

    here = os.path.dirname(os.path.abspath(__file__))
    output = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "logistic.json")
    with open(output, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    worst = max(c["gradient_max"] for c in cases)
    print(f"{len(cases)} cases, largest gradient component {worst:.3g}")


if __name__ == "__main__":
    main()
