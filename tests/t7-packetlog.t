#!/bin/bash
# The packet log: exactly the packets of the configured classes, as they were captured; all others are gone from the disk.
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
export MIRA_LOG=warn MIRA_CACHE=$tmp MIRA_CONFIG=$tmp/mira.conf
S=$tmp/spool
K=$tmp/kept
mkdir "$tmp/symptoms.d" "$K"
cp "$top/etc/symptoms.d/dns.sym" "$tmp/symptoms.d"
conf() { echo 'policy = "policy.conf"; symptoms = "symptoms.d"; window_s = 5; lateness_s = 1; period_s = 2.0; shards = 2;' "$@" >"$MIRA_CONFIG"; }
cat >"$tmp/policy.conf" <<'E'
classes = (
{ name = "torrent"; class = "P2P"; verdict = "unacceptable"; when = "6881 IN (sport, dport)"; },
{ name = "names"; class = "DNS"; verdict = "review"; when = "53 IN (sport, dport)"; },
{ name = "web"; class = "WEB"; verdict = "acceptable"; when = "80 IN (sport, dport)"; } );
E
packetlog() { mira-packetlog --spool "$S" --out "$K" "$@"; }
captured() { mira-capture --spool "$S" --read "$demo" >"$tmp/.capture" 2>&1 || cat "$tmp/.capture"; }
decided() { mira-preprocess --spool "$S" && mira-consolidate --spool "$S" --batch-biflows 20 && mira-classify --spool "$S"; }
held() { find "$S/packets/packetlog" "$S/verdicts/packetlog" -mindepth 2 -type f 2>/dev/null | wc -l; }
frames() { # FILE FILTER: time, length and content of each packet
    tshark -r "$1" -o frame.generate_md5_hash:TRUE -Y "$2" -T fields -e frame.time_epoch -e frame.len -e frame.md5_hash 2>/dev/null
}
unpack() { # the packets of all archives, in $tmp/out
    rm -rf "$tmp/out" && mkdir "$tmp/out"
    python3 - "$tmp/out" "$K"/until-*/*.zip <<'E'
import hashlib, json, sys, zipfile
for number, path in enumerate(sys.argv[2:]):
    with zipfile.ZipFile(path) as z:
        m, data = json.loads(z.read("manifest.json")), z.read("packets.pcapng")
    f, = m["files"]
    assert (f["name"], f["bytes"], f["sha256"]) == ("packets.pcapng", len(data), hashlib.sha256(data).hexdigest()), m
    assert sum(b["packets"] for b in m["biflows"]) == m["packets"] > 0, m
    assert path.endswith("/until-%s/%s.zip" % (m["until"], m["batch"])), m
    open("%s/%d.pcapng" % (sys.argv[1], number), "wb").write(data)
    for b in m["biflows"]:
        print(b["class"], b["verdict"], b["rule"])
E
}
kept() { for file in "$tmp"/out/*.pcapng; do frames "$file" "$1"; done | sort; }

conf 'packet_log = "P2P, names";'
ok 'the first start subscribes' packetlog
captured
cp -a "$S" "$tmp/captured"
batches=$(ls "$S/packets/packetlog/ready" | wc -l)
ok 'no verdicts yet' packetlog
is "  all $batches batches wait" "$(ls "$S/packets/packetlog/ready" | wc -l)" "$batches"
is '  and nothing is kept' "$(ls "$K")" ''
is '  which mira status knows to be no backlog' "$(mira status --spool "$S" --json | python3 -c 'import json, sys
print(*[q["held"] for q in json.load(sys.stdin)["queues"] if q["reader"] == "packetlog" and q["queue"] == "packets"])')" "$batches"
decided
cp -a "$S" "$tmp/decided"
ok 'the verdicts are there' packetlog
is '  nothing is held any more' "$(held)" 0
ok '  the archives agree with their manifests' unpack
is '  and with what was configured' "$(sort -u "$tmp/.out" | tr '\n' ' ')" 'DNS review names P2P unacceptable torrent '
frames "$demo" 'tcp.port == 6881 || udp.port == 53 || tcp.port == 53' | sort >"$tmp/wanted"
ok "exactly the $(wc -l <"$tmp/wanted") packets that tshark finds, as they were captured" diff "$tmp/wanted" <(kept frame)
ok '  which are some' test -s "$tmp/wanted"
is '  no packet of anything else is on the disk' "$(find "$S" -name '*.pcapng' | wc -l)" 0
is '  one line in the log for each archive' "$(grep -c '"what":"kept"' "$K/log.jsonl")" "$(ls "$K"/until-*/*.zip | wc -l)"
is '  for nobody else' "$(stat -c %a "$K"/until-*/*.zip | sort -u)" 640

# Again and again, killed in between.
rm -rf "$S" "$K"/*
cp -a "$tmp/decided" "$S"
died=
for at in claimed:1 attempt:2 commit:1 commit:2 committed:1 removed:1; do
    (MIRA_FAULT=$at packetlog) 2>/dev/null
    died="$died $?"
done
if [ "$died" = ' 0 0 0 0 0 0' ]; then
    echo '# this build has no fault points'
else
    is 'killed six times' "$died" ' 137 137 137 137 137 137'
fi
ok '  started again' packetlog
ok '  the archives agree with their manifests' unpack
ok '  every packet was kept once' diff "$tmp/wanted" <(kept frame)
is '  nothing is held, nothing half is left' "$(held) $(ls -A "$K" | grep -c '^\.')" '0 0'

# The snap length, and the day on which it ends.
conf 'packet_log = "unacceptable"; packet_log_snaplen = 64; packet_log_days = 3;'
rm -rf "$S" "$K"/*
cp -a "$tmp/decided" "$S"
ok 'cut to 64 bytes' packetlog
unpack >/dev/null
is '  as long on the wire as before' "$(kept frame | cut -f1,2 | md5sum)" "$(frames "$demo" 'tcp.port == 6881' | sort | cut -f1,2 | md5sum)"
is '  no more than 64 bytes of each' "$(for f in "$tmp"/out/*; do tshark -r "$f" -T fields -e frame.cap_len 2>/dev/null; done | sort -n | tail -1)" 64
is '  for three days' "$(ls -d "$K"/until-*)" "$K/until-$(date -u -d '3 days' +%F)"
mv "$K"/until-* "$K/until-2020-01-01"
ok 'the day is over' packetlog
is '  they are gone' "$(ls "$K")" log.jsonl
ok '  and the log tells' grep -q '"what":"expired","name":"until-2020-01-01"' "$K/log.jsonl"

# Bounds.
rm -rf "$S"
cp -a "$tmp/captured" "$S"
ok 'more waits than may' packetlog --max-held 1
is '  it is given up' "$(held)" 0
is '  and the log tells' "$(grep -c '"what":"given up"' "$K/log.jsonl")" "$batches"
rm -rf "$S"
cp -a "$tmp/captured" "$S"
touch -d '2 hours ago' "$S"/packets/packetlog/ready/*
ok 'longer than it may' packetlog
is '  it is given up' "$(held)" 0

# Off; what was being packed is left.
rm -rf "$S" "$K"/*
cp -a "$tmp/decided" "$S"
mkdir "$K/log.jsonl"
exits 2 'a log that cannot be written' packetlog --tries 1
is '  packets that nobody took care of' "$(find "$K" -name '.*.pcapng' | wc -l)" 1
rmdir "$K/log.jsonl"
mkdir "$K/until-2020-01-01"
find "$K" -type f -exec touch -d '2 days ago' {} +
rm -rf "$S"
cp -a "$tmp/captured" "$S"
conf
ok 'nothing is configured' packetlog
is '  what is past its day is gone' "$(ls -A "$K")" log.jsonl
is '  what was held is gone' "$(ls "$S/packets" "$S/verdicts" | grep -c packetlog)" 0
decided
is '  and nothing comes any more' "$(ls "$S/packets" "$S/verdicts" | grep -c packetlog)" 0
conf 'packet_log = "P2B";'
exits 2 'a class that the policy does not have' packetlog
conf 'packet_log = "P2P";'
exits 2 'no folder is named' mira-packetlog --spool "$S"
exits 2 'a folder that is not there' mira-packetlog --spool "$S" --out "$tmp/none"
exits 2 'a bound that is none' packetlog --max-held 0
done_testing
