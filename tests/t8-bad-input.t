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

export MIRA_CACHE=$tmp/cache # compiled once
mkdir "$MIRA_CACHE"
# what else stands in a spool is left alone, or set aside with a reason; the line goes on past it
export MIRA_LOG=warn
S=$tmp/spool
mira-capture --spool "$S" --segment-size 100k --period 1 --read "$demo"
cp -r "$S" "$tmp/clean"
all() {
    for stage in preprocess consolidate classify; do timeout 300 mira-$stage --spool "$S" --drain || return; done
    mkdir -p "$tmp/audit" && timeout 60 mira-store --spool "$S" --drain --db "$tmp/audit/mira.db"
}
mkdir -p "$tmp/precious/folder" && touch "$tmp/precious/file" "$tmp/precious/folder/below"
for queue in packets/preprocess flows/shard-0 biflows/classify verdicts/store; do
    for folder in ready work done bad; do
        touch "$S/$queue/$folder/README" "$S/$queue/$folder/a~b.1"
        mkfifo "$S/$queue/$folder/pipe"
        ln -s "$tmp/precious" "$S/$queue/$folder/link"
        ln -s "$tmp/precious" "$S/$queue/$folder/link~to.1"
        mkdir "$S/$queue/$folder/an odd name"
    done
    mkdir "$S/$queue/ready/folder" && mkfifo "$S/$queue/ready/folder/manifest.json"
    touch "$S/${queue%/*}/README" && mkfifo "$S/${queue%/*}/pipe" && ln -s "$tmp/precious" "$S/${queue%/*}/link"
done
for folder in workers metrics capture/tmp capture/done state state/capture state/rules state/looks state/strikes; do
    touch "$S/$folder/README" && mkfifo "$S/$folder/pipe" && ln -s "$tmp/precious" "$S/$folder/link" && mkdir "$S/$folder/folder"
done
ok 'files, pipes, links and folders everywhere: the line goes on' all
ok '  the balance closes' mira balance "$tmp/audit"
ok '  and that of the spool' mira balance --spool "$S"
is '  every IP packet is there' "$(sqlite3 "$tmp/audit/mira.db" 'SELECT sum(packets_ip) FROM ledger')" "$(sqlite3 "$tmp/b/mira.db" 'SELECT sum(packets_ip) FROM ledger')"
ok '  a folder that is no batch is set aside, with the reason' grep -q 'no regular file' "$S/packets/preprocess/bad/folder.reason"
is '  what links lead to is untouched' "$(cd "$tmp/precious" && find . | sort | tr '\n' ' ')" '. ./file ./folder ./folder/below '
exits 0 '  mira status looks past it' timeout 20 mira status --spool "$S"
exits 0 '  so does a capture' timeout 60 mira-capture --spool "$S" --read "$tmp/header.pcap"

# spool.json: of another format, damaged, of other settings; also under a stage that runs
spoiled() { # WHAT SED SAYS
    rm -rf "$S" && cp -r "$tmp/clean" "$S" && sed -i "$2" "$S/spool.json"
    for stage in preprocess consolidate classify; do exits 2 "$1: $stage" mira-$stage --spool "$S" --drain; done
    cp "$tmp/.out" "$tmp/.last"
    says "$3"
}
spoiled 'a spool of a newer format' 's/"format": 1/"format": 2/' 'has format 2, this program works with format 1'
spoiled 'a spool of an older format' 's/"format": 1/"format": 0/' 'has format 0'
spoiled 'a spool.json cut short' '$d' 'damaged or not MIRA'
spoiled 'a spool of other windows' 's/"window_s": [0-9]*/"window_s": 7/' 'window_s is 300, but the spool was made with 7'
rm -rf "$S" && cp -r "$tmp/clean" "$S"
for state in "$S"/state/capture/*-*; do [ -f "$state" ] && sed -i '$d' "$state"; done
exits 2 'the state of a capture, cut short: consolidate' mira-consolidate --spool "$S" --drain
cp "$tmp/.out" "$tmp/.last"
says 'if the capture of this stream must begin anew, remove the file'
running() { # STAGE COMMAND: exits 2 when COMMAND is done to its spool
    local pid
    rm -rf "$S" && cp -r "$tmp/clean" "$S"
    mira-$1 --spool "$S" --follow 2>"$tmp/.last" &
    pid=$!
    for _ in $(seq 300); do compgen -G "$S/workers/$1.*" >/dev/null && break; sleep 0.1; done
    (cd "$S" && eval "$2")
    for _ in $(seq 300); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
    kill -9 $pid 2>/dev/null
    wait $pid
}
exits 2 'settings that change under a stage' running classify 'sed -i "s/\"window_s\": 300/\"window_s\": 7/" spool.json'
says 'changed while this stage ran'
exits 2 'a format that changes under a stage' running consolidate 'sed -i "s/\"format\": 1/\"format\": 2/" spool.json'
says 'has format 2'
exits 2 'a spool.json that goes away' running classify 'mv spool.json elsewhere'
says 'is gone; was the file system unmounted'
exits 2 'a spool that is a file' mira-preprocess --spool "$demo" --drain
exits 2 'a spool below a file' mira-preprocess --spool "$demo/spool" --drain
if [ "$(id -u)" = 0 ] && unshare -u true 2>/dev/null; then
    rm -rf "$S" && cp -r "$tmp/clean" "$S"
    printf 'import socket\nsocket.sethostname("a host \\u00fc with a \\" and a name that is very, very long")\n' >"$tmp/name.py"
    ok 'a host of an odd name' unshare -u bash -c 'python3 "$1" && timeout 60 mira-preprocess --spool "$0" --drain' "$S" "$tmp/name.py"
    is '  works as any' "$(ls "$S/packets/preprocess/ready" "$S/packets/preprocess/bad" | grep -c Z-)" 0
fi
done_testing
