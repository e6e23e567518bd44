#!/bin/bash
# mira-capture: every packet of every kind of input is in the spool once, or counted, and what cannot be captured is said.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
cp -r "$top/etc" "$tmp/etc"
export MIRA_CONFIG=$tmp/etc/mira.conf
capture() { timeout 120 mira-capture "$@"; }
# says TEXT: what the last "ok" or "exits" printed holds it (kept, for the next check overwrites it)
said() { cp "$tmp/.out" "$tmp/.said"; }
says() { ok "  and says: $1" grep -qE -- "$1" "$tmp/.said"; }
ready() { ls -d "$1"/packets/preprocess/ready/* 2>/dev/null; }

# books SPOOL: a line a stream: stream, captured, filtered, seen, ends, damaged; checks what must hold of the manifests.
cat >"$tmp/books.py" <<'END'
import glob, json, sys
streams = {}
for path in sorted(glob.glob(sys.argv[1] + '/packets/preprocess/ready/*/manifest.json')):
    m = json.load(open(path))
    s = streams.setdefault((m['stream'], m['run']), dict(batches=[], damaged=''))
    s['batches'].append(m)
    s['damaged'] = m.get('damaged', s['damaged'])
for (stream, run), s in sorted(streams.items()):
    batches = sorted(s['batches'], key=lambda m: m['seq'])
    total = dict.fromkeys(batches[0]['counts'], 0)
    for seq, m in enumerate(batches):
        c = m['counts']
        assert m['seq'] == seq, (m['name'], 'gap')
        assert c['seen'] == c['captured'] + c['filtered'] + c['dropped'] + c['shed'], m['name']
        assert m['packet_index'] == total['captured'], m['name']
        for key in total:
            total[key] += c[key]
        assert m['cumulative'] == total, m['name']
        assert m['end'] == (seq == len(batches) - 1), (m['name'], 'end')
    print(stream, total['captured'], total['filtered'], total['seen'], s['damaged'].replace(' ', '_') or '-')
END
books() { python3 "$tmp/books.py" "$1"; }
manifests() { for batch in $(ready "$1"); do cat "$batch/manifest.json"; done; }
packets() { capinfos -T -m -r -c -M "$1" 2>/dev/null | sed 's/.*,//'; }
content() { for file in "$@"; do tcpdump -nn -S -q -tt -xx -r "$file" 2>/dev/null; done | md5sum; }
segments() { for batch in $(ready "$1"); do ls "$batch"/*.pcapng; done; }

# A trace is cut by its packets alone: whoever goes on with it, on another host, cuts it alike.
for kernel in '' 'setarch --uname-2.6'; do
    $kernel mira-capture --spool "$tmp/alike" --segment-size 4096 --read "$demo" 2>/dev/null
    for file in $(segments "$tmp/alike"); do md5sum <"$file"; done >"$tmp/alike.${kernel:+other}"
    rm -r "$tmp/alike"
done
ok "$(wc -l <"$tmp/alike.") segments are the same under another kernel" cmp "$tmp/alike." "$tmp/alike.other"
total=$(packets "$demo")

# ---- a trace ----
ok 'a trace' capture --spool "$tmp/a" --segment-size 100k --period 2 --read "$demo"
is '  is in the spool' "$(books "$tmp/a")" "demo.pcap $total 0 $total -"
is '  packet by packet, with times and lengths' "$(content $(segments "$tmp/a"))" "$(content "$demo")"
ok '  in segments of at most that size' test -z "$(find "$tmp/a" -name '*.pcapng' -size +100k)"
for segment in $(segments "$tmp/a"); do tshark -r "$segment" >/dev/null || echo "$segment"; done >"$tmp/refused" 2>/dev/null
is '  that tshark opens' "$(cat "$tmp/refused")" ''
ok '  with nothing left behind' test -z "$(ls "$tmp/a/capture/tmp" "$tmp/a/capture/done" "$tmp/a/workers" | grep -v :)"
manifests "$tmp/a" >"$tmp/a.manifests"
ok 'the same trace again' capture --spool "$tmp/a" --segment-size 100k --period 2 "$demo"
cp "$demo" "$tmp/renamed.pcap"
ok 'and under another name' capture --spool "$tmp/a" --segment-size 100k --period 2 "$tmp/renamed.pcap"
is '  adds nothing' "$(manifests "$tmp/a" | md5sum)" "$(md5sum <"$tmp/a.manifests")"
ok 'the same trace elsewhere' capture --spool "$tmp/b" --segment-size 100k --period 2 "$demo"
is '  is cut the same way' "$(manifests "$tmp/b" | md5sum)" "$(md5sum <"$tmp/a.manifests")"

# ---- formats ----
editcap -F nsecpcap "$demo" "$tmp/nano.pcap"
editcap -F pcapng "$demo" "$tmp/demo.pcapng"
editcap -F modpcap "$demo" "$tmp/modified.pcap" 2>/dev/null
mergecap -F pcapng -I none -w "$tmp/merged.pcapng" "$demo" "$tmp/nano.pcap"
cat "$tmp/demo.pcapng" "$tmp/demo.pcapng" >"$tmp/sections.pcapng"
for file in nano.pcap demo.pcapng modified.pcap merged.pcapng sections.pcapng; do
    rm -rf "$tmp/c"
    [ -s "$tmp/$file" ] || continue
    ok "format: $file" capture --spool "$tmp/c" "$tmp/$file"
    n=$(packets "$tmp/$file")
    is '  every packet' "$(books "$tmp/c")" "$file $n 0 $n -"
done

# ---- archives ----
mkdir -p "$tmp/in/sub" "$tmp/x"
cp "$demo" "$tmp/in/one.pcap"
cp "$tmp/demo.pcapng" "$tmp/in/sub/two.pcapng"
gzip -c "$tmp/nano.pcap" >"$tmp/in/three.pcap.gz"
echo 'Not packets.' >"$tmp/in/README"
tar cf "$tmp/x/a.tar" -C "$tmp/in" .
for tool in gzip bzip2 xz zstd; do
    $tool -c "$tmp/x/a.tar" >"$tmp/x/a.tar.$tool"
    $tool -c "$demo" >"$tmp/x/demo.$tool"
done 2>/dev/null
(cd "$tmp/in" && zip -q -r ../x/a.zip .)
(cd "$tmp/x" && zip -q nested.zip a.tar.xz)
for file in a.tar a.tar.gzip a.tar.bzip2 a.tar.xz a.tar.zstd a.zip nested.zip; do
    rm -rf "$tmp/c"
    ok "archive: $file" capture --spool "$tmp/c" "$tmp/x/$file"
    said
    is '  a stream each, every packet' "$(books "$tmp/c" | cut -d' ' -f2- | sort | uniq -c | sed 's/^ *//')" "3 $total 0 $total -"
    says 'README.*skipped'
done
for tool in gzip bzip2 xz zstd; do
    rm -rf "$tmp/c"
    ok "compressed: $tool" capture --spool "$tmp/c" "$tmp/x/demo.$tool"
    is '  every packet' "$(books "$tmp/c")" "demo.$tool $total 0 $total -"
done

# ---- standard input ----
ok 'standard input' capture --spool "$tmp/d" --read - <"$demo"
is '  every packet' "$(books "$tmp/d")" "stdin $total 0 $total -"
piped() { "$@" | capture --spool "$tmp/d" -; }
ok 'a compressed archive out of a pipe' piped cat "$tmp/x/a.tar.gzip"
is '  every member' "$(books "$tmp/d" | cut -d' ' -f2 | uniq -c | sed 's/^ *//')" "4 $total"

# ---- several files, streams, filters ----
mkdir -p "$tmp/other"
head -c 200000 "$demo" >"$tmp/other/demo.pcap"
ok 'two files of one name' capture --spool "$tmp/e" "$demo" "$tmp/other/demo.pcap"
is '  are two streams' "$(books "$tmp/e" | cut -d' ' -f1 | tr '\n' ' ')" 'demo.pcap demo.pcap_2 '
ok 'the second alone' capture --spool "$tmp/e" "$tmp/other/demo.pcap"
is '  is known as before' "$(books "$tmp/e" | wc -l)" 2
cp -r "$tmp/etc" "$tmp/streams"
echo 'streams = ( { name = "dns"; filter = "port 53"; }, { name = "rest"; filter = "ip"; snaplen = 64; } );' >>"$tmp/streams/mira.conf"
ok 'streams' capture --spool "$tmp/f" --config "$tmp/streams/mira.conf" "$demo"
dns=$(tcpdump -r "$demo" port 53 2>/dev/null | wc -l)
rest=$(tcpdump -r "$demo" ip and not port 53 2>/dev/null | wc -l)
none=$((total - dns - rest))
is '  a packet goes to the first that takes it' "$(books "$tmp/f" | tr '\n' ' ')" \
    "demo.pcap.dns $dns $none $((dns + none)) - demo.pcap.rest $rest 0 $rest - "
is '  and is cut at its snap length' "$(for s in $(segments "$tmp/f" | grep rest); do tshark -r "$s" -T fields -e frame.cap_len; done 2>/dev/null | sort -n | tail -1)" 64
ok 'a filter' capture --spool "$tmp/g" --filter 'port 53' "$demo"
is '  what it does not take is counted' "$(books "$tmp/g")" "demo.pcap $dns $((total - dns)) $total -"
exits 2 'a filter that is none' capture --spool "$tmp/g2" --filter 'port fifty' "$demo"

# ---- what is no capture, and what is damaged ----
: >"$tmp/empty.pcap"
head -c 5000 /dev/urandom >"$tmp/random.pcap"
head -c 10 "$demo" >"$tmp/short.pcap"
head -c 24 "$demo" >"$tmp/header.pcap"
{ head -c 20 "$demo"; printf '\223\0\0\0'; tail -c +25 "$demo"; } >"$tmp/linktype.pcap"
exits 2 'bad files among good ones' capture --spool "$tmp/h" "$tmp/empty.pcap" "$tmp/random.pcap" "$tmp/short.pcap" \
    "$tmp/linktype.pcap" "$tmp/none.pcap" "$demo" "$tmp/header.pcap"
said
for text in 'empty.pcap.*empty' 'random.pcap.*neither' 'short.pcap.*cut' 'linktype.pcap.*147' 'none.pcap.*No such file'; do
    says "$text"
done
is '  the good ones are captured' "$(books "$tmp/h" | tr '\n' ' ')" "demo.pcap $total 0 $total - header.pcap 0 0 0 - "
exits 2 'the same file twice' capture --spool "$tmp/i" "$demo" "$tmp/renamed.pcap"
ok '  captures nothing' test -z "$(ready "$tmp/i")"
head -c 100000 "$demo" >"$tmp/cut.pcap"
head -c 100000 "$tmp/demo.pcapng" >"$tmp/cut.pcapng"
head -c 100000 "$tmp/x/demo.gzip" >"$tmp/cut.gz"
tar cf - -C "$tmp/in" ./one.pcap | head -c 150000 >"$tmp/cut.tar"
zcat "$tmp/cut.gz" >"$tmp/uncut" 2>/dev/null
tar xO -f "$tmp/cut.tar" ./one.pcap >"$tmp/member" 2>/dev/null
for file in cut.pcap cut.pcapng; do
    rm -rf "$tmp/c"
    ok "truncated: $file" capture --spool "$tmp/c" "$tmp/$file"
    said
    is '  is captured up to there' "$(books "$tmp/c" | cut -d' ' -f2)" "$(tshark -r "$tmp/$file" 2>/dev/null | wc -l)"
    says "$file is damaged: cut at byte"
    ok '  in the manifest' grep -q '"damaged": "cut at byte' $(ready "$tmp/c" | tail -1)/manifest.json
done
rm -rf "$tmp/c"
ok 'a truncated .gz' capture --spool "$tmp/c" "$tmp/cut.gz"
is '  is captured up to there' "$(books "$tmp/c" | cut -d' ' -f2)" "$(tshark -r "$tmp/uncut" 2>/dev/null | wc -l)"
rm -rf "$tmp/c"
ok 'a truncated .tar' capture --spool "$tmp/c" "$tmp/cut.tar"
is '  is captured up to there' "$(books "$tmp/c" | cut -d' ' -f2)" "$(tshark -r "$tmp/member" 2>/dev/null | wc -l)"

# ---- killed at every point, then started again ----
points='segment:1 segment:5 output:1 output:4 state:1 state:6 commit:1 commit:5 committed:1 committed:3 finish:2 moved:1 moved:4 removed:1 removed:4'
if MIRA_FAULT=segment:1 capture --spool "$tmp/probe" "$demo" >/dev/null 2>&1; then points=; fi
for point in $points; do
    rm -rf "$tmp/k"
    MIRA_FAULT=$point capture --spool "$tmp/k" --segment-size 100k --period 2 "$demo" >/dev/null 2>&1
    code=$?
    ok "killed at $point, started again" capture --spool "$tmp/k" --segment-size 100k --period 2 "$demo"
    is '  it had been killed' "$code" 137
    is '  the same batches' "$(manifests "$tmp/k" | md5sum)" "$(md5sum <"$tmp/a.manifests")"
    ok '  nothing left behind' test -z "$(ls "$tmp/k/capture/tmp" "$tmp/k/capture/done" "$tmp/k/workers" | grep -v :)"
done
if [ -n "$points" ]; then
    rm -rf "$tmp/k"
    MIRA_FAULT=state:4 capture --spool "$tmp/k" --config "$tmp/streams/mira.conf" --period 1 "$demo" "$tmp/other/demo.pcap" >/dev/null 2>&1
    ok 'several streams, killed and started again' capture --spool "$tmp/k" --config "$tmp/streams/mira.conf" --period 1 "$demo" \
        "$tmp/other/demo.pcap"
    capture --spool "$tmp/k2" --config "$tmp/streams/mira.conf" --period 1 "$demo" "$tmp/other/demo.pcap" 2>/dev/null
    is '  the same batches' "$(manifests "$tmp/k" | md5sum)" "$(manifests "$tmp/k2" | md5sum)"

    MIRA_FAULT=state:2:hang mira-capture --spool "$tmp/l" --period 1 "$demo" 2>/dev/null &
    first=$!
    for _ in $(seq 50); do [ -n "$(ls "$tmp/l/capture/tmp" 2>/dev/null)" ] && break; sleep 0.1; done
    sleep 0.5
    exits 1 'a second instance' capture --spool "$tmp/l" --period 1 "$demo"
    said
    says 'another instance'
    kill -9 $first
    wait $first 2>/dev/null
    ok '  may go on once the first is dead' capture --spool "$tmp/l" --period 1 "$demo"
    is '  with every packet once' "$(books "$tmp/l")" "demo.pcap $total 0 $total -"

    piped_kill() { { cat "$demo"; sleep 3; } | MIRA_FAULT=state:3 capture --spool "$tmp/m" --period 1 -; }
    piped_kill >/dev/null 2>&1
    ok 'standard input after a killed capture of it' capture --spool "$tmp/m" --period 1 - <"$demo"
    is '  both runs have ended, the first as damaged' \
        "$(books "$tmp/m" | awk '{ print $1, ($2 == '"$total"'), ($5 != "-") }' | tr '\n' ' ')" 'stdin 0 1 stdin_2 1 0 '
fi

# ---- zombies: stopped anywhere, thought dead, taken over, and let go on ----
# Whoever takes over lives among other process numbers, so that, as on another host, only the beat can tell that one is dead.
elsewhere() { timeout 120 unshare --pid --fork --mount-proc "$MIRA_BIN/mira-capture" "$@"; }
spot() { (cd "$1" && find . -path ./workers -prune -o -path ./metrics -prune -o -path ./state/looks -prune -o -type f -printf '%p %s %T@\n' -o -print | sort); }
zombie() { # POINT: prints what came of it
    local spool=$tmp/z.${1/:/_} first code
    MIRA_FAULT=$1:stop mira-capture --spool "$spool" --segment-size 100k --period 2 "$demo" 2>"$spool.first" &
    first=$!
    for _ in $(seq 1500); do grep -qs '^State:.T' /proc/$first/status && break; sleep 0.1; done
    for _ in $(seq 60); do # 1: who was seen to live until it stopped counts as alive for 20 s
        code=0
        elsewhere --spool "$spool" --segment-size 100k --period 2 "$demo" 2>"$spool.second" || code=$?
        [ $code = 1 ] || break
        sleep 1
    done
    echo "taken over: $code"
    [ "$(manifests "$spool" | md5sum)" = "$(md5sum <"$tmp/a.manifests")" ] && echo 'the same batches'
    spot "$spool" >"$spool.before"
    kill -CONT $first
    wait $first
    echo "woken: $?"
    spot "$spool" >"$spool.after"
    cmp "$spool.before" "$spool.after" && echo 'nothing changed'
    grep -q 'taken over by another instance' "$spool.first" && echo 'fenced'
}
if [ -n "$points" ] && [ "$(id -u)" = 0 ] && unshare --pid --fork --mount-proc true 2>/dev/null; then
    stops='begun:1 created:1 created:3 segment:2 output:2 complete:1 complete:3 stating:5 state:2 commit:2'
    for point in $stops; do zombie "$point" >"$tmp/z.${point/:/_}.said" 2>&1 & done
    wait
    for point in $stops; do
        is "a zombie at $point is fenced" "$(tr '\n' ',' <"$tmp/z.${point/:/_}.said")" \
            'taken over: 0,the same batches,woken: 1,nothing changed,fenced,'
    done
    for _ in 1 2 3 4; do elsewhere --spool "$tmp/zy" --segment-size 100k --period 2 "$demo" 2>/dev/null & done
    wait
    ok 'several that start at once' capture --spool "$tmp/zy" --segment-size 100k --period 2 "$demo"
    is '  capture it once' "$(manifests "$tmp/zy" | md5sum)" "$(md5sum <"$tmp/a.manifests")"
    MIRA_FAULT=state:3:hang unshare --pid --fork --kill-child --mount-proc "$MIRA_BIN/mira-capture" --spool "$tmp/zz" --period 0.01 "$demo" 2>/dev/null &
    first=$!
    for _ in $(seq 100); do [ -n "$(ready "$tmp/zz")" ] && break; sleep 0.05; done
    exits 1 'a second instance, as if on another host' capture --spool "$tmp/zz" --period 0.01 "$demo"
    said
    says 'another instance'
    kill -9 $first
    wait $first 2>/dev/null
fi

# ---- stopped in order ----
editcap -r "$demo" "$tmp/part.pcap" 1-800
mira-capture --spool "$tmp/n" --period 0.001 "$tmp/part.pcap" >/dev/null 2>&1 &
first=$!
for _ in $(seq 100); do [ "$(ready "$tmp/n" | wc -l)" -gt 3 ] && break; sleep 0.02; done
kill $first
wait $first
is 'SIGTERM ends a trace in order' $? 0
some=$(ready "$tmp/n" | wc -l)
ok "  after some of its batches ($some)" capture --spool "$tmp/n" --period 0.001 "$tmp/part.pcap"
is '  it then goes on' "$(books "$tmp/n")" 'part.pcap 800 0 800 -'

# ---- usage ----
exits 2 'no spool' capture "$demo"
exits 2 'no input' capture --spool "$tmp/o"
exits 2 'a bad size' capture --spool "$tmp/o" --segment-size lots "$demo"
exits 2 'a bad period' capture --spool "$tmp/o" --period -1 "$demo"
exits 2 'a bad probe' capture --spool "$tmp/o" --probe 'a b' "$demo"
exits 2 'an unknown option' capture --spool "$tmp/o" --frob "$demo"
exits 2 'a trace and an interface' capture --spool "$tmp/o" -i lo "$demo"
ok '--help' capture --help
ok '--version' capture --version
ok 'a probe' capture --spool "$tmp/o" --probe north "$demo"
ok '  names the batches' test -n "$(ls -d "$tmp"/o/packets/preprocess/ready/*-north-demo.pcap-*)"

# ---- as root: full disks and interfaces ----
if [ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=1500k tmpfs "$tmp/small" 2>/dev/null; then
    exits 1 'a full disk' capture --spool "$tmp/small/s" "$demo"
    said
    says '[Ff]ree space'
    ok '  publishes nothing by halves' test -z "$(for b in $(ready "$tmp/small/s"); do [ -s "$b/manifest.json" ] || echo "$b"; done)"
    mount -o remount,size=50m "$tmp/small"
    ok '  goes on once there is space' capture --spool "$tmp/small/s" "$demo"
    is '  with every packet once' "$(books "$tmp/small/s")" "demo.pcap $total 0 $total -"
    mount -o remount,ro "$tmp/small"
    exits 2 'a spool that cannot be written' capture --spool "$tmp/small/new" "$demo"
    umount "$tmp/small"
fi
space=mira-t3-$$
if [ "$(id -u)" = 0 ] && ip netns add "$space" 2>/dev/null; then
    trap 'ip netns del "$space" 2>/dev/null; rm -rf "$tmp"' EXIT
    chmod 755 "$tmp"
    inside() { timeout 60 ip netns exec "$space" "$@"; }
    inside ip link add v0 type veth peer name v1
    inside ip link set v0 up
    inside ip link set v1 up
    inside sysctl -q -w net.ipv6.conf.v0.disable_ipv6=1 net.ipv6.conf.v1.disable_ipv6=1 2>/dev/null
    sleep 0.5
    # 300 frames, 100 of them of EtherType 0x88b5, written to v0 and so received by v1
    cat >"$tmp/send.py" <<'END'
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('v0', 0))
for i in range(300):
    s.send(b'\xff' * 6 + b'\2' * 6 + (b'\x88\xb5' if i % 3 == 0 else b'\x88\xb6') + b'x' * 100)
    time.sleep(0.002)
END
    live() { inside mira-capture --spool "$@"; }
    # once its stream has a state, the interface is open
    begun() { for _ in $(seq 300); do [ -n "$(ls "$1/state/capture" 2>/dev/null)" ] && break; sleep 0.1; done; }
    ip netns exec "$space" mira-capture --spool "$tmp/p" --period 1 -i v1 --filter 'ether proto 0x88b5' 2>/dev/null &
    first=$!
    begun "$tmp/p"
    inside python3 "$tmp/send.py"
    for _ in $(seq 300); do [ "$(ready "$tmp/p" | wc -l)" -ge 5 ] && break; sleep 0.1; done
    kill $first
    ok 'an interface' wait $first
    books "$tmp/p" >"$tmp/live"
    ok "  every frame is captured or filtered: $(cat "$tmp/live")" awk '$2 == 100 && $3 >= 200 && $4 == $2 + $3 { good = 1 } END { exit !good }' "$tmp/live"
    ok '  a batch for each second, also the silent ones' test "$(ready "$tmp/p" | wc -l)" -ge 5
    ok '  captured as an ordinary user' test "$(stat -c %U "$(ready "$tmp/p" | head -1)")" = nobody
    (begun "$tmp/p2"; inside python3 "$tmp/send.py") &
    ok 'a number of packets' live "$tmp/p2" --period 1 -i v1 --packets 50 --filter 'ether proto 0x88b5'
    wait
    is '  ends the run' "$(books "$tmp/p2" | cut -d' ' -f2)" 50

    # a link of three shares: 600 frames, of IPv4, IPv6, in VLANs, and 100 of none of them; one more has another number
    cat >"$tmp/share.py" <<'END'
import socket, struct, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('v0', 0))
for i in range(600):
    a, b = (1, 2 + i // 6) if i % 2 else (2 + i // 6, 1)
    v4 = b'\x45\0\0\x1c\0\0\0\0\x40\x11\0\0' + bytes([192, 0, 2, a, 192, 0, 2, b]) + b'\0\x35\0\x35\0\x08\0\0'
    v6 = b'\x60\0\0\0\0\x08\x11\x40' + (b'\x20\1\r\xb8' + b'\0' * 11) + bytes([a]) + (b'\x20\1\r\xb8' + b'\0' * 11) + bytes([b]) + b'\0\x35\0\x35\0\x08\0\0'
    kind = (b'\x08\0' + v4, b'\x86\xdd' + v6, b'\x81\0\0\x64\x08\0' + v4, b'\x88\xa8\0\x64\x81\0\0\x65\x86\xdd' + v6,
            b'\x88\xb5' + b'x' * 60, b'\x08\0' + v4)[i // 2 % 3 + 3 * (i % 3 == 1)]
    s.send(b'\2' * 6 + b'\4' * 6 + kind + b'\0' * 20)
    time.sleep(0.001)
END
    echo 'sampling = 0.5;' | cat "$tmp/etc/mira.conf" - >"$tmp/etc/half.conf"
    pids=
    for k in 1 2 3; do
        ip netns exec "$space" mira-capture --spool "$tmp/ps" --probe link --share $k/3 --period 1 -i v1 2>"$tmp/share$k" &
        pids+=" $!"
    done
    ip netns exec "$space" mira-capture --spool "$tmp/ph" --config "$tmp/etc/half.conf" --probe link --share 1/2 --period 1 -i v1 2>/dev/null &
    pids+=" $!"
    for _ in $(seq 300); do [ "$(ls "$tmp/ps/state/capture" "$tmp/ph/state/capture" 2>/dev/null | grep -c 'of[23]$')" = 4 ] && break; sleep 0.1; done
    exits 1 'a share that is captured already' live "$tmp/ps" --probe link --share 2/3 -i v1 --duration 1
    exits 2 'another number of shares' live "$tmp/ps" --probe link --share 2/4 -i v1 --duration 1
    said
    says 'shares of one number'
    exits 2 'the whole link beside shares of it' live "$tmp/ps" --probe link -i v1 --duration 1
    inside python3 "$tmp/share.py"
    # shellcheck disable=SC2086
    kill $pids
    wait
    books "$tmp/ps" >"$tmp/live"
    is 'each share of a link sees all of it' "$(cut -d' ' -f1,4 "$tmp/live" | tr '\n' ' ')" 'all.1of3 600 all.2of3 600 all.3of3 600 '
    is '  each packet is of one share' "$(awk '{ sum += $2 } END { print sum }' "$tmp/live")" 600
    ok "  all have some: $(cut -d' ' -f2 "$tmp/live" | tr '\n' ' ')" awk '$2 < 50 { bad = 1 } END { exit bad }' "$tmp/live"
    is '  conversations are of one share' "$(for k in 1 2 3; do for s in $(segments "$tmp/ps" | grep "all.${k}of3"); do
        tshark -r "$s" -Y 'ip or ipv6' -T fields -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst 2>/dev/null; done |
        tr '\t' '\n' | grep . | grep -vxE '192.0.2.1|2001:db8::1' | sort -u; done | sort | uniq -d)" ''
    ok '  told apart by the kernel' test -z "$(cat "$tmp"/share? | grep -E 'looked at here')"
    ok "half of a share: $(books "$tmp/ph")" awk '$2 > 50 && $2 < 250 && $4 == 600 { good = 1 } END { exit !good }' <(books "$tmp/ph")

    ip netns exec "$space" mira-capture --spool "$tmp/p3" --period 1 -i v1 >/dev/null 2>&1 &
    first=$!
    for _ in $(seq 300); do [ -n "$(ready "$tmp/p3")" ] && break; sleep 0.1; done
    exits 1 'a second capture of the stream' live "$tmp/p3" --period 1 -i v1
    kill -9 $first
    wait $first 2>/dev/null
    ok 'after a kill' live "$tmp/p3" --period 1 -i v1 --duration 1
    is '  the old run has ended, as damaged, and a new one has' "$(books "$tmp/p3" | awk '{ print $1, $5 != "-" }' | sort | tr '\n' ' ')" 'all 0 all 1 '
    exits 2 'an interface that is none' live "$tmp/p4" -i nope
    # (a sanitizer and faketime each want to be loaded first)
    if command -v faketime >/dev/null && ! ldd "$MIRA_BIN/mira-capture" | grep -q asan; then
        exits 2 'a clock that is 10 minutes off' env NO_FAKE_STAT=1 faketime -f +10m \
            mira-capture --spool "$tmp/p5" -i lo --duration 1
        cp "$tmp/.out" "$tmp/said"
        ok '  named with the setting' grep -q 'max_skew_s' "$tmp/said"
    fi
fi
done_testing
