"""Settings of fastText and Vowpal Wabbit: the ones to try, and the best of them by five-fold cross-validation.

Kept in settings.json: for each peer the one to use that has parts of words ("characters") and the one that has not
("words"), each the fastest within 0.2 of the best mean F1 of its kind; and every setting tried, with its mean F1 and the
CPU seconds of one fit.
"""

import json
import sys
import tempfile
from itertools import product
from pathlib import Path

PATH = Path(__file__).resolve().parent / "settings.json"
CHARS, WORDS = "characters", "words"  # beside words; these alone
AS_GOOD = 0.2
AFFIXES = "--affix " + ",".join(f"{sign}{n}w" for sign in "+-" for n in range(1, 6))


def fasttext_settings():
    """Dimensions, epochs, learning rates, pairs of words, losses, with classes as they are and evened."""
    ways = [(20, 5, 0.1, 1, "softmax"), (20, 5, 0.5, 1, "softmax"), (20, 10, 0.25, 1, "softmax"),
            (20, 25, 0.1, 1, "softmax"), (20, 25, 0.1, 1, "ova"), (20, 10, 0.5, 2, "softmax"),
            (100, 10, 0.1, 1, "softmax"), (20, 50, 0.1, 1, "softmax")]
    for (minn, maxn), even, (dim, epoch, lr, pairs, loss) in product([(0, 0), (2, 5)], [False, True], ways):
        yield {"minn": minn, "maxn": maxn, "dim": dim, "epoch": epoch, "lr": lr, "wordNgrams": pairs, "loss": loss,
               "bucket": 200_000, "even": even}


def vw_settings():
    """Words, their beginnings and ends, or character n-grams written out; passes; L2; classes as they are and evened."""
    for (options, chars), even, passes, l2 in product(
            [("", False), (AFFIXES, False), ("", True)], [False, True], [1, 3, 10], ["", "--l2 1e-6", "--l2 1e-5", "--l2 1e-4"]):
        yield {"options": f"{options} {l2}".strip(), "passes": passes, "chars": chars, "even": even}


def uses_characters(chosen):
    return bool(chosen.get("maxn") or chosen.get("chars") or "--affix" in chosen.get("options", ""))


def choose(tried, peer):
    """For each kind the fastest of those that are as good as the best."""
    kept = {}
    for kind in (WORDS, CHARS):
        each = [one for one in tried
                if one["peer"] == peer and (CHARS if uses_characters(one["settings"]) else WORDS) == kind]
        good = [one for one in each if one["f1"] >= max(other["f1"] for other in each) - AS_GOOD]
        if good:
            kept[kind] = min(good, key=lambda one: one["cpu"])["settings"]
    return kept


def tune(bench):
    """Tries every setting, and keeps those to use."""
    tried = []
    for peer, script, every in (("fastText", "fasttext", fasttext_settings()), ("Vowpal Wabbit", "vw", vw_settings())):
        for chosen in every if bench.has(peer) else ():
            with tempfile.TemporaryDirectory() as folder:
                printed = bench.measure(bench.peer(
                    script, "validate", bench.path("folds.jsonl"), json.dumps(chosen), folder))["printed"]
            tried.append({"peer": peer, **json.loads(printed), "settings": chosen})
            print(json.dumps(tried[-1]), file=sys.stderr, flush=True)
    write(tried, bench.chosen)


def write(tried, before):
    """Keeps what was tried; a peer of which nothing was tried stays as it was."""
    kept = {peer: choose(tried, peer) or before[peer] for peer in ("fastText", "Vowpal Wabbit")}
    lines = ",\n  ".join(json.dumps(one) for one in tried)
    chosen = "".join(f' {json.dumps(peer)}: {json.dumps(found)},\n' for peer, found in kept.items())
    PATH.write_text(f'{{\n{chosen} "tried": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


def read():
    return json.loads(PATH.read_text("utf-8"))
