#!/bin/bash
# One link divided among several captures: their audit is that of one capture; and streams with snap lengths of their own.
. "$(dirname "$0")/tap.sh"
files=$top/tests/data/demo.pcap
for name in vlan/maltrail__pppoe vlan/libtrace__vlan vlan/nDPI__hsrp0 tunnel_qinq/arkime__twovlan tunnel_qinq/tcpreplay__test.rewrite_config \
    tunnel_qinq/packetnet__802.1ad_vlan_ipv4 tunnel_qinq/PcapPlusPlus__MplsPackets tunnel_qinq/Malcolm-Test-Artifacts__Tunnels \
    ip_fragments/nDPI__dns_fragmented ip_fragments/Malcolm-Test-Artifacts__dns_over_udp_with_edns_5000_bytes \
    ip_fragments/libpcap__ah-ipip-ping linktype_chdlc/PcapPlusPlus__CiscoHDLC linktype_framerelay/arkime__icmp-frame-relay; do
    for file in "$data/special/$name" "$data/special/$name.pcap"; do [ ! -f "$file" ] || files+=" $file"; done
done
for name in arkime/ipv6-in-ipv4 arkime/cloudshark-arp ndpi/lru_ipv6_caches ndpi/smb_frags arkime/mpls-basic arkime/ospf; do
    for file in "$data/pcaps/$name".pcap*; do [ ! -f "$file" ] || files+=" $file"; done
done
cp -r "$top/etc" "$tmp/etc"

# audit DIR: the rest of the line. All compile the same symptoms, so the first one's compilation is given to the others.
audit() {
    mkdir -p "$1/state" && cp -r "$tmp/cache" "$1/state/" 2>/dev/null
    mira-preprocess --spool "$1" --drain && mira-consolidate --spool "$1" --drain && mira-classify --spool "$1" --drain &&
        mira-store --spool "$1" --db "$1.audit/mira.db" --drain && { [ -d "$tmp/cache" ] || cp -r "$1/state/cache" "$tmp/cache"; }
}
sql() { sqlite3 -separator ' ' "$1.audit/mira.db" "$2"; }
sums='SELECT sum(packets_captured), sum(packets_ip), sum(packets_not_ip), sum(packets_malformed), sum(octets_ip) FROM ledger'
shares() { # N: captures the files N times, share by share
    mkdir "$tmp/$1.audit"
    for k in $(seq "$1"); do
        # shellcheck disable=SC2086
        mira-capture --spool "$tmp/$1" --share "$k/$1" $files || return
    done
    audit "$tmp/$1" && mira balance "$tmp/$1.audit"
}
for n in 1 2 3; do
    exits 0 "the link in $n shares, and its balance" shares $n
    # "cdn" is of a name that only a DNS answer told: known in the share that the answer is of
    mira dump --addresses "$tmp/$n.audit" | grep -P '^#row\twindow|^biflow\t' | sed 's/"cdn":1,//' >"$tmp/$n.biflows"
    mira balance "$tmp/$n.audit" | grep -E 'packets seen|captured|filtered' | head -3 >"$tmp/$n.terms"
done
total=$(sql "$tmp/1" 'SELECT sum(packets_seen) FROM ledger')
ok "  of $total packets" test "$total" -gt 2700
ok "  with biflows: $(wc -l <"$tmp/1.biflows")" test "$(wc -l <"$tmp/1.biflows")" -gt 20
for n in 2 3; do
    is "$n shares give the biflows of one capture" "$(md5sum <"$tmp/$n.biflows")" "$(md5sum <"$tmp/1.biflows")"
    is '  and analyse the same packets and octets' "$(sql "$tmp/$n" "$sums")" "$(sql "$tmp/1" "$sums")"
    is '  each has seen all of the link' "$(sql "$tmp/$n" "SELECT DISTINCT sum(packets_seen) FROM ledger GROUP BY substr(stream, -4)")" "$total"
    is '  which the balance counts once' "$(cat "$tmp/$n.terms")" "$(cat "$tmp/1.terms")"
    ok '  no share is empty' test "$(sql "$tmp/$n" "SELECT min(n) > 0.1 * $total FROM (SELECT sum(packets_captured) AS n FROM ledger GROUP BY substr(stream, -4))")" = 1
done
exits 0 'the report of shares' mira-report --db "$tmp/3.audit/mira.db" --out "$tmp/3.audit"
is '  counts the link once, too' "$(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["coverage"]; print(c["packets_seen"], c["packets_filtered"], c["share_analysed"])' "$tmp/3.audit/report.json")" "$total 0 1.0"

demo=$top/tests/data/demo.pcap
said() { cp "$tmp/.out" "$tmp/.said"; ok "  and says: $1" grep -q "$1" "$tmp/.said"; } # TEXT: the last command did
exits 2 'a trace in another number of shares is refused' mira-capture --spool "$tmp/3" --share 1/2 "$demo"
said 'in shares of one number'
exits 2 'and undivided too' mira-capture --spool "$tmp/3" "$demo"
exits 0 'a share again adds nothing' mira-capture --spool "$tmp/3" --share 2/3 "$demo"
ok '  nothing waits' test -z "$(ls "$tmp/3/packets/preprocess/ready")"
for bad in 0/3 4/3 1/100 2 a/b ''; do exits 2 "--share '$bad'" mira-capture --spool "$tmp/x" --share "$bad" "$demo"; done
sed 's|^#share = .*|share = "3/2";|' "$top/etc/mira.conf" >"$tmp/etc/mira.conf"
exits 2 'a share that is none in mira.conf' mira-capture --spool "$tmp/x" --config "$tmp/etc/mira.conf" "$demo"
said 'mira.conf:[0-9]*: .*share.* is .*k/n'

# ---- streams with snap lengths ----
{ cat "$top/etc/mira.conf"; echo 'streams = ( { name = "short"; filter = "ip and tcp"; snaplen = 96; }, { name = "long"; snaplen = 1000; } );'; } >"$tmp/etc/mira.conf"
mkdir "$tmp/s.audit"
# shellcheck disable=SC2086
exits 0 'two streams, each with a snap length' mira-capture --spool "$tmp/s" --config "$tmp/etc/mira.conf" $files
cut_at() { # STREAM SNAPLEN: its segments open in tshark, say this snap length at the interface, and hold no longer packet
    local segment longest=0 size
    for segment in $(find "$tmp"/s/packets/preprocess/ready/*."$1"-*/ -name '*.pcapng' -size +16k); do # the larger ones
        size=$(tshark -r "$segment" -T fields -e frame.cap_len 2>"$tmp/.tshark" | sort -n | tail -n 1) || return
        [ "${size:-0}" -le "$2" ] && capinfos "$segment" 2>/dev/null | grep -q "Capture length = $2\$" || { echo "$segment: $size"; return 1; }
        [ "${size:-0}" -le $longest ] || longest=$size
    done
    [ "$longest" = "$2" ] || { echo "longest: $longest"; return 1; }
}
ok '  96 bytes of the one' cut_at short 96
ok '  1000 of the other' cut_at long 1000
exits 0 '  and the rest of the line' audit "$tmp/s"
exits 0 '  whose balance closes' mira balance "$tmp/s.audit"
flows='SELECT window_ms, proto, src, sport, dst, dport, packets, octets, reverse_packets, reverse_octets FROM biflow_text ORDER BY 1, 2, 3, 4, 5, 6'
is '  the biflows are those of whole packets, with the octets that IP says' "$(sql "$tmp/s" "$flows" | md5sum)" "$(sql "$tmp/1" "$flows" | md5sum)"
done_testing
