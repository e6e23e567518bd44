#!/bin/bash
# What a stage may do once it has met foreign bytes, how much memory and time a batch may cost, and that normal work does not notice.
. "$(dirname "$0")/line.sh"
export MIRA_LOG=info MIRA_CACHE=$tmp/cache # where it may write, nobody is an intruder
mkdir "$MIRA_CACHE"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
ldd "$MIRA_BIN/mira-preprocess" | grep -q asan && sanitized=1

run capture 2>"$tmp/log" || skip_all 'no capture'
cp -a "$spool" "$tmp/full"
refill() { rm -rf "$tmp/w" && mkdir "$tmp/w" && cp -a "$tmp/full" "$spool"; }
act() { # STAGE POINT ACT: the stage does ACT at its first pass of POINT
    MIRA_FAULT=$2:1:$3 run "$1" >"$tmp/said" 2>&1
}
dies() { # STAGE POINT ACT: of it
    act "$@"
    [ $? -gt 128 ]
}
says() { grep -qE -- "$1" "$tmp/said" || { cat "$tmp/said"; false; }; }
strikes() { find "$spool/state/strikes" -type f | wc -l; }

# ---- system calls ----
for try in socket:socket exec:execve fork:clone ptrace:ptrace; do
    refill
    ok "a preprocessor that tries ${try%:*} is ended" dies preprocess working "${try%:*}"
    ok '  with a line that names the call' says "level=err prog=mira-preprocess msg=\"ended by its sandbox.*: ${try#*:}\""
    is '  and a strike' "$(strikes)" 1
done
refill
ok 'whoever comes next does the work' run preprocess
ok 'consolidation: a socket' dies consolidate output socket
ok '  says so' says 'prog=mira-consolidate.*socket'
ok 'whoever comes next does the work' run consolidate
ok 'classification: a program' dies classify working exec
ok '  says so' says 'prog=mira-classify.*execve'
ok 'whoever comes next does the work' run classify
ok 'the store: a process' dies store working fork
ok '  says so' says 'prog=mira-store.*clone'
ok 'whoever comes next does the work' run store
is 'every packet is counted' "$(sqlite3 "$tmp/w/mira.db" 'SELECT sum(packets_seen) FROM ledger')" 400
rm -rf "$tmp/w"
ok 'the capture of a trace: a socket' dies capture segment socket
ok '  says so' says 'prog=mira-capture.*socket'
ok 'it goes on' run capture

# ---- files ----
refill
if grep -q 'no Landlock' "$tmp/log"; then
    echo '# this kernel has no Landlock: its part is not tried'
    landlock=
else
    landlock=1
fi
export MIRA_FAULT_FILE=$tmp/intruder
for stage in preprocess consolidate classify store; do
    point=working
    [ $stage = consolidate ] && point=output
    act $stage $point write
    [ $landlock ] || { rm -f "$MIRA_FAULT_FILE"; continue; }
    ok "$stage cannot make a file outside" says 'FAULT:write: Permission denied'
    ok '  there is none' test ! -e "$MIRA_FAULT_FILE"
done
unset MIRA_FAULT_FILE
if [ $landlock ]; then
    refill
    MIRA_FAULT_FILE=/etc/passwd act preprocess working read
    ok 'a preprocessor cannot read elsewhere' says 'FAULT:read: Permission denied'
    refill
    MIRA_FAULT_FILE=$tmp/mira.conf act preprocess working write
    ok 'nor write what it may read' says 'FAULT:write: Permission denied'
fi

# ---- a segment that takes for ever, and one that takes all the memory ----
sed -i 's/period_s = 1.0; segment_bytes = 16384;/period_s = 1000;/' "$tmp/mira.conf" # all in one batch
echo 'max_flows = 1024;' >>"$tmp/mira.conf"
cp "$tmp/mira.conf" "$tmp/normal.conf"
bounded() { # ACT SETTING LINE REASON: three strikes, then quarantine
    rm -rf "$tmp/w"
    echo "$2" >>"$tmp/mira.conf"
    run capture 2>"$tmp/log"
    for i in 1 2 3; do
        act preprocess reading "$1"
        ok "$1: the line says which limit ($i)" says "$3"
    done
    ok '  then it is rejected' run preprocess
    is '  one batch is bad' "$(ls "$spool/packets/preprocess/bad" | grep -vc reason)" 1
    ok '  with the reason' grep -rqE "$4" "$spool/packets/preprocess/bad"
    cp "$tmp/normal.conf" "$tmp/mira.conf"
}
bounded time 'segment_cpu_s = 1;' 'takes too long: more than segment_cpu_s' 'CPU time limit'
[ "$sanitized" ] || bounded memory 'memory_limit = 268435456;' 'more memory is needed than memory_limit' 'Aborted'

# ---- sandbox = … ----
unlocked() { # STAGE, on a kernel that seems to have no Landlock
    without landlock_create_ruleset "mira-$1" --spool "$spool" --drain 2>&1 | tee "$tmp/last"
    return "${PIPESTATUS[0]}"
}
mode() {
    grep -v sandbox "$tmp/mira.conf" >"$tmp/mode.conf"
    echo "sandbox = \"$1\";" >>"$tmp/mode.conf"
}
refill
mode off
MIRA_CONFIG=$tmp/mode.conf MIRA_FAULT_FILE=$tmp/intruder act preprocess working write
ok 'off: it may write anywhere' test -e "$tmp/intruder"
refill
mode required
if [ $landlock ]; then
    MIRA_CONFIG=$tmp/mode.conf ok 'required: it works where the kernel has all' run preprocess
else
    MIRA_CONFIG=$tmp/mode.conf exits 2 'required: a kernel without Landlock is refused' run preprocess
fi
refill
MIRA_CONFIG=$tmp/mode.conf exits 2 'required: without Landlock a person is needed' unlocked preprocess
ok '  and told what for' grep -q 'no Landlock .*required' "$tmp/last"
ok 'best-effort: it goes on' unlocked preprocess
ok '  and warns' grep -q 'level=warn.*no Landlock' "$tmp/last"
is '  once' "$(grep -c 'no Landlock' "$tmp/last")" 1
mode sometimes
MIRA_CONFIG=$tmp/mode.conf exits 2 'another word is refused' unlocked preprocess
ok '  with what is allowed' grep -q 'best-effort.*required.*off' "$tmp/last"

# ---- what others see ----
lives() { mira status --spool "$spool" --json | grep -q "\"sandbox\": \"$1\""; }
until_true() { for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; false; }
without landlock_create_ruleset mira-classify --spool "$spool" --follow 2>/dev/null &
pid=$!
ok 'mira status shows who has less' until_true lives no-landlock
ok '  and says so' grep -q 'the sandbox of mira-classify is not whole' <<<"$(mira status --spool "$spool")"
kill $pid && wait $pid
done_testing
