#!/bin/bash
# How right the verdicts are: the tool that measures it, on the bundled capture; and a sample of the labelled captures, where they are, whose
# floor a regression of rules, decoding or names falls through. All of them: `make accuracy`.
. "$(dirname "$0")/tap.sh"
build=$(dirname "$MIRA_BIN")
accuracy() { "$top/tests/accuracy" --build "$build" "$@"; }

# The bundled capture, labelled by what its programs transferred; the clients' ports are in its packets.
mkdir "$tmp/demo"
cp "$top/tests/data/demo.pcap" "$tmp/demo"
tshark -n -r "$tmp/demo/demo.pcap" -Y 'ip && tcp.flags.syn == 1 && tcp.flags.ack == 0' -T fields -e ip.src -e tcp.srcport -e ip.dst \
    -e tcp.dstport >"$tmp/connections" 2>/dev/null
awk -F'\t' -v OFS='\t' '
    NR == FNR { port[$1, $3, $4] = $2; next }
    FNR == 1 { print "pcap", "l4", "src_ip", "src_port", "dst_ip", "dst_port", "bytes_fwd", "bytes_rev", "ndpi_proto", "ndpi_category",
        "confidence", "hostname", "quality", "mira_hint" }
    ($4, $5, $6) in port { print "demo.pcap", toupper($3), $5, $6, $4, port[$4, $5, $6], $10, $8, "-", "-", "DPI", "", "A", $2 }
' "$tmp/connections" "$top/tests/data/demo.truth.tsv" >"$tmp/demo/labels.tsv"
exits 0 'the bundled capture is classified as it was made' accuracy --data "$tmp/demo" --least 100 --most-wrong 0 --json "$tmp/figures"
is '  all its connections are scored' \
    "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["figures"]["all"]["flows"])' "$tmp/figures")" \
    "$(($(wc -l <"$tmp/demo/labels.tsv") - 1))"

# A policy that is wrong on the web, right on mail, and knows nothing else.
cp -r "$top/etc/symptoms.d" "$tmp"
printf 'policy = "policy.conf";\nsymptoms = "symptoms.d";\n' >"$tmp/mira.conf"
echo 'classes = ( { name = "all_mail"; class = "MAIL"; verdict = "review"; when = "dport IN (25, 80)"; } );' >"$tmp/policy.conf"
exits 1 'verdicts that are wrong end it with 1' accuracy --data "$tmp/demo" --config "$tmp/mira.conf" --most-wrong 1
cp "$tmp/.out" "$tmp/report"
ok '  the confusion names them' grep '^  WEB  *MAIL ' "$tmp/report"
ok '  and UNKNOWN is told apart' grep '^  P2P  *UNKNOWN ' "$tmp/report"
exits 1 'so do too few that are right' accuracy --data "$tmp/demo" --config "$tmp/mira.conf" --least 50

if [ -e "$data/labels.tsv" ]; then
    exits 0 'a sample of the labelled captures: 99 % agree, 1 % at most are wrong' accuracy --least 99 --most-wrong 1 \
        1kxun BGP_redist IEC104 activision bittorrent_utp discord.pcap lisp_reg openvpn.pcap pgsql rdp3 sip.pcap snapchat_call_v1 spotify_tcp \
        tftp webdav wow.pcap zattoo zug
    grep '^all  ' "$tmp/.out" | sed 's/^/# /'
fi
done_testing
