#!/bin/bash
# Live traffic: mira run -i audits what two network namespaces say to one another, and loses nothing.
. "$(dirname "$0")/tap.sh"
[ "$(id -u)" = 0 ] || skip_all 'needs root for network namespaces'
command -v ip >/dev/null && ip netns add mira-a-$$ 2>/dev/null || skip_all 'no network namespaces here'
a=mira-a-$$ b=mira-b-$$
cleanup() {
    for ns in $a $b; do
        for pid in $(ip netns pids $ns 2>/dev/null); do kill "$pid"; done
        ip netns del $ns 2>/dev/null
    done
    rm -rf "$tmp"
}
trap cleanup EXIT
ip netns add $b
ip link add va netns $a type veth peer name vb netns $b
for side in "$a va 192.0.2.1" "$b vb 192.0.2.2"; do
    set -- $side
    ip -n "$1" addr add "$3/24" dev "$2"
    ip -n "$1" link set lo up
    ip -n "$1" link set "$2" up
done
mkdir "$tmp/www"
head -c 225000 /dev/urandom | base64 -w 0 >"$tmp/www/page.html"
ip netns exec $b python3 -m http.server --bind 192.0.2.2 --directory "$tmp/www" 80 >/dev/null 2>&1 &
fetch() {
    ip netns exec $a python3 -c 'import urllib.request as u
print(len(u.build_opener(u.ProxyHandler({})).open("http://192.0.2.2/page.html").read()))'
}
for _ in $(seq 50); do fetch >/dev/null 2>&1 && break; sleep 0.1; done

capturing() { # DIR: waits until the capture of that audit runs
    for _ in $(seq 600); do compgen -G "$1/.spool/workers/capture.*" >/dev/null && break; sleep 0.1; done
    sleep 1
}
audit() { # for as long as five fetches take
    ip netns exec $b "$MIRA_BIN/mira" run --out "$tmp/audit" -i vb &
    local pid=$!
    capturing "$tmp/audit"
    for _ in 1 2 3 4 5; do fetch; done >"$tmp/fetched" 2>&1
    kill -TERM $pid
    wait $pid
}
exits 0 'mira run -i audits for a while' audit
sql() { sqlite3 "$tmp/audit/mira.db" "$1"; }
is 'five files were fetched' "$(sort -u "$tmp/fetched")" 300000
exits 0 'the balance closes' mira balance "$tmp/audit"
cat "$tmp/.out" >"$tmp/balance"
ok 'packets were seen' test "$(sql 'SELECT sum(packets_seen) FROM ledger')" -gt 100
is 'nothing was dropped or shed' "$(sql 'SELECT sum(packets_dropped + packets_shed) FROM ledger')" 0
is 'five fetches of class WEB' "$(sql "SELECT count(*) FROM biflow_text WHERE src='192.0.2.1' AND dst='192.0.2.2' AND dport=80 AND class='WEB'")" 5
ok 'each with its content' test "$(sql "SELECT min(reverse_octets) FROM biflow_text WHERE dport=80")" -gt 300000
ok 'the end of the run was published' test "$(sql 'SELECT max(end_of_run) FROM ledger')" = 1
exits 2 'a second live audit into the same folder is refused' ip netns exec $b timeout 20 "$MIRA_BIN/mira" run --out "$tmp/audit" -i vb --duration 1
exits 2 'an interface that is not there' timeout 20 mira run --out "$tmp/none" -i nosuch0 --duration 1

interrupted() {
    ip netns exec $b "$MIRA_BIN/mira" run --out "$tmp/int" -i vb &
    local pid=$!
    capturing "$tmp/int"
    kill -TERM $pid
    wait $pid
}
exits 0 'a signal ends a live audit with a report' interrupted
ok '  balanced' mira balance "$tmp/int"

# the capture has become another user by then
ip netns exec $b "$MIRA_BIN/mira" run --out "$tmp/dead" -i vb >/dev/null 2>&1 &
pid=$!
capturing "$tmp/dead"
children=$(ps -o pid= --ppid $pid)
ok 'the stages of a live audit run' test "$(wc -w <<<"$children")" -ge 5
kill -9 $pid
wait $pid 2>/dev/null
sleep 0.5
# shellcheck disable=SC2086
is '  and die with it, the capture too' "$(ps -o stat=,comm= -p "$(echo $children | tr ' ' ',')" | grep -v '^Z')" ''
exits 2 '  what it left says what to do' ip netns exec $b timeout 20 "$MIRA_BIN/mira" run --out "$tmp/dead" -i vb --duration 1
done_testing
