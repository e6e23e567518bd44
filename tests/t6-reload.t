#!/bin/bash
# SIGHUP: what a running stage takes over, what it refuses, what waits for a restart; a policy changes at a window's border; and
# what the service manager is told.
. "$(dirname "$0")/tap.sh"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
S=$tmp/spool

until_true() { # COMMAND…: waits for it, a minute at most
    for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    return 1
}
says() { grep -q -- "$2" "$tmp/$1.log"; } # STAGE TEXT

# A service manager: writes down what it is told. It is there once the socket is.
cat >"$tmp/manager" <<'END_OF_MANAGER'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] + ".new")
os.rename(sys.argv[1] + ".new", sys.argv[1])
log = open(sys.argv[2], "w", buffering=1)
while True:
    log.write(s.recv(4096).decode() + "\n")
END_OF_MANAGER
manager() { # STAGE: the stage started next speaks with it
    python3 "$tmp/manager" "$tmp/$1.socket" "$tmp/$1.told" & managers="$managers $!"
    until_true test -S "$tmp/$1.socket" && chmod 777 "$tmp/$1.socket" # a capture speaks as nobody
}
managers=
trap 'kill $managers $running 2>/dev/null; rm -rf "$tmp"' EXIT

follow() { # STAGE ARGUMENT…
    local stage=$1
    shift
    manager "$stage"
    NOTIFY_SOCKET=$tmp/$stage.socket "mira-$stage" --spool "$S" --follow "$@" </dev/null 2>"$tmp/$stage.log" &
    running=$!
    until_true grep -q READY=1 "$tmp/$stage.told"
}
reload() { # STAGE TEXT: until the log says TEXT
    kill -HUP "$running"
    until_true says "$1" "$2"
}
finish() {
    kill "$running" && wait "$running"
}

mkdir "$tmp/symptoms"
printf 'symptom dns\n  text "x"\n' >"$tmp/symptoms/a.sym"
export MIRA_CONFIG=$tmp/mira.conf
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
policy() { # NAME CONDITION
    printf 'classes = ( { name = "%s"; class = "ALL"; verdict = "review"; when = "%s"; } );\n' "$1" "$2" >"$tmp/policy.conf"
}
# The stages before classify have a configuration of their own, which stays.
printf 'policy = "line.policy";\nsymptoms = "symptoms";\n' >"$tmp/line.conf"
biflows() { # DAYS later than the demo's: one more batch of biflows is ready
    local MIRA_CONFIG=$tmp/line.conf
    editcap -t "$((86400 * $1))" "$top/tests/data/demo.pcap" "$tmp/$1.pcap" &&
        mira-capture --spool "$S" --read "$tmp/$1.pcap" && mira-preprocess --spool "$S" --drain && mira-consolidate --spool "$S" --drain
} 2>"$tmp/line.log"
rules_of() { sed -n 's/.*"rules": "\([0-9a-f]*\)".*/\1/p' "$S/$1/manifest.json"; }
decided_by() { biflow-batches dump "$S/verdicts/store/ready/$1/verdicts.ipfix" | awk '$1 == "biflow" { print $25 }' | sort -u; }
batch() { printf '%010d-shard-0' "$1"; }

# ---- a policy, from window to window ----
policy one 1
cp "$tmp/policy.conf" "$tmp/line.policy"
ok 'a classifier puts its policy in force' mira-classify --spool "$S" --drain
one=$(cat "$S/state/policy")
ok 'and leaves it among the rules' cmp "$tmp/policy.conf" "$S/state/rules/$one/policy.conf"
ok 'windows are closed' biflows 0
is 'consolidation stamps them with it' "$(rules_of "biflows/classify/ready/$(batch 1)")" "$one"

policy two 1
follow classify
until_true test -e "$S/verdicts/store/ready/$(batch 1)"
is 'a restart with another policy decides what is stamped by the stamped one' "$(decided_by "$(batch 1)")" ALL/review/one
is 'and says so in the verdicts' "$(rules_of "verdicts/store/ready/$(batch 1)")" "$one"
biflows 1
until_true test -e "$S/verdicts/store/ready/$(batch 2)"
is 'the next window is decided by the new one' "$(decided_by "$(batch 2)")" ALL/review/two

policy three 1
ok 'SIGHUP reads a new policy' reload classify 'was read anew'
is 'with another hash in force' "$(cat "$S/state/policy" | grep -cvE "$one")" 1
ok 'the service manager hears of the reload' grep -q RELOADING=1 "$tmp/classify.told"
ok 'with the time that it needs' grep -qE 'MONOTONIC_USEC=[0-9]+' "$tmp/classify.told"
biflows 2
until_true test -e "$S/verdicts/store/ready/$(batch 3)"
is 'it decides the next window' "$(decided_by "$(batch 3)")" ALL/review/three

policy four 'no_such_symptom > 0'
three=$(cat "$S/state/policy")
ok 'a policy that does not compile is refused' reload classify 'the new configuration is refused'
ok '  with the reason' says classify 'no_such_symptom'
is '  the old one stays in force' "$(cat "$S/state/policy")" "$three"
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nno_such_setting = 1;\n' >"$MIRA_CONFIG"
ok 'so is a mira.conf with a mistake' reload classify 'no_such_setting'
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nwindow_s = 17;\n' >"$MIRA_CONFIG"
ok 'and one that the spool does not agree with' reload classify 'window_s is 17'
biflows 3
until_true test -e "$S/verdicts/store/ready/$(batch 4)"
is '  the work goes on as before' "$(decided_by "$(batch 4)")" ALL/review/three
exits 0 'SIGTERM ends it' finish
ok 'the service manager hears of the end' until_true grep -q STOPPING=1 "$tmp/classify.told"
ok 'was told how far it was' grep -q 'STATUS=.*done: ' "$tmp/classify.told"
ok 'and fed its watchdog' grep -q WATCHDOG=1 "$tmp/classify.told"

# ---- a stamped policy that is of no use ----
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
policy five 'abs(0 - 9223372036854775807 - (dport > 0)) > 0' # compiles, and fails while running
ok 'a policy that will fail is in force' mira-classify --spool "$S" --drain
biflows 4
exits 2 'it fails, and a person is needed' mira-classify --spool "$S" --drain
policy six 1
ok 'once it is mended the stamped one gives way' mira-classify --spool "$S" --drain
is '  to the configured one' "$(decided_by "$(batch 5)")" ALL/review/six
policy seven 1
mira-classify --spool "$S" --drain 2>/dev/null
biflows 5
rm -r "$S/state/rules/$(cat "$S/state/policy")"
policy eight 1
ok 'so does one that is gone' mira-classify --spool "$S" --drain
is '  to the configured one' "$(decided_by "$(batch 6)")" ALL/review/eight

# ---- the other stages ----
follow preprocess
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nmax_flows = 2048;\n' >"$MIRA_CONFIG"
ok 'a setting that cannot change asks for a restart' reload preprocess '\\"max_flows\\" has changed'
ok '  the others are taken over' until_true says preprocess 'was read anew'
exits 0 'preprocess ends' finish
follow consolidate
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nbad_days = 5;\n' >"$MIRA_CONFIG"
ok 'consolidation reads its configuration anew' reload consolidate 'was read anew'
printf 'window_s = "x";\n' >"$MIRA_CONFIG"
ok 'and refuses a broken one' reload consolidate 'the new configuration is refused'
exits 0 'consolidate ends' finish
ok '  and tells it' until_true grep -q STOPPING=1 "$tmp/consolidate.told"
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
follow store --db "$tmp/mira.db"
ok 'the store reads its configuration anew' reload store 'was read anew'
exits 0 'the store ends' finish

# ---- a capture: new rules are stamped into the batches that begin from then on ----
ns=mira-reload-$$
if [ "$(id -u)" != 0 ] || ! ip netns add $ns 2>/dev/null; then
    echo '# the capture is skipped: it needs root and network namespaces'
    done_testing
    exit
fi
trap 'kill $managers $running 2>/dev/null; ip netns del $ns; rm -rf "$tmp"' EXIT
ip -n $ns link set lo up
chmod 755 "$tmp" # for nobody, whom it becomes
S=$tmp/live
manager capture
NOTIFY_SOCKET=$tmp/capture.socket ip netns exec $ns "$MIRA_BIN/mira-capture" --spool "$S" -i lo --period 0.5 </dev/null >/dev/null 2>"$tmp/capture.log" &
running=$!
batches_of() { cat "$S"/packets/preprocess/ready/*/manifest.json 2>/dev/null | grep -c "\"rules\": \"$1\""; }
some_of() { [ "$(batches_of "$1")" -gt 0 ]; }
hash_in_log() { grep -oE 'rules [0-9a-f]{32}' "$tmp/capture.log" | tail -n 1 | cut -d' ' -f2; }
ok 'a live capture is ready' until_true grep -q READY=1 "$tmp/capture.told"
old=$(ls "$S/state/rules")
ok '  and publishes batches' until_true some_of "$old"
printf 'symptom dns\n  text "y"\n' >"$tmp/symptoms/a.sym"
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nring_bytes = 2097152;\n' >"$MIRA_CONFIG"
ok 'SIGHUP reads new symptoms' reload capture 'the configuration was read anew'
new=$(hash_in_log)
ok '  which batches are stamped with from then on' until_true some_of "$new"
ok '  and the spool holds' cmp "$tmp/symptoms/a.sym" "$S/state/rules/$new/symptoms.d/a.sym"
ok '  what waits for a restart is named' says capture '\\"ring_bytes\\" has changed'
is '  no batch went back to the old ones' "$(cat "$S"/packets/preprocess/ready/*/manifest.json | grep -o "\"rules\": .*" | uniq | wc -l)" 2
printf 'symptom dns\n  regex /(/\n' >"$tmp/symptoms/a.sym"
ok 'a symptom with a mistake is refused' reload capture 'the new configuration is refused'
is '  and nothing new is published' "$(ls "$S/state/rules" | wc -l)" 2
ok 'the service manager heard of it twice' eval '[ "$(grep -c RELOADING=1 "$tmp/capture.told")" = 2 ]'
exits 0 'SIGTERM ends it' finish
done_testing
