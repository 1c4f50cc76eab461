#!/usr/bin/env bash
# Appends the report's summary to that of the job.
#
# REPORT STATUS         the report's folder, and the exit status of the evaluation
# GITHUB_STEP_SUMMARY   gets it
set -euo pipefail

# GitHub drops a summary above 1 MiB, whole.
most=1000000
summary=$REPORT/summary.md

if [[ -s $summary ]]; then
  size=$(wc -c <"$summary")
  if ((size <= most)); then
    cat -- "$summary"
  else
    # Up to the last whole line, so that no character and no row of a table is cut.
    head -c "$most" -- "$summary" | sed '$d'
    printf '\n\nThe summary goes on in the uploaded report.\n'
  fi
else
  printf '**kzstance**: the evaluation ended with status %s and wrote no report; the log says why.\n' "$STATUS"
fi >>"$GITHUB_STEP_SUMMARY"
