#!/bin/bash
# The report: figures that agree with the store, a page that hostile names cannot hurt, an empty audit, exit codes.
. "$(dirname "$0")/tap.sh"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
S=$tmp/spool
A=$tmp/audit
mkdir "$A" "$tmp/empty"

printf 'symptom alpha\nsymptom bittorrent\nsymptom dns\nsymptom tls\n' >"$tmp/a.sym"
export MIRA_CONFIG=$tmp/mira.conf
printf 'policy = "policy.conf"; symptoms = "."; network = "Net & <Works>"; top_hosts = 5;\n' >"$MIRA_CONFIG"
echo 'privacy = { level = "address"; };' >>"$MIRA_CONFIG"
cat >"$tmp/policy.conf" <<'END'
fast = ( { name = "campus_dns"; class = "DNS"; verdict = "acceptable"; prefixes = [ "10.0.0.53" ]; } );
classes = (
    { name = "bittorrent"; class = "P2P"; verdict = "unacceptable"; say = "File sharing."; when = "bittorrent > 0"; },
    { name = "web"; class = "WEB"; verdict = "acceptable"; when = "tls > 0 AND dport = 443"; },
    { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns > 0"; }
);
END
sql() { sqlite3 "$A/mira.db" "$1"; }
json() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$A/report.json" "$1"; }
audit() { mira-report --db "$A/mira.db" --out "$A" "$@"; }

biflow-batches make "$S" verdicts 1 6 400
ok 'a store to report on' mira-store --spool "$S" --db "$A/mira.db" --drain
exits 0 'the report is made' audit
cp "$tmp/.out" "$tmp/printed"
ok '  and printed, coverage first' sh -c "grep -n Coverage '$tmp/printed' | head -n 1 | grep -q '^[1-9]:'"
ok '  and the page is named' grep -q "$A/index.html" "$tmp/printed"
is '  on no more lines than a screen or two' "$(($(wc -l <"$tmp/printed") <= 60))" 1
is '  for its owner alone' "$(stat -c %a "$A/report.json" "$A/index.html" | tr '\n' ' ')" '600 600 '

# What is contested.
echo 'report_contested = "contested.conf";' >>"$MIRA_CONFIG"
contested() { printf 'contested = ( { rule = "bittorrent"; who = "10.0.0.1"; from = "2023-11-14"; %s },\n{ rule = "web"; who = "10.0.0.2"; from = "2023-11-01"; to = "2023-11-02"; state = "open"; } );' "$1" >"$tmp/contested.conf"; }
contested 'to = "2023-11-16"; state = "withdrawn"; reason = "Not I."; by = "B"; decision = "So it is.";'
exits 0 'verdicts are contested' audit --csv
cp "$tmp/.out" "$tmp/printed"
ok '  which is printed' grep -q 'bittorrent *2023-11-14 to 2023-11-16: withdrawn' "$tmp/printed"
is '  and told with the reason and the decision' "$(json '[(c["rule"], c["who"], c["reason"], c["by"], c["decision"]) for c in r["contested"]]')" \
    "[('bittorrent', '10.0.0.1', 'Not I.', 'B', 'So it is.'), ('web', '10.0.0.2', None, None, None)]"
is '  in a table, too' "$(wc -l <"$A/csv/contested.csv")" 3
audit --period day --date 2023-11-16 >/dev/null
is '  of the period alone: its last day' "$(json '[c["rule"] for c in r["contested"]]')" "['bittorrent']"
audit --period day --date 2023-11-17 >/dev/null
is '  and none after it' "$(json 'r["contested"]')" '[]'
while read -r wrong says; do
    contested "$wrong"
    exits 2 "  $says" audit
    cp "$tmp/.out" "$tmp/printed"
    ok '    named by line' grep -q 'contested.conf:1:' "$tmp/printed"
done <<'END2'
state="refused"; a state that is none
to="2023-11-13";state="open"; days in the wrong order
state="upheld";by="B"; a decision that is not told
END2
contested 'state = "contested";'
audit >/dev/null

# Each part against the store itself.
octets='sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text'
total=$(sql "SELECT $octets")
is 'the total' "$(json 'r["total"]["octets"]')" "$total"
for part in verdicts classes rules aggregates hours windows; do
    is "  $part add up to it" "$(json "sum(row['octets'] for row in r['$part'])")" "$total"
done
is '  hosts and others to twice as much' "$(json 'sum(h["octets"] for h in r["hosts"]) + r["hosts_others"]["octets"]')" $((2 * total))
is '  names and others to what has a name' "$(json 'sum(n["octets"] for n in r["names"]) + r["names_others"]["octets"]')" \
    "$(sql "SELECT $octets WHERE host_name IS NOT NULL")"
is '  tunnels and others to what is in one' "$(json 'sum(t["octets"] for t in r["tunnels"]) + r["tunnels_others"]["octets"]')" \
    "$(sql "SELECT $octets WHERE tunnel IS NOT NULL")"
is '  of one between whom it runs' "$(json '[t["packets"] for t in r["tunnels"] if t["endpoints"] == "10.0.0.1-10.0.0.2+192.0.2.1-198.51.100.7"]')" \
    "$(sql "SELECT '[' || sum(packets + coalesce(reverse_packets, 0)) || ']' FROM biflow_text WHERE tunnel_endpoint GLOB '10.0.0.1-*'")"
is 'octets of a verdict' "$(json 'next(v["octets"] for v in r["verdicts"] if v["verdict"] == "unacceptable")')" \
    "$(sql "SELECT $octets WHERE verdict = 'unacceptable'")"
is 'the top host' "$(json '(lambda h: "%s|%d|%d" % (h["address"], h["sent_octets"], h["received_octets"]))(r["hosts"][0])')" \
    "$(sql "SELECT a, sum(s), sum(t) FROM (SELECT src AS a, octets AS s, coalesce(reverse_octets, 0) AS t FROM biflow_text
        UNION ALL SELECT dst, coalesce(reverse_octets, 0), octets FROM biflow_text) GROUP BY a ORDER BY sum(s + t) DESC, a LIMIT 1")"
is 'as many hosts as are configured' "$(json 'len(r["hosts"])')" 5
is 'coverage' "$(json '"%d %d" % (r["coverage"]["packets_seen"], r["coverage"]["share_analysed"])')" "$(sql 'SELECT sum(packets_seen), 1 FROM ledger' | tr '|' ' ')"
is 'how a rule decides' "$(json 'next((x["say"], x["when"], x["source"]) for x in r["rules"] if x["rule"] == "bittorrent")')" \
    "('File sharing.', 'bittorrent > 0', 'condition')"
mira balance "$A" | sed -n 's/^ok  *//p' | grep -v '^one biflow' >"$tmp/wanted"
json '"\n".join(c["says"] for c in r["balance"][:-1])' >"$tmp/got"
ok 'the checks are those of mira balance' diff "$tmp/got" "$tmp/wanted"
is '  and hold' "$(json 'all(c["holds"] for c in r["balance"])')" True

# A period of the calendar, in a zone whose days begin within a UTC day: hosts, names and tunnels of the rest come from biflows.
B=$tmp/both
mkdir "$B"
biflow-batches make "$tmp/spool3" verdicts 1 40 200 # from 2023-11-14T22:15Z to 2023-11-15T01:35Z
mira-store --spool "$tmp/spool3" --db "$B/mira.db" --drain
of_day() { # FOLDER DATE ZONE
    mkdir -p "$1" && mira-report --db "$B/mira.db" --out "$1" --period day --date "$2" --timezone "$3"
}
exits 0 'a day' of_day "$B/day" 2023-11-15 Europe/Prague
cp "$tmp/.out" "$tmp/printed"
A=$B/day
ok '  it says which' grep -q '2023-11-15 00:00 to 2023-11-16 00:00 (Europe/Prague)' "$tmp/printed"
of_it="window_ms >= 1700002800000 AND window_ms < 1700089200000" # 23:00Z to 23:00Z
other() { sqlite3 "$B/mira.db" "$1"; }
total=$(other "SELECT $octets WHERE $of_it")
is '  the total' "$(json 'r["total"]["octets"]')" "$total"
for part in verdicts classes rules aggregates hours weekdays class_hours; do
    is "  $part add up to it" "$(json "sum(row['octets'] for row in r['$part'])")" "$total"
done
is '  hosts to twice as much' "$(json 'sum(h["octets"] for h in r["hosts"]) + r["hosts_others"]["octets"]')" $((2 * total))
is '  names to what has a name' "$(json 'sum(n["octets"] for n in r["names"]) + r["names_others"]["octets"]')" \
    "$(other "SELECT $octets WHERE host_name IS NOT NULL AND $of_it")"
is '  tunnels to what is in one' "$(json 'sum(t["octets"] for t in r["tunnels"]) + r["tunnels_others"]["octets"]')" \
    "$(other "SELECT $octets WHERE tunnel IS NOT NULL AND $of_it")"
is '  the first hour is local' "$(json 'r["weekdays"][0]["weekday"], r["weekdays"][0]["hour"]')" '(2, 0)'
is '  the packets of its batches' "$(json 'r["coverage"]["packets_seen"]')" \
    "$(other 'SELECT sum(packets_seen) FROM ledger WHERE first_ms >= 1700002800000')"
is '  the windows that were observed' "$(json 'r["coverage"]["windows"], r["coverage"]["windows_expected"]')" "($(other "SELECT count(DISTINCT window_ms) FROM biflow_text WHERE $of_it"), 288)"
is '  and the pause after them' "$(json 'r["coverage"]["pauses"]')" \
    "[{'from_ms': $(other "SELECT max(window_ms) + 300000 FROM biflow_text"), 'to_ms': 1700089200000}]"
is '  the day before stands beside it' "$(json 'r["previous"]["total"]["octets"]')" "$(other "SELECT $octets WHERE window_ms < 1700002800000")"
is '  what a rule rests on' "$(json '{s["symptom"]: (s["biflows"], s["packets"], s["named"]) for x in r["rules"] if x["rule"] == "bittorrent" for s in x["trace"]["symptoms"]}')" \
    "{'bittorrent': ($(other "SELECT count(*) || ', ' || sum(json_extract(symptoms, '\$.bittorrent')) FROM biflow_text WHERE rule = 'bittorrent'
        AND json_extract(symptoms, '\$.bittorrent') IS NOT NULL AND $of_it"), True), 'alpha': ($(other "SELECT count(*) || ', ' || sum(json_extract(symptoms, '\$.alpha'))
        FROM biflow_text WHERE rule = 'bittorrent' AND json_extract(symptoms, '\$.alpha') IS NOT NULL AND $of_it"), False)}"
is '  and its largest biflow' "$(json 'next(x["trace"]["examples"][0]["octets"] for x in r["rules"] if x["rule"] == "bittorrent")')" \
    "$(other "SELECT max(octets + coalesce(reverse_octets, 0)) FROM biflow_text WHERE rule = 'bittorrent' AND $of_it")"
exits 0 'the other side of midnight' of_day "$B/eve" 2023-11-14 Europe/Prague
A=$B/eve
is '  and both sides are all' "$(json 'r["total"]["octets"]')" $(($(other "SELECT $octets") - total))
A=$B
exits 0 'a month without packets' audit --period month --date 2020-02-01 --timezone UTC
is '  has no total and a pause' "$(json 'r["total"]["octets"], len(r["coverage"]["pauses"]), r["coverage"]["share_time"]')" '(0, 1, 0.0)'

# Who announces what is not inside: all of it, where no prefix of an aggregate is configured.
printf '10.0.0.0\t8\t64500\nfd00::\t9\t64501_7\n' >"$tmp/pfx2as"
exits 0 'autonomous systems' mira-report --db "$B/mira.db" --out "$B" --as "$tmp/pfx2as"
octets_of() { # GLOB: of biflows, by both hosts
    other "SELECT sum(o) FROM (SELECT src AS a, octets + coalesce(reverse_octets, 0) AS o FROM biflow_text
        UNION ALL SELECT dst, octets + coalesce(reverse_octets, 0) FROM biflow_text) WHERE a GLOB '$1'"
}
is '  add up to their hosts' "$(json '{s["system"]: s["octets"] for s in r["systems"]}')" \
    "{'AS64500': $(octets_of '10.*'), 'AS64501': $(octets_of 'fd*')}"
exits 2 '  of a file that is none' mira-report --db "$B/mira.db" --out "$B" --as "$0"
exits 1 '  mira-report does not link the watch, whose licence forbids it' eval 'ldd "$MIRA_BIN/mira-report" | grep inotifytools'

# An archive, tables, a PDF, a mail.
mkdir "$tmp/bin" "$tmp/archive"
cat >"$tmp/bin/sendmail" <<END
#!/bin/sh
printf '%s\n' "\$@" >"$tmp/mail.to" && cat >"$tmp/mail"
END
chmod +x "$tmp/bin/sendmail"
archive() { PATH=$tmp/bin:$PATH mira-report --db "$B/mira.db" --archive "$tmp/archive" --timezone UTC "$@"; }
echo 'report_mail = "a@example.org, b@example.org";' >>"$MIRA_CONFIG"
exits 0 'a day into the archive, with tables, by mail' archive --period day --date 2023-11-14 --csv --mail
exits 0 '  a week' archive --period week --date 2023-11-15
exits 0 '  a month' archive --period month --date 2023-11-15
is '  each in a folder of its own' "$(ls "$tmp/archive" | tr '\n' ' ')" '2023-11 2023-11-14 2023-W46 index.html '
ok '  the index has them all, the newest first' python3 - "$tmp/archive/index.html" <<'END'
import re, sys
page = open(sys.argv[1]).read()
assert re.findall('<th scope="row"><a href="./([^/]*)/index.html">', page) == ['2023-11', '2023-W46', '2023-11-14'], page
assert 'Net &#38; &#60;Works&#62;' in page and '2023-11-14/csv/' in page and '2023-11/csv/' not in page and '<script' not in page
END
rm -r "$tmp/archive/2023-W46"
exits 0 '  it is written anew' mira-report --archive "$tmp/archive"
exits 1 '  without what is gone' grep -q W46 "$tmp/archive/index.html"
cat >"$tmp/tables.py" <<'END'
import csv, json, sys
folder = sys.argv[1]
report = json.load(open(folder + '/report.json'))
def rows(name):
    return list(csv.DictReader(open(folder + '/csv/' + name + '.csv', newline='')))
for name in ('classes', 'hosts', 'verdicts', 'rules', 'weekdays', 'hosts_others'):
    wanted = report[name] if isinstance(report[name], list) else [report[name]]
    assert [int(row['octets']) for row in rows(name)] == [row['octets'] for row in wanted], name
assert len(rows('rule_symptoms')) == sum(len(rule['trace']['symptoms']) for rule in report['rules'] if 'trace' in rule)
END
ok 'the tables are those of report.json' python3 "$tmp/tables.py" "$tmp/archive/2023-11-14"
is 'the mail goes to those named' "$(tr '\n' ' ' <"$tmp/mail.to")" '-i -- a@example.org b@example.org '
cat >"$tmp/mail.py" <<'END'
import email, email.policy, sys
mail = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
print('%s|%s|' % (mail['subject'], mail['to']), end='')
for part in mail.iter_parts():
    content = part.get_content()
    print('%s %s %s|' % (part.get_content_type(), part.get_filename(), sys.argv[2] in content or content == open(sys.argv[2]).read()), end='')
END
is '  with text and page' "$(python3 "$tmp/mail.py" "$tmp/mail" "$tmp/archive/2023-11-14/index.html")" \
    'Audit of network use: Net & <Works> 2023-11-14|a@example.org, b@example.org|text/plain None False|text/html audit-2023-11-14.html True|'
# Where OpenSMTPD is, in a network and with a queue of its own: what a mail system makes of it.
cat >"$tmp/delivered" <<'END'
ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none /var/spool && mkdir -m 711 /var/spool/smtpd || exit
smtpd -d -f "$1/smtpd.conf" &
daemon=$!
for i in $(seq 600); do [ -S /run/smtpd.sock ] && break; sleep 0.1; done
mira-report --db "$2" --archive "$1/archive" --timezone UTC --period day --date 2023-11-14 --mail
code=$?
for i in $(seq 600); do [ "$(ls "$1/boxes/new" | wc -l)" = 2 ] && break; sleep 0.1; done
kill $daemon
exit $code
END
if command -v smtpd >/dev/null && [ "$(id -u)" = 0 ] && unshare -mn true 2>/dev/null; then
    chmod 711 "$tmp" && mkdir -m 777 "$tmp/boxes"
    printf 'table all { "@" = nobody }\nlisten on lo\naction "keep" maildir "%s" virtual <all>\nmatch from local for any action "keep"\n' "$tmp/boxes" >"$tmp/smtpd.conf"
    ok 'a mail system takes it' unshare -mn bash "$tmp/delivered" "$tmp" "$B/mira.db"
    for mail in "$tmp"/boxes/new/*; do
        is '  and delivers it' "$(python3 "$tmp/mail.py" "$mail" "$tmp/archive/2023-11-14/index.html")" \
            'Audit of network use: Net & <Works> 2023-11-14|a@example.org, b@example.org|text/plain None False|text/html audit-2023-11-14.html True|'
    done
fi
echo 'report_url = "https://audit.example.org/reports";' >>"$MIRA_CONFIG"
archive --period day --date 2023-11-14 --mail >"$tmp/.out" 2>&1
is '  or with a link' "$(python3 "$tmp/mail.py" "$tmp/mail" https://audit.example.org/reports/2023-11-14/)" \
    'Audit of network use: Net & <Works> 2023-11-14|a@example.org, b@example.org|text/plain None True|'
printf '#!/bin/sh\nexit 75\n' >"$tmp/bin/sendmail"
exits 1 '  a sendmail that fails' archive --period day --date 2023-11-14 --mail
rm "$tmp/bin/sendmail"
if ! [ -x /usr/sbin/sendmail ] && ! [ -x /usr/lib/sendmail ]; then
    exits 2 '  none at all' archive --period day --date 2023-11-14 --mail
fi
exits 2 'no Chromium' env PATH="$MIRA_BIN" mira-report --db "$B/mira.db" --out "$B" --pdf
ok '  all else is written' test -s "$B/index.html"
cat >"$tmp/bin/chromium" <<'END'
#!/bin/sh
for word; do case $word in --print-to-pdf=*) echo %PDF-1.4 and so >"${word#*=}" ;; esac; done
END
chmod +x "$tmp/bin/chromium"
exits 1 'half a PDF, as Chromium leaves on a full disk' env PATH="$tmp/bin:$PATH" mira-report --db "$B/mira.db" --out "$B" --pdf
is '  is none' "$(ls -A "$B" | grep -c pdf)" 0
if command -v chromium >/dev/null; then
    exits 0 'a PDF' mira-report --db "$B/mira.db" --out "$B" --pdf
    is '  is one' "$(head -c 5 "$B/report.pdf")" '%PDF-'
fi
exits 2 'an archive without a period' archive
exits 2 'an archive and a folder' archive --out "$B" --period day
A=$tmp/audit

# However many hosts there are, the page stays small.
cp "$B/mira.db" "$B/many.db"
sqlite3 "$B/many.db" "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 101000)
    INSERT INTO host(id, address, inside) SELECT i, '2001:db8::' || printf('%x', i), 0 FROM n;
    INSERT INTO rollup_host SELECT 1699920000000, id, 1, 1, 1, 1000 + id, 1, id FROM host WHERE id >= 1000;
    INSERT INTO name SELECT id, 'n' || id || '.example.net' FROM host WHERE id >= 1000;
    INSERT INTO rollup_name SELECT 1699920000000, id, 1, 1, 1, id FROM host WHERE id >= 1000"
mkdir "$B/many"
exits 0 '100,000 hosts' mira-report --db "$B/many.db" --out "$B/many"
is '  in a page of less than a megabyte' "$(($(stat -c %s "$B/many/index.html") < 1000000))" 1
is '  that counts them all' "$(A=$B/many; json 'len(r["hosts"]) + r["hosts_others"]["hosts"] > 100000')" True

# Names come from packets. The page is parsed as a browser would.
cat >"$tmp/page.py" <<'END'
import base64, hashlib, html.parser, json, re, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.scripts, self.policy, self.inside, self.links = {}, [], '', None, []
    def handle_starttag(self, tag, attributes):
        at = dict(attributes)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.inside = (tag, at)
        if tag in ('script', 'style'):
            self.scripts.append([tag, at, ''])
        if at.get('http-equiv') == 'Content-Security-Policy':
            self.policy = at['content']
        self.links += [at[k] for k in ('src', 'href', 'action', 'data', 'srcset') if k in at]
        self.links += [k for k in at if k.startswith('on')]
    def handle_data(self, data):
        if self.inside and self.inside[0] in ('script', 'style'):
            self.scripts[-1][2] += data
    def handle_endtag(self, tag):
        self.inside = None
folder, text = sys.argv[1], open(sys.argv[1] + '/index.html', encoding='utf-8').read()
page = Page()
page.feed(text)
data = [s for s in page.scripts if s[1].get('type') == 'application/json']
assert len(data) == 1 and json.loads(data[0][2]) == json.load(open(folder + '/report.json')), 'the data is report.json'
assert not set(page.tags) & {'img', 'iframe', 'object', 'embed', 'link', 'svg', 'form', 'base'}, page.tags
assert page.tags['script'] == 6 and page.tags['style'] == 1, page.tags
assert all(link.startswith('#') for link in page.links), page.links
for kind, at, content in page.scripts:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert 'type' in at or "'sha256-%s'" % digest in page.policy, 'the policy names ' + kind
assert page.policy.startswith("default-src 'none';") and 'unsafe' not in page.policy, page.policy
own = text
for kind, at, content in page.scripts:
    own = own.replace(content, '')
assert not re.search('//[a-z0-9.-]+[.][a-z]', own), 'no address of another host'
END
sql "UPDATE name SET name = '</script><img src=x onerror=\"document.title=1\"><!--<script>' || char(8238, 27) WHERE name = 'host0.example.org';
    UPDATE name SET name = CAST(x'ff27e9' AS TEXT) WHERE name = 'host8.example.org';
    UPDATE text SET text = '<b>campus</b>' WHERE text = 'campus'"
printf 'policy = "policy.conf"; symptoms = "."; network = "Net & <Works>"; top_hosts = 50; privacy = { level = "address"; };\n' >"$MIRA_CONFIG"
sql "UPDATE name SET name = '=1+1' WHERE name = 'host4.example.org'"
exits 0 'names that would be markup' audit --csv
cp "$tmp/.out" "$tmp/printed"
ok '  are data in the page, nothing else' python3 "$tmp/page.py" "$A"
is '  and stand in report.json as they are' "$(json 'any("onerror" in n["name"] for n in r["names"])')" True
is '  what is no UTF-8 is readable' "$(json '[n["name"] for n in r["names"] if n["name"].startswith("?")]')" "[\"?'?\"]"
ok '  a spreadsheet reckons nothing' grep -q "^\"'=1+1\"," "$A/csv/names.csv"
exits 1 '  none of it steers the terminal' grep -q "$(printf '\033')" "$tmp/printed"
if command -v chromium >/dev/null; then
    chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr --virtual-time-budget=3000 --dump-dom \
        "file://$A/index.html" >"$tmp/dom" 2>"$tmp/console"
    ok '  a browser shows them as text' grep -q '&lt;/script&gt;&lt;img src=x onerror' "$tmp/dom"
    exits 1 '  and makes no element of them' grep -q '<img\|<b>campus' "$tmp/dom"
    exits 1 '  without an error on its console' grep -q 'CONSOLE' "$tmp/console"
fi

# What was lost is said.
sql "UPDATE ledger_part SET packets_dropped = 1000, packets_seen = packets_seen + 1000, damaged = 'cut at byte 7' WHERE seq = 5;
    UPDATE ledger_part SET status = 'quarantined', packets_ip = 0, octets_ip = 0 WHERE seq = 4"
exits 0 'losses, damage, and a balance that does not close' audit
cp "$tmp/.out" "$tmp/printed"
ok '  the text says so' grep -q 'DOES NOT HOLD: IP packets of the ledger' "$tmp/printed"
ok '  and what was damaged' grep -q 'cut at byte 7' "$tmp/printed"
ok '  and what was not analysed' grep -q 'batch 4: quarantined' "$tmp/printed"
is '  damaged is in report.json' "$(json '[(d["stream"], d["seq"], d["text"]) for d in r["damaged"]]')" "[('all', 5, 'cut at byte 7')]"
is '  and the quarantined batch' "$(json '[(u["seq"], u["status"]) for u in r["unanalysed"]]')" "[(4, 'quarantined')]"
is '  and less than all was analysed' "$(json '0 < r["coverage"]["share_analysed"] < 1')" True
is '  a verdict in packets lies between two bounds' \
    "$(json 'all(0 <= v["share_packets_low"] < v["share_packets_high"] <= 1 for v in r["verdicts"])')" True

# A batch of which nothing was captured has no time of its own: it belongs where the one before it in its run does.
cp "$B/mira.db" "$B/silent.db"
sqlite3 "$B/silent.db" "UPDATE ledger_part SET first_ms = NULL, last_ms = NULL, packets_shed = packets_shed + packets_captured,
    packets_captured = 0, packets_ip = 0, packets_not_ip = 0, packets_malformed = 0, octets_ip = 0 WHERE seq IN (20, 21)"
seen() { mira-report --db "$B/silent.db" --out "$B" --period day --date "$1" --timezone Europe/Prague >/dev/null && A=$B json 'r["coverage"]["packets_seen"]'; }
is 'a batch of which nothing was captured is counted' "$(($(seen 2023-11-14) + $(seen 2023-11-15)))" \
    "$(sqlite3 "$B/silent.db" 'SELECT sum(packets_seen) FROM ledger')"

# What was lost is estimated, and printed with its interval.
mira-report --db "$B/silent.db" --out "$B" >"$tmp/printed"
ok 'estimates are printed where something was lost' grep -qE '^  not acceptable +[0-9.]+ % to [0-9.]+ %$' "$tmp/printed"

# Nothing at all.
A=$tmp/empty
mira-store --spool "$tmp/spool2" --db "$A/mira.db" --drain
exits 0 'an audit without packets' audit
cp "$tmp/.out" "$tmp/printed"
ok '  says that' grep -q 'No packet was seen' "$tmp/printed"
is '  has its three verdicts and no share' "$(json 'len(r["verdicts"]), r["coverage"]["share_analysed"], r["from_ms"]')" '(3, None, None)'
ok '  and a page' python3 "$tmp/page.py" "$A"

# Exit codes.
exits 0 '--help' mira-report --help
exits 0 '--version' mira-report --version
exits 2 'no options' mira-report
exits 2 'no such database' mira-report --db "$tmp/none.db" --out "$A"
exits 2 'a file that is no database' mira-report --db "$0" --out "$A"
exits 2 'a folder that is not there' mira-report --db "$A/mira.db" --out "$tmp/none"
exits 2 'a bad configuration' mira-report --db "$A/mira.db" --out "$A" --config "$0"
echo 'classes = (' >"$tmp/policy.conf"
exits 0 'a policy that no longer loads is a warning' audit
cp "$tmp/.out" "$tmp/printed"
ok '  that says what is missing' grep -q 'level=warn.*without the policy' "$tmp/printed"
is '  and the page can tell' "$(json 'r["policy"]["loaded"]')" False
exits 0 'defaults alone, as mira run asks for them' audit --config ''
exits 1 'standard output that is full' sh -c "mira-report --db '$A/mira.db' --out '$A' >/dev/full"
if can_fail; then
    mkdir "$tmp/tables"
    mira-report --db "$A/mira.db" --out "$tmp/tables" --csv >/dev/null 2>&1
    (cd "$tmp/tables" && cksum csv/*) >"$tmp/before"
    exits 1 'a disk that is full when some tables are written' failing write:9:ENOSPC:on "$tmp/tables" mira-report --db "$A/mira.db" --out "$tmp/tables" --csv
    (cd "$tmp/tables" && cksum csv/*) >"$tmp/after"
    ok '  leaves all that were there' diff "$tmp/before" "$tmp/after"
    is '  and nothing else' "$(cd "$tmp/tables" && echo .[!.]* *)" '.[!.]* csv index.html report.json'
fi
if [ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=100k tmpfs "$tmp/small" 2>/dev/null; then
    exits 1 'a full disk' mira-report --db "$A/mira.db" --out "$tmp/small"
    cp "$tmp/.out" "$tmp/printed"
    ok '  says what to do' grep -q 'index.html.*space' "$tmp/printed"
    is '  and leaves no half page' "$(ls -A "$tmp/small")" report.json
    umount "$tmp/small"
fi
done_testing
