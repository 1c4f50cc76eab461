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
ours = statistics.median(float(line) for line in open(f"{out}/ours"))
print("| what | seconds, median | against kzstance |\n|---|---|---|")
print(f"| kzstance: everything, choice of C and held-out figures included | {ours:.2f} | 1 |")
for name, tolerance in (("default", "1e-4, its default"), ("tight", "1e-8")):
    found = [json.load(open(f"{out}/{name}.{run}.json")) for run in range(1, runs + 1)]
    for solver in found[0]["fit"]:
        fit = statistics.median(one["fit"][solver]["wall_s"] for one in found)
        before = statistics.median(one["read_and_normalise"]["wall_s"] + one["vectorise"]["wall_s"] for one in found)
        objective = found[0]["fit"][solver]["objective"]
        what = f"scikit-learn, one C, {solver}, tolerance {tolerance}: objective {objective:.3f}"
        print(f"| {what}: features and fit | {before + fit:.2f} | {(before + fit) / ours:.2f} |")
        print(f"| the same, the fit alone | {fit:.2f} | {fit / ours:.2f} |")
PY
