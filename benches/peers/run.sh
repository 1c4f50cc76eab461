#!/usr/bin/env bash
# Runs kzstance, scikit-learn, fastText and Vowpal Wabbit on the same texts, pinned to the same core, in turn, and
# writes a table and a plot into BENCHMARKS.md (with --quick: into target/peers/quick.md).
# Usage: benches/peers/run.sh [--quick | --full] [--runs N] [--only A,B] [--skip PEER] [--tune] [DATA_FOLDER]
# DATA_FOLDER holds arsarcasm/train.csv and motaz/*.tsv. Linux only (taskset, /proc).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/target/peers-venv
if ! cmp --silent "$here/requirements.txt" "$venv/installed.txt"; then
    python3 -m venv --clear "$venv"
    # One at a time, so that a peer that does not install is named, and can be left out by --skip.
    while read -r package; do
        "$venv/bin/python" -m pip install --quiet "$package" </dev/null || echo "run.sh: $package did not install" >&2
    done <"$here/requirements.txt"
    # Tried again next time unless all is there.
    if "$venv/bin/python" -c 'import fasttext, joblib, numpy, scipy, sklearn, vowpalwabbit'; then
        cp "$here/requirements.txt" "$venv/installed.txt"
    fi
fi
cargo build --release --quiet --locked --manifest-path "$root/Cargo.toml"
if [[ " $* " == *" --quick "* && " $* " != *" --report"* ]]; then
    mkdir -p "$root/target/peers"
    set -- --report "$root/target/peers/quick.md" --results "$root/target/peers/quick.json" "$@"
fi
exec "$venv/bin/python" "$here/run.py" "$@"
