#!/bin/sh
# A Rust file over 500 lines is more than one thing; tables made by a program and test data are exempt.
set -eu
cd "$(dirname "$0")/.."
long=$(git ls-files '*.rs' | grep -v -e '/table\.rs$' -e '/tables/' | while read -r file; do
	[ -f "$file" ] || continue
	lines=$(wc -l <"$file")
	[ "$lines" -le 500 ] || echo "$file has $lines lines"
done)
[ -z "$long" ] || {
	echo "$long" >&2
	exit 1
}
