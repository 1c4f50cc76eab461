#!/usr/bin/env bash
# Compares kzstance with scikit-learn's tuned pipeline on the same folds of public Arabic sets, and prints
# Markdown: metrics, paired differences with intervals, verdicts, seconds. Sets up its own Python environment.
# Usage: benches/peers/quality.sh DATA [--kzstance PATH] [--config FILE] [--sets A,B] [--seeds N,M] [--cache DIR]
# DATA holds mawqif/train.csv, arsarcasm/train.csv, astd/train.tsv and res/RES1.csv (or those of --sets).
# PYTHON names an interpreter that already has requirements.txt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
own=$root/target/peers
if [[ -z ${PYTHON:-} ]]; then
    PYTHON=$own/venv/bin/python
    if ! cmp --silent "$here/requirements.txt" "$own/venv/installed.txt"; then
        python3 -m venv --clear "$own/venv" >&2
        "$PYTHON" -m pip install --quiet --requirement "$here/requirements.txt" >&2
        cp "$here/requirements.txt" "$own/venv/installed.txt"
    fi
fi
if [[ " $* " != *" --kzstance"[\ =]* ]]; then
    cargo build --release --quiet --locked --manifest-path "$root/Cargo.toml"
    set -- "$@" --kzstance "$root/target/release/kzstance"
fi
export OMP_NUM_THREADS=1
exec "$PYTHON" "$here/quality.py" --cache "$own/cache" "$@"
