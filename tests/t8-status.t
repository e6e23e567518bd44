#!/bin/bash
# mira status: its figures are those of the spool, it changes nothing there, it says what needs a person, and it survives a file
# server that does not answer. Its Prometheus text and its alerts fit each other.
. "$(dirname "$0")/tap.sh"
export MIRA_LOG=err XDG_CACHE_HOME=$tmp/cache
spool=$tmp/s
mira-capture --spool "$spool" --read "$top/tests/data/demo.pcap" --segment-size 60000 --period 3600 2>"$tmp/log"
status() { mira status --spool "$spool" "$@"; }
json() { # PYTHON: an expression over s, the look
    status --json | python3 -c "import json, sys; s = json.load(sys.stdin); q = {(x['queue'], x['reader']): x for x in s['queues']}; print($1)"
}
what() { json "' '.join(sorted({a['what'] for a in s['attention']} - {'disk_full_soon'}))"; } # the disk is everybody's
until_is() { # WANTED COMMAND…: within a minute
    local wanted=$1
    shift
    for _ in $(seq 240); do
        [ "$("$@")" = "$wanted" ] && return
        sleep 0.25
    done
    echo "still: $("$@")" && return 1
}

ready=$spool/packets/preprocess/ready
batches=$(ls "$ready" | wc -l)
is 'waiting batches are counted' "$(json "q['packets', 'preprocess']['waiting']")" "$batches"
is 'their bytes are those of the segments' "$(json "q['packets', 'preprocess']['bytes']")" \
    "$(find "$ready" -name '*.pcapng' -printf '%s\n' | paste -sd+ | bc 2>/dev/null || find "$ready" -name '*.pcapng' -printf '%s\n' | awk '{ n += $1 } END { print n }')"
is 'the stream is as the capture counted it' "$(json "[(x['probe'], x['state'], x['counts']['seen']) for x in s['streams']]")" \
    "[('trace', 'ended', 2757)]"
is 'the oldest is as old as its move there' \
    "$(json "abs(q['packets', 'preprocess']['oldest_s'] - (s['clock']['server_s'] - $(stat -c %.Z "$ready"/* | sort -n | head -n 1))) < 0.01")" True
newest=$(ls "$ready" | tail -n 1)
mv "$ready/$newest" "$tmp/aside"
is 'a batch less is seen at the next look' "$(json "q['packets', 'preprocess']['waiting']")" $((batches - 1))
mv "$tmp/aside" "$ready/$newest"
sleep 4 # the folder's stamp is settled
status >"$tmp/first" && status >"$tmp/second"
is 'an unchanged queue is not counted otherwise' "$(grep ^packets "$tmp/second" | cut -c1-45)" "$(grep ^packets "$tmp/first" | cut -c1-45)"

tree() { find "$spool" -printf '%p %y %m %T@ %C@ %n\n' | sort; }
tree >"$tmp/before"
status >/dev/null && status --json >/dev/null && status --prometheus "$tmp/mira.prom" && tree >"$tmp/after"
ok 'nothing on the spool is changed, not even a stamp' diff "$tmp/before" "$tmp/after"
as_nobody() {
    chmod -R a+rX "$spool" "$tmp" && cp "$MIRA_BIN/mira" "$tmp/mira" &&
        setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent XDG_CACHE_HOME= "$tmp/mira" status --spool "$spool" --config "$top/etc/mira.conf" >"$tmp/nobody" &&
        grep -q "^packets *preprocess *$batches" "$tmp/nobody"
}
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$top/etc/mira.conf"; then
    ok 'a user who may only read may look' as_nobody
fi
rm -r "$XDG_CACHE_HOME" # and with it what others wrote to the disk since
exits 0 'a fresh spool is all right' status --check

# ---- workers ----
MIRA_FAULT=working:1:hang mira-preprocess --spool "$spool" --follow 2>>"$tmp/log" &
worker=$!
held() { json "[(w['stage'], w['state'], len(w['holding'])) for w in s['workers']]"; }
ok 'a worker is alive and holds a batch' until_is "[('preprocess', 'alive', 1)]" held
kill -9 $worker
wait $worker 2>/dev/null
is 'a killed one is dead, and holds it' "$(held)" "[('preprocess', 'dead', 1)]"
is '  which needs a person' "$(what)" dead_holds
exits 2 '  and --check says so' status --check
sed -i 's/"bytes": /"bytes": 9/' "$ready/$newest/manifest.json"
mira-preprocess --spool "$spool" --drain 2>>"$tmp/log"
is 'the rejected batch is shown' "$(json "[(b['batch'] == '$newest', 'the manifest says' in b['reason']) for b in s['bad']]")" '[(True, True)]'
is '  and what is wrong is what a person is told' "$(what)" bad_batches
COLUMNS=80 status >"$tmp/narrow"
ok 'the table fits 80 columns' awk 'length($0) > 80 { print; bad = 1 } END { exit bad }' "$tmp/narrow"

# ---- windows ----
flows=$spool/flows/shard-0/ready
third=$(ls "$flows" | sed -n 3p)
mv "$flows/$third" "$tmp/aside"
mira-consolidate --spool "$spool" --drain 2>>"$tmp/log"
waits() { json "[(w['seq'], w['where']) for x in s['windows'] for w in x['waits']]"; }
is 'a window waits for a lost batch' "$(waits)" "[(2, 'nowhere')]"
is '  which is said' "$(what)" 'bad_batches batch_missing'
mv "$tmp/aside" "$spool/flows/shard-0/done/$third~x.1"
is '  and found on its way' "$(waits)" "[(2, 'flows/shard-0/done')]"
mv "$spool/flows/shard-0/done/$third~x.1" "$flows/$third"
is '  and found waiting' "$(waits)" "[(2, 'flows/shard-0/ready')]"
sed -i 's/"shards": 1/"shards": 2/' "$spool/spool.json"
is 'each shard has its queue' "$(json "[r for q, r in q if q == 'flows']")" "['shard-0', 'shard-1']"
sed -i 's/"shards": 2/"shards": 1/' "$spool/spool.json"
rm -rf "${spool:?}/flows/shard-1"

# ---- Prometheus ----
mira-preprocess --spool "$spool" --follow 2>>"$tmp/log" &
worker=$!
ok 'a worker that waits is alive' until_is "[('preprocess', 'alive', 0)]" held
ok 'metrics are written' status --prometheus "$tmp/mira.prom"
cat >"$tmp/strict.py" <<'E2'
# The text format, version 0.0.4, as prometheus.io describes it: HELP and TYPE once before the samples of a family, legal names,
# escaped labels, numbers, no sample twice.
import re, sys
seen, family, types = set(), None, {}
text = open(sys.argv[1]).read()
assert text.endswith("\n")
for line in text.splitlines():
    if m := re.fullmatch(r"# HELP ([a-z_:][a-z0-9_:]*) \S.*", line):
        assert m[1] not in types, line
        family = m[1]
    elif m := re.fullmatch(r"# TYPE ([a-z_:][a-z0-9_:]*) (gauge|counter)", line):
        assert m[1] == family and m[1].endswith("_total") == (m[2] == "counter"), line
        types[family] = m[2]
    else:
        m = re.fullmatch(r'([a-z_:][a-z0-9_:]*)((?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})?) (\S+)', line)
        assert m and m[1] == family and family in types and (m[1], m[2]) not in seen, line
        assert types[family] == "gauge" or float(m[3]) >= 0, line
        float(m[3])
        seen.add((m[1], m[2]))
print(*types)
E2
ok '  in the text format, strictly' python3 "$tmp/strict.py" "$tmp/mira.prom"
is '  and replaced at once: nothing is left beside it' "$(ls "$tmp" | grep -c '^mira\.prom')" 1
exits 2 '  not into a folder that is not there' status --prometheus "$tmp/none/mira.prom"
kill $worker && wait $worker
rules=$top/etc/prometheus/mira.rules.yml
names_exist() { # what an expression names is a family of the program
    grep -oE '"mira_[a-z_]+"' "$top/spool/mira-status-prom.c" | tr -d '"' | sort -u >"$tmp/families"
    sed -n '/expr:/,/for:\|labels:/p' "$rules" | grep -v labels: | grep -oE 'mira_[a-z_]+' | sort -u >"$tmp/named"
    [ -s "$tmp/named" ] && comm -23 "$tmp/named" "$tmp/families" | { ! grep .; }
}
ok 'each alert is about metrics that exist' names_exist
written() { # but for those that a spool without growth, or without a live capture, does not have
    sed -nE 's/^# TYPE (\S+) .*/\1/p' "$tmp/mira.prom" | sort >"$tmp/written"
    comm -23 "$tmp/named" "$tmp/written" | grep -vxE 'mira_spool_full_seconds|mira_stream_clock_ahead_seconds' | { ! grep .; }
}
ok '  and are written' written
explained() { # an alert, or what --json says, without a paragraph in the page; and the other way round
    diff <(sed -nE 's/ *- alert: //p' "$rules" | sort) <(sed -nE 's/^\.It Cm (Mira[A-Za-z]+).*/\1/p' "$top/spool/mira-status.1" | sort) &&
        diff <(tr -d '\n' <"$top/spool/mira-status-judge.c" | grep -oE '(SOON|PERSON),\s*"[a-z_]+"' | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u) \
            <(sed -nE 's/^\.It Cm Mira.* Pq Cm ([a-z_]+)$/\1/p' "$top/spool/mira-status.1" | sort -u)
}
ok '  and explained in the page' explained
if command -v promtool >/dev/null; then
    ok '  promtool takes the rules' promtool check rules "$rules"
    ok '  and the metrics' bash -c "promtool check metrics <'$tmp/mira.prom'"
fi

# ---- a server that is away: the process that looks stands still, as in a call that does not return ----
cat >"$tmp/away.py" <<'E2'
import os, re, signal, subprocess, sys, time
def stop_looker(pid): # the child of PID; None when it has ended before
    while True:
        for child in open(f"/proc/{pid}/task/{pid}/children").read().split():
            try:
                ignored = re.search(r"SigIgn:\s*(\w+)", open(f"/proc/{child}/status").read())[1]
                if not int(ignored, 16) & 2: # it does not look yet; that it dies with who asked is settled before
                    continue
                os.kill(int(child), signal.SIGSTOP)
                for _ in range(100):
                    state = open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0]
                    if state == "T":
                        return int(child)
                    if state in "ZX":
                        break
                    time.sleep(0.001)
            except (OSError, IndexError, TypeError):
                pass
        if is_gone(pid):
            return None
def is_gone(pid): # or waits for an init that does not hurry
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True
if __name__ == "__main__":
    looker = None
    for _ in range(100):
        mira = subprocess.Popen(["mira", "status", "--spool", sys.argv[1], "--timeout", "0.5"], stdout=subprocess.DEVNULL)
        looker = stop_looker(mira.pid)
        code = mira.wait()
        if looker and code: # it had not answered just before it stood still
            break
    for _ in range(600): # whoever asked is gone, so it is killed
        if is_gone(looker):
            sys.exit(code)
        time.sleep(0.1)
    print(f"the process that looks outlives who asked, {code}")
    sys.exit(99)
E2
exits 1 'a spool that does not answer is given up' python3 "$tmp/away.py" "$spool"
ok '  and why that may be is said' bash -c "python3 '$tmp/away.py' '$spool' 2>&1 | grep -q 'file server away'"
cat >"$tmp/watch.py" <<'E2'
import fcntl, os, pty, re, select, signal, struct, sys, termios, time
from away import stop_looker
spool = sys.argv[1]
def size(columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
def until(what, least=1):
    text, end = "", time.time() + 60
    while len(re.findall(what, text)) < least:
        assert time.time() < end, (what, text)
        if select.select([terminal], [], [], 0.5)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text
pid, terminal = pty.fork()
if pid == 0:
    os.execvpe("mira", ["mira", "status", "--spool", spool, "--watch", "0.3"], {**os.environ, "TERM": "xterm", **({"NO_COLOR": "1"} if len(sys.argv) > 2 else {})})
size(100)
text = until("DISK", 2)
assert ("\x1b[31m" in text) != (len(sys.argv) > 2), "colour"
assert "\x1b[2J" not in text, "cleared: flickers"
if len(sys.argv) > 2:
    os.write(terminal, b"q")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
size(50)
os.kill(pid, signal.SIGWINCH)
until("DISK")
text = until("DISK", 2)
lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.split("\x1b[H")[1]).replace("\r", "").split("\n")
assert max(map(len, lines)) <= 50, lines
looker = stop_looker(pid)
until("has not answered for")
os.kill(looker, signal.SIGCONT) # the server is back
text = until("DISK", 2)
os.write(terminal, b"q")
try:
    while os.read(terminal, 65536):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E2
sed -i '/if False else None/d' "$tmp/watch.py"
ok '--watch redraws, follows the size, survives an absent server and ends at q' python3 "$tmp/watch.py" "$spool"
ok '  without colour where NO_COLOR is set' python3 "$tmp/watch.py" "$spool" plain
exits 2 'a folder that is no spool' mira status --spool "$tmp"
exits 2 'a --timeout that is no number' status --timeout soon
done_testing
