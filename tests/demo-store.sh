# demo-store.sh: sourced by tests of what reads the store: an audit of the demo capture in $A, whose DNS is acceptable, by the
# configuration MIRA_CONFIG; sql STATEMENT asks and changes its store, resum makes the sums follow.
mkdir "$tmp/symptoms.d" && cp "$top/etc/symptoms.d/dns.sym" "$tmp/symptoms.d"
echo 'classes = ( { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns"; } );' >"$tmp/policy.conf"
ok 'an audit of the demo capture' mira run --out "$A" "$top/tests/data/demo.pcap"
sql() { sqlite3 -separator ' ' "$A/mira.db" "$1"; }
resum() { # the sums of the store follow
    sql 'DELETE FROM rollup_window; INSERT INTO rollup_window SELECT window_ms, decision, count(*), sum(packets + coalesce(reverse_packets, 0)),
        sum(octets + coalesce(reverse_octets, 0)), 0, 0, 0, 0, 0, 0 FROM biflow GROUP BY window_ms, decision'
}
