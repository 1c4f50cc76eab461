"""Vowpal Wabbit: train, validate, score, each by its own driver, which reads and writes files. An example at a time
through the Python API is slower.

    python vw_peer.py train TRAIN.vw MODEL.vw SETTINGS             SETTINGS: JSON {"options", "passes", "chars", "even"}
    python vw_peer.py validate TRAIN.jsonl SETTINGS FOLDER         prints JSON: mean F1, seconds a fit
    python vw_peer.py inprocess MODEL.vw TEXTS.vw PASSES           prints JSON: seconds of each pass, without opening
                                                                   the model

A whole process is `python -m vowpalwabbit --quiet -t -i MODEL.vw -d TEXTS.vw -p OUT.txt --probabilities`.
"""

import json
import os
import sys
import tempfile
import time

from vowpalwabbit import pyvw

SUFFIX = "vw"


def drive(options):
    pyvw.Workspace(f"--quiet {options}").finish()


def train(path, model, settings):
    cache = f"{model}.cache"
    drive(f"-d {path} --oaa 3 --loss_function logistic -b 20 --holdout_off --passes {settings['passes']} "
          f"-k --cache_file {cache} -f {model} {settings['options']}")
    os.remove(cache)


def predict(model, texts, out):
    drive(f"-t -i {model} -d {texts} -p {out} --probabilities")


def validate(path, settings, folder):
    from sklearn_fit import polar_f1
    from texts import CLASSES, read_json, write_vw

    rows = read_json(path)
    guess, seconds = {}, 0.0
    for fold in sorted({row["fold"] for row in rows}):
        held = [row for row in rows if row["fold"] == fold]
        names = [f"{folder}/fold.{part}" for part in ("train", "held", "vw", "out")]
        write_vw(names[0], [row for row in rows if row["fold"] != fold], settings.get("chars"), settings.get("even"))
        write_vw(names[1], [{"text": row["text"]} for row in held], settings.get("chars"))
        start = time.process_time()
        train(names[0], names[2], settings)
        seconds += time.process_time() - start
        predict(names[2], names[1], names[3])
        with open(names[3], encoding="utf-8") as file:
            for row, line in zip(held, file, strict=True):
                p = [float(cell.partition(":")[2]) for cell in line.split()]
                guess[row["id"]] = CLASSES[p.index(max(p))]
    f1 = polar_f1([row["sentiment"] for row in rows], [guess[row["id"]] for row in rows], ["positive", "negative"])
    return {"f1": f1, "cpu": seconds / 5}


def inprocess(model, texts, passes):
    with tempfile.TemporaryDirectory() as folder:
        empty, out = f"{folder}/empty", f"{folder}/out"
        open(empty, "w").close()

        def timed(given):
            start = time.perf_counter()
            predict(model, given, out)
            return time.perf_counter() - start

        opening = min(timed(empty) for _ in range(passes + 5))
        seconds = [timed(texts) - opening for _ in range(passes)]
    # A disturbed opening would leave nothing, or less, for the texts.
    if min(seconds) <= 0:
        sys.exit("the machine is too busy, or the texts are too few, to tell opening the model from scoring")
    return {"seconds": seconds}


def main():
    what, *rest = sys.argv[1:]
    if what == "train":
        train(rest[0], rest[1], json.loads(rest[2]))
    elif what == "validate":
        print(json.dumps(validate(rest[0], json.loads(rest[1]), rest[2])))
    else:
        print(json.dumps(inprocess(rest[0], rest[1], int(rest[2]))))


if __name__ == "__main__":
    main()
