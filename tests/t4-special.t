#!/bin/bash
# Captures of every kind: link types, tunnels, fragments, formats, malformed ones. A sample here, all with `make special`.
. "$(dirname "$0")/tap.sh"
[ -d "$data/special" ] || skip_all "no captures in $data/special"
export MIRA_CACHE=$tmp/cache
mkdir "$MIRA_CACHE"
ok 'captures of every kind' "$top/tests/special-compare" --build "$(dirname "$MIRA_BIN")" --special "$data/special" --sample 24
sed 's/^/# /' "$tmp/.out"
done_testing
