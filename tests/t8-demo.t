#!/bin/bash
# The whole line on the bundled capture: every transfer stands in the audit as it was, and the page needs no network.
. "$(dirname "$0")/tap.sh"

audit=$tmp/audit
exits 0 'mira run audits the demo capture' mira run --out "$audit" "$top/tests/data/demo.pcap"
cp "$tmp/.out" "$tmp/printed"
for file in index.html report.json mira.db; do ok "it leaves $file" test -s "$audit/$file"; done
is 'mira.db is for its owner alone' "$(stat -c %a "$audit/mira.db")" 600
ok 'no temporary spool is left' test ! -e "$audit/.spool"
exits 0 'mira balance closes' mira balance "$audit"

# One row a transfer: the biflows between client and server port, summed whichever side MIRA took as the source.
sql() { sqlite3 -separator '	' "$audit/mira.db" "$1"; }
found() { # CLIENT SERVER PORT PROTO
    sql "SELECT group_concat(DISTINCT class), sum(up_p), sum(up_o), sum(down_p), sum(down_o) FROM (
        SELECT class, packets AS up_p, octets AS up_o, reverse_packets AS down_p, reverse_octets AS down_o
        FROM biflow_text WHERE src='$1' AND dst='$2' AND dport=$3 AND proto=$4
        UNION ALL SELECT class, reverse_packets, reverse_octets, packets, octets
        FROM biflow_text WHERE src='$2' AND sport=$3 AND dst='$1' AND proto=$4)"
}
while IFS='	' read -r name class transport client server port up_p up_o down_p down_o _; do
    [ "${name#\#}" = "$name" ] || continue
    is "$name: class, packets and octets both ways" "$(found "$client" "$server" "$port" "$([ "$transport" = tcp ] && echo 6 || echo 17)")" \
        "$class	$up_p	$up_o	$down_p	$down_o"
done <"$top/tests/data/demo.truth.tsv"
is '6in4 is named as a tunnel' "$(sql "SELECT DISTINCT tunnel FROM biflow_text WHERE src LIKE '2001:db8:41:%' AND dport=80")" 6in4
is 'between whom it runs is known' "$(sql "SELECT DISTINCT tunnel_endpoint FROM biflow_text WHERE tunnel = '6in4'")" 10.1.0.10-203.0.113.41

ok 'the audit is printed: coverage first' grep -qi 'coverage' "$tmp/printed"
exits 1 'nothing was lost, so nothing is estimated' grep -q Estimated "$tmp/printed"
ok 'the page is named' grep -q 'index.html' "$tmp/printed"
exits 1 'the page loads nothing from elsewhere' grep -Eo '(src|href)="?(https?:)?//[^" >]*' "$audit/index.html"
ok 'report.json is JSON' python3 -m json.tool "$audit/report.json"

mira dump --addresses "$audit" >"$tmp/dump1"
exits 0 'the same command continues a complete audit' mira run --out "$audit" "$top/tests/data/demo.pcap"
mira dump --addresses "$audit" >"$tmp/dump2"
ok 'and adds nothing' cmp "$tmp/dump1" "$tmp/dump2"
done_testing
