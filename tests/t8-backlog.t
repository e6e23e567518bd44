#!/bin/bash
# 100,000 waiting batches: claiming one and looking at the spool take at most three times what they take with 1,000. Both are
# measured here, in turns, as processor time where that can be had, so a busy machine slows both sides.
. "$(dirname "$0")/tap.sh"
build=${MIRA_BUILD:-$top/build}
# in memory where there is room: on a disk it is mkdir() that is measured
if [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 2000000 ]; then
    place=$(mktemp -d /dev/shm/mira-test.XXXXXX)
else
    place=$tmp/place && mkdir "$place"
fi
trap 'rm -rf "$tmp" "$place"' EXIT
few=$place/few many=$place/many
export MIRA_LOG=warn

mira-capture --spool "$tmp/s" --read "$top/tests/data/demo.pcap" &&
    segment=$(find "$tmp/s/packets" -name '*.pcapng' | sort | head -n 1)
fill() { # a file has 65,000 names at most on ext4
    cp "$segment" "$place/a.pcapng" && cp "$segment" "$place/b.pcapng" &&
        "$build/tests/backlog" fill "$many" 50000 "$place/a.pcapng" &&
        "$build/tests/backlog" fill "$many" 50000 "$place/b.pcapng" 50000 &&
        "$build/tests/backlog" fill "$few" 1000 "$place/a.pcapng"
}
ok 'a spool of 1,000 waiting batches and one of 100,000' fill

sleep 4 # the folders' stamps are settled, so what was counted can be remembered
cat >"$tmp/looks.py" <<'E2'
import os, resource, subprocess, sys
def look(spool, cache):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(["mira", "status", "--spool", spool], env={**os.environ, "XDG_CACHE_HOME": cache},
                         check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    row = [l for l in out.splitlines() if l.startswith("packets")][0].split()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, row[2]
few, many, tmp = sys.argv[1:]
times, rows = ([], []), set()
for i in range(5):
    for which, spool in enumerate((few, many)):
        took, row = look(spool, f"{tmp}/cache{i}-{which}") # a first look: nothing is remembered
        times[which].append(took)
        rows.add(row)
few_s, many_s = map(min, times)
again_s = min(look(many, f"{tmp}/cache{i}-1")[0] for i in range(5))
print(f"# mira status: {few_s * 1e3:.0f} ms with 1,000, {many_s * 1e3:.0f} ms with 100,000, {again_s * 1e3:.0f} ms when looked at again")
print("rows", *sorted(rows))
sys.exit(not (many_s <= 3 * few_s and again_s < many_s))
E2
python3 "$tmp/looks.py" "$few" "$many" "$tmp" >"$tmp/looks"
is 'mira status takes at most 3 times as long, and less when nothing changed' $? 0
grep '^#' "$tmp/looks"
is '  and counts right' "$(grep rows "$tmp/looks")" 'rows 1000 100000'

claims() { # WORKERS: the mean of a claim, later listings included, three times in turns; the medians
    for _ in 1 2 3; do
        "$build/tests/backlog" claims "$few" 800 "$1" >>"$tmp/few.$1" &&
            "$build/tests/backlog" claims "$many" 5000 "$1" >>"$tmp/many.$1" || return
    done
    few_us=$(sort -n "$tmp/few.$1" | sed -n 2p) many_us=$(sort -n "$tmp/many.$1" | sed -n 2p)
    echo "# $1 workers: a claim takes $few_us us with 1,000, $many_us us with 100,000"
    awk "BEGIN { exit !($many_us <= 3 * $few_us) }"
}
for workers in 1 4; do
    claims $workers
    is "$workers workers: a claim takes at most 3 times as long" $? 0
done
done_testing
