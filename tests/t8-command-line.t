#!/bin/bash
# What people type: every mistake is told before anything is made, and every name of a file works.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
small=$tmp/small.pcap
other=$top/tests/tap.sh # no capture
head -c 60000 "$demo" >"$small"
says() { ok "  and says: $1" grep -qE -- "$1" "$tmp/.last"; }
run() { # CODE WHAT ARGUMENTS...
    local code=$1 what=$2
    shift 2
    exits "$code" "$what" timeout 60 mira run "$@"
    cp "$tmp/.out" "$tmp/.last"
}
packets() { sqlite3 "$1/mira.db" 'SELECT sum(packets_seen) FROM ledger'; }
absent() { ok '  nothing was made' test ! -e "$1"; }

while IFS='|' read -r option value; do
    exits 2 "$option '$value'" mira run --out "$tmp/a" "$option" "$value" "$small"
    is '  one line' "$(sed '$d' "$tmp/.out" | wc -l)" 1
done <<'END2'
--preprocessors|0
--preprocessors|2x
--preprocessors|1000
--preprocessors|
--period|0
--period|-1
--period|nan
--segment-size|0
--segment-size|10X
--segment-size|99999999999999999999
--spool|
--config|
--out|
END2
exits 2 '--duration is for an interface' mira run --out "$tmp/a" --duration 5 "$small"
exits 2 'a FILE and an interface' mira run --out "$tmp/a" -i lo "$small"
absent "$tmp/a"
mkdir "$tmp/empty"
run 2 'a FILE that is no capture' --out "$tmp/empty" "$other"
is '  the empty folder stays as it was' "$(ls -Ad "$tmp/empty"; ls -A "$tmp/empty")" "$tmp/empty"
says "$other is no capture"

# names
mkdir -p "$tmp/in/x" "$tmp/in/y"
ln -s "$small" "$tmp/in/link.pcap"
cp "$small" "$tmp/in/copy.pcap"
run 2 'a capture and its copy' --out "$tmp/b" "$small" "$tmp/in/copy.pcap"
run 2 'a capture and a link to it' --out "$tmp/b" "$small" "$tmp/in/link.pcap"
absent "$tmp/b"
n=0
names=('with space' "q'uo\"te" $'new\nline' 'ünïcödé' '-dash' "$(printf 'l%.0s' $(seq 200))" '$(x)`y`' '%s%n' $'\xff\xfe' x/same y/same)
for name in "${names[@]}"; do
    n=$((n + 1))
    head -c 24 "$demo" | cat - <(tail -c +25 "$demo" | head -c 6000) >"$tmp/in/$name.pcap"
    printf '%*s' $n '' >>"$tmp/in/$name.pcap" # other content each: damaged at the end
done
cd "$tmp/in" || exit 1
run 0 "$n odd names" --out "$tmp/c" -- "${names[@]/%/.pcap}"
is '  a stream each' "$(sqlite3 "$tmp/c/mira.db" 'SELECT count(DISTINCT stream) FROM ledger')" $n
ok '  report.json is JSON' python3 -m json.tool "$tmp/c/report.json"
ok '  balanced' mira balance "$tmp/c"
run 0 'the same command again' --out "$tmp/c" -- "${names[@]/%/.pcap}"
cd "$tmp" || exit 1

# inputs
run 2 'a FILE that is not there, with another' --out "$tmp/d" "$tmp/none.pcap" "$small"
says "cannot read $tmp/none.pcap: No such file"
ok '  the other is audited' mira balance "$tmp/d"
run 2 'a folder as FILE' --out "$tmp/e" "$tmp/in"
absent "$tmp/e"
run 0 'a pipe' --out "$tmp/f" <(cat "$small")
is '  every packet' "$(packets "$tmp/f")" "$(packets "$tmp/d")"
exits 2 'standard input twice' mira run --out "$tmp/g" - - <"$small"
run 2 'a pipe without an end' --out "$tmp/g" /dev/zero
says '/dev/zero is no capture'
run 2 'an empty archive' --out "$tmp/g" <(tar c -T /dev/null)
absent "$tmp/g"
mkdir "$tmp/tar"
cp "$small" "$tmp/tar/one.pcap" && cp "$tmp/in/x/same.pcap" "$tmp/tar/two.pcap" && cp "$other" "$tmp/tar/README"
tar cf "$tmp/three.tar" -C "$tmp/tar" one.pcap README two.pcap
run 0 'an archive' --out "$tmp/h" "$tmp/three.tar"
says "$tmp/three.tar:README is no capture: this member is skipped"

# spools
cd "$tmp" && run 0 'a relative spool' --out "$tmp/i" --spool sp "$small"
cd / && run 0 '  the same from elsewhere' --out "$tmp/i" --spool "$tmp/sp/" "$small"
run 2 'a spool of another audit' --out "$tmp/j" --spool "$tmp/sp" "$demo"
says "$tmp/sp.*another audit"
run 2 'the same FILE into another folder' --out "$tmp/j" --spool "$tmp/sp" "$small"
says "belongs to the audit in $tmp/i"
absent "$tmp/j"
run 2 'nothing but a refused FILE' --out "$tmp/k" --spool "$tmp/sp2" "$other"
run 0 '  leaves the spool to the next' --out "$tmp/k" --spool "$tmp/sp2" "$small"
mira-capture --spool "$tmp/sp3" --read "$small" 2>/dev/null
run 0 'captured by hand' --out "$tmp/l" --spool "$tmp/sp3" "$small"
mkdir "$tmp/tmpdir"
export TMPDIR=$tmp/tmpdir
mira run --out "$tmp/m1" --segment-size 4k "$demo" >/dev/null 2>&1 &
run 0 'one FILE into two folders at once' --out "$tmp/m2" --segment-size 4k "$demo"
wait
ok '  the same answer' cmp <(mira dump --addresses "$tmp/m1") <(mira dump --addresses "$tmp/m2")
is '  no temporary spool is left' "$(ls -A "$tmp/tmpdir")" ''
done_testing
