#!/bin/bash
# Any stage may die at any instant: kill -9 while it holds a claim or an open segment, restart, and the answer is the same.
#
# Two ways: fault points stop a process exactly at a step (MIRA_FAULT, in builds with fault points); and kill -9 from outside
# while a process stands still at such a point. Each time it is looked up that a claim or an open segment was held.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
cut=(--segment-size 2048 --period 0.02)
MIRA_FAULT=nowhere:1 mira-capture --version >/dev/null
grep -q MIRA_FAULT "$MIRA_BIN/mira-capture" || skip_all 'the executables have no fault points (make FAULTS=1)'

spool=$tmp/spool
db=$tmp/audit/mira.db
mkdir "$tmp/audit"
export MIRA_LOG=err

arguments() { # STAGE: its command line
    case $1 in
    capture) echo mira-capture --spool "$spool" "${cut[@]}" --read "$demo" ;;
    store) echo mira-store --spool "$spool" --drain --db "$db" ;;
    *) echo "mira-$1" --spool "$spool" --drain ;;
    esac
}
queue_of() {
    case $1 in
    capture) echo capture/tmp ;;
    preprocess) echo packets/preprocess/work ;;
    consolidate) echo state/shard-0/work ;;
    classify) echo biflows/classify/work ;;
    store) echo verdicts/store/work ;;
    esac
}
held() { compgen -G "$spool/$(queue_of "$1")/*/*" >/dev/null; }

kills=0
declare -A of_stage
killed() { # STAGE POINT HELD CODE
    if [ "$3" = held ] && [ "$4" = 137 ]; then
        kills=$((kills + 1))
        of_stage[$1]=$((${of_stage[$1]:-0} + 1))
    fi
    [ "$4" = 137 ]
}
# Dies at the Nth pass of POINT; what it held still stands there.
die_at() { # STAGE POINT N
    local code=0 state=free
    # shellcheck disable=SC2046
    MIRA_FAULT=$2:$3 $(arguments "$1") || code=$?
    held "$1" && state=held
    killed "$1" "$2" $state $code
}
# Stands still at the point; kill -9 from outside.
kill_at() { # STAGE POINT N
    local code=0 state=free pid
    # shellcheck disable=SC2046
    MIRA_FAULT=$2:$3:hang $(arguments "$1") &
    pid=$!
    for _ in $(seq 200); do
        held "$1" && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
    done
    sleep 0.1
    held "$1" && state=held
    kill -9 $pid
    wait $pid 2>/dev/null || code=$?
    killed "$1" "$2" $state $code
}
rest() { timeout 300 $(arguments "$1"); }

# What it should be: the same line, never disturbed.
exits 0 'a run without faults' mira run --out "$tmp/calm" --preprocessors 2 "${cut[@]}" "$demo"
mira dump --addresses "$tmp/calm" >"$tmp/wanted"

for n in 2 9 23 40 60; do
    ok "capture dies with an open segment, the ${n}th" die_at capture segment "$n"
    ok "capture is killed before a commit, the ${n}th" kill_at capture commit "$n"
done
ok 'capture dies after it wrote its state' die_at capture state 3
ok 'capture dies after a commit' die_at capture committed 3
ok 'capture goes on to the end' rest capture

for n in 1 3 7; do
    for point in claimed working output commit; do
        ok "preprocess dies at $point, the ${n}th" die_at preprocess $point $n
    done
    ok "preprocess is killed while it works, the ${n}th" kill_at preprocess working $n
    ok "preprocess dies handing over, the ${n}th" die_at preprocess moved $n
done
ok 'preprocess goes on to the end' rest preprocess

for stage in consolidate classify; do
    for round in 1 2; do
        for point in claimed working output commit; do
            ok "$stage dies at $point" die_at $stage $point 1
        done
        ok "$stage is killed while it works" kill_at $stage working 1
    done
    ok "$stage dies after its commit" die_at $stage committed 1
    ok "$stage goes on to the end" rest $stage
done

for round in 1 2 3; do # once its rows are in the database, a batch is only handed over
    for point in claimed store-begin; do
        ok "store dies at $point" die_at store $point 1
    done
    ok 'store is killed while it works' kill_at store working 1
done
for point in store-commit claimed commit committed; do
    ok "store dies with its rows loaded, at $point" die_at store $point 1
done
ok 'store goes on to the end' rest store

for stage in capture preprocess consolidate classify store; do
    ok "$stage: ${of_stage[$stage]:-0} kills with a claim or an open segment" test "${of_stage[$stage]:-0}" -ge 8
done
ok "$kills kills in all" test $kills -ge 50
ok 'the balance closes' mira balance "$tmp/audit"
ok 'the balance of the spool closes' mira balance --spool "$spool"
mira dump --addresses "$tmp/audit" >"$tmp/got"
ok "$(grep -c '^ledger' "$tmp/got") batches: the dump is the same to the byte" cmp "$tmp/wanted" "$tmp/got"
ok 'nothing is left in the queues' test -z "$(find "$spool"/{packets,flows,biflows,verdicts}/*/{ready,work,done,bad} "$spool"/capture/{tmp,done} -mindepth 1 -maxdepth 1 2>/dev/null)"
done_testing
