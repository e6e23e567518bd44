#!/bin/bash
# The store: every batch exactly once, whatever dies; one row per window and key; nothing else may be in its place.
. "$(dirname "$0")/tap.sh"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
export MIRA_CONFIG=
S=$tmp/spool
DB=$tmp/mira.db
sql() { sqlite3 -separator ' ' "$DB" "$1"; }
load() { mira-store --spool "$S" --db "$DB" --drain "$@"; }
said() { # WHAT TEXT: the command before printed it
    cp "$tmp/.out" "$tmp/.said"
    ok "$1" grep -qF -- "$2" "$tmp/.said"
}
fresh() { rm -rf "$S" "$DB" "$DB"-*; }

# What is stored of what was given.
umask 0
biflow-batches make "$S" verdicts 1 4 300
biflow-batches dump "$S"/verdicts/store/ready/*/verdicts.ipfix >"$tmp/in"
ok 'loads its queue' load
umask 022
is '  into a file of mode 0600' "$(stat -c %a "$DB")" 600
is '  that is whole by itself' "$(ls "$tmp" | grep -c 'mira.db-')" 0
ok '  and balanced' mira balance "$tmp"
is '  the columns of the view' "$(sql "SELECT group_concat(name) FROM pragma_table_info('biflow_text')")" \
    "window_ms,start_ms,end_ms,proto,src,sport,dst,dport,packets,octets,reverse_packets,reverse_octets,class,verdict,rule,symptoms,$(
    )aggregate,host_name,tunnel,probe,vlan,carried_symptoms,sampling,reverse_sampling,tcp_flags,reverse_tcp_flags,late,incomplete,tunnel_endpoint,direction"
is '  the first columns of the ledger' "$(sql "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info('ledger') LIMIT 14)")" \
    "probe,stream,run,seq,status,packets_seen,packets_captured,packets_filtered,packets_dropped,packets_shed,packets_ip,$(
    )packets_not_ip,packets_malformed,octets_ip"

# Every biflow of the files, field by field.
sql "SELECT 'biflow', window_ms, start_ms, end_ms, proto, src, sport, dst, dport, packets, octets, coalesce(reverse_packets, 0),
    coalesce(reverse_octets, 0), '[' || coalesce(vlan, '') || ']', '[' || replace(coalesce(tunnel, ''), ',', '+') || ']',
    '[' || coalesce(tunnel_endpoint, '') || ']', '[' || coalesce(aggregate, '') || ']', '[' || coalesce(host_name, '') || ']', '[' || coalesce(probe, '') || ']',
    class || '/' || verdict || '/' || rule FROM biflow_text" | sort >"$tmp/stored"
awk '$1 == "biflow" { $14 = $15 = $16 = $17 = $18 = ""; NF = 25; $0 = $0; $1 = $1; print }' "$tmp/in" | sed 's/  */ /g; s/ $//' | sort >"$tmp/given"
ok '  every field of every biflow' diff "$tmp/given" "$tmp/stored"
is '  unobserved is NULL, not 0' "$(sql 'SELECT count(*) FROM biflow_text WHERE reverse_packets IS NULL AND reverse_octets IS NULL
    AND reverse_sampling IS NULL AND reverse_tcp_flags IS NULL')" "$(awk '$1 == "biflow" && $12 == 0' "$tmp/in" | wc -l)"
is '  no zero, no empty text' "$(sql "SELECT count(*) FROM biflow_text WHERE reverse_packets = 0 OR aggregate = '' OR host_name = ''
    OR tunnel = '' OR tunnel_endpoint = '' OR probe = '' OR vlan = ''")" 0
is '  a stack of tunnels is comma-joined' "$(sql 'SELECT DISTINCT tunnel FROM biflow_text WHERE tunnel IS NOT NULL')" 6in4,4in4
is '  symptoms: both directions, sorted by name' "$(sql "SELECT symptoms FROM biflow_text WHERE sport = 1024 + 13 AND window_ms =
    (SELECT min(window_ms) FROM biflow)")" '{"alpha":1,"bittorrent":5}'
is '  what was carried stands apart' "$(sql "SELECT carried_symptoms FROM biflow_text WHERE sport = 1024 + 13 AND window_ms =
    (SELECT min(window_ms) FROM biflow)")" '{"bittorrent":1}'
is '  none: an empty object' "$(sql "SELECT symptoms, carried_symptoms FROM biflow_text WHERE sport = 1024 LIMIT 1")" '{} {}'
is '  all of it is JSON' "$(sql 'SELECT min(json_valid(symptoms) AND json_valid(carried_symptoms)) FROM biflow_text')" 1
is '  late and incomplete' "$(sql 'SELECT sum(late), sum(incomplete) FROM biflow_text')" '72 64'

# The rollups are the sums they say they are.
is 'rollup by hour' "$(sql 'SELECT hour_ms, class, rule, sum(biflows), sum(packets), sum(octets) FROM hour_total GROUP BY 1, 2, 3 ORDER BY 1, 2, 3')" \
    "$(sql 'SELECT window_ms / 3600000 * 3600000, class, rule, count(*), sum(packets + coalesce(reverse_packets, 0)),
        sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text GROUP BY 1, 2, 3 ORDER BY 1, 2, 3')"
is 'rollup by aggregate' "$(sql 'SELECT aggregate, class, sum(octets) FROM aggregate_total GROUP BY 1, 2 ORDER BY 1, 2')" \
    "$(sql 'SELECT aggregate, class, sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text GROUP BY 1, 2 ORDER BY 1, 2')"
is 'rollup by host' "$(sql 'SELECT address, verdict, sum(biflows), sum(sent_packets), sum(received_octets) FROM host_total GROUP BY 1, 2 ORDER BY 1, 2')" \
    "$(sql 'SELECT host, verdict, count(*), sum(sent), sum(received) FROM (
        SELECT src AS host, verdict, packets AS sent, coalesce(reverse_octets, 0) AS received FROM biflow_text UNION ALL
        SELECT dst, verdict, coalesce(reverse_packets, 0), octets FROM biflow_text) GROUP BY 1, 2 ORDER BY 1, 2')"
is 'rollup by window' "$(sql 'SELECT window_ms, class, verdict, rule, biflows, packets, octets, late, incomplete, sampled, one_way,
        expanded_packets, expanded_octets FROM window_total ORDER BY 1, 2, 4')" \
    "$(sql 'SELECT window_ms, class, verdict, rule, count(*), sum(packets + coalesce(reverse_packets, 0)), sum(octets + coalesce(reverse_octets, 0)),
        sum(late), sum(incomplete), sum(min(sampling, coalesce(reverse_sampling, 1)) < 1), sum(reverse_packets IS NULL),
        sum(packets / sampling + coalesce(reverse_packets / reverse_sampling, 0)),
        sum(octets / sampling + coalesce(reverse_octets / reverse_sampling, 0)) FROM biflow_text GROUP BY 1, 2, 4 ORDER BY 1, 2, 4')"
day='window_ms / 86400000 * 86400000'
both='count(*), sum(packets + coalesce(reverse_packets, 0)), sum(octets + coalesce(reverse_octets, 0))'
is 'rollup by day and host' "$(sql 'SELECT day_ms, address, rule, biflows, sent_octets, received_packets, inside IS NULL FROM host_day ORDER BY 1, 2, 3')" \
    "$(sql "SELECT $day, host, rule, count(*), sum(sent), sum(received), 1 FROM (
        SELECT window_ms, src AS host, rule, octets AS sent, coalesce(reverse_packets, 0) AS received FROM biflow_text UNION ALL
        SELECT window_ms, dst, rule, coalesce(reverse_octets, 0), packets FROM biflow_text) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")"
is 'rollup by name' "$(sql 'SELECT day_ms, host_name, rule, biflows, packets, octets FROM name_day ORDER BY 1, 2, 3')" \
    "$(sql "SELECT $day, host_name, rule, $both FROM biflow_text WHERE host_name IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")"
is 'rollup by probe, VLAN and tunnel' "$(sql 'SELECT day_ms, probe, vlan, tunnel, tunnel_endpoint, rule, biflows, packets, octets
        FROM path_day ORDER BY 1, 2, 3, 4, 5, 6')" \
    "$(sql "SELECT $day, probe, vlan, tunnel, tunnel_endpoint, rule, $both FROM biflow_text GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6")"
is 'rollup by symptom' "$(sql 'SELECT day_ms, symptom, rule, biflows, packets FROM symptom_day ORDER BY 1, 2, 3')" \
    "$(sql "SELECT $day, key, rule, count(*), sum(value) FROM biflow_text, json_each(symptoms) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")"
is '  none of them is empty' "$(sql 'SELECT min(n) > 9 FROM (SELECT count(*) AS n FROM window_total UNION ALL SELECT count(*) FROM host_day
    UNION ALL SELECT count(*) FROM name_day UNION ALL SELECT count(*) FROM path_day)')" 1
is 'totals by class' "$(sql 'SELECT sum(biflows), sum(octets) FROM class_total')" "$(sql 'SELECT sum(biflows), sum(octets) FROM rule_total')"
mira dump --addresses "$tmp" >"$tmp/dump"

# What is inside: the prefixes of the aggregates tell, and hosts that are known follow them.
aggregates() { printf 'aggregates = ( { name = "hall"; prefixes = [ %s ]; }, { name = "wire"; vlans = [ 7 ]; } );\n' "$1" >"$tmp/inside.conf"; }
sides() { sql "SELECT direction, sum(biflows) FROM direction_total GROUP BY 1 ORDER BY 1" | tr '\n' ' '; }
is 'without a prefix nobody knows what is inside' "$(sides)$(sql 'SELECT count(inside) FROM host')" ' 1200 0'
fresh
biflow-batches make "$S" verdicts 1 2 300
aggregates '"10.0.0.0/27", "fd00::/16", "10.0.0.100/30"'
ok 'with prefixes' load --config "$tmp/inside.conf"
is '  the sides of a biflow tell its direction' "$(sides)" \
    "$(sql "SELECT CASE WHEN a AND b THEN 'internal' WHEN a THEN 'outgoing' WHEN b THEN 'incoming' ELSE 'transit' END, count(*) FROM (
        SELECT s.inside AS a, d.inside AS b FROM biflow_text JOIN host s ON s.address = src JOIN host d ON d.address = dst) GROUP BY 1 ORDER BY 1" | tr '\n' ' ')"
is '  all four of them' "$(sql 'SELECT count(DISTINCT direction) FROM direction_total')" 4
is '  the same in each row' "$(sql 'SELECT direction, count(*) FROM biflow_text GROUP BY 1 ORDER BY 1' | tr '\n' ' ')" "$(sides)"
inside="SELECT group_concat(address) FROM (SELECT address FROM host WHERE inside ORDER BY address)"
is '  and who is inside' "$(sql "$inside")" "$(sql "SELECT group_concat(address) FROM (SELECT address FROM host WHERE address LIKE 'fd%'
    OR address GLOB '10.0.0.[0-9]' OR address GLOB '10.0.0.[12][0-9]' OR address IN ('10.0.0.30', '10.0.0.31') OR address GLOB '10.0.0.10[0-3]'
    ORDER BY address)")"
before=$(sides)
aggregates '"10.0.0.7"'
ok 'other prefixes' load --config "$tmp/inside.conf"
is '  other hosts are inside' "$(sql "$inside")" 10.0.0.7
is '  what was loaded stays as it was' "$(sides)" "$before"
load
is '  no prefixes: nobody knows' "$(sql 'SELECT count(inside) FROM host')" 0

# What stands there twice is compared.
check() { mira-store --check --db "$1"; }
ok 'the check holds' check "$DB"
while IFS='|' read -r what says sql; do
    cp "$DB" "$tmp/wrong.db"
    sqlite3 "$tmp/wrong.db" "$sql"
    exits 2 "  not with $what" check "$tmp/wrong.db"
    said '    which is said' "FAILED  $says"
done <<'END2'
a biflow less|biflows of every window|DELETE FROM biflow WHERE sport = (SELECT min(sport) FROM biflow)
an octet more|biflows of every window|UPDATE biflow SET octets = octets + 1 WHERE sport = (SELECT min(sport) FROM biflow)
another decision|biflows of every window|UPDATE biflow SET decision = decision % 5 + 1 WHERE sport = (SELECT min(sport) FROM biflow)
an hour that differs|sums by hour|UPDATE rollup_hour SET packets = packets + 1 WHERE hour_ms = (SELECT min(hour_ms) FROM rollup_hour)
a host that differs|what hosts sent|UPDATE rollup_host SET sent_octets = sent_octets + 1 WHERE host = 1
a host less|what hosts received|DELETE FROM rollup_host WHERE host = 2
a path that differs|sums by path|UPDATE rollup_path SET octets = octets - 1 WHERE path = 1
a name that differs|names have no more|UPDATE rollup_name SET octets = octets + 1000000
a host nobody knows|every host, name|DELETE FROM host WHERE id = 1
a packet lost|seen = captured|UPDATE ledger_part SET packets_seen = packets_seen + 1
END2
cp "$DB" "$tmp/wrong.db"
page=$(sqlite3 "$DB" "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_host_1'")
printf X | dd of="$tmp/wrong.db" bs=1 seek=$((page * 16384 - 4)) conv=notrunc status=none # in the first address of an index
exits 2 '  not with a damaged file' check "$tmp/wrong.db"
exits 2 'nothing to check' check "$tmp/none.db"
exits 2 'a spool is not checked' mira-store --check --spool "$S" --db "$DB"

# Again, and in another order.
fresh
biflow-batches make "$S" verdicts 1 4 300
load
rm -rf "$tmp/again"
biflow-batches make "$tmp/again" verdicts 1 4 300
mkdir "$tmp/back"
mv "$tmp/again/verdicts/store/ready/0000000002-shard-0" "$tmp/back/"
cp -r "$tmp/again/verdicts/store/ready/." "$S/verdicts/store/ready/"
ok 'batches that were loaded before' load
is '  are skipped' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"
is '  and taken off the queue' "$(ls "$S/verdicts/store/ready" | wc -l)" 0

fresh
biflow-batches make "$S" verdicts 1 4 300
mkdir -p "$S/biflows/classify/work/somebody"
mv "$S/verdicts/store/ready/0000000002-shard-0" "$S/biflows/classify/work/somebody/"
ok 'a number that is late' load
is '  does not hold up later ones' "$(sql 'SELECT group_concat(number) FROM (SELECT number FROM batch ORDER BY number)')" 1,3,4
mv "$S/biflows/classify/work/somebody/0000000002-shard-0" "$S/verdicts/store/ready/"
ok '  it comes' load
is '  and nothing tells that it was late' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"

fresh
biflow-batches make "$S" verdicts 1 4 300
rm -r "$S/verdicts/store/ready/0000000002-shard-0"
exits 2 'a number that is lost stops the store' load
said '  it says which' 'number 2 of shard-0'
is '  nothing after it is loaded' "$(sql 'SELECT group_concat(number) FROM batch')" 1
cp -r "$tmp/back/0000000002-shard-0" "$S/verdicts/store/ready/"
ok '  brought back, all is loaded' load
is '  once' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"
cp -r "$tmp/back/0000000002-shard-0" "$S/verdicts/store/ready/0000000002-shard-0+1"
exits 2 'another batch of a loaded number stops the store' load
is '  without a trace' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"

# A biflow that stands there already, under a new number: the same window would count twice.
fresh
biflow-batches make "$S" verdicts 1 1 300
load
biflow-batches wrap "$S" verdicts 2 "$tmp/back/0000000002-shard-0/verdicts.ipfix"
load
biflow-batches wrap "$S" verdicts 3 "$tmp/back/0000000002-shard-0/verdicts.ipfix"
exits 2 'a window that comes again stops the store' load
is '  without a trace' "$(sql 'SELECT count(*), max(number) FROM batch')" '2 2'
is '  in the rollups neither' "$(sql 'SELECT sum(biflows) FROM class_total')" 600

# The ledger: the last commit of the shard has the say, also when an earlier one is loaded after it.
fresh
biflow-batches late "$S" verdicts 1 missing quarantined analysed missing analysed
biflow-batches late "$S" verdicts 2 analysed analysed missing quarantined quarantined
biflow-batches late "$S" verdicts 3 missing quarantined analysed missing analysed
mkdir -p "$S/biflows/classify/work/somebody"
mv "$S/verdicts/store/ready/0000000002-shard-0" "$S/biflows/classify/work/somebody/"
load
mv "$S/biflows/classify/work/somebody/0000000002-shard-0" "$S/verdicts/store/ready/"
load
is 'ledger rows as the last commit has them' "$(sql "SELECT group_concat(status || packets_seen, ' ') FROM (SELECT * FROM ledger ORDER BY seq)")" \
    'missing103 quarantined103 analysed103 missing103 analysed103'

# A batch that cannot be read: its number is used up, its content may come later.
fresh
biflow-batches make "$S" verdicts 1 4 300
head -c 900 "$tmp/back/0000000002-shard-0/verdicts.ipfix" >"$tmp/short"
rm -r "$S/verdicts/store/ready/0000000002-shard-0"
biflow-batches wrap "$S" verdicts 2 "$tmp/short"
ok 'a batch cut short does not stop the store' load
is '  it is noted' "$(sql 'SELECT name, biflows, rejected IS NOT NULL FROM batch WHERE number = 2')" '0000000002-shard-0 0 1'
is '  nothing of it is loaded' "$(sql 'SELECT count(*) FROM biflow')" 900
exits 2 '  the balance does not hide it' mira balance "$tmp"
cp -r "$tmp/back/0000000002-shard-0" "$S/verdicts/store/ready/0000000002-shard-0+1"
ok '  the good one comes' load
is '  and all is there' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"

# A bad batch behind a gap stops the store; what came before is loaded.
fresh
biflow-batches make "$S" verdicts 1 3 300
mv "$S/verdicts/store/ready/0000000002-shard-0" "$tmp/gap"
printf x | dd of="$S/verdicts/store/ready/0000000003-shard-0/verdicts.ipfix" bs=1 seek=100 conv=notrunc status=none
exits 2 'a bad batch behind a gap' timeout 60 mira-store --spool "$S" --db "$DB" --follow
said '  is told like a good one' 'number 2 of shard-0'
is '  what came before is loaded' "$(sql 'SELECT group_concat(number) FROM batch')" 1
mv "$tmp/gap" "$S/verdicts/store/ready/0000000002-shard-0"
ok '  brought back, it is rejected' load
is '  and nothing else' "$(sql 'SELECT group_concat(number) FROM batch WHERE rejected IS NULL')" 1,2

# An empty batch keeps the place of one that classification rejected.
fresh
biflow-batches make "$S" biflows 1 4 300
printf 'classes = ( { name = "web"; class = "WEB"; verdict = "acceptable"; when = "dport = 443"; } );' >"$tmp/policy.conf"
printf 'policy = "policy.conf";\nsymptoms = "%s";\n' "$top/etc/symptoms.d" >"$tmp/mira.conf"
cp "$S/biflows/classify/ready/0000000003-shard-0/biflows.ipfix" "$tmp/whole"
truncate -s -2 "$S/biflows/classify/ready/0000000003-shard-0/biflows.ipfix"
echo x >>"$S/biflows/classify/ready/0000000004-shard-0/biflows.ipfix" # behind the length: never handed over
ok 'classification rejects one' mira-classify --config "$tmp/mira.conf" --spool "$S"
ok '  the store goes on' load
is '  with its number' "$(sql 'SELECT group_concat(number), sum(biflows) FROM (SELECT * FROM batch ORDER BY number)')" '1,2,3,4 900'
cp "$tmp/whole" "$S/biflows/classify/bad/0000000003-shard-0/biflows.ipfix"
mv "$S/biflows/classify/bad/0000000003-shard-0" "$S/biflows/classify/ready/0000000003-shard-0+1"
ok '  requeued' mira-classify --config "$tmp/mira.conf" --spool "$S"
ok '  it is loaded' load
ok '  and the balance closes' mira balance "$tmp"

# One writer; one store for a spool, one spool for a store.
fresh
biflow-batches make "$S" verdicts 1 1 10
mira-store --spool "$S" --db "$DB" --follow 2>/dev/null &
follower=$!
for i in $(seq 100); do [ -z "$(ls "$S/verdicts/store/ready")" ] && [ -e "$DB" ] && break; sleep 0.1; done
exits 1 'a second instance' load
said '  is told why' 'another mira-store'
ok '  readers are not hindered' sqlite3 "$DB" 'SELECT count(*) FROM biflow_text'
kill "$follower" && wait "$follower"
is '--follow ends well on SIGTERM' $? 0
exits 2 'another store for the spool' mira-store --spool "$S" --db "$tmp/other.db"
biflow-batches make "$tmp/spool2" verdicts 1 1 10
exits 2 'another spool for the store' mira-store --spool "$tmp/spool2" --db "$DB"
mv "$DB" "$tmp/hidden.db"
exits 2 'the store is gone' load
is '  and none is made in its place' "$(ls "$DB" 2>/dev/null)" ''
mv "$tmp/hidden.db" "$DB"
ok 'it is back' load
echo 'this is text, not a database, and long enough not to be taken for an empty one' >"$tmp/text.db"
exits 2 'a file that is no database' mira-store --spool "$tmp/spool2" --db "$tmp/text.db"
said '  is named' 'text.db'
sqlite3 "$tmp/foreign.db" 'CREATE TABLE x(y)'
exits 2 'a database of somebody else' mira-store --spool "$tmp/spool2" --db "$tmp/foreign.db"
cp "$DB" "$tmp/older.db" && sqlite3 "$tmp/older.db" 'PRAGMA user_version = 2'
exits 2 'a store of an older version' mira-store --spool "$tmp/spool2" --db "$tmp/older.db"
said '  is told so' 'older.db is a store of format 2, this MIRA has format 5: see mira-upgrade(7)'
exits 2 '  by the report, too' mira-report --db "$tmp/older.db" --out "$tmp"
exits 2 'a folder that is not there' mira-store --spool "$tmp/spool2" --db "$tmp/none/mira.db"
exits 2 'no store named' mira-store --spool "$tmp/spool2"

# Others at the database: a reader gives up after 10 seconds (which are looked at in the end), mira-retain waits for who folds the journal.
cp "$DB" "$tmp/held.db"
mkfifo "$tmp/hold"
sqlite3 "$tmp/held.db" <"$tmp/hold" &
holder=$!
exec 3>"$tmp/hold"
printf '.timeout 60000\nBEGIN EXCLUSIVE;\n' >&3 # who asks below holds it for moments, too
while sqlite3 "$tmp/held.db" 'PRAGMA user_version' >/dev/null 2>&1; do sleep 0.1; done
(mira query --db "$tmp/held.db" 'SELECT 1'; echo "exit code $?") >"$tmp/held.said" 2>&1 &
reader=$!
cat >"$tmp/fold.py" <<'END2'
import fcntl, sqlite3, subprocess, sys, time
db = sqlite3.connect(sys.argv[1])
db.executescript("PRAGMA journal_mode = WAL; INSERT INTO meta VALUES('spoken', 'for')")
journal = open(sys.argv[1] + "-shm", "r+b")
fcntl.lockf(journal, fcntl.LOCK_EX, 1, 121) # SQLite's WAL_CKPT_LOCK
retain = subprocess.Popen(["mira-retain", "--db", sys.argv[1]])
time.sleep(1)
fcntl.lockf(journal, fcntl.LOCK_UN, 1, 121)
sys.exit(retain.wait())
END2
cp "$DB" "$tmp/folded.db"
ok 'mira-retain while another folds the journal' python3 "$tmp/fold.py" "$tmp/folded.db"

# A full disk: nothing lost, nothing half. Five tries, then exit 1.
fresh
biflow-batches make "$S" verdicts 1 4 300
(ulimit -f 400; trap '' XFSZ; exec mira-store --spool "$S" --db "$DB") >"$tmp/.out" 2>&1
is 'a disk that is full' $? 1
is '  leaves whole batches' "$(sql 'SELECT (SELECT count(*) FROM biflow) = 300 * (SELECT count(*) FROM batch)')" 1
ok '  with room again' load
is '  all is there' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"

# kill -9 at each step, then at any time.
dies() {
    (MIRA_FAULT=$1 exec mira-store --spool "$S" --db "$DB" --drain) 2>/dev/null
    [ $? = 137 ]
}
fresh
biflow-batches make "$S" verdicts 1 4 300
if dies claimed:1 2>/dev/null; then
    for at in claimed:1 claimed:3 working:2 store-begin:1 store-begin:4 store-commit:1 commit:1 commit:3 \
        committed:1 committed:4 finish:1 removed:1; do
        fresh
        biflow-batches make "$S" verdicts 1 4 300
        ok "killed at $at" dies "$at"
        ok '  started again' load
        is '  every row is there once' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"
    done

    # The configuration is read anew while batches are held that cannot be stored: they are not handed over.
    fresh
    biflow-batches make "$S" verdicts 1 1 300
    load
    biflow-batches make "$S" verdicts 2 4 300
    (ulimit -f 100; trap '' XFSZ; MIRA_FAULT=claimed:3:stop exec mira-store --spool "$S" --db "$DB" --tries 1) </dev/null >"$tmp/.out" 2>&1 & store=$!
    until grep -q FAULT "$tmp/.out"; do sleep 0.1; done
    kill -HUP $store && kill -CONT $store
    wait $store
    is 'SIGHUP on a disk that is full' $? 1
    is '  what was held waits' "$(ls "$S/verdicts/store/ready")" "$(printf '%010d-shard-0\n' 2 3 4)"
    ok '  with room again' load
    is '  all is there' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump")"

    # Each claim looks through what is held.
    fresh
    biflow-batches make "$S" verdicts 1 290 1
    ok 'of many small batches' dies store-commit:1
    is '  so many are held' "$(ls "$S"/verdicts/store/work/* | wc -l)" 288
else
    echo '# this build has no fault points'
    load
fi

fresh
biflow-batches make "$S" verdicts 1 40 300
cp -r "$S" "$tmp/copy"
load && mira dump --addresses "$tmp" >"$tmp/dump40"
fresh
cp -r "$tmp/copy" "$S"
kills=0
for i in $(seq 200); do
    mira-store --spool "$S" --db "$DB" --drain 2>/dev/null &
    sleep "0.0$((RANDOM % 9))$((RANDOM % 10))"
    kill -9 $! 2>/dev/null && kills=$((kills + 1))
    wait $! 2>/dev/null
    [ -z "$(ls "$S/verdicts/store/ready")" ] && break
done 2>/dev/null
ok "killed $kills times at any time, then left alone" load
is '  every row is there once' "$(mira dump --addresses "$tmp" | md5sum)" "$(md5sum <"$tmp/dump40")"
ok '  the database is sound' test "$(sql 'PRAGMA integrity_check')" = ok

wait $reader
exec 3>&-
wait $holder
is 'a database that is held is busy, and not something else' "$(grep -o 'database is locked' "$tmp/held.said" | head -n 1) $(tail -n 1 "$tmp/held.said")" \
    'database is locked exit code 1'
done_testing
