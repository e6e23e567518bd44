#!/bin/bash
# More shards, same answer: 1, 2 and 5 shards of consolidation give the same dump to the byte and books that close, whoever dies
# in between, and also where batches are late, missing, bad or come again in one shard only.
. "$(dirname "$0")/tap.sh"
MIRA_FAULT=nowhere:1 mira-capture --version >/dev/null
grep -q MIRA_FAULT "$MIRA_BIN/mira-capture" || skip_all 'the executables have no fault points (make FAULTS=1)'
MIRA_BUILD=${MIRA_BUILD:-$top/build/test}
world=$MIRA_BUILD/tests/consolidate-world
demo=$top/tests/data/demo.pcap
cut=(--segment-size 16384 --period 0.1)
export MIRA_LOG=err MIRA_CACHE=${XDG_CACHE_HOME:-${HOME:-$tmp}/.cache}/mira
mkdir -p "$MIRA_CACHE"

conf() { # NAME SHARDS MAX_DELAY_S
    printf 'policy = "%s"; symptoms = "%s"; shards = %d; max_delay_s = %d;\n' \
        "$top/etc/policy.conf" "$top/etc/symptoms.d" "$2" "$3" >"$tmp/$1.conf"
}
use() { export MIRA_CONFIG=$tmp/$1.conf; }
for n in 1 2 5; do conf $n $n 600; done
conf hasty 2 2

# Waits up to 60 s for COMMAND to succeed.
until_true() {
    for _ in $(seq 600); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}
none() { [ -z "$(find "$@" -mindepth 1 -print -quit)" ]; }
drain() { timeout 120 mira-"$1" --spool "$spool" --drain "${@:2}"; }
load() { # to the store $db, which lies in $(dirname "$db")
    drain classify && drain store --db "$db"
}
sql() { sqlite3 "$db" "$1"; }
closes() { mira balance "$(dirname "$db")" && mira balance --spool "$spool"; }
place() { # NAME: a spool, and a folder for its store
    spool=$tmp/$1.spool
    db=$tmp/$1/mira.db
    mkdir "$tmp/$1"
}

# ---- mira run ----
for n in 1 2 5; do
    use $n
    exits 0 "mira run with shards = $n" mira run --out "$tmp/audit$n" --spool "$tmp/run$n" "${cut[@]}" "$demo"
    mira dump --addresses "$tmp/audit$n" >"$tmp/dump$n"
    ok '  the balance closes' mira balance "$tmp/audit$n"
    ok '  and that of the spool' mira balance --spool "$tmp/run$n"
    ok "  the dump is that of one shard: $(wc -l <"$tmp/dump$n") lines" cmp "$tmp/dump1" "$tmp/dump$n"
    is '  every shard published' "$(sqlite3 "$tmp/audit$n/mira.db" 'SELECT count(DISTINCT shard) FROM batch')" $n
done
is 'no biflow is in two shards' "$(sqlite3 "$tmp/audit5/mira.db" 'SELECT sum(biflows) FROM batch')" \
    "$(sqlite3 "$tmp/audit1/mira.db" 'SELECT sum(biflows) FROM batch')"

# ---- stages by hand, 2 shards: they die where the shards are between two states ----
use 2
place killed
dies() { # STAGE POINT N
    local code=0
    MIRA_FAULT=$2:$3 drain "$1" >/dev/null 2>&1 || code=$?
    is "$1 dies at $2, the $3." $code 137
}
mira-capture --spool "$spool" "${cut[@]}" --read "$demo"
for point in output:1 output:2 output:3 commit:2 committed:1 moved:1 moved:2 moved:3; do
    dies preprocess ${point%:*} ${point#*:}
done
ok 'preprocess goes on to the end' drain preprocess
# the first shard until its commit, then the other
for point in claimed:1 working:1 output:1 output:2 state:1 commit:1 committed:1 working:1 output:2 commit:1 moved:1; do
    dies consolidate ${point%:*} ${point#*:}
done
ok 'consolidate goes on to the end' drain consolidate
ok 'nothing waits in any shard' none "$spool"/flows/shard-{0,1}/{ready,work,done,bad} "$spool"/state/shard-{0,1}/{work,done}
is '  one token each' "$(ls "$spool"/state/shard-{0,1}/ready | grep -c token)" 2
ok 'loaded' load
ok '  the balance closes' closes
mira dump --addresses "$(dirname "$db")" >"$tmp/got"
ok '  the dump is that of one shard' cmp "$tmp/dump1" "$tmp/got"

# ---- several processes for two shards; one of them is killed ----
place race
log=$tmp/race.log
tokens_held() { find "$spool"/state/shard-*/work -mindepth 2 -maxdepth 2 -name 'token-*' | wc -l; }
holder() { basename "$(dirname "$(find "$spool/state/$1/work" -mindepth 2 -maxdepth 2 -name 'token-*' | head -n 1)" 2>/dev/null)"; }
both_held() { [ "$(tokens_held)" = 2 ]; }
pids=
for _ in 1 2 3 4; do
    MIRA_LOG=info mira-consolidate --spool "$spool" --follow 2>>"$log" &
    pids="$pids $!"
done
ok 'four start at once: both tokens are held' until_true both_held
ok '  the others say who works' until_true grep -q "shard-[01] is consolidated by consolidate.*waiting to take over" "$log"
exits 0 'a fifth, for a shard that is taken, ends' env MIRA_LOG=info timeout 60 mira-consolidate --spool "$spool" --shard 1
cp "$tmp/.out" "$tmp/fifth"
ok '  and says why' grep -q "shard-1 is consolidated by $(holder shard-1): nothing to do here" "$tmp/fifth"
mira-capture --spool "$spool" "${cut[@]}" --read "$demo"
drain preprocess &
first=$(sed -n "s/.*\"pid\": *\([0-9]*\).*/\1/p" "$spool/workers/$(holder shard-0)")
kill -9 "$first"
wait $!
flowed() { none "$spool"/flows/shard-{0,1}/ready; }
ok 'one holder is killed: the others finish' until_true flowed
for pid in $pids; do kill "$pid"; done 2>/dev/null
wait 2>/dev/null
ok 'loaded' load
ok '  the balance closes' closes
mira dump --addresses "$(dirname "$db")" >"$tmp/got"
ok '  the dump is that of one shard' cmp "$tmp/dump1" "$tmp/got"

# ---- flows with late records, time that runs backwards, a quarantined batch; in random order ----
arrive() { # PATTERN [SHARD]: batches of the world come to their readers
    local shard
    for shard in ${2:-$(cd "$spool/flows" && echo shard-*)}; do
        for batch in $(ls "$batches/$shard" | grep -E -e "$1"); do
            mv "$batches/$shard/$batch" "$spool/flows/$shard/ready/"
        done
    done
}
make_world() { # NAME: as for t5-consolidate.t, divided
    place "$1"
    batches=$tmp/$1.batches
    mkdir -p "$batches"
    drain consolidate
    [ -d "$spool/flows/shard-1" ] || ln -s . "$batches/shard-0"
    "$world" make "$spool" "$batches" 1
}
for n in 1 2 5; do
    use $n
    make_world world$n
    for part in 3 0 8 ''; do # by the last digit of seq
        arrive "-[0-9]+$part\$"
        drain consolidate --batch-biflows 50 2>/dev/null
    done
    ok "a world of $n shards is loaded" load
    ok '  the balance closes' mira balance "$(dirname "$db")"
    mira dump --addresses "$(dirname "$db")" >"$tmp/world$n.dump"
    ok "  the dump is that of one shard: $(grep -c '^biflow' "$tmp/world$n.dump") biflows" cmp "$tmp/world1.dump" "$tmp/world$n.dump"
done
is 'some of it is late, and one batch quarantined' "$(sql "SELECT sum(late) > 0, sum(status = 'quarantined') FROM ledger")" '1|1'

# ---- a batch of a live stream is missing; it comes to one shard, then to the other ----
use hasty
make_world missing
lost=-beta-all-.*0000000010
tenth() { sql "SELECT status, late FROM ledger WHERE probe = 'beta' AND seq = 10"; }
seen() { sql 'SELECT sum(packets_seen) FROM ledger'; }
arrive '-alpha-|-beta-all-.*-00000000(0|2|1[1-9])'
mira-consolidate --spool "$spool" --follow 2>"$tmp/missing.log" &
pid=$!
ok 'a batch is missing: the windows close all the same' until_true flowed
kill $pid
wait $pid
ok 'loaded' load
is '  it is missing' "$(tenth)" 'missing|0'
ok '  the balance closes' closes
whole=$(seen)
arrive "$lost" shard-0
ok 'it comes to one shard' eval 'drain consolidate 2>/dev/null && load'
is '  of the whole it is still missing' "$(tenth)" 'missing|1'
ok '  what came is in the balance, which closes' closes
arrive "$lost" shard-1
ok 'and to the other' eval 'drain consolidate 2>/dev/null && load'
is '  it is analysed, late' "$(tenth)" 'analysed|1'
ok '  the balance closes' closes
is '  it was counted once' "$(seen)" "$whole"

# ---- a batch of packets is bad, and one shard's part of another ----
use 2
place bad
turn_over() { printf '\252\125' | dd of="$1" bs=1 seek=400 conv=notrunc 2>/dev/null; }
of_batch() { sql "SELECT status, packets_ip > 0, packets_ip + packets_not_ip + packets_malformed = packets_captured
    FROM ledger WHERE seq = $((10#${1##*-}))"; }
mira-capture --spool "$spool" "${cut[@]}" --read "$demo"
whole=$(ls "$spool/packets/preprocess/ready" | sed -n 3p)
cp -r "$spool/packets/preprocess/ready/$whole" "$tmp/whole"
turn_over "$spool/packets/preprocess/ready/$whole"/*0.pcapng
drain preprocess 2>/dev/null
part=$(ls "$spool/flows/shard-1/ready" | sed -n 5p)
cp -r "$spool/flows/shard-1/ready/$part" "$tmp/part"
turn_over "$spool/flows/shard-1/ready/$part/flows.ipfix"
ok 'bad batches: the line goes on' eval 'drain consolidate 2>/dev/null && load'
ok '  the part stands in bad/ of its shard' test -e "$spool/flows/shard-1/bad/$part.reason"
is '  the packets are quarantined' "$(of_batch "$whole")" 'quarantined|0|0'
is '  and of the other batch that part' "$(of_batch "$part")" 'quarantined|1|0'
ok '  the balance closes' closes
ok '  with that term' grep -qE '^\+ quarantined +[1-9]' <(mira balance "$(dirname "$db")")
cp "$tmp/whole"/*.pcapng "$spool/packets/preprocess/bad/$whole/"
cp "$tmp/part/flows.ipfix" "$spool/flows/shard-1/bad/$part/"
ok 'repaired and requeued' mira requeue --spool "$spool" "$whole" "$part"
ok '  they are taken up' eval 'drain preprocess && drain consolidate && load'
is '  the packets are analysed' "$(of_batch "$whole")" 'analysed|1|1'
is '  the other part, too' "$(of_batch "$part")" 'analysed|1|1'
ok '  the balance closes' closes

# ---- never mixed in silently ----
place mixed
mira-capture --spool "$spool" "${cut[@]}" --read "$demo"
drain preprocess
batch=$(ls "$spool/flows/shard-1/ready" | sed -n 5p)
rm -r "$spool/flows/shard-0/ready/$batch"
cp -r "$spool/flows/shard-1/ready/$batch" "$spool/flows/shard-0/ready/"
drain consolidate 2>/dev/null
ok 'flows of another shard are bad' grep -q 'a record belongs to shard-1' "$spool/flows/shard-0/bad/$batch.reason"
for stage in preprocess consolidate classify; do
    exits 2 "mira-$stage with another number of shards" env MIRA_CONFIG="$tmp/5.conf" "mira-$stage" --spool "$spool"
    cp "$tmp/.out" "$tmp/said"
    ok '  says what the spool has' grep -q 'shards is 5, but the spool was made with 2' "$tmp/said"
done
exits 2 'a shard that the spool does not have' mira-consolidate --spool "$spool" --shard 2
cp "$tmp/.out" "$tmp/said"
ok '  says which it has' grep -q 'the spool has 2, 0 to 1' "$tmp/said"
exits 2 'a shard that is no number' mira-consolidate --spool "$spool" --shard 1x
done_testing
