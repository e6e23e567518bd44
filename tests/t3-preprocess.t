#!/bin/bash
# The stage that turns packets into flows: every packet is in the books once, and a bad batch is rejected with its counts.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
flows_of=${MIRA_BUILD:-$top/build}/tests/flows-of
spool=$tmp/spool
packets=$spool/packets/preprocess
export MIRA_CACHE=$tmp/cache
mkdir "$MIRA_CACHE"

spool() { # the demo, in a new spool
    rm -rf "$spool"
    mira-capture --spool "$spool" --read "$demo" 2>"$tmp/.out"
}
preprocess() { mira-preprocess --spool "$spool" --drain; }
flows() { "$flows_of" "$spool"/flows/shard-0/ready/*/flows.ipfix; }
records() { ipfixDump --rfc5610 --in "$1" | awk -v name="$2" '$0 ~ name" : " { print $NF }'; }
sum() { # ELEMENT: of the ledger rows of all batches
    for file in "$spool"/flows/shard-0/ready/*/flows.ipfix; do
        ipfixDump --rfc5610 --in "$file" | awk -v name="$1" '
            /miraLedger$/ { row = 1 } /^--- data record/ { row = 0 } /tid:.*miraLedger/ { row = 1 }
            row && $0 ~ name" : " { print $NF }'
    done | awk '{ sum += $1 } END { print sum + 0 }'
}
first() { ls "$packets/ready" | head -n 1; }

spool
ok 'a capture becomes flows' preprocess
is '  and its packets are gone' "$(find "$packets" -name '*.pcapng' | wc -l)" 0
total=$(tshark -r "$demo" 2>/dev/null | wc -l)
is '  the ledger holds every packet' "$(sum miraCapturedPackets)" "$total"
is '  flows and ledger hold the same packets' "$(flows | awk -F '\t' '{ sum += $6 } END { print sum }')" "$(sum packetDeltaCount)"
is '  and octets' "$(flows | awk -F '\t' '{ sum += $7 } END { print sum }')" "$(sum octetDeltaCount)"
is '  captured = IP + not IP + malformed' \
    "$(($(sum packetDeltaCount) + $(sum miraNotIpPackets) + $(sum miraMalformedPackets)))" "$total"
flows >"$tmp/whole"

spool
preprocess 2>"$tmp/.out"
flows >"$tmp/again"
ok 'another worker makes the same flows in the same order' cmp "$tmp/whole" "$tmp/again"

spool
batch=$(first)
captured=$(grep -A3 '"counts"' "$packets/ready/$batch/manifest.json" | awk -F '[:,]' '/captured/ { print $2 + 0 }')
printf 'x' | dd of="$packets/ready/$batch/000000.pcapng" bs=1 seek=200 conv=notrunc 2>/dev/null
ok 'a damaged segment does not stop the stage' preprocess
is '  it is rejected' "$(ls "$packets/bad" | grep -cx "$batch")" 1
ok '  with the reason beside it' grep -q 000000.pcapng "$packets/bad/$batch.reason"
is '  and quarantined in the books' "$(records "$spool/flows/shard-0/ready/$batch/flows.ipfix" miraBatchStatus)" 1
is '  with the counts of its manifest' \
    "$(records "$spool/flows/shard-0/ready/$batch/flows.ipfix" miraCapturedPackets)" "$captured"
is '  no packet is missing' "$(sum miraCapturedPackets)" "$total"

# A manifest that agrees with a segment which holds something else: only who reads the packets can tell.
spool
batch=$(first)
manifest=$packets/ready/$batch/manifest.json
sed -i "s/\"captured\": $captured,/\"captured\": $((captured + 1)),/; s/\"seen\": $captured,/\"seen\": $((captured + 1)),/" "$manifest"
ok 'a manifest that counts other packets than there are' preprocess
ok '  is rejected' grep -q "hold $captured packets" "$packets/bad/$batch.reason"

spool
batch=$(first)
echo '{' >"$packets/ready/$batch/manifest.json"
ok 'a manifest that cannot be read' preprocess
ok '  is rejected' grep -q manifest.json "$packets/bad/$batch.reason"
is '  its ledger row says whose batch it was' \
    "$(records "$spool/flows/shard-0/ready/$batch/flows.ipfix" miraRun)" "$(echo "$batch" | awk -F - '{ print $4 }')"

spool
rm -rf "$spool"/state/rules/*
exits 2 'rules that are gone need a person' preprocess
is '  and the batches wait' "$(find "$packets" -name manifest.json | wc -l | awk '{ print ($1 > 0) }')" 1

# A text that lies in two packets which stand in two segments of a batch: in order, the second first, and sent again.
python3 - >"$tmp/split.pcap" <<'END'
import struct, sys
parts = {1: [(0, b"HEL"), (1, b"LO")], 2: [(1, b"LO"), (0, b"HEL")], 3: [(0, b"HEL"), (0, b"HEL"), (1, b"LO"), (1, b"LO")]}
out = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
for port, packets in parts.items():
    for number, (second, text) in enumerate(packets):
        payload = text + b"x" * 3000 if second else b"x" * 3000 + text
        tcp = struct.pack(">HHIIBBHHH", port, 80, 0xfffffff0 + 3003 * second & 0xffffffff, 0, 0x50, 0x18, 0, 0, 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2") + tcp
        out += struct.pack("<IIII", 1700000000, port * 100 + number, len(ip), len(ip)) + ip
sys.stdout.buffer.write(out)
END
mkdir "$tmp/symptoms.d"
printf 'symptom hello tcp\n    text "HELLO"\n' >"$tmp/symptoms.d/hello.sym"
cp "$top/etc/policy.conf" "$tmp/policy.conf"
echo 'segment_bytes = 4096; batch_segments = 64; symptoms = "'"$tmp"'/symptoms.d"; policy = "'"$tmp"'/policy.conf";' >"$tmp/split.conf"
rm -rf "$spool"
MIRA_CONFIG=$tmp/split.conf mira-capture --spool "$spool" --read "$tmp/split.pcap" 2>"$tmp/.out"
is 'each packet has a segment of its own' "$(find "$packets" -name '*.pcapng' | wc -l)" 8
is '  in one batch' "$(ls "$packets/ready" | wc -l)" 1
MIRA_CONFIG=$tmp/split.conf ok 'a text across segments' preprocess
is '  is found once in each stream' "$(flows | cut -f 3,12 | sort | tr '\n' ' ')" "$(printf '1\thello=1 2\thello=1 3\thello=1 ')"
done_testing
