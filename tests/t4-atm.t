#!/bin/bash
# ATM: what a virtual circuit carried comes out under the aggregate that names its VPI and VCI.
. "$(dirname "$0")/tap.sh"
export MIRA_CACHE=$tmp/cache
mkdir "$MIRA_CACHE"
"$top/tests/atm-capture" "$tmp" >"$tmp/circuits"
cat >"$tmp/mira.conf" <<END
policy = "$top/etc/policy.conf";
symptoms = "$top/etc/symptoms.d";
aggregates = (
    { name = "0/100"; circuits = [ "0/100" ]; },
    { name = "0/101"; circuits = [ "0/101" ]; },
    { name = "7/1000"; circuits = [ "7/1000", "7/1001" ]; }
);
END
results() { # AUDIT: aggregate, packets, octets
    sqlite3 -separator ' ' "$tmp/$1/mira.db" 'SELECT aggregate, sum(packets + coalesce(reverse_packets, 0)),
        sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text GROUP BY 1 ORDER BY 1'
}
ok 'SunATM is audited' mira run --config "$tmp/mira.conf" --out "$tmp/sunatm" "$tmp/sunatm.pcap"
is '  by circuit: LLC/SNAP, VC-multiplexed, bridged' "$(results sunatm)" "$(cat "$tmp/circuits")"
ok '  and balanced' mira balance "$tmp/sunatm"
ok 'RFC 1483 is audited' mira run --config "$tmp/mira.conf" --out "$tmp/rfc1483" "$tmp/rfc1483.pcap"
is '  all of it, without circuits' "$(results rfc1483)" "$(awk '{ p += $2; o += $3 } END { print "", p, o }' "$tmp/circuits")"
is '  into the same biflows' "$(sqlite3 "$tmp/rfc1483/mira.db" 'SELECT src, sport, dst, dport, packets, octets, reverse_octets FROM biflow_text ORDER BY 1, 2')" \
    "$(sqlite3 "$tmp/sunatm/mira.db" 'SELECT src, sport, dst, dport, packets, octets, reverse_octets FROM biflow_text ORDER BY 1, 2')"

echo 'streams = ( { name = "one"; filter = "vpi 0 and vci 101"; }, { name = "rest"; } );' >>"$tmp/mira.conf"
ok 'a stream may be a circuit' mira run --config "$tmp/mira.conf" --out "$tmp/streams" "$tmp/sunatm.pcap"
is '  with its packets' "$(sqlite3 "$tmp/streams/mira.db" "SELECT sum(packets_ip) FROM ledger WHERE stream LIKE '%one%'")" \
    "$(awk '$1 == "0/101" { print $2 }' "$tmp/circuits")"
printf 'aggregates = ( { name = "a"; circuits = [ "0-100" ]; } );\n' >"$tmp/bad.conf"
exits 2 'a circuit that is none' mira run --config "$tmp/bad.conf" --out "$tmp/bad" "$tmp/sunatm.pcap"
cp "$tmp/.out" "$tmp/said"
ok '  is named with its line' grep -q 'bad.conf:1: circuit .*0-100' "$tmp/said"
done_testing
