#!/bin/bash
# mira balance tells when a figure was changed, mira dump when a database is none; a damaged batch is set aside, and its repaired
# copy takes its place.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
MIRA_LOG=err mira run --out "$tmp/a" --segment-size 100k --period 1 "$demo" >/dev/null
ok 'an audit that balances' mira balance "$tmp/a"

while IFS='|' read -r what check sql; do
    rm -rf "$tmp/x"
    cp -r "$tmp/a" "$tmp/x"
    sqlite3 "$tmp/x/mira.db" "$sql" || exit 1
    exits 2 "$what" mira balance "$tmp/x"
    cp "$tmp/.out" "$tmp/.last"
    ok "  fails: $check" grep -q "^FAILED  $check" "$tmp/.last"
done <<'END2'
a packet more seen|seen = captured|UPDATE ledger_part SET packets_seen = packets_seen + 1 WHERE seq = 1
a packet more captured|captured = IP|UPDATE ledger_part SET packets_captured = packets_captured + 1, packets_seen = packets_seen + 1 WHERE seq = 1
an analysed batch called missing|nothing analysed in|UPDATE ledger_part SET status = 'missing' WHERE seq = 1
a batch less|every batch of every run|DELETE FROM ledger_part WHERE seq = 1
the last batch less|the last batch of every run|DELETE FROM ledger_part WHERE seq = (SELECT max(seq) FROM ledger)
a batch twice as large|what the captures counted|UPDATE ledger_part SET packets_seen = packets_seen * 2, packets_filtered = packets_seen WHERE seq = 1
an IP packet less|IP packets of the ledger|UPDATE ledger_part SET packets_ip = packets_ip - 1, packets_malformed = packets_malformed + 1 WHERE seq = 1
an octet more|IP octets of the ledger|UPDATE ledger_part SET octets_ip = octets_ip + 1 WHERE seq = 1
a packet more in a biflow|IP packets of the ledger|UPDATE biflow SET packets = packets + 1 WHERE sport = (SELECT max(sport) FROM biflow)
a biflow less|IP octets of the ledger|DELETE FROM biflow WHERE sport = (SELECT max(sport) FROM biflow)
END2
exits 1 'a balance that cannot be printed' bash -c "mira balance '$tmp/a' >/dev/full"
exits 1 'a dump that cannot be printed' bash -c "mira dump --addresses '$tmp/a' >/dev/full"

damage() { # WHAT COMMAND: both say so
    rm -rf "$tmp/x"
    cp -r "$tmp/a" "$tmp/x"
    (cd "$tmp/x" && eval "$2")
    for command in dump balance; do exits 2 "$command of $1" mira $command "$tmp/x"; done
}
damage 'an empty file' ': >mira.db'
damage 'random bytes' 'head -c 9000 /dev/urandom >mira.db'
damage 'half a database' 'truncate -s 60000 mira.db'
damage 'another database' 'rm mira.db; sqlite3 mira.db "CREATE TABLE ledger(x)"'
damage 'no database' 'rm mira.db'

# a byte turns over on the disk
spool=$tmp/spool
export MIRA_LOG=err
rest() {
    for stage in preprocess consolidate classify; do mira-$stage --spool "$spool" --drain || return 1; done
    mira-store --spool "$spool" --drain --db "$tmp/b/mira.db"
}
mkdir "$tmp/b"
mira-capture --spool "$spool" --segment-size 100k --period 1 --read "$demo"
packets=$spool/packets/preprocess
batch=$(ls "$packets/ready" | sed -n 2p)
cp -r "$packets/ready/$batch" "$tmp/good"
printf '\252\125' | dd of="$(ls "$packets/ready/$batch"/*.pcapng | head -n 1)" bs=1 seek=400 conv=notrunc 2>/dev/null
ok 'the line goes on past a damaged batch' rest
ok '  which stands in bad/, with the reason' grep -q checksum "$packets/bad/$batch.reason"
ok '  mira status shows it' bash -c "mira status --spool '$spool' | grep -A1 '$batch' | grep -q checksum"
is '  as quarantined in the ledger' "$(sqlite3 "$tmp/b/mira.db" "SELECT count(*), sum(packets_captured) > 0, sum(packets_ip) FROM ledger WHERE status = 'quarantined'")" '1|1|0'
ok '  the balance closes' mira balance "$tmp/b"
ok '  with that term' grep -qE '^\+ quarantined +[1-9]' <(mira balance "$tmp/b")
ok '  and that of the spool' mira balance --spool "$spool"
cp "$tmp/good"/*.pcapng "$packets/bad/$batch"
ok 'mira requeue' mira requeue --spool "$spool" "$batch"
ok '  and the line again' rest
is '  replace the row' "$(sqlite3 "$tmp/b/mira.db" "SELECT count(*), sum(status <> 'analysed') FROM ledger WHERE seq = 1")" '1|0'
ok '  the balance closes' mira balance "$tmp/b"
is '  every IP packet is there' "$(sqlite3 "$tmp/b/mira.db" 'SELECT sum(packets_ip) FROM ledger')" "$(sqlite3 "$tmp/a/mira.db" 'SELECT sum(packets_ip) FROM ledger')"
ok '  and that of the spool' mira balance --spool "$spool"

export MIRA_CACHE=$tmp/cache # compiled once
mkdir "$MIRA_CACHE"
# a write comes late: after the checksum was right, before the stage read what it works on
late() { # STAGE FOLDER FAULT FILE: its batch is quarantined, none of it is used
    MIRA_FAULT=$3:1:stop "mira-$1" --spool "$spool" --drain "${@:5}" 2>"$tmp/late" &
    local pid=$! file
    for _ in $(seq 300); do grep -q FAULT "$tmp/late" && break; sleep 0.1; done
    file=$(compgen -G "$spool/$2/work/*/*/$4" | head -n 1)
    printf '\252' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 9)) conv=notrunc 2>/dev/null
    kill -CONT $pid
    wait $pid
    [ -n "$file" ] && grep -qE 'checksum is|changed after it was published|IPFIX message' "$spool/$2"/bad/*.reason
}
again() { rm -rf "$spool" "$tmp/b"; mkdir "$tmp/b"; mira-capture --spool "$spool" --segment-size 100k --period 1 --read "$demo"; }
MIRA_FAULT=nowhere:1 mira-capture --version >/dev/null
if grep -q MIRA_FAULT "$MIRA_BIN/mira-capture"; then
    again
    ok 'a segment that changes while it is worked on' late preprocess packets/preprocess working '*.pcapng'
    mira-consolidate --spool "$spool" --drain
    ok '  biflows, too' late classify biflows/classify working biflows.ipfix
    again
    for stage in preprocess consolidate classify; do mira-$stage --spool "$spool" --drain; done
    ok '  verdicts, too' late store verdicts/store store-begin verdicts.ipfix --db "$tmp/b/mira.db"
fi
again
MIRA_FAULT= mira-preprocess --spool "$spool" --drain
held=$(ls "$spool/flows/shard-0/ready" | sed -n 2p)
mkdir "$tmp/later"
mv "$spool/flows/shard-0/ready/$(ls "$spool/flows/shard-0/ready" | tail -n 1)" "$tmp/later"
mira-consolidate --spool "$spool" --drain
printf '\252' | dd of="$spool/flows/shard-0/ready/$held/flows.ipfix" bs=1 seek=200 conv=notrunc 2>/dev/null
mv "$tmp/later"/* "$spool/flows/shard-0/ready"
ok 'flows that change between their ledger row and their window' rest
ok '  are quarantined' test -s "$spool/flows/shard-0/bad/$held.reason"
is '  and accounted for as that' "$(sqlite3 "$tmp/b/mira.db" "SELECT count(*) FROM ledger WHERE status = 'quarantined'")" 1
ok '  the balance closes' mira balance "$tmp/b"

# rules: those that the packets were stamped with, or none
again
rules=$(compgen -G "$spool/state/rules/*")
cp -r "$rules" "$tmp/rules"
stamped() { # WHAT SAYS: nothing is analysed with other rules; once they are back, all is
    exits 2 "$1: preprocess stops" mira-preprocess --spool "$spool" --drain
    cp "$tmp/.out" "$tmp/.last"
    ok "  and says: $2" grep -q "$2" "$tmp/.last"
    is '  no batch was touched' "$(ls "$spool/packets/preprocess/bad" "$spool/flows/shard-0/ready")" "$spool/flows/shard-0/ready:

$spool/packets/preprocess/bad:"
    rm -rf "$rules" && cp -r "$tmp/rules" "$rules"
}
echo 'symptom more tcp' >>"$(compgen -G "$rules/symptoms.d/*.sym" | head -n 1)"
stamped 'symptoms that were edited in the spool' 'was changed'
rm "$(compgen -G "$rules/symptoms.d/*.sym" | head -n 1)"
stamped 'a file of symptoms that is gone' 'was changed'
rm -r "$rules"
stamped 'rules that are gone' 'is missing'
ok 'with them back' rest
ok '  the balance closes' mira balance "$tmp/b"
is '  every IP packet is there' "$(sqlite3 "$tmp/b/mira.db" 'SELECT sum(packets_ip) FROM ledger')" "$(sqlite3 "$tmp/a/mira.db" 'SELECT sum(packets_ip) FROM ledger')"
exits 2 'requeue of what is not there' mira requeue --spool "$spool" nosuch
done_testing
