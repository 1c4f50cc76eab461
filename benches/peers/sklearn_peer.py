"""scikit-learn: train with the choice of C, score whole files, score in process.

    python sklearn_peer.py train TRAIN.jsonl MODEL.joblib CORES C,C,...     prints JSON: C, tried, mean F1
    python sklearn_peer.py score MODEL.joblib TEXTS.jsonl OUT.jsonl CORES
    python sklearn_peer.py inprocess MODEL.joblib TEXTS.jsonl PASSES        prints JSON: seconds of each pass

The features are those of sklearn_fit.py: normalised words and char_wb 2-5, TF-IDF. Training walks the path of C in
five folds, each fit begun at the one before, the vocabulary learnt inside each fold, and fits once more on all rows.
newton-cg: lbfgs takes as long at this tolerance and stops farther from the optimum.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import multiprocessing
import sys
import time

import joblib
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sklearn_fit import new_vectoriser, normalise, polar_f1
from texts import read_json

SUFFIX = "joblib"
PATH_TOLERANCE, TOLERANCE = 1e-5, 1e-8
FOLDS = 5
CHUNK, CHUNK_BYTES = 500, 50_000


def heads_of(labels):
    """One head a class; one of two classes needs none of its own."""
    names = sorted(set(labels))
    return names if len(names) > 2 else names[1:]


def new_head(strength, tolerance):
    return LogisticRegression(C=strength, class_weight="balanced", solver="newton-cg", tol=tolerance, max_iter=1000,
                              warm_start=True)


def stacked(models):
    """Weights and intercepts of all heads, so that scoring takes one product."""
    return np.vstack([m.coef_ for m in models]).T.copy(), np.array([m.intercept_[0] for m in models])


def probabilities(vectoriser, weights, intercepts, texts):
    x = vectoriser.transform([normalise(text) for text in texts])
    return normed(expit(x @ weights + intercepts))


def normed(p):
    """Probabilities of the classes from those of the heads."""
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p / p.sum(axis=1, keepdims=True)


class Fold:
    """One fold on its way along the path of C: each fit begins where the one before ended."""

    def __init__(self, texts, labels, folds, fold):
        self.inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        vectoriser = new_vectoriser()
        self.x = vectoriser.fit_transform(texts[outside]).tocsr()
        self.held = vectoriser.transform(texts[self.inside]).tocsr()
        self.targets = [labels[outside] == name for name in heads_of(labels)]
        self.models = [new_head(1.0, PATH_TOLERANCE) for _ in self.targets]

    def advance(self, strength):
        """Places of the fold, and the linear scores of its texts, one column a head."""
        for target, model in zip(self.targets, self.models):
            model.C = strength
            model.fit(self.x, target)
        weights, intercepts = stacked(self.models)
        return self.inside, self.held @ weights + intercepts


def serve(pipe, numbers, *data):
    """A worker: makes its folds, then advances them whenever it is sent a C."""
    folds = [Fold(*data, number) for number in numbers]
    while (strength := pipe.recv()) is not None:
        pipe.send([fold.advance(strength) for fold in folds])


def steps(cores, *data):
    """A function that gives for a C the scores of all texts by the fits of the other folds."""
    if cores == 1:
        folds = [Fold(*data, number) for number in range(FOLDS)]
        return lambda strength: [fold.advance(strength) for fold in folds] if strength else []
    context, pipes = multiprocessing.get_context("fork"), []
    for worker in range(cores):
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, range(worker, FOLDS, cores), *data)).start()
        theirs.close()
        pipes.append(ours)

    def step(strength):
        for pipe in pipes:
            pipe.send(strength)
        return [one for pipe in pipes for one in pipe.recv()] if strength else []

    return step


def balanced_loss(scores, labels, names):
    """Mean over the classes of the mean -ln p, the scores scaled first so that it is least: kzstance's criterion
    without its offsets."""
    weight = 1 / np.array([(labels == name).sum() for name in labels]) / len(names)
    at = np.searchsorted(names, labels)

    def loss(log_scale):
        p = normed(expit(np.exp(log_scale) * scores))
        return -(weight * np.log(np.maximum(p[np.arange(len(at)), at], 1e-15))).sum()

    return minimize_scalar(loss, bounds=(-3, 3), method="bounded").fun


def choose(labels, step, grid):
    """The C of least loss. As in kzstance, the path ends once the loss is one percent above its least."""
    names, losses, f1 = np.array(sorted(set(labels))), [], []
    for strength in grid:
        parts = step(strength)
        scores = np.empty((len(labels), parts[0][1].shape[1]))
        for inside, found in parts:
            scores[inside] = found
        losses.append(balanced_loss(scores, labels, names))
        f1.append(polar_f1(labels, names[normed(expit(scores)).argmax(axis=1)], ["positive", "negative"]))
        if losses[-1] > 1.01 * min(losses):
            break
    step(None)
    best = int(np.argmin(losses))
    return {"C": grid[best], "f1": f1[best], "tried": grid[: len(losses)]}


def train(path, model, cores, grid):
    """The whole: reading, the choice among several C, the final fit, the file."""
    rows = read_json(path)
    texts = np.array([normalise(row["text"]) for row in rows], dtype=object)
    labels = np.array([row["sentiment"] for row in rows])
    folds = np.array([row.get("fold", at % FOLDS) for at, row in enumerate(rows)])
    told = {"C": grid[0]}
    if len(grid) > 1:
        told = choose(labels, steps(cores, texts, labels, folds), grid)
    vectoriser = new_vectoriser()
    x = vectoriser.fit_transform(texts).tocsr()
    fitted = [new_head(told["C"], TOLERANCE).fit(x, labels == name) for name in heads_of(labels)]
    joblib.dump((vectoriser, *stacked(fitted), sorted(set(labels))), model)
    return told


def judge(rows):
    vectoriser, weights, intercepts, names = judge.model
    p = probabilities(vectoriser, weights, intercepts, [row["text"] for row in rows])
    made = ({"id": row["id"], "label": names[q.argmax()], "probabilities": dict(zip(names, q.tolist()))}
            for row, q in zip(rows, p))
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made)


def chunks(path):
    """Rows in parts of some CHUNK_BYTES of the file, so that long texts too are shared out."""
    part, size = [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            part.append(json.loads(line))
            size += len(line)
            if size >= CHUNK_BYTES:
                yield part
                part, size = [], 0
    if part:
        yield part


def score(model, texts, out, cores):
    judge.model = joblib.load(model)
    with open(out, "w", encoding="utf-8") as file:
        if cores == 1:
            file.writelines(map(judge, chunks(texts)))
        else:
            with multiprocessing.get_context("fork").Pool(cores) as pool:
                file.writelines(pool.imap(judge, chunks(texts)))
                pool.close()
                pool.join()


def inprocess(model, texts, passes):
    vectoriser, weights, intercepts, _ = joblib.load(model)
    texts = [row["text"] for row in read_json(texts)]
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        for at in range(0, len(texts), CHUNK):
            probabilities(vectoriser, weights, intercepts, texts[at: at + CHUNK])
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def main():
    what, *rest = sys.argv[1:]
    if what == "train":
        grid = [float(strength) for strength in rest[3].split(",")]
        print(json.dumps(train(rest[0], rest[1], int(rest[2]), grid)))
    elif what == "score":
        score(*rest[:3], int(rest[3]))
    else:
        print(json.dumps(inprocess(rest[0], rest[1], int(rest[2]))))


if __name__ == "__main__":
    main()
