"""fastText: train, validate, score. Text and labels come normalised, one line a document.

    python fasttext_peer.py train TRAIN.txt MODEL.bin SETTINGS      SETTINGS: JSON, fastText's own names
    python fasttext_peer.py validate TRAIN.jsonl SETTINGS FOLDER    prints JSON: mean F1, seconds a fit
    python fasttext_peer.py score MODEL.bin TEXTS.txt OUT.txt
    python fasttext_peer.py inprocess MODEL.bin TEXTS.txt PASSES    prints JSON: seconds of each pass
"""

import json
import sys
import time

import fasttext

SUFFIX = "bin"


def train(path, model, settings):
    known = {key: value for key, value in settings.items() if key != "even"}
    found = fasttext.train_supervised(path, verbose=0, **{"thread": 1, "seed": 2022, **known})
    found.save_model(model)
    return found


def validate(path, settings, folder):
    from sklearn_fit import polar_f1
    from texts import fasttext_line, read_json, write_fasttext

    rows = read_json(path)
    guess, seconds = {}, 0.0
    for fold in sorted({row["fold"] for row in rows}):
        held = [row for row in rows if row["fold"] == fold]
        write_fasttext(f"{folder}/fold.txt", [row for row in rows if row["fold"] != fold], settings.get("even"))
        start = time.process_time()
        model = train(f"{folder}/fold.txt", f"{folder}/fold.bin", settings)
        seconds += time.process_time() - start
        labels, _ = model.predict([fasttext_line(row).partition(" ")[2] for row in held])
        guess.update((row["id"], label[0].removeprefix("__label__")) for row, label in zip(held, labels))
    f1 = polar_f1([row["sentiment"] for row in rows], [guess[row["id"]] for row in rows], ["positive", "negative"])
    return {"f1": f1, "cpu": seconds / 5}


def score(model, texts, out):
    found = fasttext.load_model(model)
    with open(texts, encoding="utf-8") as file:
        labels, p = found.predict([line.rstrip("\n") for line in file], k=-1)
    with open(out, "w", encoding="utf-8") as file:
        for names, values in zip(labels, p):
            file.write(" ".join(f"{name} {value:.6g}" for name, value in zip(names, values)) + "\n")


def inprocess(model, texts, passes):
    found = fasttext.load_model(model)
    with open(texts, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        found.predict(lines, k=-1)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def main():
    what, *rest = sys.argv[1:]
    if what == "train":
        train(rest[0], rest[1], json.loads(rest[2]))
    elif what == "validate":
        print(json.dumps(validate(rest[0], json.loads(rest[1]), rest[2])))
    elif what == "score":
        score(*rest)
    else:
        print(json.dumps(inprocess(rest[0], rest[1], int(rest[2]))))


if __name__ == "__main__":
    main()
