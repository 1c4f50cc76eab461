"""kzstance beside scikit-learn on the same folds of public Arabic sets: paired differences and a verdict.

    python quality.py DATA --kzstance PATH [--config FILE] [--sets mawqif,astd] [--seeds 2022,7] [--cache DIR]

For each set and seed, `kzstance evaluate --folds 5` says which fold each example is in and what it
predicted; scikit-learn then predicts each of those folds from the others, at every C of a grid. `strong`
is its tuned pipeline. By default its C is the one that turns out best for the set's first metric, one value
for all folds, targets and seeds: chosen with hindsight, in its favour. With --tune inner each fold's C is
chosen by inner folds, as kzstance does, which costs three times as much. `default` is its pipeline as it
comes, on raw text. Prints Markdown.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import argparse
import csv
import hashlib
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn
from scipy.stats import binom
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline

FOLDS = 5
INNER_FOLDS = 3
GRID = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]  # kzstance's default
TOLERANCE = 1e-6
RESAMPLES = 2000
PEER = 1  # raise it when what scikit-learn does here changes: cached predictions are then left aside


# The sets


@dataclass(frozen=True)
class Set:
    """A public set: where it is, its columns, and what it is judged by (the first metric chooses scikit-learn's C)."""

    title: str
    file: str
    text: str
    label: str
    axis: str
    metrics: tuple
    polar: tuple = ()
    header: tuple = ()  # of a tab-separated file that has none


SETS = {
    "mawqif": Set("Mawqif stance, mean of 3 targets", "mawqif/train.csv", "text", "stance", "stance",
                  ("polar", "macro", "accuracy"), ("favor", "against")),
    "arsarcasm": Set("ArSarcasm-v2 sentiment", "arsarcasm/train.csv", "tweet", "sentiment", "sentiment",
                     ("polar", "macro", "accuracy"), ("positive", "negative")),
    "astd": Set("ASTD, 4 classes", "astd/train.tsv", "text", "sentiment", "sentiment=POS,NEG,NEUTRAL,OBJ",
                ("macro", "accuracy"), header=("text", "sentiment")),
    "res": Set("RES1 polarity", "res/RES1.csv", "text", "polarity", "polarity=-1,1",
               ("macro", "accuracy")),
}
METRIC_NAMES = {"polar": "mean F1 of {}", "macro": "macro-F1", "accuracy": "accuracy"}


def as_csv(chosen, path, folder):
    """The file to give to kzstance: the set's own, or a copy with a header where it has none."""
    if not chosen.header:
        return path
    copy = Path(folder) / (path.stem + ".csv")
    with open(path, encoding="utf-8-sig", newline="\n") as source, \
            open(copy, "w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(chosen.header)
        writer.writerows(line.rstrip("\r\n").rsplit("\t", 1) for line in source)
    return copy


def read_rows(path, chosen):
    """The text and the label by kzstance's id: what the column of ids says, else `row-N` from 1."""
    csv.field_size_limit(1 << 24)
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        ids = next((name for name in reader.fieldnames if name.strip().lower() == "id"), None)
        rows = {}
        for number, row in enumerate(reader, 1):
            rows[(row[ids] if ids else "") or f"row-{number}"] = (row[chosen.text], row[chosen.label].strip())
    return rows


# kzstance


@dataclass
class Part:
    """The examples of one model (one target, or all there are), in the order of their ids."""

    target: str
    classes: list
    ids: list
    texts: np.ndarray
    truth: np.ndarray
    folds: np.ndarray
    guess: dict  # system -> predicted class of each example


def run_kzstance(args, chosen, path, seed):
    """The parts, as `kzstance evaluate` made and judged them, and what that took."""
    command = [args.kzstance, "evaluate", str(path), "--folds", str(FOLDS), "--seed", str(seed), "--brief", "--json",
               "--quiet", "--threads", "1", "--axis", chosen.axis, "--columns", f"text={chosen.text}"]
    if args.config:
        command += ["--config", args.config]
    if args.unlabelled:
        command += ["--unlabelled", args.unlabelled]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = read_rows(path, chosen)
    parts = [read_part(axis, rows, chosen) for axis in json.loads(printed)["axes"]]
    return parts, {"wall": wall, "cpu": cpu}


def gather_texts(data, path):
    """Every text in the folder, without its label, for vectors of stems: the sets judged here are among them."""
    texts = []
    for chosen in SETS.values():
        file = Path(data) / chosen.file
        if file.exists():
            texts += [text for text, _ in read_rows(as_csv(chosen, file, path.parent), chosen).values()]
    for file in sorted(Path(data).glob("motaz/*.tsv")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        texts += [line.split("\t", 1)[-1] for line in lines]
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text"])
        writer.writerows([text] for text in texts if text.strip())
    return str(path)


def read_part(axis, rows, chosen):
    """One axis of the JSON, joined to the rows; stops where the two do not fit."""
    found = sorted(axis["predictions"], key=lambda one: one["id"])
    classes = axis["axis"]["classes"]
    ids = [one["id"] for one in found]
    names = {(rows[one["id"]][1], one["truth"]) for one in found}
    if len(set(ids)) != len(ids) or len({raw for raw, _ in names}) != len(names):
        sys.exit(f"{chosen.title}: the ids of the JSON and the rows of the file do not fit: {sorted(names)}")
    part = Part(
        target=axis.get("target") or "",
        classes=classes,
        ids=ids,
        texts=np.array([rows[one][0] for one in ids], dtype=object),
        truth=np.array([classes.index(one["truth"]) for one in found]),
        folds=np.array([one["fold"] for one in found]),
        guess={"kzstance": np.array([classes.index(one["predicted"]) for one in found])},
    )
    if len(set(part.folds)) != FOLDS:
        sys.exit(f"{chosen.title}: {len(set(part.folds))} folds, not {FOLDS}")
    told = {"macro": axis["figures"]["macro_f1"]["value"], "polar": (axis["figures"].get("semeval_f") or {}).get("value")}
    for metric in set(chosen.metrics) - {"accuracy"}:
        ours = value(metric, [part], "kzstance", chosen)
        if abs(ours - 100 * told[metric]) > 1e-6:
            sys.exit(f"{chosen.title}: {metric} is {ours} here and {100 * told[metric]} by kzstance")
    return part


# scikit-learn


URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
USER = re.compile(r"@\w+")
MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")  # diacritics and tatweel
ALEF = re.compile("[أإآٱ]")


def normalise(text):
    """What a scikit-learn user would do to Arabic text."""
    text = USER.sub(" user ", URL.sub(" url ", text))
    return ALEF.sub("ا", MARKS.sub("", text)).replace("ى", "ي").replace("ة", "ه")


def strong_vectoriser():
    common = {"sublinear_tf": True, "min_df": 2}
    return FeatureUnion([
        ("word", TfidfVectorizer(ngram_range=(1, 2), **common)),
        ("char", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)),
    ])


def strong_model(strength):
    return OneVsRestClassifier(LogisticRegression(
        C=strength, class_weight="balanced", solver="newton-cg", tol=TOLERANCE, max_iter=1000))


def predict_grid(texts, truth, train, test):
    """What the pipeline predicts of `test` at each C of the grid: the features are made once."""
    vectoriser = strong_vectoriser()
    x, x_test = vectoriser.fit_transform(texts[train]), vectoriser.transform(texts[test])
    return np.array([strong_model(strength).fit(x, truth[train]).predict(x_test) for strength in GRID])


def predict_inner(texts, truth, seed):
    """Predictions at each C of the grid over inner folds, which keep equal texts together."""
    guess = np.empty((len(GRID), len(truth)), dtype=int)
    inner = StratifiedGroupKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    for train, test in inner.split(texts, truth, groups=texts.astype(str)):
        guess[:, test] = predict_grid(texts, truth, train, test)
    return guess


def predict_strong(part, seed, chosen, tune):
    """Out-of-fold predictions at each C of the grid, and the grid; or, tuned by inner folds, at the C that
    is best over those (the smaller of equals), and the C of each fold."""
    texts = np.array([normalise(text) for text in part.texts], dtype=object)
    guess, strengths = np.empty((len(GRID), len(texts)), dtype=int), []
    for fold in np.unique(part.folds):
        train, test = np.flatnonzero(part.folds != fold), np.flatnonzero(part.folds == fold)
        if tune == "hindsight":
            guess[:, test] = predict_grid(texts, part.truth, train, test)
            continue
        inner = predict_inner(texts[train], part.truth[train], seed)
        confusions = [confusion(part.truth[train], one, len(part.classes)) for one in inner]
        values = score(chosen.metrics[0], [np.array(confusions)], polar_of(part, chosen))
        strengths.append(GRID[int(np.argmax(values))])
        pipeline = make_pipeline(strong_vectoriser(), strong_model(strengths[-1]))
        guess[:, test] = pipeline.fit(texts[train], part.truth[train]).predict(texts[test])
    return (guess, GRID) if tune == "hindsight" else (guess[:1], strengths)


def predict_default(part):
    """Out-of-fold predictions of the pipeline as it comes, on raw text."""
    guess = np.empty_like(part.truth)
    for fold in np.unique(part.folds):
        train, test = part.folds != fold, part.folds == fold
        pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
        guess[test] = pipeline.fit(part.texts[train], part.truth[train]).predict(part.texts[test])
    return guess


def run_peer(part, seed, chosen, tune):
    """Both pipelines of scikit-learn; an unconverged strong fit is an error."""
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        strong, strengths = predict_strong(part, seed, chosen, tune)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        default = predict_default(part)
    return {"strong": strong.tolist(), "default": default.tolist(), "C": strengths, **spent}


def cached_peer(args, name, part, seed):
    """What scikit-learn predicts for a part: from the cache where the very same was asked before."""
    asked = [PEER, args.tune, sklearn.__version__, np.__version__, GRID, INNER_FOLDS, TOLERANCE, seed,
             SETS[name].metrics[0], part.classes, part.ids, part.texts.tolist(), part.truth.tolist(),
             part.folds.tolist()]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]
    target = f"-{part.target.replace(' ', '_')}" if part.target else ""
    file = args.cache and Path(args.cache) / f"{name}{target}-{seed}-{digest}.json"
    if file and file.exists():
        print(f"{name}{target}, seed {seed}: scikit-learn from the cache", file=sys.stderr)
        return json.loads(file.read_text())
    found = run_peer(part, seed, SETS[name], args.tune)
    print(f"{name}{target}, seed {seed}: scikit-learn {found['wall']:.0f} s", file=sys.stderr)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(found))
        partial.replace(file)
    return found


# Metrics and differences


def polar_of(part, chosen):
    return [part.classes.index(one) for one in chosen.polar]


def confusion(truth, guess, k, weights=None):
    """Truth by prediction, of `k` classes; `weights` says how often each example counts."""
    return np.bincount(truth * k + guess, weights, minlength=k * k).reshape(k, k)


def value(metric, parts, system, chosen):
    """A metric x 100 of what a system predicts."""
    confusions = [confusion(part.truth, part.guess[system], len(part.classes)) for part in parts]
    return score(metric, confusions, polar_of(parts[0], chosen))


def score(metric, confusions, polar):
    """A metric x 100, from the confusion matrices of a set's parts (each of shape ..., k, k): accuracy over
    all examples, F1 as the plain mean over the parts."""
    hits = [np.diagonal(one, axis1=-2, axis2=-1) for one in confusions]
    if metric == "accuracy":
        return 100 * sum(one.sum(-1) for one in hits) / sum(one.sum((-2, -1)) for one in confusions)
    of_parts = []
    for matrix, hit in zip(confusions, hits):
        f1 = 2 * hit / np.maximum(matrix.sum(-1) + matrix.sum(-2), 1)
        of_parts.append((f1[..., polar] if metric == "polar" else f1).mean(-1))
    return 100 * np.mean(of_parts, axis=0)


def resample(runs):
    """Confusion matrices by seed, system and part, of the same resamples of the examples for all seeds and
    systems, drawn within each part."""
    rng = np.random.default_rng(20220)
    found = {(seed, system): [[] for _ in parts]
             for seed, parts in runs.items() for system in ("kzstance", "strong")}
    for at, first in enumerate(next(iter(runs.values()))):
        n = len(first.truth)
        for _ in range(RESAMPLES):
            weights = np.bincount(rng.integers(n, size=n), minlength=n)
            for (seed, system), matrices in found.items():
                guess = runs[seed][at].guess[system]
                matrices[at].append(confusion(first.truth, guess, len(first.classes), weights))
    return {key: [np.array(one) for one in matrices] for key, matrices in found.items()}


def mcnemar(parts):
    """Two-sided mid-p of McNemar's exact test on who is right."""
    ours = np.concatenate([part.guess["kzstance"] == part.truth for part in parts])
    theirs = np.concatenate([part.guess["strong"] == part.truth for part in parts])
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    few, n = min(only_ours, only_theirs), only_ours + only_theirs
    return min(1.0, float(2 * binom.cdf(few, n, 0.5) - binom.pmf(few, n, 0.5)))


def table_rows(chosen, runs):
    """The rows of a set. `runs` has the parts by seed, predictions of every system included."""
    first = next(iter(runs.values()))
    for parts in runs.values():
        if any(a.ids != b.ids or (a.truth != b.truth).any() for a, b in zip(first, parts, strict=True)):
            sys.exit(f"{chosen.title}: the seeds are not of the same examples")
    polar = polar_of(first[0], chosen)
    drawn = resample(runs)
    for metric in chosen.metrics:
        mean = {system: np.mean([value(metric, parts, system, chosen) for parts in runs.values()])
                for system in ("kzstance", "strong", "default")}
        differences = np.mean([score(metric, drawn[seed, "kzstance"], polar)
                               - score(metric, drawn[seed, "strong"], polar) for seed in runs], axis=0)
        low, high = np.quantile(differences, [0.025, 0.975])
        verdict = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
        p = ", ".join(f"{mcnemar(parts):.2g}" for parts in runs.values()) if metric == "accuracy" else ""
        name = METRIC_NAMES[metric].format(" and ".join(chosen.polar))
        yield (f"| {chosen.title} | {name} | {mean['kzstance']:.2f} | {mean['strong']:.2f} | {mean['default']:.2f} "
               f"| {mean['kzstance'] - mean['strong']:+.2f} ({low:+.2f} to {high:+.2f}) | {verdict} | {p} |")


# The whole


def take_best(chosen, runs, grids):
    """Gives every part scikit-learn's predictions at the C that is best over all of them; returns its place
    in the grid. `grids` has the predictions at each C, in the order of the parts."""
    every = [part for parts in runs.values() for part in parts]

    def take(at):
        for part, grid in zip(every, grids, strict=True):
            part.guess["strong"] = grid[at]
        return np.mean([value(chosen.metrics[0], parts, "strong", chosen) for parts in runs.values()])

    best = int(np.argmax([take(at) for at in range(len(grids[0]))]))
    take(best)
    return best


def compare(args, name, folder):
    """The rows of a set, and the row of what it took: means of the seeds."""
    chosen = SETS[name]
    path = as_csv(chosen, Path(args.data) / chosen.file, folder)
    runs, ours, theirs = {}, [], []
    for seed in args.seeds:
        runs[seed], spent = run_kzstance(args, chosen, path, seed)
        print(f"{name}, seed {seed}: kzstance {spent['wall']:.0f} s", file=sys.stderr)
        ours.append(spent)
        for part in runs[seed]:
            theirs.append(cached_peer(args, name, part, seed))
            part.guess["default"] = np.array(theirs[-1]["default"])
    best = take_best(chosen, runs, [np.array(found["strong"]) for found in theirs])
    if args.tune == "inner":
        every = [strength for found in theirs for strength in found["C"]]
        strength = f"{min(every):g} to {max(every):g}"
    else:
        strength = f"{GRID[best]:g}"
    n, seeds = sum(len(part.ids) for part in runs[seed]), len(args.seeds)
    took = [sum(one[what] for one in side) / seeds for side in (ours, theirs) for what in ("wall", "cpu")]
    cost = " | ".join(f"{one:.1f}" for one in (*took, took[3] / took[1]))
    return list(table_rows(chosen, runs)), f"| {chosen.title} | {n} | {cost} | {strength} |"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="the folder with " + ", ".join(one.file for one in SETS.values()))
    parser.add_argument("--kzstance", required=True, help="the program")
    parser.add_argument("--config", help="settings for kzstance (TOML)")
    parser.add_argument("--unlabelled", action="store_true",
                        help="let kzstance learn vectors of stems from the texts of DATA, labels unseen")
    parser.add_argument("--sets", type=lambda given: given.split(","), default=list(SETS),
                        help=f"of {','.join(SETS)} (default: all)")
    parser.add_argument("--seeds", type=lambda given: [int(one) for one in given.split(",")], default=[2022, 7],
                        help="seeds of the folds (default: 2022,7)")
    parser.add_argument("--tune", choices=["hindsight", "inner"], default="hindsight",
                        help="how C of the strong pipeline is chosen (default: hindsight, in its favour)")
    parser.add_argument("--cache", help="a folder to keep scikit-learn's predictions in")
    args = parser.parse_args()
    unknown = set(args.sets) - set(SETS)
    if unknown:
        parser.error(f"no such set: {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    if len(set(args.seeds)) != len(args.seeds):
        parser.error("a seed stands twice")
    return args


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        if args.unlabelled:
            args.unlabelled = gather_texts(args.data, Path(folder) / "texts.csv")
        found = [compare(args, name, folder) for name in args.sets]
    version = subprocess.run([args.kzstance, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    settings = f" with `{Path(args.config).name}`" if args.config else ""
    settings += " with --unlabelled" if args.unlabelled else ""
    print(f"{version}{settings}, scikit-learn {sklearn.__version__}; {FOLDS} folds; "
          f"seeds {', '.join(map(str, args.seeds))}; {RESAMPLES} resamples of the examples; C of strong: "
          + {"hindsight": "the best of the grid with hindsight.\n", "inner": "by inner folds.\n"}[args.tune])
    print("| set | metric | kzstance | strong | default | difference (95 % interval) | verdict | McNemar p |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(row for rows, _ in found for row in rows))
    print("\nSeconds for one seed, one thread. kzstance: everything, choice of C inside each fold included. "
          "strong: when its predictions were made, "
          + {"hindsight": f"{len(GRID)} values of C in {FOLDS} folds, no inner folds.\n",
             "inner": f"{len(GRID)} values of C in {INNER_FOLDS} folds inside each of {FOLDS}.\n"}[args.tune])
    print("| set | n | kzstance, wall | CPU | strong, wall | CPU | CPU, strong / kzstance | C of strong |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(cost for _, cost in found))


if __name__ == "__main__":
    main()
