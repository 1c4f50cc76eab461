"""The texts of the comparison, made from public sets in a folder outside the repository.

Trained on: the training part of ArSarcasm-v2. Scored: tweets of another collection (`motaz/*.tsv`), each normalised
form once and none that is in the training part, in a fixed random order.
"""

import csv
import json
import random
import re
from pathlib import Path

from sklearn_fit import normalise

ARTICLE_WORDS = 400
WORD = re.compile(r"\w+")
CLASSES = ["positive", "negative", "neutral"]


def labelled(data):
    """Rows of ArSarcasm-v2: text and class. Their ids are those that kzstance gives to the rows of a file."""
    with open(Path(data) / "arsarcasm" / "train.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {"POS": "positive", "NEG": "negative", "NEU": "neutral"}
    return [{"id": f"row-{i}", "text": row["tweet"], "sentiment": names[row["sentiment"].strip()]}
            for i, row in enumerate(rows, 1)]


def unseen(data, known):
    """Tweets of the other collection with their distant labels, none of them alike or among `known`."""
    seen = {normalise(text) for text in known}
    found = []
    for path in sorted((Path(data) / "motaz").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            label, _, text = line.rstrip("\r").partition("\t")
            form = normalise(text)
            if label in ("pos", "neg") and form and form not in seen:
                seen.add(form)
                found.append((text, {"pos": "positive", "neg": "negative"}[label]))
    random.Random(2022).shuffle(found)
    return found


def articles(tweets):
    """Texts of some 400 words each: tweets joined, since no collection here has long ones."""
    made, part, words = [], [], 0
    for text in tweets:
        part.append(text)
        words += len(text.split())
        if words >= ARTICLE_WORDS:
            made.append("\n".join(part))
            part, words = [], 0
    return made


def grown(tweets, n):
    """`n` labelled texts. Beyond the tweets there are, the first half of one and the second half of another are
    joined, cut by letters, so that most joints make a new word and types keep growing, about one a text, as in the
    last of the real tweets. The label is that of the first half."""
    made = tweets[:n]
    rng = random.Random(n)
    while len(made) < n:
        (a, label), (b, _) = rng.choice(tweets), rng.choice(tweets)
        made.append((a[: len(a) // 2] + b[len(b) // 2:], label))
    return made


def first_bytes(texts, most):
    """As many texts as come to `most` bytes."""
    kept, size = [], 0
    for text in texts:
        size += len(text.encode())
        if size > most and kept:
            break
        kept.append(text)
    return kept


def write_json(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# What fastText and Vowpal Wabbit read. The text is normalised here, outside of what is timed.


def balanced(rows):
    """Weight of each class that makes all classes weigh the same."""
    labels = [row["sentiment"] for row in rows]
    return {label: len(rows) / (len(set(labels)) * labels.count(label)) for label in set(labels)}


def fasttext_line(row):
    text = normalise(row["text"])
    return f"__label__{row['sentiment']} {text}" if "sentiment" in row else text


def write_fasttext(path, rows, even=False):
    """Lines for fastText; `even` repeats those of rare classes, which is how it is told of weights."""
    times = {label: 1 for label in CLASSES}
    if even:
        weights = balanced(rows)
        times = {label: round(weight / min(weights.values())) for label, weight in weights.items()}
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write((fasttext_line(row) + "\n") * times.get(row.get("sentiment"), 1))


def characters(words):
    """The character n-grams 2-5 of each word with its borders, as char_wb takes them."""
    found = []
    for word in words:
        word = f"_{word}_"
        found += [word[at: at + n] for n in range(2, 6) for at in range(len(word) - n + 1)]
    return found


def write_vw(path, rows, chars=False, even=False):
    """Lines for Vowpal Wabbit: words, and with `chars` character n-grams, which it cannot make itself."""
    weights = balanced(rows) if even and rows and "sentiment" in rows[0] else {}
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            words = WORD.findall(normalise(row["text"]))
            label = ""
            if "sentiment" in row:
                label = f"{CLASSES.index(row['sentiment']) + 1} {weights.get(row['sentiment'], 1):.4f} "
            more = f" |c {' '.join(characters(words))}" if chars else ""
            file.write(f"{label}|w {' '.join(words)}{more}\n")
