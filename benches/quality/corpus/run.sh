#!/usr/bin/env bash
# What each setting makes of the shipped labels, origins apart (stance). Prints a table.
# Usage: benches/quality/corpus/run.sh
set -euo pipefail
cd "$(dirname "$0")/../../.."
echo "| setting | press: AUC side or none (surer labels) | press: AUC which side | press: F of polar classes | other targets: AUC side or none (surer) | authored: macro-F1 |"
echo "|---|---|---|---|---|---|"
for config in benches/quality/corpus/configs/*.toml; do
    target/release/kzstance --quiet evaluate labels/ --axis stance --folds origins --config "$config" --json | python3 -c '
import json, sys
made = [e for e in json.load(sys.stdin)["axes"][0]["origins"] if e["model"] == "the model"]
of = {e["origin"]: e for e in made}
figure = lambda figures, name: "%.3f" % figures[name]["value"]
both = lambda e: "%s (%s)" % (figure(e["figures"], "auc_sided"), figure(e["sure"], "auc_sided"))
press, other, authored = of["press"], of["other-target"], of["authored"]
print("|", sys.argv[1], "|", both(press), "|", figure(press["figures"], "auc_direction"), "|", figure(press["figures"], "semeval_f"), "|", both(other), "|", figure(authored["figures"], "macro_f1"), "|")
' "$(basename "$config" .toml)"
done
