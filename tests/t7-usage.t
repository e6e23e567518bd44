#!/bin/bash
# mira-usage: volumes, hosts and hours of the demo capture's aggregates, against what tshark reads and against sums over the store's rows;
# aggregates of which different shares were analysed; what is not compared, and what is not shown.
. "$(dirname "$0")/tap.sh"
A=$tmp/audit
export MIRA_CONFIG=$tmp/mira.conf TZ=Europe/Prague
settings() { # PRIVACY
    cat >"$MIRA_CONFIG" <<END
policy = "policy.conf"; symptoms = "symptoms.d"; network = "Demo";
aggregates = ( { name = "physics"; prefixes = [ "10.1.0.0/16" ]; }, { name = "chemistry"; prefixes = [ "10.2.0.0/16", "2001:db8::/32" ]; },
    { name = "campus"; prefixes = [ "10.0.0.0/8" ]; }, { name = "guests"; vlans = [ 7 ]; },
    { name = "resolver"; prefixes = [ "203.0.113.53" ]; } );
privacy = { $1 };
END
}
settings
. "$top/tests/demo-store.sh"
usage() { mira-usage --db "$A/mira.db" "$@"; }
json() { usage --format json "${@:2}" | python3 -c 'import json, sys; u = json.load(sys.stdin); a = {x["aggregate"]: x for x in u["aggregates"] + [u["all"]]}; print(eval(sys.argv[1]))' "$1"; }

# Volumes and hosts, by tshark.
tshark -r "$top/tests/data/demo.pcap" -T fields -E occurrence=l -E separator=, -e ip.src -e ip.dst -e ip.len -e ipv6.src -e ipv6.dst \
    -e ipv6.plen 2>/dev/null | grep -v '^,,,,,$' >"$tmp/packets"
cat >"$tmp/sum.py" <<'END'
import sys
prefixes = {'physics': ('10.1.',), 'chemistry': ('10.2.', '2001:db8:'), 'campus': ('10.',)}
rows = {n: [0, 0, 0, 0, set()] for n in prefixes}
for line in sys.stdin:
    s4, d4, l4, s6, d6, l6 = line.rstrip('\n').split(',')
    s, d, n = (s6, d6, int(l6) + 40) if s6 else (s4, d4, int(l4))
    for name, row in rows.items():
        ends = [a for a in (s, d) if a.startswith(prefixes[name])]
        row[0] += bool(ends)
        row[1] += n * bool(ends)
        row[2] += n * s.startswith(prefixes[name])
        row[3] += n * d.startswith(prefixes[name])
        row[4] |= set(ends)
for name in sorted(rows):
    print(name, *rows[name][:4], len(rows[name][4]))
END
python3 "$tmp/sum.py" <"$tmp/packets" >"$tmp/wanted"
json '"\n".join(" ".join(str(a[n][k]) for k in ("aggregate", "packets", "octets", "sent_octets", "received_octets", "hosts")) for n in ("campus", "chemistry", "physics"))' >"$tmp/got"
ok 'volumes and hosts, as tshark counts' diff "$tmp/wanted" "$tmp/got"
is '  all of them once' "$(json 'a["(all)"]["octets"], a["guests"]["octets"]')" "$(sql "SELECT '(' || sum(octets) || ', 0)' FROM class_total")"
is '  classes add up' "$(json 'all(sum(c["octets"] for c in x["classes"]) == x["octets"] and sum(x["hours"]) == x["octets"] for x in a.values())')" True
is '  and are those of the store' "$(json '[c["octets"] for c in a["physics"]["classes"] if c["class"] == "DNS"]')" \
    "$(sql "SELECT '[' || sum(octets + coalesce(reverse_octets, 0)) || ']' FROM biflow_text WHERE class = 'DNS' AND (src LIKE '10.1.%' OR dst LIKE '10.1.%')")"
is '  what was analysed whole is counted' "$(json '{(x["sampling"], x["low"] == x["octets"] == x["high"], x["refused"]) for x in a.values() if x["octets"]}')" \
    '{(1.0, True, None)}'
printf '10.1.0.0/16 a\n10.2.0.0/16 b\n2001:db8::/32 b\n10.0.0.0/8 c\n' >"$tmp/users"
is '  users, each once, where a file tells' "$(json '[a[n]["users"] for n in ("physics", "chemistry", "campus", "guests")]' --users "$tmp/users")" '[1, 1, 2, None]'
is '  and not where none does' "$(json 'a["physics"]["users"]')" None
csv='import csv, sys
print([(r["octets"], r["interval"]) for r in csv.DictReader(sys.stdin) if r["aggregate"] == "physics"])'
is '  CSV says the same' "$(usage --format csv | python3 -c "$csv")" "$(json '[(str(a["physics"]["octets"]), "counted")]')"

# Privacy.
usage >"$tmp/text"
usage --format json >>"$tmp/text"
exits 1 'no address is shown' grep -qE '10\.[12]\.0\.|2001:db8' "$tmp/text"
is '  top hosts have pseudonyms' "$(json '[len(a[n]["top_hosts"]) for n in ("physics", "campus")], a["campus"]["top_hosts"][0]["host"][:2]' --top 2)" "([1, 2], 'h-')"
settings 'level = "group"; group_min = 2;'
is '  groups of too few are withheld' "$(json '[sorted(k for k in a[n] if k != "aggregate") == ["withheld"] for n in ("physics", "guests", "campus", "(all)")], a["campus"]["top_hosts"]')" \
    '([True, True, False, False], [])'
settings 'level = "address";'
is '  addresses when that is configured' "$(json 'a["physics"]["top_hosts"][0]["host"]')" 10.1.0.10
settings

# Hours, over windows that the capture's are multiplied to: 40 hours, which are local ones.
{
    echo 'CREATE TEMP TABLE base AS SELECT * FROM biflow;'
    for i in $(seq 160); do
        echo "CREATE TEMP TABLE m AS SELECT * FROM base; UPDATE m SET window_ms = window_ms + 900000 * $i, octets = octets * ($i * $i % 17 + 1);
            INSERT INTO biflow SELECT * FROM m; DROP TABLE m;"
    done
} | sqlite3 "$A/mira.db"
resum
cat >"$tmp/hours.py" <<'END'
import collections, datetime, sqlite3, sys, zoneinfo
hours, numbers = collections.Counter(), collections.Counter()
for w, o in sqlite3.connect(sys.argv[1]).execute("SELECT window_ms, octets + coalesce(reverse_octets, 0) FROM biflow_text WHERE src LIKE '10.1.%' OR dst LIKE '10.1.%'"):
    t = datetime.datetime.fromtimestamp(w / 1000, zoneinfo.ZoneInfo('Europe/Prague'))
    hours[t.strftime('%Y-%m-%d %H:00')] += o
    numbers[t.hour] += o
most = max(hours.values())
print(min(h for h in hours if hours[h] == most), most, [numbers[i] for i in range(24)])
END
is 'the busiest hour, and all hours of the day' "$(json '"%s %d %s" % (a["physics"]["peak"]["text"], a["physics"]["peak"]["octets"], a["physics"]["hours"])')" \
    "$(python3 "$tmp/hours.py" "$A/mira.db")"

# Half of the network sampled: expanded by its own probability, hosts as if all had been sampled alike.
sql "UPDATE biflow SET sampling = 0.1, reverse_sampling = iif(reverse_packets IS NULL, NULL, 0.1) WHERE src IN
    (SELECT id FROM host WHERE address LIKE '10.2.%') OR dst IN (SELECT id FROM host WHERE address LIKE '10.2.%')"
cat >"$tmp/equal.py" <<'END'
import collections, sqlite3, sys
prefixes = {'physics': ('10.1.',), 'chemistry': ('10.2.', '2001:db8:'), 'campus': ('10.',)}
packets, octets = collections.defaultdict(collections.Counter), collections.Counter()
for s, d, n, o, rn, ro, p, rp in sqlite3.connect(sys.argv[1]).execute('''SELECT src, dst, packets, octets, coalesce(reverse_packets, 0),
        coalesce(reverse_octets, 0), sampling, coalesce(reverse_sampling, 1) FROM biflow_text'''):
    for host in {s, d}:
        packets[host][p] += n
        packets[host][rp] += rn
    for name, starts in prefixes.items():
        if s.startswith(starts) or d.startswith(starts):
            octets[name] += o / p + ro / rp
def seen(host):
    unseen = 1
    for p, n in packets[host].items():
        unseen *= (1 - 0.1 / p) ** n
    return 1 - unseen
for name in ('chemistry', 'campus', 'physics'):
    hosts = sum(seen(h) for h in packets if h.startswith(prefixes[name]))
    print('%s %.3g %.4f %.3g' % (name, octets[name], hosts, octets[name] / hosts))
END
is 'different sampling: octets, hosts and octets of a host' \
    "$(json '"\n".join("%s %.3g %.4f %.3g" % (n, a[n]["expanded_octets"], a[n]["equal_hosts"], a[n]["octets_per_host"]) for n in ("chemistry", "campus", "physics"))')" \
    "$(python3 "$tmp/equal.py" "$A/mira.db")"
is '  shares are of what there was' "$(json '0.99 < a["campus"]["share_octets"] + a["(outside)"]["share_octets"] + (a["chemistry"]["expanded_octets"] -
    (a["campus"]["expanded_octets"] - a["physics"]["expanded_octets"])) / a["(all)"]["expanded_octets"] < 1.01')" True
is '  a sample has an interval, what was counted has none' "$(json '[a[n]["low"] < a[n]["expanded_octets"] < a[n]["high"] for n in ("chemistry", "physics")]')" '[True, False]'
ok '  the text shows it' grep -qE '^chemistry .* to .*%' <(usage)
sql 'UPDATE biflow SET sampling = 1, reverse_sampling = 1'

# Losses, and a sample too small.
day=$(sql "SELECT date(min(window_ms) / 1000, 'unixepoch') FROM biflow")
sql 'DELETE FROM biflow WHERE window_ms > (SELECT min(window_ms) FROM biflow); UPDATE ledger_part SET packets_dropped = 5000, packets_seen = packets_seen + 5000 WHERE seq = 1'
resum
is 'too little for an interval: refused, not dressed up' "$(json '(a["physics"]["low"], a["physics"]["share_octets"], a["physics"]["refused"][:13])')" "(None, None, 'not estimated')"
ok '  and the text says so' grep -q 'not estimated' <(usage)
sql 'UPDATE ledger_part SET packets_dropped = 0, packets_seen = packets_captured; UPDATE biflow SET sampling = 0.1, reverse_sampling = 0.1 WHERE dport = 53'
is 'an interval that is too wide is not compared' "$(json '(a["resolver"]["share_octets"], a["resolver"]["octets_per_host"], a["resolver"]["refused"])')" \
    "(None, None, 'not compared: the interval is too wide')"
is '  that of others is' "$(json '0.3 < a["physics"]["share_octets"] < 0.5')" True
is 'a period without traffic' "$(json 'a["(all)"]["octets"], a["(all)"]["peak"], a["physics"]["octets_per_host"]' --period day --date "$(date -d "$day - 9 day" +%F)")" \
    '(0, None, None)'

# What is refused.
exits 2 'a number that is none' usage --top x
exits 2 'a file of users that is not there' usage --users "$tmp/none"
exits 2 'no store' env MIRA_CONFIG= mira-usage --config ''
exits 0 'no aggregates: all is outside' usage --config ''
exits 1 'standard output that is full' sh -c "mira-usage --db '$A/mira.db' >/dev/full"
done_testing
