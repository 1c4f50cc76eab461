"""Writes tfidf.json: what scikit-learn takes for n-grams and for idf.

    python make_tfidf.py [OUTPUT]

* char_wb n-grams of 2 to 5 characters of single words (scikit-learn pads each
  word with one space on either side), sorted by code point, with their counts;
* document frequencies and smooth idf, ln((1 + n) / (1 + df)) + 1, of tiny
  documents of invented words, and the rows of sublinear, unit-length tf-idf;
* the idf of BM25, ln(1 + (n - df + 0.5) / (df + 0.5)), computed here by numpy.
"""

import json
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

WORDS = [
    "و", "في", "من", "كتب", "بيت", "قمر", "باب", "سلام", "مكتبه", "مدرسه",
    "والكتاب", "مستشفي", "الاقتصاد", "ههههه", "استقلاليه", "المستشفيات",
    "وبالمستشفيات", "a", "ab", "aaa", "news", "banana", "7", "2024", "covid19",
    "كوفيد19", "abcdefghijkl",
]

CORPORA = {
    "latin": [
        "zarbo miluk zarbo tenq",
        "miluk vasti",
        "zarbo orpel orpel orpel",
        "zarbo",
        "quenn vasti miluk zarbo",
    ],
    "arabic": [
        "زربو ملوك زربو",
        "ملوك فستي قنون",
        "قنون قنون",
    ],
    "one": ["zarbo miluk zarbo"],
    "common": ["ulm", "ulm ulm", "ulm pex", "ulm"],
}


def ngrams_of(word):
    vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=False)
    counts = vectorizer.fit_transform([word]).toarray()[0]
    pairs = sorted((g, int(counts[c])) for g, c in vectorizer.vocabulary_.items())
    tfidf = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=False)
    if sorted(tfidf.fit([word]).vocabulary_) != [g for g, _ in pairs]:
        sys.exit(f"the two vectorizers disagree on {word!r}")
    return {
        "word": word,
        "ngrams": [g for g, _ in pairs],
        "counts": [c for _, c in pairs],
    }


def corpus_of(name, documents):
    pattern = {"token_pattern": r"(?u)\S+", "lowercase": False}
    counter = CountVectorizer(**pattern)
    counts = counter.fit_transform(documents).toarray()
    terms = list(counter.get_feature_names_out())
    df = (counts > 0).sum(axis=0)
    n = len(documents)

    tfidf = TfidfVectorizer(sublinear_tf=True, norm="l2", smooth_idf=True, **pattern)
    rows = tfidf.fit_transform(documents).toarray()
    if list(tfidf.get_feature_names_out()) != terms or terms != sorted(terms):
        sys.exit("terms out of order")
    if not np.allclose(tfidf.idf_, np.log((1 + n) / (1 + df)) + 1, rtol=1e-15, atol=0):
        sys.exit("the smooth idf is not the formula")

    return {
        "name": name,
        "documents": documents,
        "n": n,
        "terms": terms,
        "df": df.tolist(),
        "idf_smooth": tfidf.idf_.tolist(),
        "idf_bm25": np.log(1 + (n - df + 0.5) / (df + 0.5)).tolist(),
        "tfidf_sublinear_l2": rows.tolist(),
    }


def dump(value):
    """JSON with floats at 17 significant digits, which round-trip exactly."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dump(v) for v in value) + "]"
    if isinstance(value, float):
        return format(value, ".17g")
    return json.dumps(value, ensure_ascii=False)


def main():
    parts = [
        f'"sklearn": {dump(sklearn.__version__)}',
        '"char_wb": {"min": 2, "max": 5, "words": [\n'
        + ",\n".join(dump(ngrams_of(w)) for w in WORDS)
        + "\n]}",
        '"corpora": [\n'
        + ",\n".join(dump(corpus_of(n, d)) for n, d in CORPORA.items())
        + "\n]",
    ]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    json.loads(text)

    here = os.path.dirname(os.path.abspath(__file__))
    output = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "tfidf.json")
    with open(output, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    print(f"{len(WORDS)} words, {len(CORPORA)} corpora")


if __name__ == "__main__":
    main()
