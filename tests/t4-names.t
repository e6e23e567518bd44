#!/bin/bash
# Names and fingerprints, from packets to the audit: what tshark reads out of real ClientHellos and requests stands in the
# flow; names that were resolved; names that are withheld.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
mkdir "$tmp/symptoms" "$tmp/cache"
export MIRA_CACHE=$tmp/cache MIRA_CONFIG=$tmp/mira.conf XDG_CACHE_HOME=$tmp/cache
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
printf 'classes = ( { name = "named"; class = "WEB"; verdict = "acceptable"; when = "named"; } );\n' >"$tmp/policy.conf"
# The fingerprint of the one ClientHello of the demo, as made from the fields that tshark shows.
printf 'symptom named\n host example.net\nsymptom client\n ja4 t13d3112h2_e8f1e7e78f70_b26ce05bbdd6\n' >"$tmp/symptoms/a.sym"

audit() { rm -rf "$tmp/audit" && mira run --out "$tmp/audit" "$1"; }
column() { # NAME: its number in the rows of biflows
    mira dump --addresses "$tmp/audit" | awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) print i }'
}
biflows() { mira dump --addresses "$tmp/audit" | awk -F '\t' '$1 == "biflow"'; }
told() { # what the flows say: source port and name
    biflows | awk -F '\t' -v name="$(column host_name)" '$name != "-" { print $7, $name }' | sort -u
}
shown() { # what tshark finds in the same packets; not DNS, which may ask for several names in one flow
    tshark -r "$1" -Y 'tls.handshake.type == 1 or http.request' -T fields -e tcp.srcport -e udp.srcport \
        -e tls.handshake.extensions_server_name -e http.host 2>/dev/null |
        awk -F '\t' '{ sub(/:[0-9]+$/, "", $4); name = tolower($3 $4) } name ~ /^[a-z0-9._-]+$/ { print $1 $2, name }' | sort -u
}
missing() { shown "$1" | comm -23 - <(told); }

ok 'the demo is audited' audit "$demo"
is '  names that tshark shows and no flow tells' "$(missing "$demo")" ''
is '  the ClientHello shows its fingerprint' \
    "$(biflows | awk -F '\t' -v s="$(column symptoms)" '$s ~ /"client":1/ { print $7, $9 }')" '55060 443'
biflows | cut -f 1-17 >"$tmp/kept"
names=$(told | wc -l)
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\nhost_names = "withhold";\n' >"$MIRA_CONFIG"
ok 'the same with names withheld' audit "$demo"
is '  no flow tells one' "$(told)" ''
is '  nor does a file of the audit' "$(cat "$tmp"/audit/{index.html,report.json,mira.db} | grep -c example.net)" 0
is '  the verdicts and symptoms are the same' "$(biflows | cut -f 1-17 | cmp - "$tmp/kept" && echo same)" same
[ "$names" -ge 5 ] || ok 'the demo tells names' false

[ -d "$data/pcaps/ndpi" ] || { done_testing; exit; }
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
for capture in quic-23.pcap quic-27.pcap quic-29.pcap quic-v2.pcapng quic-mvfst-22.pcap \
    quic_frags_ch_out_of_order_same_packet_craziness.pcapng; do
    audit "$data/pcaps/ndpi/$capture" >"$tmp/.out" 2>&1
    is "$capture: names that tshark shows and no flow tells" "$(missing "$data/pcaps/ndpi/$capture")" ''
done
# tshark 4.0 does not put a ClientHello of several packets together; the names are nDPI's.
audit "$data/pcaps/ndpi/quic_frags_ch_in_multiple_packets.pcapng" >"$tmp/.out" 2>&1
is 'a ClientHello in several packets' "$(told | cut -d ' ' -f 2 | sort -u)" \
    "$(awk -F '\t' '$1 ~ /quic_frags_ch_in_multiple_packets/ { print $21 }' "$data/labels.tsv" | sort -u)"
done_testing
