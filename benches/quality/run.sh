#!/usr/bin/env bash
# Cross-validates each setting in configs/ on the public training sets and prints a table.
# Usage: benches/quality/run.sh DATA [SEED...]    (DATA holds mawqif/train.csv and arsarcasm/train.csv)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$1
shift
seeds=("${@:-2022}")
kzstance() { target/release/kzstance --quiet "$@"; }
f() { python3 -c '
import json, sys
found = json.load(sys.stdin)
mean = found["mean_semeval_f"]
print("%.2f" % (100 * (mean[0][1] if mean else found["axes"][0]["figures"]["semeval_f"]["value"])))'; }
echo "| setting | Mawqif stance, mean of targets | ArSarcasm-v2 sentiment |"
echo "|---|---|---|"
for config in benches/quality/configs/*.toml; do
    mawqif=() arsarcasm=()
    for seed in "${seeds[@]}"; do
        mawqif+=("$(kzstance evaluate "$data/mawqif/train.csv" --axis stance --config "$config" --seed "$seed" --brief --json | f)")
        arsarcasm+=("$(kzstance evaluate "$data/arsarcasm/train.csv" --columns text=tweet --config "$config" --seed "$seed" --brief --json | f)")
    done
    echo "| $(basename "$config" .toml) | ${mawqif[*]} | ${arsarcasm[*]} |"
done
