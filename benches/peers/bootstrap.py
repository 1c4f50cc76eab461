#!/usr/bin/env python3
"""Intervals of all figures: `kzstance compare` against the same resamples by scikit-learn's metrics.

    kzstance evaluate DATA --brief --report DIR
    python benches/peers/bootstrap.py target/release/kzstance DIR/evaluation.json

kzstance is timed as a whole process that reads the evaluation twice and takes the intervals of every figure of
both, and of every difference. scikit-learn gets the parsed rows, and takes the interval of one evaluation's
accuracy, macro-F1, MCC and log-loss, of each class's F1, and of each class's area under the ROC curve, by the plain
loop over RESAMPLES resamples of rows, extrapolated to 1000.
"""

import json
import subprocess
import sys
import time

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef, roc_auc_score

RESAMPLES = 20


def main():
    program, path = sys.argv[1:]
    start = time.perf_counter()
    subprocess.run([program, "--threads", "1", "compare", path, path], check=True, stdout=subprocess.DEVNULL)
    ours = time.perf_counter() - start
    with open(path, encoding="utf-8") as lines:
        axis = json.load(lines)["axes"][0]
    classes = axis["axis"]["classes"]
    made = axis["predictions"]
    truth = np.array([classes.index(one["truth"]) for one in made])
    decided = np.array([classes.index(one["predicted"]) for one in made])
    p = np.array([one["probabilities"] for one in made])
    rng = np.random.default_rng(2022)
    labels = list(range(len(classes)))
    start = time.perf_counter()
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(truth), len(truth))
        t, d, q = truth[rows], decided[rows], p[rows]
        accuracy_score(t, d)
        f1_score(t, d, labels=labels, average="macro")
        f1_score(t, d, labels=labels, average=None)
        matthews_corrcoef(t, d)
        log_loss(t, q, labels=labels)
        for label in labels:
            roc_auc_score(t == label, q[:, label])
    theirs = (time.perf_counter() - start) * 1000 / RESAMPLES
    print(f"{len(truth)} rows, 1000 resamples, one thread")
    print(f"kzstance compare, whole process, three sets of all figures: {ours:.2f} s")
    print(f"scikit-learn, one set of nine figures: {theirs:.1f} s, {theirs / ours:.0f} times as long")


main()
