#!/bin/bash
# A stage that is slow, stopped or absent makes the ones before it stop, up to the capture; no queue grows over its mark meanwhile;
# when it works again the line goes on by itself, and the answer is the same. A live capture sheds instead of waiting, and counts.
. "$(dirname "$0")/tap.sh"
# twice, one after the other: more windows than the queues hold, however many inputs a commit takes
demo=$tmp/demo.pcap
editcap -t 30 "$top/tests/data/demo.pcap" "$tmp/later.pcap"
mergecap -a -F pcap -w "$demo" "$top/tests/data/demo.pcap" "$tmp/later.pcap"
export MIRA_LOG=info MIRA_CACHE=$tmp/cache MIRA_CONFIG=$tmp/mira.conf
mkdir "$MIRA_CACHE"
mark=3
cat >"$MIRA_CONFIG" <<END
policy = "$top/etc/policy.conf"; symptoms = "$top/etc/symptoms.d";
window_s = 1; lateness_s = 0; max_batches = $mark; min_free = 0.0; user = "root";
END
stages=(preprocess consolidate classify store)
declare -A queue_of=([preprocess]=packets/preprocess [consolidate]=flows/shard-0 [classify]=biflows/classify [store]=verdicts/store)
declare -A pid
spool=$tmp/spool
trap 'end_all; umount "$tmp/small" 2>/dev/null; rm -rf "$tmp"' EXIT

start() { # STAGE
    local more=()
    [ "$1" = store ] && more=(--db "$tmp/audit/mira.db")
    "mira-$1" --spool "$spool" --follow "${more[@]}" 2>>"$tmp/log" &
    pid[$1]=$!
}
end_all() {
    for name in "${!pid[@]}"; do
        kill -CONT "${pid[$name]}"
        kill -TERM "${pid[$name]}"
    done 2>/dev/null
    for name in "${!pid[@]}"; do wait "${pid[$name]}"; done 2>/dev/null
    pid=()
}
count() { # QUEUE: what waits and what is worked on, without what its reader has to hold back
    local held=0 after=0 entries
    shopt -s nullglob
    [ -e "$spool/$1/held" ] && held=$(<"$spool/$1/held")
    entries=("$spool/$1"/work/*/*) # first: what is claimed meanwhile must not count twice
    entries+=("$spool/$1"/ready/*)
    shopt -u nullglob
    [ -e "$spool/$1/held" ] && after=$(<"$spool/$1/held")
    [ "${after:-0}" -gt "${held:-0}" ] && held=$after # it grew meanwhile
    echo $((${#entries[@]} > ${held:-0} ? ${#entries[@]} - ${held:-0} : 0))
}
most=0
sample() { # the fullest queue so far
    local n
    for queue in "${queue_of[@]}"; do
        n=$(count "$queue")
        [ "$n" -gt "$most" ] && most=$n
    done
}
wait_for() { # CONDITION...: sampling meanwhile
    for _ in $(seq 600); do
        sample
        "$@" && return
        sleep 0.05
    done
    return 1
}
fresh() {
    end_all
    rm -rf "$spool" "$tmp/audit" "$tmp/log"
    mkdir "$tmp/audit"
    : >"$tmp/log"
    most=0
}
full() { [ "$(count packets/preprocess)" -gt $mark ]; }
beats() { compgen -G "$spool/workers/$1.*" >/dev/null; }
drained() { # looks where a batch passes, in that order, one place after the other: what moves on meanwhile is met farther on
    local place
    for place in capture/done {packets,flows,biflows,verdicts}/'*'/{ready,'work/*',done}; do
        compgen -G "$spool/$place/*" >/dev/null && return 1
    done
    return 0
}
said() { grep -q "$1" "$tmp/log"; }
gone() { ! kill -0 "${pid[$1]}" 2>/dev/null; }

cut=(--segment-size 65536 --period 0.25)
mkdir "$tmp/audit"
mira-capture --spool "$spool" "${cut[@]}" --read "$demo" 2>/dev/null
batches=$(count packets/preprocess)
for stage in "${stages[@]}"; do
    [ $stage = store ] && set -- --db "$tmp/audit/mira.db"
    "mira-$stage" --config <(sed "s/max_batches = $mark/max_batches = 1000/" "$MIRA_CONFIG") --spool "$spool" --drain "$@" 2>/dev/null
done
mira dump --addresses "$tmp/audit" >"$tmp/wanted"
ok "a line that nobody disturbs: $batches batches" test "$batches" -gt $((5 * mark)) -a -s "$tmp/wanted"

for stopped in "${stages[@]}"; do
    for how in stopped absent; do
        [ $how = absent ] && [[ $stopped = consolidate || $stopped = store ]] && continue # as classify
        fresh
        for stage in "${stages[@]}"; do
            [ $how = absent ] && [ $stage = "$stopped" ] || start $stage
            [ $how = absent ] && [ $stage = "$stopped" ] || wait_for beats $stage
        done
        [ $how = stopped ] && kill -STOP "${pid[$stopped]}"
        mira-capture --spool "$spool" "${cut[@]}" --read "$demo" 2>>"$tmp/log" &
        pid[capture]=$!
        if [ "$stopped" = preprocess ] && [ $how = absent ]; then # stages by hand, one after the other: nobody to wait for
            ok "$stopped absent: the capture ends, for nobody would make room" wait_for gone capture
            most=0
        else
            ok "$stopped $how: the pressure comes up to the capture" wait_for full
            ok '  which waits' wait_for said 'prog=mira-capture.*waiting: packets/preprocess holds'
            ok '  and does not end' kill -0 "${pid[capture]}"
            ok "  no queue held over $((mark + 2)) batches: $most" test "$most" -le $((mark + 2)) # one between two looks
            most=0
        fi
        if [ $how = absent ]; then start "$stopped"; else kill -CONT "${pid[$stopped]}"; fi
        ok '  it goes on by itself' wait_for gone capture
        ok '  to the end' wait_for drained
        end_all
        mira dump --addresses "$tmp/audit" >"$tmp/got"
        ok '  with the same answer' cmp "$tmp/wanted" "$tmp/got"
        ok '  and a balance that closes' mira balance "$tmp/audit"
    done
done

# A live capture has nobody to wait for: it sheds, and counts what it shed; both when its readers stand still and when the disk is full.
finish() {
    end_all
    done_testing
    exit
}
live() { [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null && mkdir "$tmp/small" && mount -t tmpfs -o size=64m tmpfs "$tmp/small" 2>/dev/null; }
if ! live; then
    echo '# skipped: a live capture needs root, network namespaces and mount'
    finish
fi
sed -i 's/min_free = 0.0/min_free = 0.3; period_s = 1/; s/window_s = 1/window_s = 5/' "$MIRA_CONFIG"
spool=$tmp/small/spool
fresh
seen() { cat "$spool"/state/capture/* 2>/dev/null | tr -d ' ' | sed -n "/cumulative/,/}/s/^\"$1\":\([0-9]*\).*/\1/p"; }
sheds() { [ "$(seen shed)" -gt "${1:-0}" ]; }
captures() { [ "$(seen captured)" -gt "$1" ]; }
above() { [ "$(grep -c 'packets are captured again' "$tmp/log")" -ge "$1" ]; }
mira-capture --version >/dev/null
unshare -n bash -c 'ip link set lo up; (while :; do ping -q -i 0.002 -c 400 127.0.0.1; done) >/dev/null & p=$!; trap "kill $p" EXIT
    mira-capture --spool "$0" --interface lo & c=$!; trap "kill -TERM $c" TERM; wait $c; wait $c' "$spool" 2>>"$tmp/log" &
pid[capture]=$!
ok 'live: the capture begins' wait_for beats capture
for stage in "${stages[@]}"; do start $stage; wait_for beats $stage; done
ok '  packets are captured' wait_for captures 100
kill -STOP "${pid[preprocess]}"
ok '  a stopped preprocessor: packets are shed' wait_for said 'packets are shed, and counted, from now on: packets/preprocess holds'
for _ in $(seq 25); do sample; sleep 0.2; done # five periods
ok "  no queue held over $((mark + 2)) batches: $most" test "$most" -le $((mark + 2))
kill -CONT "${pid[preprocess]}"
ok '  when it works again packets are captured by themselves' wait_for above 1
ok '  and what was shed is counted' wait_for sheds
before=$(seen shed)
head -c 50m /dev/zero >"$tmp/small/others"
ok '  a disk that others fill: packets are shed before it is full' wait_for sheds "$before"
ok '  it says why' said 'packets are shed, and counted, from now on: .*% free, under'
rm "$tmp/small/others"
ok '  with space again packets are captured' wait_for above 2
kill -TERM "${pid[capture]}"
ok '  the capture ends' wait_for gone capture
ok '  the rest is worked off' wait_for drained
end_all
ok '  the balance closes' mira balance "$tmp/audit"
is '  with what was shed' "$(sqlite3 "$tmp/audit/mira.db" 'SELECT sum(packets_seen) = sum(packets_captured + packets_filtered + packets_dropped + packets_shed), sum(packets_shed) >= '"$before"' FROM ledger')" '1|1'
is '  all that was seen is in it' "$(sqlite3 "$tmp/audit/mira.db" 'SELECT sum(packets_seen) FROM ledger')" "$(seen seen)"
finish
