#!/bin/bash
# mira-matrix: who sent how much to whom, against what tshark reads in the same packets; a database in MaxMind's format and a
# pfx2as file with the same contents; periods; what is refused.
. "$(dirname "$0")/tap.sh"
A=$tmp/audit
export MIRA_CONFIG=$tmp/mira.conf TZ=UTC
cat >"$MIRA_CONFIG" <<END
policy = "$top/etc/policy.conf"; symptoms = "$tmp/symptoms.d";
aggregates = ( { name = "campus"; prefixes = [ "10.0.0.0/8" ]; }, { name = "physics"; prefixes = [ "10.1.0.0/16" ]; },
    { name = "six \"more\""; prefixes = [ "2001:db8:c::/48", "2001:db8:41::10" ]; }, { name = "nobody"; vlans = [ 9 ]; } );
END
mkdir "$tmp/symptoms.d" && cp "$top/etc/symptoms.d/dns.sym" "$tmp/symptoms.d"
sed -i 's/^policy = .*conf"; /policy = "policy.conf"; /' "$MIRA_CONFIG"
echo 'classes = ( { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns"; } );' >"$tmp/policy.conf"
ok 'an audit of the demo capture' mira run --out "$A" "$top/tests/data/demo.pcap"
matrix() { mira-matrix --db "$A/mira.db" "$@"; }

# The innermost addresses and lengths, by tshark; names by a look at each.
tshark -r "$top/tests/data/demo.pcap" -T fields -E occurrence=l -E separator=, -e ip.src -e ip.dst -e ip.len -e ipv6.src -e ipv6.dst \
    -e ipv6.plen 2>/dev/null | grep -v '^,,,,,$' >"$tmp/packets"
cat >"$tmp/sum.py" <<'END'
import collections, ipaddress, sys
owners = [(ipaddress.ip_network(p), n) for p, n in (line.rstrip('\n').split('\t') for line in open(sys.argv[1]))]
def owner(text):
    address = ipaddress.ip_address(text)
    held = [(p.prefixlen, n) for p, n in owners if address.version == p.version and address in p]
    return max(held)[1] if held else sys.argv[2]
sums = collections.Counter(), collections.Counter()
for line in sys.stdin:
    s4, d4, l4, s6, d6, l6 = line.rstrip('\n').split(',')
    source, target, octets = (s6, d6, int(l6) + 40) if s6 else (s4, d4, int(l4))
    pair = owner(source), owner(target)
    sums[0][pair] += 1
    sums[1][pair] += octets
for pair in sorted(sums[0]):
    print(*pair, sums[0][pair], sums[1][pair], sep='\t')
END
cells() { # of JSON on standard input, as sum.py prints them
    python3 -c 'import json, sys
for c in sorted((c["from"], c["to"], c["packets"], c["octets"]) for c in json.load(sys.stdin)["cells"]): print(*c, sep="\t")'
}
printf '10.0.0.0/8\tcampus\n10.1.0.0/16\tphysics\n2001:db8:c::/48\tsix "more"\n2001:db8:41::10/128\tsix "more"\n' >"$tmp/owners"
python3 "$tmp/sum.py" "$tmp/owners" '(outside)' <"$tmp/packets" >"$tmp/wanted"
matrix --format json >"$tmp/matrix.json"
ok 'between aggregates, as tshark counts' diff "$tmp/wanted" <(cells <"$tmp/matrix.json")
is '  several names, and each pair in its direction' "$(($(wc -l <"$tmp/wanted") >= 6))" 1
is '  adds up to the store' "$(awk -F'\t' '{ p += $3; o += $4 } END { print p, o }' "$tmp/wanted")" \
    "$(sqlite3 -separator ' ' "$A/mira.db" 'SELECT sum(packets), sum(octets) FROM class_total')"
is '  CSV says the same' "$(matrix --format csv | python3 -c 'import csv, sys
for r in sorted((r["from"], r["to"], r["packets"], r["octets"]) for r in csv.DictReader(sys.stdin)): print(*r, sep="\t")')" "$(sort "$tmp/wanted")"
matrix >"$tmp/text"
ok '  the text: a row and a column each, and all' grep -qE '^    all .* 1\.9 MB$' "$tmp/text"
ok '  it says how much was analysed' grep -q 'analysed: 100 % of the packets seen' "$tmp/text"

# Others: the rest of a top table, so that the sum stays.
matrix --top 1 --format json >"$tmp/top.json"
is 'others' "$(python3 -c 'import json, sys; m = json.load(open(sys.argv[1])); print([n["name"] for n in m["names"]], sum(c["octets"] for c in m["cells"]) == m["total"]["octets"])' "$tmp/top.json")" \
    "['physics', '(outside)', '(others)'] True"
is '  none with --top 0' "$(matrix --top 0 --format json | cells)" "$(cat "$tmp/wanted")"

# At level group, aggregates of few hosts are others too: physics and campus have one each.
sed 's/^policy/privacy = { level = "group"; group_min = 2; }; policy/' "$MIRA_CONFIG" >"$tmp/group.conf"
is 'groups of too few hosts are others' "$(matrix --config "$tmp/group.conf" --format json | python3 -c 'import json, sys
m = json.load(sys.stdin); print([n["name"] for n in m["names"]], sum(c["octets"] for c in m["cells"]) == m["total"]["octets"])')" \
    "['six \"more\"', '(outside)', '(others)'] True"

# Autonomous systems: a prefix in a prefix, IPv6, two origins, a set of them, and a hole.
cat >"$tmp/net.pfx2as" <<'END'
# address, length, origin
10.0.0.0	8	64496
10.2.0.0	16	64497_64498
203.0.113.0	24	64499
203.0.113.80	32	64500,64501
203.0.113.53	32	0
END
printf '2001:db8::\t32\t4200000000\n2001:db8:ff::\t48\t64497\n' | gzip >"$tmp/six.pfx2as.gz"
printf '%s\t%s\n' 10.0.0.0/8 AS64496 10.2.0.0/16 AS64497 203.0.113.0/24 AS64499 203.0.113.80/32 AS64500 203.0.113.53/32 '(unknown)' \
    2001:db8::/32 AS4200000000 2001:db8:ff::/48 AS64497 >"$tmp/owners"
python3 "$tmp/sum.py" "$tmp/owners" '(unknown)' <"$tmp/packets" >"$tmp/wanted"
by_text=(--as "$tmp/net.pfx2as" --as "$tmp/six.pfx2as.gz")
matrix "${by_text[@]}" --format json >"$tmp/text.json"
ok 'between autonomous systems, from pfx2as' diff "$tmp/wanted" <(cells <"$tmp/text.json")
perl -Mutf8 -MMaxMind::DB::Writer::Tree -e '
    my %types = (autonomous_system_number => "uint32", autonomous_system_organization => "utf8_string");
    my $tree = MaxMind::DB::Writer::Tree->new(ip_version => 6, record_size => 24, database_type => "Test-ASN", languages => ["en"],
        description => { en => "test" }, map_key_type_callback => sub { $types{$_[0]} }, remove_reserved_networks => 0, alias_ipv6_to_ipv4 => 0);
    open my $list, "<", $ARGV[0];
    while (<$list>) {
        my ($prefix, $name) = split;
        if ($name =~ /^AS(\d+)/) { $tree->insert_network($prefix, { autonomous_system_number => $1, autonomous_system_organization => "Net, $1 \"é\"" }); }
        else { $tree->remove_network($prefix); }
    }
    open my $out, ">:raw", $ARGV[1];
    $tree->write_tree($out);' "$tmp/owners" "$tmp/net.mmdb" >"$tmp/.out" 2>&1
matrix --as "$tmp/net.mmdb" --format json >"$tmp/mmdb.json"
ok '  from a database in MaxMind'\''s format, the same' diff "$tmp/wanted" <(cells <"$tmp/mmdb.json")
strip='import json, sys
m = json.load(open(sys.argv[1]))
for o in m["names"] + m["cells"]:
    for k in list(o):
        if "organization" in k: del o[k]
print(json.dumps(m))'
ok '  to the last byte, but for names of organizations' diff <(python3 -c "$strip" "$tmp/text.json") <(python3 -c "$strip" "$tmp/mmdb.json")
ok '  which it shows' grep -q '^  *[0-9]* AS64500 Net, 64500 "é" ' <(LC_ALL=C.UTF-8 mira-matrix --db "$A/mira.db" --as "$tmp/net.mmdb")
is '  and CSV quotes' "$(matrix --as "$tmp/net.mmdb" --format csv | grep -c '"Net, 64500 ""é"""')" \
    "$(cut -f 1,2 "$tmp/wanted" | grep -c AS64500)"

# Licences: libmaxminddb and libinotifytools are never linked together.
ok 'links libmaxminddb' grep -q libmaxminddb <(ldd "$MIRA_BIN/mira-matrix")
for program in "$MIRA_BIN"/*; do ldd "$program" | grep -E -o 'libmaxminddb|libinotifytools' | sort -u | wc -l; done | sort -u >"$tmp/.out"
is '  no program links libinotifytools too' "$(tail -n 1 "$tmp/.out")" 1

# Periods: the windows of the capture, and the day before.
day=$(sqlite3 "$A/mira.db" "SELECT date(min(window_ms) / 1000, 'unixepoch') FROM biflow")
octets() { matrix --format json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin)["total"]["octets"])'; }
is 'the day of the capture' "$(octets --period day --date "$day")" "$(octets)"
is '  the day before' "$(octets --period day --date "$(date -d "$day - 1 day" +%F)")" 0
is '  up to its first window' "$(octets --from "$day" --to "$(sqlite3 "$A/mira.db" \
    "SELECT strftime('%Y-%m-%dT%H:%M:%S', min(window_ms) / 1000, 'unixepoch') FROM biflow")")" 0

# What is refused, and how.
says() { # TEXT: the command before said it
    cp "$tmp/.out" "$tmp/.said"
    ok "  and says: $1" grep -qF -- "$1" "$tmp/.said"
}
exits 2 'no store' env MIRA_CONFIG= mira-matrix --config ''
says 'give --db FILE'
exits 2 'no aggregates' matrix --config ''
says 'no aggregate has a prefix'
exits 2 'a format that is not there' matrix --format xml
says 'allowed are text csv json'
exits 2 'a number that is none' matrix --top x
exits 2 'a word too many' matrix here
printf '10.0.0.0\t8\t1\n10.0.0.1\t8\t1\n' >"$tmp/bad.pfx2as"
exits 2 'a line that is no prefix' matrix --as "$tmp/bad.pfx2as"
says 'bad.pfx2as:2: not of the form'
exits 2 'a file that is not there' matrix --as "$tmp/none.mmdb"
cp "$tmp/net.pfx2as" "$tmp/wrong.mmdb"
exits 2 'a database that is none' matrix --as "$tmp/wrong.mmdb"
says 'wrong.mmdb'
printf '192.0.2.0 24 1\n' >"$tmp/foreign.pfx2as"
exits 0 'a database that knows none of the addresses' matrix --as "$tmp/foreign.pfx2as"
says 'no address of the store is in'
head -c 40 "$tmp/six.pfx2as.gz" >"$tmp/short.gz"
exits 2 'a file cut short' matrix --as "$tmp/short.gz"
exits 1 'standard output that is full' sh -c "mira-matrix --db '$A/mira.db' >/dev/full"
sqlite3 "$A/mira.db" 'DELETE FROM biflow WHERE dport = 53'
exits 2 'a period of which biflows were removed' matrix
says 'of 26 biflows of the period the store has 23 left'
done_testing
