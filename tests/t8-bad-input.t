#!/bin/bash
# Bad input: one clear message, the right exit code, never a wrong total.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap

# says TEXT: the last command's output holds it, on few lines
says() { ok "  and says: $1" grep -qE -- "$1" "$tmp/.last"; }
run() { # CODE WHAT ARGUMENTS...
    local code=$1 what=$2
    shift 2
    exits "$code" "$what" timeout 60 mira run "$@"
    cp "$tmp/.out" "$tmp/.last"
}
packets() { sqlite3 "$1/mira.db" 'SELECT sum(packets_seen) FROM ledger'; }

: >"$tmp/empty.pcap"
run 2 'an empty file' --out "$tmp/a1" "$tmp/empty.pcap"
says 'empty.pcap'
head -c 5000 /dev/urandom >"$tmp/random.pcap"
run 2 'random bytes' --out "$tmp/a2" "$tmp/random.pcap"
says 'random.pcap'
cp "$0" "$tmp/script.pcap"
run 2 'a text file' --out "$tmp/a3" "$tmp/script.pcap"
run 2 'a file that is not there' --out "$tmp/a4" "$tmp/none.pcap"
says 'none.pcap.*No such file'
run 2 'the same capture twice' --out "$tmp/a5" "$demo" "$demo"
says 'once'
run 2 'no input at all' --out "$tmp/a6"

run 2 'a bad file among good ones' --out "$tmp/b" "$tmp/random.pcap" "$demo"
is '  the good one is audited' "$(packets "$tmp/b")" "$(tshark -r "$demo" 2>/dev/null | wc -l)"
ok '  and balanced' mira balance "$tmp/b"

head -c 100000 "$demo" >"$tmp/cut.pcap"
run 0 'a truncated capture' --out "$tmp/c" "$tmp/cut.pcap"
says 'cut.pcap'
is '  is audited up to the damage' "$(packets "$tmp/c")" "$(tshark -r "$tmp/cut.pcap" 2>/dev/null | wc -l)"
ok '  and marked in report.json' grep -q damaged "$tmp/c/report.json"
head -c 24 "$demo" >"$tmp/header.pcap"
run 0 'a valid capture without packets' --out "$tmp/d" "$tmp/header.pcap"
{ head -c 20 "$demo"; printf '\223\0\0\0'; tail -c +25 "$demo"; } >"$tmp/linktype.pcap"
run 2 'an unknown link type' --out "$tmp/e" "$tmp/linktype.pcap"
says '147'

mkdir "$tmp/conf"
cp -r "$top"/etc/* "$tmp/conf"
echo 'colour = "red";' >>"$tmp/conf/mira.conf"
run 2 'an unknown setting' --out "$tmp/f" --config "$tmp/conf/mira.conf" "$demo"
says 'mira.conf:[0-9]+.*colour'
cp "$top/etc/mira.conf" "$tmp/conf"
printf 'symptom broken tcp\n    regex /(unclosed/\n' >"$tmp/conf/symptoms.d/zz.sym"
run 2 'a broken symptom' --out "$tmp/g" --config "$tmp/conf/mira.conf" "$demo"
says 'zz.sym:2'
ok '  DIR is untouched' test ! -e "$tmp/g"
rm "$tmp/conf/symptoms.d/zz.sym"
cat >"$tmp/conf/policy.conf" <<'END'
classes = (
  { name = "web"; class = "WEB"; verdict = "acceptable"; say = "Web.";
    when = "http_request > 0 OR htp_response > 0"; }
);
END
run 2 'a broken policy' --out "$tmp/h" --config "$tmp/conf/mira.conf" "$demo"
says 'policy.conf:3:[0-9]+.*htp_response'
cp "$top/etc/policy.conf" "$tmp/conf"

run 0 'an audit' --out "$tmp/i" "$tmp/header.pcap"
run 2 'another input into the same folder' --out "$tmp/i" "$demo"
says 'other inputs'
mkdir "$tmp/full" && touch "$tmp/full/thesis.tex"
run 2 'a folder that holds something else' --out "$tmp/full" "$demo"
ok '  it is untouched' test "$(ls -A "$tmp/full")" = thesis.tex
exits 2 'balance of what is no audit' mira balance "$tmp/full"
exits 2 'an unknown command' mira frobnicate

if [ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=600k tmpfs "$tmp/small" 2>/dev/null; then
    run 1 'a full disk' --out "$tmp/j" --spool "$tmp/small/spool" "$demo"
    says 'full|space'
    umount "$tmp/small"
    mount -t tmpfs -o ro tmpfs "$tmp/small"
    run 2 'an unwritable spool' --out "$tmp/k" --spool "$tmp/small/spool" "$demo"
    umount "$tmp/small"
fi

mkfifo "$tmp/gate"
(read -r _ <"$tmp/gate"; cat "$demo") | timeout 120 mira run --out "$tmp/l" - >/dev/null 2>&1 &
for _ in $(seq 400); do [ ! -e "$tmp/l/audit.json" ] || break; sleep 0.05; done
run 1 'a second instance' --out "$tmp/l" "$demo"
says 'another'
echo >"$tmp/gate"
wait
ok '  the first one is whole' mira balance "$tmp/l"
done_testing
