#!/usr/bin/env bash
# Names what the program is built from, so that a cached one is never that of another source.
#
# ACTION_PATH     the checkout of this repository
# GITHUB_OUTPUT   gets version=SHA-256
set -euo pipefail

digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

cd "$ACTION_PATH"
# By name and content, in an order that no locale changes.
version=$(
  find Cargo.toml Cargo.lock src models -type f -print | LC_ALL=C sort | while IFS= read -r file; do
    printf '%s\n' "$file"
    digest <"$file"
  done | digest | cut -c 1-64
)
compiler=$(cargo --version | digest | cut -c 1-16)
printf 'version=%s-%s\n' "$version" "$compiler" >>"$GITHUB_OUTPUT"
