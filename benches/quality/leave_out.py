#!/usr/bin/env python3
"""Is C chosen better by approximate leave-one-out or by folds, where labels are few?

    python3 leave_out.py KZSTANCE DATA.csv TEXT LABEL AXIS [DRAWS]

Draws training sets of 40 to 300 rows, trains with `learn.leave_out = 300` and `= 0`, and judges 1,500 other rows.
Prints means of macro-F1, log-loss, ECE and C, and the difference with its standard error. Standard library only.
"""

import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

program, data, text, label, axis = sys.argv[1:6]
draws = int(sys.argv[6]) if len(sys.argv) > 6 else 12
with open(data, encoding="utf-8-sig", newline="") as file:
    rows = [(row[text], row[label]) for row in csv.DictReader(file)]


def write(path, some):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", axis.split("=")[0]])
        writer.writerows(some)


def judged(folder, most):
    (folder / "c.toml").write_text(f"[learn]\nleave_out = {most}\n")
    common = ["--axis", axis, "--quiet"]
    model = str(folder / "m.kzm")
    subprocess.run([program, "train", str(folder / "train.csv"), *common, "--config", str(folder / "c.toml"),
                    "-o", model, "--force"], check=True, stdout=subprocess.DEVNULL)
    out = subprocess.run([program, "evaluate", str(folder / "test.csv"), *common, "-m", model, "--json"],
                         check=True, stdout=subprocess.PIPE).stdout
    found = json.loads(out)["axes"][0]
    return [found["figures"][name]["value"] for name in ("macro_f1", "log_loss", "ece")] + [found["c"][0]]


print("| n | by | macro-F1 | log-loss | ECE | C |\n|---|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)
    for n in (40, 80, 160, 300):
        found = {"leave-one-out": [], "folds": []}
        for draw in range(draws):
            random.seed(100 * n + draw)
            some = random.sample(rows, n + 1500)
            write(folder / "train.csv", some[:n])
            write(folder / "test.csv", some[n:])
            found["leave-one-out"].append(judged(folder, 300))
            found["folds"].append(judged(folder, 0))
        for by, figures in found.items():
            means = [statistics.mean(column) for column in zip(*figures)]
            print(f"| {n} | {by} | {means[0]:.4f} | {means[1]:.4f} | {means[2]:.4f} | {means[3]:.2f} |")
        gaps = [a[0] - b[0] for a, b in zip(found["leave-one-out"], found["folds"])]
        error = statistics.stdev(gaps) / len(gaps) ** 0.5
        print(f"| {n} | difference | {statistics.mean(gaps):+.4f} (standard error {error:.4f}) | | | |")
