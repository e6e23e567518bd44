#!/bin/bash
# mira-charge: invoices of the demo capture, against sums of Python's over what tshark reads and over the store's rows; balances that
# add up; a page whose texts stay texts; what is refused.
. "$(dirname "$0")/tap.sh"
A=$tmp/audit
export MIRA_CONFIG=$tmp/mira.conf TZ=UTC
cat >"$MIRA_CONFIG" <<END
policy = "policy.conf"; symptoms = "symptoms.d"; network = "Demo & <Net>";
aggregates = ( { name = "physics"; prefixes = [ "10.1.0.0/16" ]; }, { name = "chemistry"; prefixes = [ "10.2.0.0/16" ]; },
    { name = "all"; prefixes = [ "10.0.0.0/8", "203.0.113.0/24" ]; } );
END
. "$top/tests/demo-store.sh"
charge() { mira-charge --db "$A/mira.db" --tariffs "$tmp/tariffs.conf" "$@"; }
json() { charge --format json "${@:2}" | python3 -c 'import json, sys; c = json.load(sys.stdin); i = {x["customer"]: x for x in c["invoices"]}; print(eval(sys.argv[1]))' "$1"; }
users=$'10.1.0.0/16\tPhysics <b>\n10.2.0.0/16 chemistry # and biology\n2001:db8::/32  chemistry\n\n# nobody has this\n192.0.2.1\tidle\n203.0.113.80 web\n'
printf '%s' "$users" >"$tmp/users"
cat >"$tmp/tariffs.conf" <<'END'
currency = "EUR"; vat = "21"; users = "users"; issuer = "Network <Office>\nRoom 1";
tariffs = (
    { name = "steps"; customers = [ "Physics*" ]; flat = "3.335"; included = "0.0002";
      steps = ( { up_to = "0.0005"; price = "1234.5"; }, { up_to = "0.0006"; price = "99.99"; }, { price = "7.77"; } ); },
    { name = "in"; customers = [ "chemistry" ]; direction = "in"; steps = ( { price = "1000"; } ); },
    { name = "idle"; customers = [ "id?e" ]; flat = "1"; steps = ( { price = "1"; } ); }
);
END

# Volumes by tshark, amounts by decimal fractions.
tshark -r "$top/tests/data/demo.pcap" -T fields -E occurrence=l -E separator=, -e ip.src -e ip.dst -e ip.len -e ipv6.src -e ipv6.dst \
    -e ipv6.plen 2>/dev/null | grep -v '^,,,,,$' >"$tmp/packets"
cat >"$tmp/bill.py" <<'END'
import collections, sys
from decimal import Decimal as D, ROUND_HALF_UP
def user(a):
    return 'Physics <b>' if a.startswith('10.1.') else 'chemistry' if a.startswith(('10.2.', '2001:db8:')) else 'web' if a == '203.0.113.80' else ''
cent = lambda x: x.quantize(D('0.01'), ROUND_HALF_UP)
out, into, inside, total = collections.Counter(), collections.Counter(), collections.Counter(), 0
for line in sys.stdin:
    s4, d4, l4, s6, d6, l6 = line.rstrip('\n').split(',')
    s, d, n = (user(s6), user(d6), int(l6) + 40) if s6 else (user(s4), user(d4), int(l4))
    total += n
    if s and s == d:
        inside[s] += n
    else:
        out[s] += n
        into[d] += n
gb = lambda n: D(n) / 10**9
both = gb(out['Physics <b>'] + into['Physics <b>'])
part = lambda low, high: max(D(0), min(both, D(high)) - D(low))
net = {'Physics <b>': cent(D('3.335')) + cent(part('0.0002', '0.0005') * D('1234.5')) + cent(part('0.0005', '0.0006') * D('99.99')) +
       cent(part('0.0006', '9') * D('7.77')), 'chemistry': cent(gb(into['chemistry']) * 1000), 'idle': D('1.00')}
for name in sorted(net):
    vat = cent(net[name] * 21 / 100)
    print(name, out[name], into[name], inside[name], net[name], vat, net[name] + vat, sep='|')
charged = [n for n in net]
print('not charged', total - sum(out[n] + inside[n] for n in charged), total - sum(into[n] + inside[n] for n in charged), total, sep='|')
END
python3 "$tmp/bill.py" <"$tmp/packets" >"$tmp/wanted"
json '"\n".join("|".join(str(i[n][k]) for k in ("customer", "sent_octets", "received_octets", "internal_octets", "net", "vat", "total")) for n in sorted(i)
    ) + "\n" + "|".join(str(x) for x in ("not charged", c["balance"][2]["sent_octets"], c["balance"][2]["received_octets"], c["balance"][3]["sent_octets"]))' >"$tmp/got"
ok 'by user: volumes as tshark counts, amounts rounded once' diff "$tmp/wanted" "$tmp/got"
is '  traffic within a user is there, and not charged' "$(awk -F'|' '$1 == "chemistry" { print ($4 > 100000) }' "$tmp/got")" 1
is '  the balance adds up to the store, sent and received' \
    "$(json '" ".join(str(sum(r[k] for r in c["balance"][:3])) for k in ("sent_octets", "received_octets"))')" "$(sql 'SELECT sum(octets), sum(octets) FROM class_total')"
csv='import csv, decimal, sys
rows = list(csv.DictReader(sys.stdin)); last = rows.pop()
print(all(sum(decimal.Decimal(r[k] or 0) for r in rows) == decimal.Decimal(last[k]) for k in ("sent_octets", "received_octets", "net", "vat", "total")), last["customer"], len(rows))'
is '  every column of the CSV does' "$(charge --format csv | python3 -c "$csv")" 'True (total) 5'
ok '  the text has a line not charged' sh -c "mira-charge --db '$A/mira.db' --tariffs '$tmp/tariffs.conf' | grep -q '^(not charged)'"
is 'one customer sees nothing of others' "$(charge --customer idle --format json | grep -c -e chemistry -e balance -e Physics -e sampled)" 0
exits 2 '  nor one who is none' charge --customer web

# The page.
charge --format html >"$tmp/page.html"
is 'a sheet for each customer, and the balance' "$(grep -c '<section>' "$tmp/page.html")" 4
cat >"$tmp/page.py" <<'END'
import html.parser, sys
class Page(html.parser.HTMLParser):
    stack, text = [], ''
    def handle_starttag(self, tag, attributes):
        assert tag in ('html', 'head', 'meta', 'title', 'style', 'body', 'main', 'section', 'header', 'div', 'h1', 'p', 'table', 'thead', 'tbody',
                       'tfoot', 'tr', 'th', 'td', 'sup'), tag
        if tag != 'meta':
            self.stack.append(tag)
    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, tag
    def handle_data(self, data):
        self.text += data
page = Page()
page.feed(open(sys.argv[1]).read())
assert not page.stack and all(t in page.text for t in ('Physics <b>', 'Network <Office>', 'Demo & <Net>', 'Volume, in and out, above 0.0002 GB')), page.text
END
ok '  texts of files stay texts' python3 "$tmp/page.py" "$tmp/page.html"

# The 95th percentile, over windows that the capture's are multiplied to: 41 of the 288 samples of a day have traffic.
{
    echo 'CREATE TEMP TABLE base AS SELECT * FROM biflow;'
    for i in $(seq 40); do
        echo "CREATE TEMP TABLE m AS SELECT * FROM base;
            UPDATE m SET window_ms = window_ms + 300000 * $i, octets = octets * ($i * $i % 17 + 1), reverse_octets = reverse_octets * ($i % 7 + 1);
            INSERT INTO biflow SELECT * FROM m; DROP TABLE m;"
    done
} | sqlite3 "$A/mira.db"
resum
cat >"$tmp/p95.py" <<'END'
import collections, decimal, sqlite3, sys
db, slots = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
into, out = collections.Counter(), collections.Counter()
for w, s, d, o, r in db.execute('SELECT window_ms, src, dst, octets, coalesce(reverse_octets, 0) FROM biflow_text'):
    s, d = s.startswith('10.1.'), d.startswith('10.1.')
    if s != d:
        (out if s else into)[w] += o
        (into if s else out)[w] += r
def p95(f):
    samples = sorted([f(w) for w in set(into) | set(out)] + [0] * (slots - len(set(into) | set(out))))
    return samples[slots - slots // 20 - 1]
price = lambda octets: (decimal.Decimal(octets) * 8 / 300 / 10**6 * 1000).quantize(decimal.Decimal('0.001'), decimal.ROUND_HALF_UP)
print(*(price(x) for x in (p95(lambda w: into[w]), p95(lambda w: out[w]), p95(lambda w: into[w] + out[w]),
                           max(p95(lambda w: into[w]), p95(lambda w: out[w])))))
END
p95() { # what Physics pays for each direction
    for direction in in out both higher; do
        printf 'currency = "X"; digits = 3; users = "users"; tariffs = ( { name = "t"; measure = "p95"; direction = "%s"; steps = ( { price = "1000"; } ); } );' \
            $direction >"$tmp/tariffs.conf"
        json 'i["Physics <b>"]["total"]' "$@"
    done | paste -sd ' '
}
day=$(sql "SELECT date(min(window_ms) / 1000, 'unixepoch') FROM biflow")
is 'the 95th percentile of the day: all its samples' "$(p95 --period day --date "$day")" "$(python3 "$tmp/p95.py" "$A/mira.db" 288)"
is '  of what is stored' "$(p95)" "$(python3 "$tmp/p95.py" "$A/mira.db" 41)"
is '  no VAT is no line' "$(json 'c["vat"], i["idle"]["vat"]')" '(None, None)'

# By aggregate and by class.
octets='sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text'
printf 'currency = "X"; by = "class"; tariffs = ( { name = "t"; customers = [ "D*" ]; steps = ( { price = "1"; } ); } );' >"$tmp/tariffs.conf"
is 'by class' "$(json 'i["DNS"]["sent_octets"], c["balance"][2]["sent_octets"], c["balance"][2]["received_octets"]')" \
    "$(sql "SELECT '(' || (SELECT $octets WHERE class = 'DNS') || ', ' || (SELECT $octets WHERE class <> 'DNS') || ', None)'")"
printf 'currency = "X"; by = "aggregate"; tariffs = ( { name = "t"; customers = [ "physics", "all" ]; } );' >"$tmp/tariffs.conf"
is 'by aggregate: the longest prefix' "$(json 'sorted((n, i[n]["sent_octets"]) for n in i)')" "$(sql "SELECT '[(''all'', ' ||
    sum(iif(src LIKE '203.%' AND dst NOT LIKE '203.%', octets, 0) + iif(dst LIKE '203.%' AND src NOT LIKE '203.%', reverse_octets, 0)) || '), (''physics'', ' ||
    sum(iif(src LIKE '10.1.%', octets, 0) + iif(dst LIKE '10.1.%', reverse_octets, 0)) || ')]' FROM biflow_text")"

# What is refused, and how.
says() { # TEXT: the command before said it
    cp "$tmp/.out" "$tmp/.said"
    ok "  and says: $1" grep -qF -- "$1" "$tmp/.said"
}
exits 2 'no tariffs' mira-charge --db "$A/mira.db"
says 'with --tariffs'
exits 2 'a file that is not there' mira-charge --db "$A/mira.db" --tariffs "$tmp/none"
printf 'currency = "X"; users = "users"; tariffs = ( { name = "t"; measure = "p95"; } );' >"$tmp/tariffs.conf"
echo 'window_s = 7;' >>"$MIRA_CONFIG"
exits 2 'windows that 5 minutes have no whole number of' charge
says 'windows of 7 s'
sed -i '$d' "$MIRA_CONFIG"
printf '10.1.0.0/16\n' >"$tmp/users"
exits 2 'a user without a name' charge
says 'users:1: not of the form'
printf '10.1.2.0/16 x\n' >"$tmp/users"
exits 2 'a prefix with bits behind it' charge
exits 1 'standard output that is full' sh -c "printf '%s' '10.1.0.0/16 x' >'$tmp/users'; mira-charge --db '$A/mira.db' --tariffs '$tmp/tariffs.conf' >/dev/full"
done_testing
