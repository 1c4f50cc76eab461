#!/usr/bin/env bash
# Evaluates, and keeps the exit status for later: the report is to be seen whatever it says.
#
# KZSTANCE                       the program
# LABELS REPORT                  what is evaluated, and the folder of the report
# AXIS FOLDS GATES BASELINE ARGS as the action's inputs; AXIS and ARGS hold one a line
# GITHUB_OUTPUT                  gets status=N
set -euo pipefail

args=(evaluate "$LABELS" --report "$REPORT")

# Line by line, without splitting at spaces, and without what an editor leaves at the end of a line.
while IFS= read -r axis; do
  axis=${axis%$'\r'}
  if [[ -n $axis ]]; then args+=(--axis "$axis"); fi
done <<<"${AXIS:-}"

if [[ -n ${FOLDS:-} ]]; then args+=(--folds "$FOLDS"); fi

gates=${GATES:-}
if [[ -z $gates && -f ${LABELS%/}/gates.toml ]]; then gates=${LABELS%/}/gates.toml; fi
if [[ -n $gates ]]; then args+=(--gates "$gates"); fi

baseline=${BASELINE:-}
if [[ -z $baseline && -f ${LABELS%/}/baseline.json ]]; then baseline=${LABELS%/}/baseline.json; fi
if [[ -n $baseline ]]; then args+=(--baseline "$baseline"); fi

while IFS= read -r arg; do
  arg=${arg%$'\r'}
  if [[ -n $arg ]]; then args+=("$arg"); fi
done <<<"${ARGS:-}"

# A report of before, should the evaluation not come to write one, is not this one's.
mkdir -p -- "$REPORT"
rm -f -- "$REPORT/summary.md" "$REPORT/comment.md"

status=0
output=$(mktemp)
trap 'rm -f -- "$output"' EXIT
"$KZSTANCE" "${args[@]}" >"$output" || status=$?

# The tables name outlets and articles: nothing in them may be read as a command to the runner.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$stop"
cat -- "$output"
printf '\n::%s::\n' "$stop"

printf 'status=%d\n' "$status" >>"$GITHUB_OUTPUT"
