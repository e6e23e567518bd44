#!/bin/bash
# Export: public collectors receive what the store holds, over UDP, TCP and in files; what is anonymised is, and says so.
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/tap.sh"
export MIRA_LOG=err MIRA_CACHE=$tmp MIRA_CONFIG=$tmp/mira.conf TZ=UTC
S=$tmp/spool
DB=$tmp/mira.db
mkdir "$tmp/symptoms.d" "$tmp/files"
cp "$top/etc/symptoms.d/dns.sym" "$tmp/symptoms.d"
echo 'policy = "policy.conf"; symptoms = "symptoms.d"; window_s = 5; lateness_s = 1;
    aggregates = ( { name = "campus"; prefixes = [ "10.0.0.0/8" ]; } );' >"$MIRA_CONFIG"
echo 'classes = ( { name = "web"; class = "WEB"; verdict = "acceptable"; when = "80 IN (sport, dport)"; } );' >"$tmp/policy.conf"
send() { timeout 60 mira-export --spool "$S" --db "$DB" "$@"; }
sql() { sqlite3 -separator ' ' "$DB" "$1"; }

mkdir -p "$S"/verdicts/export
mira-capture --spool "$S" --read "$top/tests/data/demo.pcap" && mira-preprocess --spool "$S" && mira-consolidate --spool "$S" --batch-biflows 20 &&
    mira-classify --spool "$S" && mira-store --spool "$S" --db "$DB"
cp -a "$S" "$tmp/waiting"
again() { rm -rf "$S" && cp -a "$tmp/waiting" "$S"; }
batches=$(ls "$S/verdicts/export/ready" | wc -l)

# Files.
ok "$batches batches into files" send --to "file:$tmp/files"
is '  one each' "$(ls "$tmp/files" | wc -l)" "$batches"
is '  the queue is empty' "$(ls "$S"/verdicts/export/{ready,work,done} | grep -c '^0')" 0
cat "$tmp"/files/*.ipfix >"$tmp/all.ipfix" # RFC 5655: files may be joined
dumped() { for file in "$1"/*.ipfix; do ipfixDump --rfc5610 --in "$file"; done >"$tmp/dump"; }
count() { awk -v name="$1" '$2 == name { n += $4 } END { print n + 0 }' "$tmp/dump"; }
totals() { echo "$(count packetDeltaCount) $(count octetDeltaCount) $(count reversePacketDeltaCount) $(count reverseOctetDeltaCount)"; }
values() { awk -v name="$1" '$2 == name { print $4 }' "$tmp/dump" | sort; }
dumped "$tmp/files"
is '  with the totals of the store' "$(totals)" "$(sql 'SELECT sum(packets), sum(octets), sum(reverse_packets), sum(reverse_octets) FROM biflow_text')"
is '  and its rules' "$(awk '$2 == "miraRule" { print $NF }' "$tmp/dump" | sort | uniq -c | tr -s ' \n' ' ')" \
    "$(sql 'SELECT count(*), rule FROM biflow_text GROUP BY rule ORDER BY rule' | tr '\n' ' ' | sed 's/^/ /')"
is '  one that was not seen both ways has no reverse elements' "$(grep -c ' reversePacketDeltaCount :' "$tmp/dump")" \
    "$(sql 'SELECT count(reverse_packets) FROM biflow_text')"
ok '  no element is unknown' test "$(grep -c _alien "$tmp/dump")" = 0
same() { python3 -c 'import ipaddress, sys; print(*sorted(str(ipaddress.ip_address(line.strip())) for line in sys.stdin), sep="\n")'; }
addresses() { values sourceIPv4Address; values destinationIPv4Address; values sourceIPv6Address; values destinationIPv6Address; }
stored() { sql 'SELECT src FROM biflow_text UNION ALL SELECT dst FROM biflow_text'; }
is '  no address of the capture' "$(addresses | same | grep -cxFf <(stored))" 0
is '  as many hosts, as often each' "$(addresses | sort | uniq -c | awk '{ print $1 }' | sort -n | tr '\n' ' ')" \
    "$(stored | sort | uniq -c | awk '{ print $1 }' | sort -n | tr '\n' ' ')"
firsts() { sed -n 's/^\([0-9]*\)\..*/\1/p' | sort -u | wc -l; }
is '  those of one /8 share 8 bits' "$(addresses | firsts)" "$(stored | firsts)"
techniques() { # element and technique, once each
    awk '$2 == "informationElementId" { e = $4 } $3 == "informationElementId" { e = $5 } $2 == "anonymizationTechnique" { print e "=" $4 }' "$tmp/dump" | sort -u | tr '\n' ' '
}
is '  RFC 6235: structured permutation of four elements' "$(techniques)" '12=6 27=6 28=6 8=6 '

again
ok 'cut to networks and minutes' send --to "file:$tmp/files" --anonymize 24,48 --precision 60
dumped "$tmp/files"
is '  the same files, made anew' "$(ls "$tmp/files" | wc -l)" "$batches"
is '  networks of 24 bits' "$(values sourceIPv4Address | sort -u | tr '\n' ' ')" \
    "$(sql "SELECT src FROM biflow_text WHERE src LIKE '%.%'" | sed 's/\.[0-9]*$/.0/' | sort -u | tr '\n' ' ')"
is '  whole minutes' "$(awk '$2 ~ /^flow(Start|End)Milliseconds$/' "$tmp/dump" | grep -vc ':00.000')" 0
is '  RFC 6235: precision degradation, of the times as well' "$(techniques)" '12=2 152=2 153=2 27=2 28=2 8=2 '

again
sed 's/^policy/privacy = { level = "group"; }; policy/' "$MIRA_CONFIG" >"$tmp/group.conf"
ok 'at the level group' send --to "file:$tmp/files" --config "$tmp/group.conf"
dumped "$tmp/files"
is '  no bit of an address' "$(addresses | same | sort -u | tr '\n' ' ')" '0.0.0.0 :: '

again
(MIRA_FAULT=commit:2 send --to "file:$tmp/files" --anonymize none) 2>/dev/null
ok 'killed between file and commit, then again' send --to "file:$tmp/files" --anonymize none
dumped "$tmp/files"
is '  every address as stored, once' "$(addresses | same | md5sum)" "$(stored | same | md5sum)"
is '  nothing is anonymised, nothing says so' "$(techniques)" ''

mkdir "$tmp/long"
"${MIRA_BUILD:-$top/build}/tests/biflow-batches" make "$tmp/many" verdicts 1 1 3000
mkdir "$tmp/many/verdicts/export" && mv "$tmp/many/verdicts/store/ready" "$tmp/many/verdicts/export/"
ok '3000 biflows' env MIRA_CONFIG= mira-export --spool "$tmp/many" --to "file:$tmp/long" --anonymize none
dumped "$tmp/long"
ok '  in several messages' test "$(grep -c 'Message Header' "$tmp/dump")" -ge 6
is '  none is missing' "$(grep -c ' packetDeltaCount :' "$tmp/dump")" 3000

# UDP, to nfcapd: totals by its own reckoning.
free_port() { python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.'"$1"'); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listens() { # PROTOCOL PORT
    for _ in $(seq 300); do grep -qi ":$(printf %04X "$2") " "/proc/net/$1" && return; sleep 0.05; done
    return 1
}
if command -v nfcapd >/dev/null; then
    again
    mkdir "$tmp/nf"
    port=$(free_port SOCK_DGRAM)
    exits 1 'nobody listens on the UDP port' send --to "udp:127.0.0.1:$port" --anonymize none --tries 1
    nfcapd -b 127.0.0.1 -p "$port" -w "$tmp/nf" -t 3600 >"$tmp/nf.log" 2>&1 &
    collector=$!
    ok 'nfcapd listens' listens udp "$port"
    ok "over UDP" send --to "udp:127.0.0.1:$port" --anonymize none --uniflows --mtu 1200
    kill $collector && wait $collector
    nfdump -R "$tmp/nf" -I >"$tmp/nf.stat" 2>&1
    is '  nfdump finds as many flows, packets and octets' \
        "$(sed -nE 's/^(Flows|Packets|Bytes): *([0-9]+)$/\2/p' "$tmp/nf.stat" | tr '\n' ' ')" \
        "$(sql 'SELECT count(*) + count(reverse_packets), sum(packets) + sum(reverse_packets), sum(octets) + sum(reverse_octets) FROM biflow_text' | tr '\n' ' ')"
else
    ok 'over UDP to nfcapd # skipped: no nfdump' true
fi

# TCP: a collector that reads to the end; one that is away; one that dies in between.
cat >"$tmp/collect.py" <<'E'
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
for number in range(int(sys.argv[2])):
    peer, _ = server.accept()
    if len(sys.argv) > 4:  # dies before it has read all
        peer.recv(16)
        sys.exit()
    with open("%s/%d.ipfix" % (sys.argv[3], number), "wb") as out:
        while data := peer.recv(65536):
            out.write(data)
    peer.close()
E
again
mkdir "$tmp/tcp"
port=$(free_port SOCK_STREAM)
exits 1 'the collector is away' send --to "tcp:127.0.0.1:$port" --anonymize none --tries 1
is '  nothing is given up' "$(ls "$S"/verdicts/export/ready | wc -l)" "$batches"
timeout 60 python3 "$tmp/collect.py" "$port" 1 "$tmp/tcp" dies &
listens tcp "$port"
exits 1 'it dies before it has read all' send --to "tcp:127.0.0.1:$port" --anonymize none --tries 1
wait $!
is '  nothing is given up' "$(ls "$S"/verdicts/export/ready | wc -l)" "$batches"
timeout 60 python3 "$tmp/collect.py" "$port" "$batches" "$tmp/tcp" &
listens tcp "$port"
ok 'it is back' send --to "tcp:127.0.0.1:$port" --anonymize none
wait $!
dumped "$tmp/tcp"
is '  it has the totals of the store' "$(totals)" "$(sql 'SELECT sum(packets), sum(octets), sum(reverse_packets), sum(reverse_octets) FROM biflow_text')"

exits 2 'no collector is named' mira-export --spool "$S" --db "$DB"
exits 2 'a collector of another kind' send --to sctp:127.0.0.1:4739
exits 2 'a collector without a port' send --to tcp:127.0.0.1
exits 2 'more bits than an address has' send --to file:/tmp --anonymize 33,48
exits 2 'anonymised without a key' mira-export --spool "$S" --to file:/tmp
done_testing
