#!/bin/sh
# A Rust file over 500 lines is more than one thing; tables made by a program and test data are exempt. In the binary
# 300 are the limit: it only puts together what other crates hold, and what grows there belongs to one of them.
set -eu
cd "$(dirname "$0")/.."
long=$(git ls-files '*.rs' | grep -v -e '/table\.rs$' -e '/tables/' | while read -r file; do
	[ -f "$file" ] || continue
	case $file in
	crates/stoa/src/*) limit=300 ;;
	*) limit=500 ;;
	esac
	lines=$(wc -l <"$file")
	[ "$lines" -le $limit ] || echo "$file has $lines lines; the limit is $limit"
done)
[ -z "$long" ] || {
	echo "$long" >&2
	exit 1
}
