#!/bin/bash
# Privacy: no address leaves mira.db, what levels show, who unseals is on record, what is past its days is gone from the file, and
# a capture of headers stores no payload.
. "$(dirname "$0")/tap.sh"
A=$tmp/audit
demo=$top/tests/data/demo.pcap
mkdir "$tmp/conf"
cp -r "$top/etc/policy.conf" "$top/etc/symptoms.d" "$tmp/conf"
export MIRA_CONFIG=$tmp/conf/mira.conf
level() { echo "report_contested = \"contested.conf\"; privacy = { $1 };" >"$MIRA_CONFIG"; }
sql() { sqlite3 "$A/mira.db" "$1"; }
json() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$A/report.json" "$1"; }

# leaks FOLDER DB: files of FOLDER, but databases, in which an address of DB stands in any form that people write.
cat >"$tmp/leaks.py" <<'END'
import ipaddress, os, re, sqlite3, sys
folder, db = sys.argv[1:3]
rows = sqlite3.connect(db).execute('SELECT address FROM host UNION SELECT tunnel_endpoint FROM path')
texts = {part for row in rows for part in re.split('[-+,]', row[0]) if re.fullmatch('[0-9a-f.:]+', part)}
assert len(texts) > 10, 'addresses to look for'
forms = set()
for text in texts:
    ip = ipaddress.ip_address(text)
    forms |= {ip.compressed, ip.exploded, ip.reverse_pointer, ip.packed.hex()}
    if ip.version == 4:
        forms |= {text.replace('.', '-'), '.'.join('%03d' % b for b in ip.packed), ip.packed[::-1].hex()}
for at, _, names in os.walk(folder):
    for name in names:
        if name.startswith('mira.db'):
            continue
        data = open(os.path.join(at, name), 'rb').read().lower()
        for form in sorted(forms):
            if re.search(rb'(?<![0-9a-f.:])' + re.escape(form.encode()) + rb'(?![0-9a-f:])', data):
                print('%s: %s' % (name, form))
END
leaks() { python3 "$tmp/leaks.py" "$A" "$A/mira.db"; }

level ''
# One of the capture.
host=10.1.0.10
echo "contested = ( { rule = \"web\"; who = \"$host\"; from = \"2000-01-01\"; to = \"2100-01-01\"; state = \"contested\"; reason = \"It was not $host.\"; } );" >"$tmp/conf/contested.conf"
exits 0 'an audit as it comes' mira run --out "$A" "$demo"
cp "$tmp/.out" "$A/printed"
mira dump "$A" >"$A/dumped"
is 'no address is in what it writes, but in mira.db, and none in a dump' "$(leaks)" ''
is '  hosts have pseudonyms' "$(json 'all(h["address"].startswith("h-") for h in r["hosts"]), len(r["hosts"])')" '(True, 20)'
is '  so has who contests a verdict' "$(json '[c["reason"] == "It was not " + c["who"] + "." and c["who"][:2] for c in r["contested"]]')" "['h-']"
is '  the report says so' "$(json 'r["privacy"]["level"]')" pseudonym
is '  the key is for its owner alone' "$(stat -c %a "$A/mira.key")" 600
is '  and so is mira.db' "$(stat -c %a "$A/mira.db")" 600
mira dump --addresses "$A" >"$A/dumped"
is '  a dump shows them when it is told to' "$(leaks | cut -d: -f1 | sort -u)" dumped
rm "$A/dumped"
first=$(json 'r["hosts"][0]["address"]')
again() { mira-report --db "$A/mira.db" --out "$A"; }
again >/dev/null
is '  the next report has the same' "$(json 'r["hosts"][0]["address"]')" "$first"

level 'level = "address";'
again >"$A/printed"
ok 'at level address they would be found' test "$(leaks | cut -d: -f1 | sort -u | tr -d '\n')" = 'index.htmlprintedreport.json'
level 'level = "group";'
again >"$A/printed"
is 'at level group there is neither address' "$(leaks)" ''
is '  nor who contests a verdict' "$(json 'r["contested"][0]["who"]')" withheld
exits 1 '  nor pseudonym' grep -E '\bh-[0-9a-z]{10}' "$A/printed" "$A/report.json"
is '  but all hosts are among the others' "$(json 'len(r["hosts"]), r["hosts_others"]["hosts"], r["hosts_others"]["octets"]')" \
    "$(sql "SELECT '(0, ' || (SELECT count(*) FROM host) || ', ' || (2 * sum(octets)) || ')' FROM class_total")"
level ''
chmod 644 "$A/mira.key"
exits 0 'a key that others may read is not used' again
cp "$tmp/.out" "$tmp/said"
ok '  and that is said' grep -q 'may be read by others than its owner (mode 644): chmod 600' "$tmp/said"
is '  nor shown more for lack of it' "$(json 'r["privacy"]["level"], len(r["hosts"])')" "('group', 0)"
chmod 600 "$A/mira.key"

# Unsealing.
unseal() { mira unseal --db "$A/mira.db" "$@"; }
exits 2 'unsealing without a reason' unseal "$first"
exits 2 '  of what is no pseudonym' unseal --reason why 'h-0'
ok '  leaves no log' test ! -e "$A/mira.disclosures"
exits 0 'unsealing' unseal --reason 'complaint 17' "$first"
is '  tells whose it is' "$(grep -oE '^h-.*' "$tmp/.out" | cut -f3)" "$(sql 'SELECT address FROM host_total GROUP BY address
    ORDER BY sum(sent_octets + received_octets) DESC, address LIMIT 1')"
is '  is on record' "$(python3 -c 'import json, sys; r = json.loads(open(sys.argv[1]).read()); print(r["reason"], r["asked"], r["user"])' "$A/mira.disclosures")" \
    "complaint 17 ['$first'] $(id -un)"
is '  for its owner alone' "$(stat -c %a "$A/mira.disclosures")" 600
again >/dev/null
is '  and in the report' "$(json '[d["reason"] for d in r["disclosures"]]')" "['complaint 17']"
is '  without an address' "$(leaks)" ''
printf '{"time": "a crash cut this' >>"$A/mira.disclosures"
exits 2 'one that is nobody' unseal --reason 'complaint 18' h-0000000000
again >/dev/null
is '  is on record, too, behind a line that was cut' "$(json '[d["reason"] for d in r["disclosures"]]')" "['complaint 17', 'complaint 18']"
mv "$A/mira.disclosures" "$tmp/log" && mkdir "$A/mira.disclosures"
exits 2 'without a log' unseal --reason 'complaint 19' "$first"
cp "$tmp/.out" "$tmp/said"
exits 1 '  nothing is disclosed' grep -q '^h-' "$tmp/said"
rmdir "$A/mira.disclosures" && mv "$tmp/log" "$A/mira.disclosures"
mv "$A/mira.key" "$tmp/key"
exits 2 'nor without the key' unseal --reason 'complaint 20' "$first"
ok '  and none is made' test ! -e "$A/mira.key"
mv "$tmp/key" "$A/mira.key"

# Retention: which addresses stand in the bytes of the file, journals included.
hosts=$(sql 'SELECT address FROM host')
left() { python3 -c 'import sys, glob
data = b"".join(open(f, "rb").read() for f in glob.glob(sys.argv[1] + "/mira.db*"))
print(sum(a.encode() in data for a in sys.argv[2].split()))' "$A" "$hosts"; }
balance() { exits 0 '  the balance closes' mira balance "$A"; }
is 'addresses are in the file' "$(left)" "$(wc -l <<<"$hosts")"
total=$(sql 'SELECT sum(octets) FROM rule_total') sent=$(sql 'SELECT sum(sent_octets) FROM host_total')
# later DAYS: so long after the last packet. (A sanitizer wants to be loaded first, and so does faketime.)
last_s=$(sql 'SELECT max(last_ms) / 1000 FROM ledger')
later() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 faketime "@$((last_s + $1 * 86400))" mira-retain --db "$A/mira.db"
}
exits 0 'nothing is old enough' later 80
is '  all is there' "$(sql 'SELECT count(*) > 0 FROM biflow') $(left)" "1 $(wc -l <<<"$hosts")"
mv "$A/mira.key" "$tmp/key"
ln -s /nowhere/key "$A/mira.key"
exits 2 'after 90 days, without a key' later 92
is '  addresses stay rather than look sealed' "$(sql "SELECT count(*) FROM host WHERE address LIKE 'h-%'")" 0
mv "$tmp/key" "$A/mira.key"
exits 0 'after 90 days' later 92
is '  no biflow is left' "$(sql 'SELECT count(*) FROM biflow')" 0
is '  no address is in the file' "$(left)" 0
is '  nor in a tunnel' "$(sql "SELECT count(*) FROM path WHERE tunnel_endpoint GLOB '*[0-9].[0-9]*'")" 0
is '  sums are as they were' "$(sql 'SELECT sum(octets) FROM rule_total') $(sql 'SELECT sum(sent_octets) FROM host_total')" "$total $sent"
balance
again >/dev/null
is '  pseudonyms are those that were' "$(json 'r["hosts"][0]["address"]')" "$first"
exits 0 '  and the key opens them' unseal --reason 'complaint 21' "$first"
exits 0 'after 400 days' later 402
is '  no host is left' "$(sql 'SELECT count(*) FROM host')$(sql 'SELECT count(*) FROM rollup_host')" 00
is '  sums are as they were' "$(sql 'SELECT sum(octets) FROM rule_total')" "$total"
balance
level 'keep_totals_days = 500;'
exits 0 'after the days of the totals' later 502
is '  they are gone' "$(sql 'SELECT count(*) FROM rollup_hour')$(sql 'SELECT count(*) FROM rollup_window')" 00
balance
exits 2 'a store that is not there' mira-retain --db "$tmp/none.db"

# Headers only.
S=$tmp/spool
echo 'streams = ( { name = "all"; headers = true; } );' >"$MIRA_CONFIG"
exits 0 'a capture of headers' mira-capture --spool "$S" --read "$demo"
for segment in "$S"/packets/preprocess/ready/*/*.pcapng; do
    tshark -n -r "$segment" -T fields -e tcp.payload -e udp.payload -e data.data 2>/dev/null
done >"$tmp/payload"
is '  has no byte of payload' "$(tr -d '\n\t ' <"$tmp/payload")" ''
tshark -n -r "$demo" -T fields -e tcp.payload -e udp.payload 2>/dev/null | tr -d '\n\t ' >"$tmp/payload"
ok '  where there was some' test -s "$tmp/payload"
mira run --out "$tmp/headers" "$demo" >/dev/null
rm -rf "$A"
level ''
mira run --out "$A" "$demo" >/dev/null
flows='SELECT window_ms, start_ms, end_ms, proto, src, sport, dst, dport, packets, octets, reverse_packets, reverse_octets, tunnel,
    tunnel_endpoint FROM biflow_text ORDER BY 1, 4, 5, 6, 7, 8'
sql "$flows" >"$tmp/wanted"
ok '  and the same biflows' cmp <(sqlite3 "$tmp/headers/mira.db" "$flows") "$tmp/wanted"
ok '    of which there are some' test -s "$tmp/wanted"
done_testing
