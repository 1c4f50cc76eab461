#!/usr/bin/env python3
"""How much a decision should make up for a class's rarity: tables from `kzstance evaluate --json`.

    kzstance evaluate DATA --folds 5 --json > a.json
    python3 decisions.py a.json [b.json ...]

Held-out calibrated probabilities are decided on by the largest q / share^power for several powers (0: the most
probable class; 1: all classes as if equally frequent). Figures x 100, means over the axes (targets) of a file. Below
them: calibration, and what abstaining keeps. Standard library only.
"""

import json
import sys

POWERS = [0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0]


def f1(truth, decided, name):
    both = sum(t == d == name for t, d in zip(truth, decided))
    total = truth.count(name) + decided.count(name)
    return 2 * both / total if total else 0.0


def figures(axis, power):
    """Mean F1 of the polar classes, macro-F1 and accuracy of one axis under a power."""
    classes = axis["axis"]["classes"]
    made = axis["predictions"]
    truth = [p["truth"] for p in made]
    shares = [max(truth.count(name), 1) / len(truth) for name in classes]

    def decide(p):
        return max(zip((q / s**power for q, s in zip(p["probabilities"], shares)), classes))[1]

    decided = [decide(p) for p in made]
    polar = axis["axis"].get("polar") or classes
    mean = lambda names: 100 * sum(f1(truth, decided, name) for name in names) / len(names)
    right = 100 * sum(t == d for t, d in zip(truth, decided)) / len(truth)
    return mean(polar), mean([name for name in classes if name in truth]), right


def main():
    print("| file | power | F of polar classes | macro-F1 | accuracy |\n|---|---|---|---|---|")
    kept = []
    for path in sys.argv[1:]:
        axes = json.load(open(path, encoding="utf-8"))["axes"]
        name = path.rsplit("/", 1)[-1].removesuffix(".json")
        for power in POWERS:
            each = [figures(axis, power) for axis in axes]
            cells = [f"{sum(column) / len(column):.2f}" for column in zip(*each)]
            print(f"| {name} | {power} | {' | '.join(cells)} |")
        for axis in axes:
            of, figures = axis["abstentions"], axis["figures"]
            all_of = f"{of['kept']['n']} of {figures['n']}"
            kept.append(
                f"| {name} {axis.get('target') or ''} | {figures['ece']['value']:.3f} | {all_of} | {figures['accuracy']['value']:.3f} "
                f"| {of['kept']['accuracy']:.3f} | {of['abstained']['accuracy'] or 0:.3f} |"
            )
    print("\n| file | ECE | kept | accuracy, all | kept | abstained |\n|---|---|---|---|---|---|")
    print("\n".join(kept))


main()
