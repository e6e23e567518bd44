"""measure: what tests/bench/run stands on: executing, timing, spools, captures, configurations."""
import os
import random
import shutil
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CAPTURE_BYTES, WINDOW_S = 1000000000, 600
QUEUES = {'preprocess': 'packets/preprocess', 'consolidate': 'flows/shard-0', 'classify': 'biflows/classify',
          'store': 'verdicts/store'}


class Took:
    """What one execution took, and what it printed."""

    def __init__(self, cpu_s, wall_s, rss_kb=0, said=''):
        self.cpu_s, self.wall_s, self.rss_kb, self.said = float(cpu_s), float(wall_s), rss_kb, said


def fail(text):
    sys.exit(f'bench: {text}')


def pairs_of(line):
    return dict(pair.split('=', 1) for pair in line.split())


class Bench:
    """Where everything is, how it is executed, and the file of results."""

    def __init__(self, options):
        self.options, self.rounds = options, options.rounds
        self.bin = os.path.join(os.path.abspath(options.build), 'bin')
        self.folder = os.path.join(os.path.abspath(options.build), 'bench')
        self.place = os.path.join(options.place or roomy(self.folder), f'mira-bench.{os.getpid()}')
        self.core = str(max(os.sched_getaffinity(0)))
        self.begun = time.monotonic()
        os.makedirs(self.path('cache'))
        self.environment = dict(os.environ, MIRA_CACHE=self.path('cache'), MIRA_LOG='err', TMPDIR=self.place)
        self.environment.pop('MIRA_CONFIG', None)
        self.results = open(self.tool('results'), 'w', encoding='utf-8')

    def path(self, *names):
        return os.path.join(self.place, *names)

    def tool(self, name):
        return os.path.join(self.folder, name)

    def seconds(self):
        return time.monotonic() - self.begun

    def tell(self, text):
        print(f'{self.seconds():6.0f} s  {text}', flush=True)

    def put(self, **pairs):
        self.results.write(' '.join(f'{key}={value}' for key, value in pairs.items()) + '\n')
        self.results.flush()

    def record(self, name, count, unit, samples, clock='cpu'):
        """SAMPLES: a Took of each round. CLOCK: which of the two times a rate is made of."""
        self.put(measure=name, count=count, unit=unit, clock=clock, rss_kb=max(s.rss_kb for s in samples),
                 cpu_s=','.join(f'{s.cpu_s:.4f}' for s in samples), wall_s=','.join(f'{s.wall_s:.4f}' for s in samples))

    def execute(self, *argv, pinned=True):
        argv = [str(word) for word in argv]
        with open(self.path('said'), 'w+', encoding='utf-8', errors='replace') as said:
            code = subprocess.call([self.tool('timed'), self.path('took'), self.core if pinned else '-1'] + argv, stdout=said,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment)
            said.seek(0)
            text = said.read()
        if code:
            fail(f'{" ".join(argv)}: exit code {code}\n{text[-2000:]}')
        with open(self.path('took'), encoding='utf-8') as file:
            took = pairs_of(file.read())
        return Took(took['cpu_s'], took['wall_s'], int(took['rss_kb']), text)

    def mira(self, program, *argv, **how):
        return self.execute(os.path.join(self.bin, program), *argv, **how)

    def helper(self, name, *argv, **how):
        return self.execute(self.tool(name), *argv, **how)

    def in_turns(self, steps):
        """STEPS: {name: function}. {name: [what the function returned in each round]}"""
        samples = {name: [] for name in steps}
        for _ in range(self.rounds):
            for name, function in steps.items():
                samples[name].append(function())
        return samples


def roomy(otherwise):
    """Memory, if 10 GB of it are free."""
    try:
        space = os.statvfs('/dev/shm')
        return '/dev/shm' if space.f_bavail * space.f_frsize > 10e9 else otherwise
    except OSError:
        return otherwise


# ---- captures ----

def plain(path):
    """Is it a pcap file of Ethernet, in microseconds and this machine's byte order?"""
    with open(path, 'rb') as file:
        head = file.read(24)
    return len(head) == 24 and struct.unpack('=I16xI', head) == (0xa1b2c3d4, 1)


def merge(bench, name, paths):
    out, listed = bench.tool(f'{name}.pcap'), bench.tool(f'{name}.list')
    with open(listed, 'w', encoding='utf-8') as file:
        file.writelines(f'{path}\n' for path in paths)
    bench.tell(f'makes {name} out of {len(paths)} captures')
    bench.helper('mkbench', out, CAPTURE_BYTES, WINDOW_S, listed, pinned=False)
    return name, out


def beginning(bench, path, share):
    """The first packets of a plain capture, so much of it."""
    out = bench.tool('beginning.pcap')
    with open(path, 'rb') as file:
        head = file.read(int(os.path.getsize(path) * share))
    at = end = 24
    while end <= len(head):
        at, end = end, end + 16 + (struct.unpack_from('=I', head, end + 8)[0] if end + 16 <= len(head) else len(head))
    with open(out, 'wb') as file:
        file.write(head[:at])
    return out


def named(bench, path):
    name = os.path.basename(path).split('.')[0]
    if plain(path) and os.path.getsize(path) >= CAPTURE_BYTES / 5:
        return name, path
    return merge(bench, name, [path])


def captures(bench):
    """[(name, path)]: those that were named, or mix and flood, or the bundled one where their data is absent."""
    if bench.options.captures:
        return [named(bench, path) for path in bench.options.captures]
    folder = os.path.join(bench.options.data, 'pcaps')
    if not os.path.isdir(folder):
        bench.tell(f'mix, flood: skipped, there is no {folder}; the bundled capture is multiplied instead')
        return [merge(bench, 'demo', [os.path.join(TOP, 'tests/data/demo.pcap')])]
    with open(os.path.join(HERE, 'mix.list'), encoding='utf-8') as file:
        mix = [os.path.join(bench.options.data, line.strip().removeprefix('../data/')) for line in file]
    every = sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)
    return [merge(bench, 'mix', mix), merge(bench, 'flood', every)]


# ---- patterns and configurations ----

def patterns(count):
    """The 50 of patterns.txt, and as many of their kind as are missing; the same for every run."""
    with open(os.path.join(HERE, 'patterns.txt'), encoding='utf-8') as file:
        lines = [line.rstrip('\n').split(':', 1)[1] for line in file]
    chance = random.Random(1)
    kinds = (r'/{0}\.(com|net)/', r'/\r\nHost: [^\r\n]{{0,80}}{0}\./i', r'/^(GET|POST) \/{0}\/[^ ]{{0,200}}\.{1}/i',
             r'/\r\nUser-Agent: [^\r\n]{{0,100}}{0}/i', r'/^{0} [^\r\n]{{1,64}}\r\n/', r'/^\x{2:02x}\x{3:02x}\x{4:02x}[\x00-\x1f]/s')
    while len(lines) < count:
        word = ''.join(chance.choice('bdfgklmnprstvz') + chance.choice('aeiou') for _ in range(chance.randint(3, 5)))
        lines.append(kinds[len(lines) % len(kinds)].format(word, word[:3], *(chance.randint(128, 254) for _ in range(3))))
    return lines[:count]


def configure(bench, name, count, more=''):
    """Files for COUNT patterns: (mira.conf, the same patterns for hslimit). MORE: further settings."""
    folder = bench.path(f'conf-{name}')
    os.makedirs(os.path.join(folder, 'symptoms'))
    shutil.copy(os.path.join(HERE, 'policy.conf'), folder)
    with open(os.path.join(folder, 'mira.conf'), 'w', encoding='utf-8') as file:
        file.write(f'policy = "policy.conf";\nsymptoms = "symptoms";\nprobe = "bench";\n{more}')
    lines = list(enumerate(patterns(count), 1))
    with open(os.path.join(folder, 'symptoms', 'bench.sym'), 'w', encoding='utf-8') as file:
        file.writelines(f'symptom p{number}\n\tregex {line}\n' for number, line in lines)
    with open(os.path.join(folder, 'patterns'), 'w', encoding='utf-8') as file:
        file.writelines(f'{number}:{line}\n' for number, line in lines)
    return os.path.join(folder, 'mira.conf'), os.path.join(folder, 'patterns')


# ---- spools ----

def copied(bench, base):
    """A spool like BASE, of hard links."""
    spool = bench.path('round')
    shutil.rmtree(spool, ignore_errors=True)
    subprocess.run(['cp', '-al', base, spool], check=True)
    return spool


def waiting(spool, stage):
    return sorted(os.listdir(os.path.join(spool, QUEUES[stage], 'ready')))


def drained(spool, stage):
    """Fails unless the stage did all of its work."""
    queue = os.path.join(spool, QUEUES[stage])
    left = [name for where in ('ready', 'bad', 'done') if os.path.isdir(os.path.join(queue, where))
            for name in os.listdir(os.path.join(queue, where)) if not name.startswith('.')]
    if left:
        fail(f'{stage} left {len(left)} batches in {queue}')


def drain(bench, stage, spool, config, *more, program=None, **how):
    took = bench.execute(program or os.path.join(bench.bin, f'mira-{stage}'), '--spool', spool, '--config', config, '--drain',
                         *more, **how)
    drained(spool, stage)
    return took


def capture(bench, spool, config, path, *more, **how):
    shutil.rmtree(spool, ignore_errors=True)
    return bench.mira('mira-capture', '--spool', spool, '--config', config, *more, '--read', path, **how)
