#!/bin/bash
# The files between the stages are standards: other programs open them, stage by stage, on one spool.
. "$(dirname "$0")/tap.sh"
command -v tshark >/dev/null && command -v ipfixDump >/dev/null || skip_all 'needs tshark and ipfixDump'
demo=$top/tests/data/demo.pcap
spool=$tmp/spool

exits 0 'capture' mira-capture --spool "$spool" --segment-size 200k --read "$demo"
segments=("$spool"/packets/preprocess/ready/*/*.pcapng)
ok "tshark opens ${#segments[@]} packets segments" test ${#segments[@]} -ge 5
for segment in "${segments[@]}"; do tshark -n -r "$segment" -T fields -e frame.time_epoch -e frame.len; done \
    >"$tmp/packets" 2>"$tmp/warnings"
is '  without a word' "$(grep -v 'Running as user' "$tmp/warnings")" ''
tshark -n -r "$demo" -T fields -e frame.time_epoch -e frame.len >"$tmp/wanted" 2>/dev/null
ok '  and finds the packets of the trace, times and lengths' cmp "$tmp/wanted" "$tmp/packets"
capinfos -c -K "${segments[0]}" >"$tmp/.last" 2>&1
ok '  and the statistics of the interface' bash -c "tshark -n -r '${segments[0]}' -o frame.generate_md5_hash:FALSE -z io,stat,0 -q >/dev/null 2>&1"

dump() { # QUEUE READER FILE ELEMENT...: ipfixDump of every file there, with our names and no warning
    local queue=$1 reader=$2 file=$3 found=("$spool/$1/$2"/ready/*/"$3")
    shift 3
    ok "ipfixDump opens ${#found[@]} $queue files" test -s "${found[0]}"
    for one in "${found[@]}"; do ipfixDump --rfc5610 --in "$one"; done >"$tmp/dump" 2>"$tmp/warnings"
    is '  without a warning' "$(cat "$tmp/warnings")" ''
    exits 1 '  no element without a name' grep -Ei 'alien|unknown|_alienInformationElement' "$tmp/dump"
    for element in "$@"; do ok "  $element" grep -q "$element" "$tmp/dump"; done
}
exits 0 'preprocess' mira-preprocess --spool "$spool" --drain
dump flows shard-0 flows.ipfix sourceIPv4Address sourceIPv6Address packetDeltaCount octetDeltaCount samplingProbability \
    miraSymptomName miraFirstPacketIndex miraTunnelEndpoints
exits 0 'consolidate' mira-consolidate --spool "$spool" --drain
dump biflows classify biflows.ipfix reversePacketDeltaCount reverseOctetDeltaCount miraWindowStartMilliseconds
exits 0 'classify' mira-classify --spool "$spool" --drain
dump verdicts store verdicts.ipfix miraClass miraVerdict miraRule
exits 0 'store' mira-store --spool "$spool" --drain --db "$tmp/mira.db"
exits 0 'the balance closes' mira balance "$tmp"
exits 0 'the balance of the spool closes' mira balance --spool "$spool"
exits 0 'report' mira-report --db "$tmp/mira.db" --out "$tmp"
done_testing
