#!/bin/bash
# mira run itself: kill -9 at any moment, signals, a second start, a full disk. The same command goes on, and the answer is the
# same to the byte.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
cut=(--segment-size 4k --period 0.05)
exits 0 'a run without faults' mira run --out "$tmp/calm" "${cut[@]}" "$demo"
mira dump --addresses "$tmp/calm" >"$tmp/wanted"

running() { [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" != Z ] && [ -e "/proc/$1" ]; }
ended() { # within 20 s
    for _ in $(seq 200); do running "$1" || return 0; sleep 0.1; done
    return 1
}
killed=0 left=0
# Starts, is killed after SECONDS. Every third time a stage is killed before. 1: it had ended by then.
kill_run() { # SECONDS ARGUMENTS...
    local wait=$1 pid children code=1
    shift
    mira run "$@" >/dev/null 2>"$tmp/.last" &
    pid=$!
    sleep "$wait"
    children=$(ps -o pid= --ppid $pid)
    [ $((killed % 3)) = 2 ] && kill -9 "$(echo "$children" | shuf -n 1)" 2>/dev/null && sleep 0.1
    children=$(ps -o pid= --ppid $pid)
    running $pid && killed=$((killed + 1)) code=0
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    for pid in $children; do ended "$pid" || left=$((left + 1)); done
    return $code
}
for kind in '' named; do
    out=$tmp/out$kind
    [ -z "$kind" ] || spool=(--spool "$tmp/spool")
    for n in 1 2 3 4 5 6 7 8; do # an audit that is complete is none to kill: another one
        kill_run 0.$((RANDOM % 10))$((RANDOM % 10)) --out "$out" "${spool[@]}" "${cut[@]}" "$demo" || rm -rf "$out" "$tmp/spool"
    done
    exits 0 "the same command goes on, ${kind:-temporary} spool" timeout 120 mira run --out "$out" "${spool[@]}" "${cut[@]}" "$demo"
    ok '  balanced' mira balance "$out"
    mira dump --addresses "$out" >"$tmp/got"
    ok '  the same dump' cmp "$tmp/wanted" "$tmp/got"
    is '  nothing else is left' "$(ls -A "$out" | tr '\n' ' ')" 'audit.json index.html mira.db mira.key report.json '
done
if grep -qa MIRA_FAULT "$MIRA_BIN/mira"; then # built for faults
    MIRA_FAULT=written:1 mira run --out "$tmp/early" "$demo" >/dev/null 2>&1
    is 'killed as it wrote its first file, it leaves no audit' "$(ls "$tmp/early")" ''
    exits 0 '  the same command begins' mira run --out "$tmp/early" "$demo"
    is '  nothing else is left' "$(ls -A "$tmp/early" | tr '\n' ' ')" 'audit.json index.html mira.db mira.key report.json '
fi
ok "killed $killed times while it ran" test $killed -ge 6
is 'no stage outlived it' $left 0
ok 'the balance of the named spool' mira balance --spool "$tmp/spool"

begun() { # the audit in DIR, within 20 s
    for _ in $(seq 400); do [ ! -e "$1/audit.json" ] || return 0; sleep 0.05; done
    return 1
}
interrupted() {
    mira run --out "$tmp/sig" "${cut[@]}" "$demo" &
    local pid=$!
    begun "$tmp/sig"
    kill -TERM $pid
    wait $pid
}
# A store that does not hear the first SIGTERM, as when it comes just before its wait for work.
mkdir "$tmp/deaf"
cp "$MIRA_BIN/mira" "$tmp/deaf"
ln -s "$MIRA_BIN"/mira-* "$tmp/deaf"
rm "$tmp/deaf/mira-store"
cat >"$tmp/deaf/mira-store" <<END
#!/bin/sh
told=0
trap 'told=\$((told + 1)); [ \$told = 1 ] || kill -TERM \$pid' TERM
"$MIRA_BIN/mira-store" "\$@" &
pid=\$!
while kill -0 \$pid 2>/dev/null; do wait \$pid; code=\$?; done
exit \$code
END
chmod +x "$tmp/deaf/mira-store"
exits 0 'a stage that did not hear the signal is told again' timeout 60 "$tmp/deaf/mira" run --out "$tmp/told" "${cut[@]}" "$demo"

exits 1 'SIGTERM ends it' interrupted
cp "$tmp/.out" "$tmp/.last"
ok '  with a word' grep -q 'interrupted; the same command goes on' "$tmp/.last"
exits 0 '  the same command goes on' mira run --out "$tmp/sig" "${cut[@]}" "$demo"
ok '  the same dump' cmp "$tmp/wanted" <(mira dump --addresses "$tmp/sig")
piped() {
    (cat "$demo"; sleep 20) | mira run --out "$tmp/pipe" "${cut[@]}" - &
    begun "$tmp/pipe"
    sleep 1
    kill -TERM "$(ps -eo pid=,args= | awk -v out="$tmp/pipe" '$2 ~ /mira$/ && index($0, "--out " out) { print $1 }')"
    wait $!
}
exits 0 'of a pipe, which cannot be read again, the report is made' piped
ok '  balanced' mira balance "$tmp/pipe"

mira run --out "$tmp/two1" --spool "$tmp/two" "${cut[@]}" "$demo" >/dev/null 2>&1 &
first=$!
until [ -e "$tmp/two/state/audit" ] || ! running $first; do sleep 0.02; done
kill -STOP $first
exits 1 'a second one on the folder' mira run --out "$tmp/two1" --spool "$tmp/two" "${cut[@]}" "$demo"
exits 1 'a second one on the spool' mira run --out "$tmp/two2" --spool "$tmp/two" "${cut[@]}" "$demo"
kill -CONT $first
wait
ok '  the first is whole' cmp "$tmp/wanted" <(mira dump --addresses "$tmp/two1")

if [ "$(id -u)" = 0 ] && mkdir "$tmp/disk" && mount -t tmpfs -o size=100m tmpfs "$tmp/disk" 2>/dev/null; then
    trap 'umount "$tmp/disk"; rm -rf "$tmp"' EXIT
    disk() { mount -o "remount,size=$1" "$tmp/disk"; }
    head -c 93m /dev/zero >"$tmp/disk/fill"
    exits 0 'less than min_free is free, and stays so' timeout 120 mira run --out "$tmp/disk/low" "${cut[@]}" "$demo"
    ok '  the same dump' cmp "$tmp/wanted" <(mira dump --addresses "$tmp/disk/low")
    rm -r "$tmp/disk"/*
    for size in 100k 500k 1500k; do
        disk $size
        exits 1 "a spool on a disk of $size" timeout 60 mira run --out "$tmp/full$size" --spool "$tmp/disk/s" "${cut[@]}" "$demo"
        cp "$tmp/.out" "$tmp/said"
        ok '  says that it is full' grep -qE 'level=err.*(No space|full)' "$tmp/said"
        is '  and no process says it twice' "$(sed -nE 's/.*level=err prog=([^ ]*).*(No space|full).*/\1/p' "$tmp/said" | sort | uniq -d)" ''
        disk 100m
        exits 0 '  with space again it goes on' mira run --out "$tmp/full$size" --spool "$tmp/disk/s" "${cut[@]}" "$demo"
        ok '  the same dump' cmp "$tmp/wanted" <(mira dump --addresses "$tmp/full$size")
        rm -r "$tmp/disk"/*
    done
    disk 200k
    exits 1 'DIR on a full disk: it does not wait for ever' timeout 90 mira run --out "$tmp/disk/o" --spool "$tmp/elsewhere" "${cut[@]}" "$demo"
    disk 100m
    exits 0 '  with space again it goes on' mira run --out "$tmp/disk/o" --spool "$tmp/elsewhere" "${cut[@]}" "$demo"
    ok '  the same dump' cmp "$tmp/wanted" <(mira dump --addresses "$tmp/disk/o")
fi
done_testing
