#!/bin/bash
# What `make bench` is made of: its tools build and do what they say, and its tables are right. Nothing is timed here.
. "$(dirname "$0")/tap.sh"
build=$(realpath "${MIRA_BUILD:-$top/build}")
bench=$build/bench
export MIRA_CONFIG= MIRA_LOG=warn
value() { grep -oE "(^| )$1=[^ ]*" | head -n 1 | cut -d= -f2; }
ok 'its tools build' make -s -C "$top" B="$build" bench-tools

# What a command takes is the command's alone.
is 'its exit code is passed on' "$("$bench/timed" "$tmp/took" 0 sh -c 'exit 7' || echo $?)" 7
python3 -c "import subprocess; x = b'x' * 300000000; subprocess.call(['$bench/timed', '$tmp/took', '-1', 'true'])"
ok '  who starts it needs memory that is not counted' test "$(value rss_kb <"$tmp/took")" -lt 100000

# Captures are copied until they are large enough; each copy has flows of its own.
echo "$top/tests/data/demo.pcap" >"$tmp/list"
echo "$top/README.md" >>"$tmp/list"
"$bench/mkbench" "$tmp/once.pcap" 1 600 "$tmp/list" >"$tmp/once"
"$bench/mkbench" "$tmp/thrice.pcap" 6000000 600 "$tmp/list" >"$tmp/thrice"
"$bench/mkbench" "$tmp/again.pcap" 6000000 600 "$tmp/list" >"$tmp/again"
is 'three copies have three times the packets' "$(value packets <"$tmp/thrice")" $(($(value packets <"$tmp/once") * 3))
ok '  the same each time' cmp "$tmp/thrice.pcap" "$tmp/again.pcap"
ok '  with right checksums' eval '[ -n "$(tcpdump -nvr "$tmp/thrice.pcap" 2>/dev/null | head -n 1)" ] &&
    diff <(tcpdump -nvvr "$tmp/once.pcap" 2>/dev/null | grep -c "bad cksum\|incorrect") <(tcpdump -nvvr "$tmp/again.pcap" 2>/dev/null | grep -c "bad cksum\|incorrect" | awk "{ print \$1 / 3 }")'

mkdir "$tmp/out"
cp "$top/tests/bench/patterns.txt" "$tmp/patterns"
limits() { "$bench/hslimit" "$tmp/$1.pcap" "$tmp/patterns" "$tmp/out" walk decode flow block stream libpcap copy >"$tmp/$1.limits"; }
ok 'every limit is measured' eval 'limits once && limits thrice'
is '  over all packets' "$(grep -o ' packets=[0-9]*' "$tmp/thrice.limits" | sort -u)" " packets=$(value packets <"$tmp/thrice")"
for key in scanned matches; do
    is "  with three times the $key" "$(grep 'measure=block' "$tmp/thrice.limits" | value $key)" \
        $(($(grep 'measure=block' "$tmp/once.limits" | value $key) * 3))
done
ok '  of distinct flows' eval '[ $(grep measure=block "$tmp/thrice.limits" | value flows) -gt $((2 * $(grep measure=block "$tmp/once.limits" | value flows))) ]'
is '  and what was copied is what was read' "$(cat "$tmp"/out/* | wc -c)" $(($(stat -c %s "$tmp/thrice.pcap") - 24))

# The generators, by what the stages make of them.
"$bench/manyflows" "$tmp/many.pcap" 2000
printf 'policy = "%s/policy.conf"; symptoms = "%s";\n' "$top/tests/bench" "$tmp/symptoms" >"$tmp/mira.conf"
mkdir "$tmp/symptoms" && sed -E 's!^([0-9]+):(.*)!symptom p\1\n\tregex \2!' "$top/tests/bench/patterns.txt" >"$tmp/symptoms/a.sym"
export MIRA_CONFIG=$tmp/mira.conf MIRA_CACHE=$tmp
ok 'the patterns and the policy can be used' mira check
mira-capture --spool "$tmp/s" --read "$tmp/many.pcap"
cp -a "$tmp/s" "$tmp/b"
ok 'many flows are preprocessed' mira-preprocess --spool "$tmp/s" --drain
ok '  packet by packet, too' "$bench/preprocess-block" --spool "$tmp/b" --drain
ok '  for what is replaced there is called' eval 'nm "$build/libpreprocess.a" | grep -q "U stitch_scan"'
flows() { "$build/tests/flows-of" "$tmp/$1"/flows/shard-0/ready/*/flows.ipfix; }
is '  into as many flows' "$(flows s | wc -l) $(flows b | wc -l)" '2000 2000'
is '  and names: requests, questions and answers tell them' "$(flows s | cut -f 11 | grep -c example.net)" 1300
ok 'flow batches are consolidated' eval '"$bench/flow-batches" "$tmp/f" 1000 4 2 && mira-consolidate --spool "$tmp/f" --drain'
is '  into as many biflows, each from both sides' \
    "$("$build/tests/consolidate-world" dump "$tmp/f" | awk '/^biflow/ { n[$14 > 0]++ } END { print n[0] + n[1] }')" 1000

# Days that are shed, and estimated.
for second in $(seq 0 5 600); do echo "$second WEB 50 30000"; [ $((second % 15)) = 0 ] && echo "$second MAIL 20 9000"; done >"$tmp/slots"
"$bench/coverage" "$tmp/slots" 2 7 >"$tmp/coverage" 2>&1
ok 'days are made of captures, and most of them shed' grep -q '^max_batches 200, preprocessors for 5 %: .* 2 days$' "$tmp/coverage"
is '  each class is estimated, in each way of shedding' "$(grep -cE '^(WEB|MAIL) +[0-9.]+ +[0-9.]+' "$tmp/coverage")" 8
exits 2 '  without captures there are none' "$bench/coverage" /dev/null 2

# Tables of results: medians, ratios, what is met.
cat >"$tmp/results" <<'END'
machine=A_machine processors=2 memory_gb=8 kernel=6.1 date=2026-11-21T20:00Z version=abc rounds=3 load=0.1
skipped=argus
capture=mix packets=1000000 biflows=5000 bytes=386000024 batches=2
measure=mix.limit.block count=1000000 unit=packets clock=cpu rss_kb=0 cpu_s=0.10,0.11,0.12 wall_s=0.1,0.1,0.1
measure=mix.preprocess_block count=1000000 unit=packets clock=cpu rss_kb=100000 cpu_s=0.22,0.11,0.10 wall_s=0.1,0.1,0.1
measure=mix.limit.stream count=1000000 unit=packets clock=cpu rss_kb=0 cpu_s=0.10,0.10,0.10 wall_s=0.1,0.1,0.1
measure=mix.preprocess count=1000000 unit=packets clock=cpu rss_kb=100000 cpu_s=0.20,0.20,0.50 wall_s=0.1,0.1,0.1
measure=disk.copy count=1000000 unit=packets clock=wall rss_kb=0 cpu_s=9,9,9 wall_s=0.7,0.7,0.7
measure=disk.capture count=1000000 unit=packets clock=wall rss_kb=0 cpu_s=9,9,9 wall_s=0.8,0.8,0.8
traffic=seconds name=mix biflows=1000000 hosts=250000
measure=seconds.classify count=1000000 unit=biflows clock=cpu rss_kb=9000 cpu_s=0.8,0.8,1.6 wall_s=1,1,1
measure=seconds.store count=1000000 unit=biflows clock=cpu rss_kb=9000 cpu_s=5,4,4 wall_s=5,5,5
measure=seconds.sqlite.keyed count=1000000 unit=biflows clock=cpu rss_kb=0 cpu_s=3,3,3 wall_s=3,3,3
measure=seconds.sqlite.bare count=1000000 unit=biflows clock=cpu rss_kb=0 cpu_s=2,2,2 wall_s=2,2,2
part=line seconds=12
part=all seconds=12
END
ok 'results become tables' eval '"$top/tests/bench/report" "$tmp/results" "$tmp/ratios" >"$tmp/report"'
is '  of ratios' "$(cut -d' ' -f1,3- "$tmp/ratios" | tr '\n' ';')" "$(printf %s \
    'target=block reached=1.000 low=0.455 high=1.200 met=yes;' 'target=stream reached=0.500 low=0.200 high=0.500 met=no;' \
    'target=capture reached=0.875 low=0.875 high=0.875 met=yes;' 'target=classify reached=1.250 low=0.625 high=1.250 met=yes;' \
    'target=store reached=0.250 low=0.200 high=0.250 met=yes;')"
ok '  of a named traffic' grep -q '^| store, biflows with indexes and rollups of mix ' "$tmp/report"
ok '  which say how much of it is new' grep -q '^| store: mix, windows of a second .* 0.25 new addresses each |$' "$tmp/report"
ok '  and what SQLite alone takes' grep -q '^| SQLite alone, same rows, same table .* store: 0.75 of its rate |$' "$tmp/report"
is '  of rates' "$(grep -c '^| preprocess as shipped  *|  *5.00 |  *200 |  *0.50 of the limit |  *0.20 / 0.20 / 0.50 |  *102 |$' "$tmp/report")" 1
ok '  what is not installed is named' grep -q 'argus  *|  *skipped' "$tmp/report"
ok '  and rounds that are far apart' grep -q 'shared with other work' "$tmp/report"
sed -i 's/^measure=mix.preprocess .*/measure=mix.preprocess count=/' "$tmp/results"
exits 1 'a line that is none is refused' "$top/tests/bench/report" "$tmp/results"
"$top/tests/bench/report" "$tmp/results" >"$tmp/refused" 2>&1
ok '  with its number' grep -q 'line 7 ' "$tmp/refused"
done_testing
