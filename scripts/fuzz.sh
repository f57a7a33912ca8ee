#!/bin/sh
# Runs the fuzz targets, all or those that are named, each for FUZZ_SECONDS (default 60).
#
# What they found of interest is kept in fuzz/corpus, what broke them in fuzz/artifacts; a run begins with both.
# No sanitizer, which needs a nightly compiler: nothing here is unsafe.
set -eu
cd "$(dirname "$0")/.."
tools=${TOOLS:-${STOA_TOOLS:-$HOME/.cache/stoa/tools}}
PATH=$tools/bin:$PATH
seconds=${FUZZ_SECONDS:-60}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/stoa/target}/fuzz
export CARGO_TARGET_DIR

cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds -- fuzz/corpus
cargo fuzz build --sanitizer none
failed=
for target in ${*:-$(cargo fuzz list)}; do
	mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
	log=$CARGO_TARGET_DIR/$target.log
	if cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/artifacts/$target" -- \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
		echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, none breaks it"
	else
		failed="$failed $target"
		grep -a -A 8 -e panicked -e '^SUMMARY' -e '^error' "$log" | head -n 30 >&2
		echo "fuzz: $target broke; all of it is in $log" >&2
	fi
done
[ -z "$failed" ] || {
	echo "fuzz: these broke:$failed" >&2
	exit 1
}
