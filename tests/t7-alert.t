#!/bin/bash
# Alerts: those that tshark and the store say there are, in Suricata's words; each once, whatever dies; no address unless asked for.
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
export MIRA_LOG=warn MIRA_CACHE=$tmp MIRA_CONFIG=$tmp/mira.conf TZ=Europe/Berlin
S=$tmp/spool
mkdir "$tmp/symptoms.d"
echo 'policy = "policy.conf"; symptoms = "symptoms.d"; window_s = 5; lateness_s = 1;' >"$MIRA_CONFIG"
cat >"$tmp/policy.conf" <<'E'
classes = (
{ name = "torrent"; class = "P2P"; verdict = "unacceptable"; say = "Files are \"shared\"."; when = "6881 IN (sport, dport)"; },
{ name = "mail"; class = "MAIL"; verdict = "review"; when = "25 IN (sport, dport)"; },
{ name = "web"; class = "WEB"; verdict = "acceptable"; when = "1"; } );
E
cat >"$tmp/local.rules" <<'E'
alert tcp any any -> any 80 (msg:"page is asked for"; content:"GET "; depth:4; classtype:policy-violation; sid:1000001; rev:3;)
alert tcp any 80 -> any any (msg:"page comes"; content:"HTTP/1."; depth:7; classtype:of-our-own; sid:1000002; rev:1;)
alert udp any any -> any 53 (msg:"name is asked for"; content:"example"; sid:1000003; rev:1;)
E
mira import-rules --out "$tmp/symptoms.d/local.sym" "$tmp/local.rules" >"$tmp/imported" || cat "$tmp/imported"
alert() { mira-alert --spool "$S" --db "$tmp/mira.db" "$@"; }

ok 'the first start subscribes' alert --out "$tmp/first.json"
mira-capture --spool "$S" --read "$demo" && mira-preprocess --spool "$S" && mira-consolidate --spool "$S" --batch-biflows 20 &&
    mira-classify --spool "$S" && mira-store --spool "$S" --db "$tmp/mira.db"
cp -a "$S" "$tmp/waiting"
again() { rm -rf "$S" && cp -a "$tmp/waiting" "$S"; }
ok "$(ls "$S/verdicts/alert/ready" | wc -l) batches become alerts" alert --out "$tmp/eve.json" --addresses --verdicts unacceptable,review
is '  the queue is empty' "$(ls "$S"/verdicts/alert/{ready,work,done} | grep -c '^0')" 0

# Which conversations, by tshark: its source and destination are those of the innermost header.
sharks() { # FILTER LAYER
    tshark -r "$demo" -Y "$1" -T fields -e _ws.col.Source -e "$2.srcport" -e _ws.col.Destination -e "$2.dstport" 2>/dev/null | sort -u
}
cat >"$tmp/look.py" <<'E'
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["alert"]["signature_id"] == int(sys.argv[2]) and "dest_ip" in e:
        print(e["src_ip"], e.get("src_port", ""), e["dest_ip"], e.get("dest_port", ""), sep="\t")
E
ours() { python3 "$tmp/look.py" "$tmp/eve.json" "$1" | sort -u; }
for row in '1000001|tcp|tcp.payload[0:4] == 47:45:54:20 && tcp.dstport == 80' '1000002|tcp|tcp.payload[0:7] == 48:54:54:50:2f:31:2e && tcp.srcport == 80' \
    '1000003|udp|udp.payload contains "example" && udp.dstport == 53'; do
    IFS='|' read -r sid layer filter <<<"$row"
    sharks "$filter" "$layer" >"$tmp/wanted"
    ok "sid $sid: the $(wc -l <"$tmp/wanted") conversations that tshark finds" test -s "$tmp/wanted"
    ok '  and no other' diff "$tmp/wanted" <(ours "$sid")
done

# As many as the store has, rule by rule and window by window.
sqlite3 "$tmp/mira.db" "SELECT 'sid_' || value, count(*) FROM biflow_text, json_each('[1000001,1000002,1000003]')
    WHERE json_extract(symptoms, '\$.sid_' || value) > 0 GROUP BY 1 UNION ALL
    SELECT rule, count(*) FROM biflow_text WHERE verdict <> 'acceptable' GROUP BY 1 ORDER BY 1" >"$tmp/stored"
python3 - "$tmp/eve.json" >"$tmp/told" <<'E'
import collections, json, sys
n = collections.Counter()
for line in open(sys.argv[1]):
    a = json.loads(line)["alert"]
    n["sid_%d" % a["signature_id"] if a["gid"] == 1 else a["metadata"]["mira_rule"][0]] += 1
for rule in sorted(n):
    print(rule, n[rule], sep="|")
E
ok 'as many of each rule as the store has' diff "$tmp/stored" "$tmp/told"
is '  of five rules' "$(wc -l <"$tmp/told")" 5

python3 - "$tmp/eve.json" "$tmp/mira.db" >"$tmp/fields" <<'E'
import json, re, sqlite3, sys
db, seen = sqlite3.connect(sys.argv[2]), set()
for line in open(sys.argv[1]):
    e = json.loads(line)
    a = e["alert"]
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0[12]00", e["timestamp"]), e
    assert e["event_type"] == "alert" and a["action"] == "allowed" and 0 < e["flow_id"] < 1 << 53, e
    f, up = e["flow"], e["direction"] == "to_server"
    ends = [e["src_ip"], e["src_port"], e["dest_ip"], e["dest_port"]]
    ends = ends if up else ends[2:] + ends[:2]
    seen.add(e["proto"])
    rows = db.execute("SELECT packets, coalesce(reverse_packets, 0), octets, coalesce(reverse_octets, 0) FROM biflow_text "
        "WHERE src = ? AND sport = ? AND dst = ? AND dport = ?", ends).fetchall()
    assert (f["pkts_toserver"], f["pkts_toclient"], f["bytes_toserver"], f["bytes_toclient"]) in rows, (e, rows)
    s = a["signature_id"], a["rev"], a["signature"], a["category"], a["severity"]
    if a["gid"] == 1:
        assert s in [(1000001, 3, "page is asked for", "Potential Corporate Privacy Violation", 1),
            (1000002, 1, "page comes", "of-our-own", 3), (1000003, 1, "name is asked for", "", 3)], s
    else:
        assert s[1:] in [(1, 'Files are "shared".', "P2P", 2), (1, "mail", "MAIL", 3)], s
print(*sorted(seen))
E
is 'each field of each event' "$(cat "$tmp/fields")" 'TCP UDP'
sort "$tmp/eve.json" >"$tmp/calm"

# Each once.
again
died=
for at in claimed:1 working:1 commit:1 commit:1 committed:1 commit:1 committed:1; do
    (MIRA_FAULT=$at alert --out "$tmp/killed.json" --addresses --verdicts unacceptable,review) 2>/dev/null
    died="$died $?"
done
if [ "$died" = ' 0 0 0 0 0 0 0' ]; then
    echo '# this build has no fault points'
else
    is 'killed seven times' "$died" ' 137 137 137 137 137 137 137'
fi
ok 'started again' alert --out "$tmp/killed.json" --addresses --verdicts unacceptable,review
ok '  every event stands there once' diff "$tmp/calm" <(sort "$tmp/killed.json")
again
if can_fail; then
    mkdir "$tmp/lock"
    exits 1 'a disk that is full from the beginning' failing create:1:ENOSPC:on "$tmp/lock" mira-alert --spool "$S" --db "$tmp/mira.db" --out "$tmp/lock/eve.json"
fi
(ulimit -f 1; trap '' XFSZ; alert --out "$tmp/full.json" --addresses --verdicts unacceptable,review --tries 1) >"$tmp/.out" 2>&1
is 'a disk that is full' $? 1
ok '  with room again' alert --out "$tmp/full.json" --addresses --verdicts unacceptable,review
ok '  every event stands there once' diff "$tmp/calm" <(sort "$tmp/full.json")

# Limits.
again
ok 'a limit of 1' alert --out "$tmp/limit.json" --addresses --verdicts unacceptable,review --limit 1
ok '  keeps to it, and the rest is told' python3 - "$tmp/limit.json" "$tmp/calm" <<'E'
import collections, json, sys
def key(e): return e["alert"]["signature_id"], e["src_ip"]
all, told, rest = collections.Counter(), collections.Counter(), collections.Counter()
for line in open(sys.argv[2]): all[key(json.loads(line))] += 1
for line in open(sys.argv[1]):
    e = json.loads(line)
    if "suppressed" in e: rest[key(e)] += e["suppressed"]
    else: told[key(e)] += 1
print(all, told, rest)
assert max(told.values()) == 1 and sum(rest.values()) > 0 and told + rest == all
E
again
ok 'rotated by size' alert --out "$tmp/turn.json" --addresses --verdicts unacceptable,review --rotate 1k --keep 50
ok '  nothing is lost' diff "$tmp/calm" <(cat "$tmp"/turn.json "$tmp"/turn.json.[0-9]* | sort)
ok '  into several' test -e "$tmp/turn.json.1"

# Privacy.
again
ok 'as configured by default: pseudonyms' alert --out "$tmp/default.json"
is '  no address of the capture' "$(sqlite3 "$tmp/mira.db" 'SELECT src FROM biflow_text UNION SELECT dst FROM biflow_text' |
    grep -cFf - "$tmp/default.json" "$tmp/default.json.state" | grep -cv ':0$')" 0
ok '  the same number of hosts' test "$(grep -o '"src_ip":"h-[^"]*"' "$tmp/default.json" | sort -u | wc -l)" = \
    "$(grep -v MAIL "$tmp/calm" | grep -o '"src_ip":"[^"]*"' | sort -u | wc -l)"
is '  verdicts: unacceptable alone' "$(grep -c '"mira_verdict":\["review"\].*"gid":32473\|"gid":32473.*"mira_verdict":\["review"\]' "$tmp/default.json")" 0

# Syslog, where nobody else listens.
if [ "$(id -u)" = 0 ] && [ ! -e /dev/log ]; then
    python3 - "$tmp/syslog" <<'E' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
s.settimeout(30)
out = open(sys.argv[1], "w")
try:
    while True:
        text = s.recv(8192).decode()
        if "the end" in text: break
        print(text, file=out)
finally:
    os.unlink("/dev/log")
E
    listener=$!
    for _ in $(seq 200); do [ -S /dev/log ] && break; sleep 0.05; done
    again
    ok 'told to syslog' alert --out "$tmp/log.json" --addresses --verdicts none --syslog local5
    logger -u /dev/log 'the end'
    wait $listener
    is '  each of them' "$(grep -c 'mira-alert' "$tmp/syslog")" "$(grep -c . "$tmp/log.json")"
    ok '  with its priority' grep -qE "^<169>.*\[1:1000001:3\] page is asked for \[Classification: Potential Corporate Privacy Violation\] \[Priority: 1\] \{TCP\} [0-9.]+:[0-9]+ -> [0-9.]+:80" "$tmp/syslog"
else
    ok 'told to syslog # skipped: /dev/log is in use' true
fi

exits 2 'no file is named' mira-alert --spool "$S" --addresses
exits 2 'no such verdict' alert --out "$tmp/x" --verdicts bad
exits 2 'no such facility' alert --out "$tmp/x" --syslog local99
exits 2 'a folder that is not there' alert --out "$tmp/none/x"
exits 2 'pseudonyms without a key' mira-alert --spool "$S" --out "$tmp/x"
done_testing
