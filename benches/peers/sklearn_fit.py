"""The same model in scikit-learn: what it costs, and what it reaches.

    python sklearn_fit.py DATA.csv --text tweet --label sentiment

Vectorises (TF-IDF of words and of char_wb 2-5), fits one one-vs-rest balanced
logistic regression, and prints one JSON object: wall seconds, CPU seconds and
peak memory of each step. With --cv it adds a stratified cross-validation of
the mean F1 of two polar classes; with --group-column, one model per group.
"""

import argparse
import csv
import json
import os
import re
import sys
import time
import unicodedata
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

try:
    import resource
except ImportError:  # not on this platform
    resource = None

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion

SOLVERS = ["newton-cg", "lbfgs"]
TOLERANCE = 1e-4


def tolerance():
    """The stopping tolerance: SKLEARN_TOL from the environment, else scikit-learn's default."""
    return float(os.environ.get("SKLEARN_TOL", TOLERANCE))


MAX_ITERATIONS = 5000

URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
USER = re.compile(r"@\w+")
RUN = re.compile(r"([^\W\d_])\1{2,}")
SPACE = re.compile(r"\s+")
FOLD = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا",
    "ى": "ي", "ة": "ه", "ـ": None,
    "#": " ", "_": " ",
}
FOLD = {ord(k): v for k, v in FOLD.items()}
FOLD.update({ord(c): str(i) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩")})
FOLD.update({ord(c): str(i) for i, c in enumerate("۰۱۲۳۴۵۶۷۸۹")})


def normalise(text):
    text = URL.sub(" url ", text)
    text = USER.sub(" user ", text)
    text = unicodedata.normalize("NFKC", text).translate(FOLD)
    # Diacritics (Mn), zero-width and bidi marks (Cf).
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
    text = RUN.sub(r"\1\1", text.lower())
    return SPACE.sub(" ", text).strip()


def read_rows(args):
    """Texts, labels and groups. Every label is a string, "None" included."""
    texts, labels, groups, skipped = [], [], [], 0
    csv.field_size_limit(1 << 24)
    with open(args.data, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        wanted = [args.text, args.label] + ([args.group_column] if args.group_column else [])
        for column in wanted:
            if column not in (reader.fieldnames or []):
                sys.exit(f"no column {column!r}; the columns are {reader.fieldnames}")
        for row in reader:
            label = (row[args.label] or "").strip()
            if not label:
                skipped += 1
                continue
            texts.append(normalise(row[args.text] or ""))
            labels.append(label)
            groups.append(row[args.group_column].strip() if args.group_column else "")
    return np.array(texts, dtype=object), np.array(labels), np.array(groups), skipped


def new_vectoriser():
    common = {"sublinear_tf": True, "min_df": 2, "lowercase": False}
    return FeatureUnion([
        ("word", TfidfVectorizer(ngram_range=(1, 1), token_pattern=r"(?u)\w+", **common)),
        ("char", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)),
    ])


def new_model(strength, solver):
    return OneVsRestClassifier(LogisticRegression(
        C=strength, class_weight="balanced", solver=solver,
        tol=tolerance(), max_iter=MAX_ITERATIONS,
    ))


def fit(x, y, strength, solver):
    """A fitted model, or an error: an unconverged fit is no measurement."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        return new_model(strength, solver).fit(x, y)


def peak_mib():
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    spent = {
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        # Peak of the process so far, so it never falls from step to step.
        "peak_rss_mib": peak_mib(),
    }
    return result, spent


def objective(model, x, y, strength):
    """Sum over the binary problems of C * sum w * loss + 0.5 * ||w||^2, and
    the largest gradient component: how far each solver really went."""
    total, largest = 0.0, 0.0
    for label, part in zip(model.classes_, model.estimators_):
        own = y == label
        sign = np.where(own, 1.0, -1.0)
        weights = len(y) / (2.0 * np.where(own, own.sum(), (~own).sum()))
        coef = part.coef_[0]
        margin = sign * (x @ coef + part.intercept_[0])
        total += strength * (weights * np.logaddexp(0, -margin)).sum() + 0.5 * (coef @ coef)
        slope = -strength * sign * weights * np.exp(-np.logaddexp(0, margin))
        largest = max(largest, np.abs(x.T @ slope + coef).max(), abs(slope.sum()))
    return float(total), float(largest)


def measure(texts, labels, args):
    """Vectorise once, fit once with either solver."""
    vectoriser = new_vectoriser()
    x, spent = timed(lambda: vectoriser.fit_transform(texts).tocsr())
    words, chars = (len(v.vocabulary_) for _, v in vectoriser.transformer_list)
    report = {
        "rows": len(texts),
        "features": {"word": words, "char_wb": chars},
        "nonzeros": int(x.nnz),
        "vectorise": spent,
        "fit": {},
    }
    for solver in SOLVERS:
        model, spent = timed(lambda: fit(x, labels, args.C, solver))
        value, gradient = objective(model, x, labels, args.C)
        spent["iterations"] = [int(np.max(m.n_iter_)) for m in model.estimators_]
        spent["objective"] = round(value, 6)
        spent["gradient_max"] = float(f"{gradient:.3g}")
        report["fit"][solver] = spent
    report["faster"] = min(SOLVERS, key=lambda s: report["fit"][s]["cpu_s"])
    return report


def polar_f1(truth, guess, polar):
    """Mean F1 of the polar classes, in percent."""
    scores = f1_score(truth, guess, labels=polar, average="macro", zero_division=0)
    return 100.0 * float(scores)


def choose_strength(texts, labels, args, seed):
    """The C of the grid whose mean polar F1 over the inner folds is largest.
    Ties go to the smaller C."""
    sums = np.zeros(len(args.grid))
    folds = StratifiedKFold(args.inner_folds, shuffle=True, random_state=seed)
    for train, test in folds.split(texts, labels):
        vectoriser = new_vectoriser()
        x = vectoriser.fit_transform(texts[train]).tocsr()
        x_test = vectoriser.transform(texts[test]).tocsr()
        for at, strength in enumerate(args.grid):
            model = fit(x, labels[train], strength, args.cv_solver)
            sums[at] += polar_f1(labels[test], model.predict(x_test), args.polar)
    return args.grid[int(np.argmax(sums))]


def cross_validate(texts, labels, args):
    """The vocabulary, the idf and C are learnt inside each training part."""
    pooled = np.empty_like(labels)
    scores, chosen = [], []
    folds = StratifiedKFold(args.folds, shuffle=True, random_state=args.seed)
    for number, (train, test) in enumerate(folds.split(texts, labels)):
        strength = choose_strength(texts[train], labels[train], args, args.seed + number)
        vectoriser = new_vectoriser()
        x = vectoriser.fit_transform(texts[train]).tocsr()
        model = fit(x, labels[train], strength, args.cv_solver)
        pooled[test] = model.predict(vectoriser.transform(texts[test]))
        scores.append(polar_f1(labels[test], pooled[test], args.polar))
        chosen.append(strength)
        print(f"fold {number + 1}: C={strength} F={scores[-1]:.2f}", file=sys.stderr)
    macro = f1_score(labels, pooled, average="macro", zero_division=0)
    return {
        "polar_f1_mean_of_folds": round(float(np.mean(scores)), 2),
        "polar_f1_std_of_folds": round(float(np.std(scores, ddof=1)), 2),
        "polar_f1_pooled": round(polar_f1(labels, pooled, args.polar), 2),
        "macro_f1_pooled": round(100.0 * float(macro), 2),
        "polar_f1_folds": [round(s, 2) for s in scores],
        "chosen_C": chosen,
    }


def numbers(text):
    return sorted(float(part) for part in text.split(","))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="a CSV file with a header, UTF-8")
    parser.add_argument("--text", required=True, help="column of the text")
    parser.add_argument("--label", required=True, help="column of the label")
    parser.add_argument("--group-column", help="one model per value of this column")
    parser.add_argument("--C", type=float, default=1.0, help="of the timed fit")
    parser.add_argument("--cv", action="store_true", help="cross-validate too")
    parser.add_argument("--polar", help="the two polar labels, as A,B (for --cv)")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--inner-folds", type=int, default=3)
    parser.add_argument("--grid", type=numbers, default=numbers("0.03,0.1,0.3,1,3,10"),
                        help="values of C for --cv (default: 0.03,0.1,0.3,1,3,10)")
    parser.add_argument("--cv-solver", choices=SOLVERS, default="lbfgs")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.cv:
        args.polar = (args.polar or "").split(",")
        if len(args.polar) != 2 or not all(args.polar):
            parser.error("--cv needs --polar A,B")
    return args


def main():
    args = arguments()
    (texts, labels, groups, skipped), spent = timed(lambda: read_rows(args))
    if args.cv and not set(args.polar) <= set(labels):
        sys.exit(f"no such polar label; the labels are {sorted(set(labels))}")
    report = {
        "versions": {
            "python": ".".join(map(str, sys.version_info[:3])),
            "sklearn": sklearn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
        "threads": os.environ["OMP_NUM_THREADS"],
        "rows": len(texts),
        "rows_without_label": skipped,
        "labels": {str(k): int(n) for k, n in zip(*np.unique(labels, return_counts=True))},
        "C": args.C,
        "tol": tolerance(),
        "read_and_normalise": spent,
    }
    if args.group_column:
        names = sorted(set(groups))
        parts = {g: (texts[groups == g], labels[groups == g]) for g in names}
        report["groups"] = {g: measure(t, y, args) for g, (t, y) in parts.items()}
        every = report["groups"].values()
        report["total"] = {
            "vectorise_cpu_s": round(sum(g["vectorise"]["cpu_s"] for g in every), 3),
            **{f"fit_{s}_cpu_s": round(sum(g["fit"][s]["cpu_s"] for g in every), 3)
               for s in SOLVERS},
            **{f"fit_{s}_wall_s": round(sum(g["fit"][s]["wall_s"] for g in every), 3)
               for s in SOLVERS},
        }
    else:
        report.update(measure(texts, labels, args))
    if args.cv:
        report["cv"] = {"polar": args.polar, "folds": args.folds,
                        "inner_folds": args.inner_folds, "grid": args.grid,
                        "solver": args.cv_solver, "seed": args.seed}
        if args.group_column:
            by_group = {g: cross_validate(t, y, args) for g, (t, y) in parts.items()}
            for key in ("polar_f1_mean_of_folds", "polar_f1_pooled"):
                report["cv"][key] = round(float(np.mean([g[key] for g in by_group.values()])), 2)
            report["cv"]["groups"] = by_group
        else:
            report["cv"].update(cross_validate(texts, labels, args))
    json.dump(report, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    main()
