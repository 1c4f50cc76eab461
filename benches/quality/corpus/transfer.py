"""Does it help to leave out words that belong to few targets?

One binary model (a side or none) of character n-grams within words, pooled over all targets; features are
kept that occur in articles toward K targets or more. Judged on other targets, one left out at a time, and
on the press articles by a model without them. Labels of confidence 1 count 0.3, of confidence 2 0.7.

    python3 benches/quality/corpus/transfer.py        # wants numpy, scipy, scikit-learn
"""
import collections, csv, glob, json, pathlib, re, unicodedata

import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

ROOT = pathlib.Path(__file__).resolve().parents[3]
MARKS = re.compile("[\u064b-\u065f\u0670\u0640\u200b-\u200f]")
WORD = re.compile(r"[\w\u064b-\u065f\u0670\u0640]+")


def normal(word):
    word = MARKS.sub("", unicodedata.normalize("NFKC", word)).lower()
    return re.sub("[أإآٱ]", "ا", word).replace("ى", "ي").replace("ة", "ه")


def articles():
    found = {}
    for path in glob.glob(str(ROOT / "seeds" / "**" / "*.jsonl"), recursive=True):
        for line in open(path, encoding="utf-8"):
            record = json.loads(line)
            words = collections.Counter()
            for segment in record.get("segments", []):
                for token, count in segment["bag"].items():
                    words[normal(token)] += count
            for token in WORD.findall(record.get("text", "")):
                words[normal(token)] += 1
            found[record["id"]] = words
    for name in ("articles", "other", "authored"):
        for row in csv.DictReader(open(ROOT / "labels" / f"{name}.csv", encoding="utf-8")):
            if row["on_target"] != "false" and row["origin"] != "seed":
                yield row, found[row["id"]]


def ngrams(word):
    padded = f" {word} "
    return [padded[i : i + n] for n in range(2, 6) for i in range(len(padded) - n + 1)]


def matrices():
    rows, bags = zip(*articles())
    words = {word: number for number, word in enumerate(sorted({word for bag in bags for word in bag}))}
    counts = [(i, words[word], count) for i, bag in enumerate(bags) for word, count in bag.items()]
    i, j, v = zip(*counts)
    documents = csr_matrix((np.array(v, float), (i, j)), shape=(len(bags), len(words)))
    names, i, j = {}, [], []
    for word, number in words.items():
        for gram in ngrams(word):
            i.append(number)
            j.append(names.setdefault(gram, len(names)))
    return rows, documents, csr_matrix((np.ones(len(i)), (i, j)), shape=(len(words), len(names)))


def scores(documents, grams, targets, sided, weights, train, held, least):
    seen = documents[train] @ grams
    seen.data[:] = 1
    df = np.asarray(seen.sum(0)).ravel()
    of_target = {target: number for number, target in enumerate(sorted(set(targets[train])))}
    spread = csr_matrix((np.ones(len(train)), ([of_target[t] for t in targets[train]], range(len(train))))) @ seen
    spread.data[:] = 1
    keep = (df >= 2) & (np.asarray(spread.sum(0)).ravel() >= least)
    n = len(train)
    kept = grams[:, keep] @ diags(np.log(1 + (n - df[keep] + 0.5) / (df[keep] + 0.5)))
    tf = documents.copy()
    tf.data = 1 + np.log(tf.data)
    x = (tf @ kept).tocsr()
    length = np.sqrt(np.asarray(tf.multiply(tf) @ np.asarray(kept.multiply(kept).sum(1))).ravel())
    x = diags(1 / np.where(length > 0, length, 1)) @ x
    model = LogisticRegression(C=4, class_weight="balanced", max_iter=3000)
    model.fit(x[train], sided[train], sample_weight=weights[train])
    return model.decision_function(x[held]), int(keep.sum())


def main():
    rows, documents, grams = matrices()
    origin = np.array([row["origin"] for row in rows])
    targets = np.array([row.get("target") or "own" for row in rows])
    sided = np.array([row["stance"] != "none" for row in rows])
    weights = np.array([{"1": 0.3, "2": 0.7}.get(row["confidence"], 1.0) for row in rows])
    others = np.where(origin == "other-target")[0]
    press = np.where(origin == "press")[0]
    print("| features in articles toward | features | other targets, AUC | press, AUC |\n|---|---|---|---|")
    for least in (1, 2, 3, 5, 8):
        found = np.zeros(len(rows))
        for target in sorted(set(targets[others])):
            held = others[targets[others] == target]
            train = np.where((targets != target) & (origin != "press"))[0]
            found[held], _ = scores(documents, grams, targets, sided, weights, train, held, least)
        train = np.where(origin != "press")[0]
        found[press], kept = scores(documents, grams, targets, sided, weights, train, press, least)
        auc = lambda rows: roc_auc_score(sided[rows], found[rows])
        print(f"| {least} targets or more | {kept} | {auc(others):.3f} | {auc(press):.3f} |", flush=True)


if __name__ == "__main__":
    main()
