#!/bin/bash
# mira plan: its arithmetic, on costs that are easily multiplied; and costs measured here, from which it plans.
. "$(dirname "$0")/tap.sh"
export MIRA_LOG=err TMPDIR=$tmp
# 1 us and 100 bytes a packet, in both captures: 1,000,000 packets a second of 64 octets and a block's 36 take one processor
cat >"$tmp/costs.json" <<'E2'
{ "format": 1, "machine": "a machine", "date": "2026-11-21", "captures": [
  { "name": "a", "packets": 1000000, "bytes": 100000000, "stages": {
    "capture": { "cpu_s": 1, "memory_bytes": 5000000, "written_bytes": 100000000 },
    "preprocess": { "cpu_s": 8, "memory_bytes": 7000000, "written_bytes": 0 } } } ] }
E2
plan() { mira plan --costs "$tmp/costs.json" "$@" >"$tmp/plan"; }
row() { sed -nE "s/ +/ /g; s/^$1 //p" "$tmp/plan"; }
ok 'a plan' plan --rate 512M --packet-size 64 --hosts 1 --cores 4 --backlog 90
is 'processors, hosts and memory of a stage' "$(row preprocess)" '8.0 2 7 MB any hosts'
is 'bandwidth' "$(row spool | cut -d' ' -f1,2)" '100 MB/s'
is 'space, with a tenth left free' "$(row space | cut -d' ' -f1,2)" '10 GB'
is 'what too few hosts analyse' "$(row share | grep -o 'analyse 50 %')" 'analyse 50 %'
plan --rate 1024M --packets-per-second 1M
is 'other packets than those measured: a range, by packets to by bytes' "$(row capture | cut -d' ' -f1-3)" '1.0 to 1.6'
exits 2 'a rate that is none' mira plan --rate fast
exits 2 'no rate' mira plan
exits 2 'no costs' mira plan --rate 1G --costs "$tmp/none"
echo '{ "format": 1, "captures": [] }' >"$tmp/empty"
exits 2 'costs of nothing' mira plan --rate 1G --costs "$tmp/empty"
ok 'the costs that MIRA comes with' mira plan --rate 10G --costs "$top/etc/costs.json"

# a small set of symptoms, so that it is compiled at once
mkdir "$tmp/conf" "$tmp/conf/symptoms.d" && cp "$top"/etc/{mira,policy}.conf "$tmp/conf" && cp "$top"/etc/symptoms.d/*.sym "$tmp/conf/symptoms.d"
exits 0 'costs are measured here' mira plan --measure "$top/tests/data/demo.pcap" --config "$tmp/conf/mira.conf" --costs "$tmp/ours.json"
measured() {
    python3 - "$tmp/ours.json" <<'E2'
import json, sys
one, = json.load(open(sys.argv[1]))["captures"]
stages = one["stages"]
assert one["packets"] == 2757 and one["bytes"] > 1900000, one
assert list(stages) == ["capture", "preprocess", "consolidate", "classify", "store"], stages
assert stages["capture"]["cpu_s"] > 0 and all(s["cpu_s"] >= 0 for s in stages.values()), stages
assert all(s["memory_bytes"] > 1000000 for s in stages.values()), stages
assert all(stages[s]["written_bytes"] > 1000 and stages[s]["records"] > 20 for s in ("preprocess", "consolidate", "classify")), stages
E2
}
ok '  of each stage' measured
is '  and nothing is left behind' "$(find "$tmp" -maxdepth 1 -name 'mira-plan.*')" ''
ok '  and planned from' mira plan --rate 10G --costs "$tmp/ours.json"
exits 2 'what is no capture is not measured' mira plan --measure "$tmp/ours.json" --config "$tmp/conf/mira.conf"
done_testing
