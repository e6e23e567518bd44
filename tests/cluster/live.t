#!/bin/bash
# A live capture at full load while nobody reads: real captures are sent over a veth pair of h1 as fast as that host can, and the
# preprocessors, on h2, stand still for 5 minutes. The spool stays below its mark, looked at every second; what does not fit is
# shed and counted; the line resumes by itself, and in the end every packet that was sent is in the books, once.
. "$(dirname "$0")/cluster.sh"
pause=${MIRA_PAUSE:-300} # seconds
load=$((pause + 60))     # of sending
most=12                  # batches
cat >"$conf" <<END
period_s = 1.0;
segment_bytes = 1048576;
batch_segments = 4;
max_batches = $most;
ring_bytes = 16777216;
policy = "$top/etc/policy.conf";
symptoms = "$top/etc/symptoms.d";
store = "/srv/local/audit/mira.db";
END
inputs=$top/tests/data/demo.pcap
for file in "$data"/pcaps/ndpi/{youtube_quic,bittorrent_utp,smb_frags,dns_fragmented}.pcap; do
	[ ! -f "$file" ] || inputs+=" $file"
done
# shellcheck disable=SC2086
mergecap -F pcap -a -s 1514 -w "$run/load.pcap" $inputs
note "$(capinfos -T -m -r -c "$run/load.pcap" | cut -d, -f2) packets of $(wc -w <<<"$inputs") captures, again and again"

lab_up
lab host h1 11 "modprobe -d /run/m veth
	ip link add v0 type veth peer name v1
	sysctl -q -w net.ipv6.conf.v0.disable_ipv6=1 net.ipv6.conf.v1.disable_ipv6=1
	ip link set v0 mtu 9000 up; ip link set v1 mtu 9000 up
	MIRA_CONFIG='$conf' '$MIRA_BIN/mira-capture' --spool $spool -i v1 --probe link >/dev/console 2>&1; echo CAPTURE ENDS \$? >/dev/console"
LAB_LOCAL=$run/h2.img lab host h2 12 "$(on_host preprocess consolidate classify store)"
logged() { grep -aq "$2" "$run/$1.log"; } # HOST TEXT
ok 'the capture runs' until_ 60 logged h1 'capturing v1'

# Once a second: time and batches of the queue, without a process; beside that its KiB, and the memory of the capture.
cat >"$run/watch" <<'END'
shopt -s nullglob
cd /srv/disk/mira/packets/preprocess && mkfifo /run/no-one && exec 8<>/run/no-one || exit
while :; do
	batches=(ready/2* work/*/2*)
	echo "$SECONDS ${#batches[@]}"
	now=$SECONDS
	while [ "$SECONDS" = "$now" ]; do read -r -t 0.05 -u 8; done
done >/srv/out/samples 2>/dev/null
END
on server "setsid bash '$run/watch' >/dev/null 2>&1 </dev/null &"
on server "setsid bash -c 'while sleep 2; do du -sk /srv/disk/mira/packets/preprocess | cut -f1; done >/srv/out/kib 2>/dev/null' >/dev/null 2>&1 </dev/null &"
on h1 "setsid bash -c 'while sleep 1; do awk \"/^VmRSS/ { print \\\$2 }\" /proc/\$(pgrep -x mira-capture)/status; done >/srv/out/memory 2>/dev/null' >/dev/null 2>&1 </dev/null &"
on h1 "setsid tcpreplay -q -i v0 --topspeed -K --loop=0 --duration=$load '$run/load.pcap' >/srv/out/sent 2>&1 </dev/null &"
until_ 60 test -s "$run/out/samples"
sleep 15
on h2 'pkill -STOP -x mira-preprocess'
note 'the preprocessors stand still'
ok 'the capture sheds, and says so' until_ 60 logged h1 'packets are shed'
sleep "$pause"
before=$(grep -ac 'captured again' "$run/h1.log")
on h2 'pkill -CONT -x mira-preprocess'
note 'they go on'
resumed() { [ "$(grep -ac 'captured again' "$run/h1.log")" -gt "$before" ]; }
ok 'the line resumes by itself' until_ 120 resumed
sent() { grep -q 'Successful packets' "$run/out/sent"; }
ok 'all is sent' until_ 300 sent
sed 's/^/# /' "$run/out/sent"
on h1 'for f in v0/statistics/tx_packets v0/statistics/tx_dropped v1/statistics/rx_packets v1/statistics/rx_dropped; do
	echo $f $(cat /sys/class/net/$f); done' >"$run/counters"
sed 's/^/# /' "$run/counters"
on h1 'pkill -TERM -x mira-capture'
ok 'the capture ends in order' until_ 120 logged h1 'CAPTURE ENDS 0'
ok 'the line is drained' until_ 600 drained h2
on h2 'pkill -TERM -x "mira-[a-z]*"; while pgrep -x "mira-[a-z]*"; do sleep 0.1; done' >/dev/null
note 'drained'

counter() { awk -v name="$1" '$1 == name { print $2 }' "$run/counters"; }
packets=$(awk '/Successful packets/ { print $3 }' "$run/out/sent")
ledger() { on h2 "sqlite3 /srv/local/audit/mira.db 'SELECT sum(packets_$1) FROM ledger'"; }
for term in seen captured filtered dropped shed; do printf '# %s %s\n' $term "$(ledger $term)"; done
exits 0 'the balance closes' on h2 "'$MIRA_BIN/mira' balance /srv/local/audit"
ok "the load was heavy: $((packets / load)) packets a second" test $((packets / load)) -gt 5000
is 'what the sender counted is what its interface did' "$(($(counter v0/statistics/tx_packets) + $(counter v0/statistics/tx_dropped)))" "$packets"
is 'seen, and what the interfaces dropped, is what the sender counted' "$(($(ledger seen) + $(counter v0/statistics/tx_dropped)))" "$packets"
ok 'most was shed, and counted' test "$(ledger shed)" -gt $((packets / 4))
ok 'some was captured' test "$(ledger captured)" -gt 20000
ok "the queue was looked at every second: $(wc -l <"$run/out/samples") times" test "$(wc -l <"$run/out/samples")" -gt $((pause * 8 / 10))
is "  and never above max_batches = $most" "$(awk -v most=$most '$2 > most { print }' "$run/out/samples")" ''
ok "  and full: $(sort -k2,2n "$run/out/samples" | tail -n 1)" awk -v most=$most '$2 >= most - 2 { full = 1 } END { exit !full }' "$run/out/samples"
is '  nor had it more KiB than so many batches have' "$(awk -v most=$((most * 4 * 1024 + 1024)) '$1 > most { print }' "$run/out/kib")" ''
memory=$(sort -n "$run/out/memory" | tail -n 1)
ok "the capture's memory stays: $memory KiB at most" test "$memory" -lt 200000
done_testing
