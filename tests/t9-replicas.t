#!/bin/bash
# More hosts, same answer: 1, 2 and 4 preprocessors, claims in random order, give the same dump to the byte.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap

# How many batches each preprocessor committed: from the attempts' names, of the form X~<worker>.<counter>, seen in its counters.
committed() { sed -n 's/^mira_batches_total{.*} //p' "$1"/metrics/preprocess.*.prom 2>/dev/null | sort -n; }

wanted=
for n in 1 2 4; do
    spool=$tmp/spool$n
    exits 0 "mira run with $n preprocessors" mira run --out "$tmp/audit$n" --spool "$spool" --preprocessors $n \
        --segment-size 2048 --period 0.02 "$demo"
    mira dump --addresses "$tmp/audit$n" >"$tmp/dump$n"
    batches=$(grep -c '^ledger' "$tmp/dump$n")
    ok "  at least 100 batches: $batches" test "$batches" -ge 100
    committed "$spool" >"$tmp/each"
    is "  all $n of them worked" "$(wc -l <"$tmp/each")" "$n"
    ok "  each committed at least 5: $(tr '\n' ' ' <"$tmp/each")" test "$(head -n 1 "$tmp/each")" -ge 5
    [ -n "$wanted" ] || wanted=$tmp/dump$n
    ok "  the same dump" cmp "$wanted" "$tmp/dump$n"
    ok "  the balance closes" mira balance "$tmp/audit$n"
    ok "  the spool's balance closes" mira balance --spool "$spool"
done
done_testing
