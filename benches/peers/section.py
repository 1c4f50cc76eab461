"""Writes what run.py measured into a report, between two markers, with a plot beside it.

    python section.py RESULTS.json REPORT.md

What stands between `<!-- peers:begin -->` and `<!-- peers:end -->` is replaced; a report without them is an error, a
report that is not there is made.
"""

import json
import os
import sys
from pathlib import Path

from plot import SYSTEMS, draw, fit_slope

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"


def number(value, unit=""):
    """Two significant digits, three from 100 up."""
    digits = 3 if abs(value) >= 100 else 2
    rounded = float(f"{value:.{digits}g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:.10g}"
    return text + unit


def table(head, rows):
    """Markdown; the first column to the left, the others to the right."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def mb(value):
    return number(value / 1e6)


def in_order(systems):
    return sorted(systems, key=lambda name: list(SYSTEMS).index(name) if name in SYSTEMS else len(SYSTEMS))


def scoring(found):
    systems, sizes = found["systems"], found["sizes"]
    ours = systems["kzstance, cold"]
    rows = []
    for name in in_order(systems):
        cells = [name]
        for kind in sizes:
            one = systems[name][kind]
            cells += [f"{number(one['best'])} ({number(one['median'])})", number(ours[kind]["best"] / one["best"])]
        rows.append(cells)
    head = [""] + [cell for kind in sizes for cell in (f"{kind}, MB/s", "kzstance, cold / this")]
    what = ", ".join(f"{size['documents']:,} {kind} ({mb(size['bytes'])} MB)" for kind, size in sizes.items())
    return (f"**Scoring in process, one core**: class probabilities of {what}; best pass, median in parentheses. kzstance "
            "and scikit-learn are given raw text and normalise it; fastText and Vowpal Wabbit are given normalised "
            "text (and Vowpal Wabbit its character n-grams, which it cannot make), which is not counted. Bytes are those of the raw "
            "text for all. Cold: a session that has seen no word; warm: the same texts once more.\n\n" + table(head, rows))


def process(found):
    systems, sizes = found["systems"], found["sizes"]
    rows = []
    for name in in_order(systems):
        for cores, kinds in systems[name].items():
            cells = [name, cores]
            for kind, size in sizes.items():
                one, ours = kinds[kind], systems["kzstance"][cores][kind]
                cells += [number(size["bytes"] / one["wall"] / 1e6), f"{number(one['wall'])} ({number(one['wall_min'])})",
                          number(one["cpu"]), number(one["wall"] / ours["wall"])]
            cells.append(mb(max(kinds[kind]["rss"] for kind in sizes)))
            rows.append(cells)
    head = ["", "cores"] + [cell for kind in sizes for cell in
                            (f"{kind}, MB/s", "wall, s (least)", "CPU, s", "wall / kzstance")] + ["peak, MB"]
    return ("**Scoring, whole processes**: from a file to a file, start-up and reading included; the rest as above. fastText scores on "
            "one core. scikit-learn's memory is that of its largest process.\n\n" + table(head, rows))


def training(found, quick):
    systems = found["systems"]
    ours = systems["kzstance"]
    rows = []
    for name in in_order(systems):
        one = systems[name]
        single, double = one["1"], one["2"]
        rows.append([name, f"{one['f1']:.1f}", f"{number(single['wall'])} ({number(single['wall_min'])})", number(single["cpu"]),
                     number(double["wall"]), number(single["wall"] / double["wall"]),
                     number(single["cpu"] / ours["1"]["cpu"]), mb(single["rss"]), mb(one["model"])])
    head = ["", "mean F1", "one core, s (least)", "CPU, s", "two cores, s", "one / two", "CPU / kzstance", "peak, MB", "model, MB"]
    text = (f"**Training** on {found['rows']:,} tweets of ArSarcasm-v2 ({mb(found['bytes'])} MB). kzstance does everything: choice of C in five "
            "folds, calibration, held-out figures, final fit, model and card. scikit-learn does the choice along the same path of C in the "
            f"same folds, with the same rule where to stop (it tried {peer_tried(systems)}), each fit begun at "
            "the one before, and the final fit; on two cores the folds are shared out. fastText and Vowpal Wabbit fit once, at the settings that "
            "cross-validation found best before. Mean F1 of positive and negative, x 100, in the same five folds; kzstance chooses "
            "C inside each, the others have their settings by hindsight.\n\n" + table(head, rows))
    # The settings were found on the whole training part, and say nothing beside a model of a quarter of it.
    return text if quick else text + "\n" + told_settings(found["tried"], ours["f1"])


def peer_tried(systems):
    return ", ".join(f"{c:g}" for c in systems.get("scikit-learn", {}).get("tried", [])) or "none: left out"


def told_settings(tried, ours):
    """How near the best settings of fastText and Vowpal Wabbit come."""
    parts = []
    for peer in ("fastText", "Vowpal Wabbit"):
        each = [one for one in tried if one["peer"] == peer]
        if not each:
            continue
        reached = sorted((one for one in each if one["f1"] >= ours), key=lambda one: one["cpu"])
        best = max(each, key=lambda one: one["f1"])
        if reached:
            parts.append(f"Of {len(each)} settings of {peer} {len(reached)} reach kzstance's mean F1, the fastest with "
                         f"{number(reached[0]['cpu'])} s of CPU a fit (`{json.dumps(reached[0]['settings'])}`).")
        else:
            parts.append(f"None of {len(each)} settings of {peer} reaches kzstance's mean F1; the best, {best['f1']:.1f}, is "
                         f"`{json.dumps(best['settings'])}`.")
    return " ".join(parts) + "\n" if parts else ""


def start(found):
    ours = next(iter(found.values()))
    rows = [[name, f"{number(1000 * one['wall'])} ({number(1000 * one['wall_min'])})", number(1000 * one["cpu"]),
             number(one["wall"] / ours["wall"]), mb(one["rss"])] for name, one in found.items()]
    return (f"**One article**, whole processes, median of {ours['runs']}. The others' models are those trained above.\n\n"
            + table(["", "wall, ms (least)", "CPU, ms", "wall / kzstance", "peak, MB"], rows))


def growth(found):
    rows = []
    for name, each in found.items():
        for what, points in each.items():
            for one in points:
                rows.append([name, what, f"{one['n']:,}", f"{one['types']:,}", mb(one["bytes"]), number(one["wall"]),
                             number(one["bytes"] / one["wall"] / 1e6), mb(one["rss"])])
    slopes = [f"{name} {what} {fit_slope(points):.2f}" for name, each in found.items()
              for what, points in each.items() if len(points) > 1]
    head = ["", "", "texts", "word types", "MB", "wall, s", "MB/s", "peak, MB"]
    return ("**Growth**, whole processes, one core: tweets, and beyond the 54,322 there are, halves of two of them joined in the midst of "
            "words, so that types keep growing. Training is of two classes with the choice of C. Power of the number of texts "
            f"that the seconds grow with, from the last tenfold: {'; '.join(slopes)}.\n\n" + table(head, rows))


def section(results, picture):
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    parts = [f"`benches/peers/run.sh DATA`: {versions}; {results['machine']}; median of {results['runs']} runs in turn."]
    if results["quick"]:
        parts.append("**A quick run: few texts, a quarter of the training part, each once. No figures to quote.**")
    parts.append(f"![Speed, quality and growth of kzstance and its peers]({picture})")
    for name, write in (("scoring", scoring), ("process", process), ("training", training), ("start", start),
                        ("growth", growth)):
        if name in results:
            more = [results["quick"]] if name == "training" else []
            parts.append(write(results[name], *more))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main():
    results, report = Path(sys.argv[1]), Path(sys.argv[2])
    results = json.loads(results.read_text("utf-8"))
    whole = report.read_text("utf-8") if report.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{report}: no {BEGIN} … {END} to write between; add both lines")
    picture = HERE / "peers.svg" if report.name == "BENCHMARKS.md" else report.with_suffix(".svg")
    picture.write_text(draw(results), encoding="utf-8")
    link = os.path.relpath(picture, report.resolve().parent)
    report.write_text(f"{before}{BEGIN}\n{section(results, link)}{END}{after}", encoding="utf-8")
    print(f"written: {report}, {picture}", file=sys.stderr)


if __name__ == "__main__":
    main()
