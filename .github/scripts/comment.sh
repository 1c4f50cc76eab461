#!/usr/bin/env bash
# Keeps one comment on the pull request: writes it, and updates it from then on.
#
# REPORT STATUS            the report's folder, and the exit status of the evaluation
# REPOSITORY PULL_REQUEST  OWNER/NAME, and the number
# GH_TOKEN                 what gh comments with
#
# The comment is known by its first line, a hidden marker that the report begins with. A comment that
# cannot be written is a warning: the summary says the same.
set -euo pipefail

# GitHub refuses 65536 characters.
most=65000
comment=$REPORT/comment.md

# warn TEXT: what a program said may have several lines, and a warning has one.
warn() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::warning title=kzstance::%s\n' "$text"
  exit 0
}

if [[ ! -s $comment ]]; then
  printf 'no comment: the evaluation ended with status %s and wrote none\n' "$STATUS"
  exit 0
fi
if ! [[ $PULL_REQUEST =~ ^[0-9]+$ ]]; then warn "no comment: this is no pull request"; fi

marker=$(head -n 1 -- "$comment")
marker=${marker%$'\r'}
if [[ $marker != '<!-- kzstance-evaluation:'*' -->' ]]; then
  warn "no comment: $comment does not begin with its marker"
fi

problems=$(mktemp)
trap 'rm -f -- "$problems"' EXIT
because() { head -c 500 -- "$problems"; }

# The token of a workflow may not ask who it is, and comments as this one.
self=$(gh api user --jq .login 2>/dev/null) || self='github-actions[bot]'

# A comment that quotes the marker, or that someone else wrote, is none of ours.
if ! found=$(gh api --paginate "repos/$REPOSITORY/issues/$PULL_REQUEST/comments?per_page=100" 2>"$problems"); then
  warn "the comments could not be read, so none was written; the summary has the report: $(because)"
fi
if ! id=$(jq -r -n --arg marker "$marker" --arg self "$self" \
  'first(inputs | .[] | select(.user.login == $self and ((.body // "") | startswith($marker))) | .id)' \
  <<<"$found" 2>"$problems"); then
  warn "the comments could not be understood, so none was written: $(because)"
fi

if [[ $id =~ ^[0-9]+$ ]]; then
  how=(-X PATCH "repos/$REPOSITORY/issues/comments/$id")
else
  how=(-X POST "repos/$REPOSITORY/issues/$PULL_REQUEST/comments")
fi
if ! jq -Rs --argjson most "$most" '{body: .[0:$most]}' <"$comment" |
  gh api "${how[@]}" --input - >/dev/null 2>"$problems"; then
  warn "the comment could not be written (on a pull request from a fork the token may only read); the summary has the report: $(because)"
fi
