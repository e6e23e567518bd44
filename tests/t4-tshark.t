#!/bin/bash
# Packets and octets of every 5-tuple as tshark counts them, on real captures: a sample here, all of them with `make compare`.
. "$(dirname "$0")/tap.sh"
[ -d "$data/pcaps" ] || skip_all "no captures in $data/pcaps"
export XDG_CACHE_HOME=$tmp/cache
mapfile -t sample < <(find "$data/pcaps" -type f | sort | awk 'NR % 8 == 1')
ok "${#sample[@]} captures match, balanced" "$top/tests/tshark-compare" --build "$(dirname "$MIRA_BIN")" "${sample[@]}"
grep 'matched' "$tmp/.out" | sed 's/^/# /'
done_testing
