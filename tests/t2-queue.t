#!/bin/bash
# The hand-over under fire: captures, copiers and mergers that are killed at random points, or robbed while they stand still, hand
# on every batch exactly once. The race itself is tests/queue-race.c.
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mira-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
build=${MIRA_BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build}

MIRA_LOG=err "$build/tests/queue-race" "$tmp/spool" "${BATCHES:-300}" ${SEED:+"$SEED"} 2>"$tmp/log"
tail -n 20 "$tmp/log" | sed 's/^/# /'
