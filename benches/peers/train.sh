#!/usr/bin/env bash
# Trains on the same texts with kzstance (everything: reading, features, choice of C in 5 folds, final fit,
# held-out figures, model and card) and with scikit-learn (features, then ONE fit at one C), in turn, and
# prints the seconds and their ratio.
# Usage: benches/peers/train.sh DATA.csv TEXT_COLUMN LABEL_COLUMN [RUNS]     (PYTHON names the interpreter)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$1 text=$2 label=$3 runs=${4:-3}
python=${PYTHON:-python3}
cargo build --release --quiet --locked
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for run in $(seq "$runs"); do
    rm -f "$out"/model.*
    start=$(date +%s.%N)
    target/release/kzstance --quiet train "$data" --columns "text=$text" --axis "$label" -o "$out/model.kzm" >/dev/null
    end=$(date +%s.%N)
    echo "$end - $start" | bc >>"$out/ours"
    "$python" benches/peers/sklearn_fit.py "$data" --text "$text" --label "$label" >"$out/default.$run.json" 2>/dev/null
    SKLEARN_TOL=1e-8 "$python" benches/peers/sklearn_fit.py "$data" --text "$text" --label "$label" >"$out/tight.$run.json" 2>/dev/null
done
"$python" - "$out" "$runs" <<'PY'
import json, statistics, sys
out, runs = sys.argv[1], int(sys.argv[2])
ours = [float(line) for line in open(f"{out}/ours")]
print(f"kzstance, everything, 2 threads at most: {statistics.median(ours):.2f} s (runs {ours})")
for name in ("default", "tight"):
    found = [json.load(open(f"{out}/{name}.{run}.json")) for run in range(1, runs + 1)]
    print(name, json.dumps(found[-1], indent=None)[:1500])
PY
