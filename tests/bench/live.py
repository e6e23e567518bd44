"""live: what is measured on an interface: a veth pair in a network namespace of its own, so it needs root.

    live.py send INTERFACE COUNT SECONDS    (within the namespace) COUNT packets, each a flow of its own, in so many seconds, then
                                            one every 50 ms until standard input ends; a line with the time of each of the COUNT
"""
import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time

FIRST_PORT, PROBES, PROBES_S = 10000, 300, 15
LOAD_S = 2
STAGES = ('preprocess', 'consolidate', 'classify', 'store')
ONE_SECOND = 'window_s = 1; period_s = 1.0; lateness_s = 0;\n'


class Wire:
    """Two ends, v0 and v1. None of it where there are no namespaces: `why` says so."""

    def __init__(self):
        self.name, self.why, self.running = f'mira-bench-{os.getpid()}', None, []

    def __enter__(self):
        try:
            self.command('ip', 'netns', 'add', self.name)
            self.inside('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
            for end in ('v0', 'v1'):
                self.inside('sysctl', '-qw', f'net.ipv6.conf.{end}.disable_ipv6=1')
                self.inside('ip', 'link', 'set', end, 'mtu', '65000', 'up')
        except (OSError, subprocess.CalledProcessError):
            self.why = 'no network namespaces here (they need root)'
        return self

    def __exit__(self, *_):
        for child in self.running:
            self.stop(child, signal.SIGKILL)
        if not self.why:
            subprocess.run(['ip', 'netns', 'del', self.name], check=False)

    @staticmethod
    def command(*argv):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def inside(self, *argv):
        self.command('ip', 'netns', 'exec', self.name, *argv)

    def start(self, *argv, **how):
        child = subprocess.Popen(['ip', 'netns', 'exec', self.name, *argv], **how)
        self.running.append(child)
        return child

    def stop(self, child, how=signal.SIGTERM):
        if child.poll() is None:
            child.send_signal(how)
        child.wait(60)
        if child in self.running:
            self.running.remove(child)


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f'waited {seconds} s for {what}')
        time.sleep(0.02)


# ---- from the wire to a row ----

def frame(port):
    """UDP from PORT to port 9, without a checksum (RFC 768 allows that)."""
    udp = struct.pack('!HHHH', port, 9, 16, 0) + b'bench...'
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    return bytes.fromhex('020000000002020000000001' '0800') + ip + udp


def send(interface, count, seconds):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        begin = time.time()
        for number in range(count):
            time.sleep(max(0, begin + number * seconds / count - time.time()))
            wire.send(frame(FIRST_PORT + number))
            print(time.time(), flush=True)
        while not select.select([sys.stdin], [], [], 0.05)[0]:
            wire.send(frame(FIRST_PORT - 1))


def latencies(bench, config):
    """Seconds from each packet to its row; None where that cannot be measured."""
    with Wire() as wire:
        if wire.why:
            bench.tell(f'from the wire to a row: skipped, {wire.why}')
            return None
        bench.tell('from the wire to a row: one-second batches and windows')
        spool, db = bench.path('live'), bench.path('live.db')
        quiet = {'stdout': subprocess.DEVNULL, 'env': bench.environment}
        wire.start(os.path.join(bench.bin, 'mira-capture'), '--spool', spool, '--config', config, '-i', 'v1', **quiet)
        until(lambda: glob.glob(f'{spool}/workers/capture.*'), 30, 'the capture')
        for stage in STAGES:
            wire.start(os.path.join(bench.bin, f'mira-{stage}'), '--spool', spool, '--config', config, '--follow',
                       *(['--db', db] if stage == 'store' else []), **quiet)
        until(lambda: all(glob.glob(f'{spool}/workers/{stage}.*') for stage in STAGES) and os.path.exists(db), 60, 'the stages')
        sender = wire.start(sys.executable, __file__, 'send', 'v0', str(PROBES), str(PROBES_S), text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        seen = rows_seen(db)
        sender.stdin.close()
        sent = [float(line) for line in sender.stdout.read().split()]
        for child in reversed(list(wire.running)):
            wire.stop(child)
    shutil.rmtree(spool)
    return [seen[FIRST_PORT + number] - at for number, at in enumerate(sent)]


def rows_seen(db):
    """When each probe's row was first there."""
    seen, query = {}, 'SELECT sport FROM biflow WHERE sport >= ? AND sport < ?'
    store = sqlite3.connect(f'file:{db}?mode=ro', uri=True)

    def look():
        try:
            ports = [row[0] for row in store.execute(query, (FIRST_PORT, FIRST_PORT + PROBES))]
        except sqlite3.OperationalError:  # it is only just being made
            return False
        now = time.time()
        for port in ports:
            seen.setdefault(port, now)
        return len(seen) == PROBES

    until(look, PROBES_S + 60, 'the rows')
    store.close()
    return seen


# ---- loss ----

def losses(bench, config, path):
    """[(which trial, who, packets a second, sent, lost)]; None where that cannot be measured."""
    with Wire() as wire:
        why = wire.why or (None if shutil.which('tcpdump') else 'no tcpdump')
        if why:
            bench.tell(f'loss at an interface: skipped, {why}')
            return None
        bench.tell('loss at an interface: where does tcpdump lose its first packet?')
        rate, found = first_loss(wire, bench, path)
        found = [('search', *trial) for trial in found]
        for factor in (1.0, 1.2):
            for _ in range(3):
                found += [(factor, *trial(wire, bench, config, path, rate * factor)) for trial in (by_mira, by_tcpdump)]
        return found


def first_loss(wire, bench, path):
    """The rate is doubled until packets are lost or the sender is at its end, then halved in: (rate, what was found)."""
    found, low, high = [], 0, 50000
    while True:
        found.append(by_tcpdump(wire, bench, None, path, high))
        _, reached, _, lost = found[-1]
        if lost:
            break
        if reached < 0.9 * high:
            return reached, found
        low, high = high, high * 2
    for _ in range(4):
        middle = (low + high) / 2
        found.append(by_tcpdump(wire, bench, None, path, middle))
        low, high = (low, middle) if found[-1][3] else (middle, high)
    return high, found


def load(wire, bench, path, rate):
    """Sends for LOAD_S seconds: (packets a second, packets)."""
    said = subprocess.run(['ip', 'netns', 'exec', wire.name, bench.tool('sender'), 'v0', path, str(int(rate)), str(LOAD_S)],
                          capture_output=True, text=True, check=True).stdout
    time.sleep(1.5)  # tcpdump looks at what it has every second
    pairs = dict(pair.split('=') for pair in said.split())
    return int(pairs['rate']), int(pairs['sent'])


def by_tcpdump(wire, bench, _, path, rate):
    out, said = bench.path('tcpdump.out'), bench.path('tcpdump.said')

    def told():
        with open(said, encoding='utf-8') as file:
            return file.read()

    with open(said, 'w', encoding='utf-8') as file:
        child = wire.start('tcpdump', '-i', 'v1', '-n', '-w', out, stderr=file)
    until(lambda: 'listening' in told(), 20, 'tcpdump')
    reached, sent = load(wire, bench, path, rate)
    wire.stop(child, signal.SIGINT)
    os.unlink(out)
    return 'tcpdump', reached, sent, sent - int(re.search(r'(\d+) packets? captured', told())[1])


def by_mira(wire, bench, config, path, rate):
    spool = bench.path('loss')
    shutil.rmtree(spool, ignore_errors=True)
    child = wire.start(os.path.join(bench.bin, 'mira-capture'), '--spool', spool, '--config', config, '-i', 'v1',
                       stdout=subprocess.DEVNULL, env=bench.environment)
    until(lambda: glob.glob(f'{spool}/workers/capture.*'), 30, 'the capture')
    time.sleep(0.5)
    reached, sent = load(wire, bench, path, rate)
    wire.stop(child)
    captured = 0
    for name in glob.glob(f'{spool}/packets/preprocess/ready/*/manifest.json'):
        with open(name, encoding='utf-8') as file:
            captured += json.load(file)['counts']['captured']
    shutil.rmtree(spool)
    return 'mira-capture', reached, sent, sent - captured


if __name__ == '__main__':
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
