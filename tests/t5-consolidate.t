#!/usr/bin/perl
# What mira-consolidate publishes depends on the packets alone: not on the order in which batches arrive, not on
# how commits are cut, not on where a process was killed.
use strict;
use warnings;
use File::Temp qw(tempdir);
use File::Copy qw(move);
use File::Path qw(make_path);
use Time::HiRes qw(sleep);
use Test::More;

my $bin = $ENV{MIRA_BIN} // 'build/test/bin';
my $build = $ENV{MIRA_BUILD} // 'build/test';
my $consolidate = "$bin/mira-consolidate";
my $world = "$build/tests/consolidate-world";
my $root = tempdir(CLEANUP => 1);
my $READY = 'flows/shard-0/ready';
$ENV{MIRA_LOG} //= 'err';
delete $ENV{MIRA_FAULT};

sub config {
    my ($name, $text) = @_;
    open my $file, '>', "$root/$name.conf" or die "$name.conf: $!";
    print $file $text;
    close $file;
    return "$root/$name.conf";
}

my $plain = config('plain', "max_delay_s = 600;\n");
my $hasty = config('hasty', "max_delay_s = 2;\n");

sub drain {
    my ($spool, @options) = @_;
    return system($consolidate, '--spool', $spool, '--config', $plain, '--drain', @options);
}

sub names {
    my ($folder) = @_;
    opendir my $dir, $folder or return ();
    my @names = sort grep { !/^\./ } readdir $dir;
    return @names; # in scalar context: how many
}

# A spool with its first token, and the batches of the world of SEED waiting outside.
sub world {
    my ($name, $seed, %with) = @_;
    my $spool = "$root/$name";
    system($consolidate, '--spool', $spool, '--config', $with{config} // $plain) == 0 or die 'first start';
    system($world, $with{how} // 'make', $spool, "$spool.batches", $seed) == 0 or die 'make';
    return $spool;
}

sub arrive {
    my ($spool, @names) = @_;
    move("$spool.batches/$_", "$spool/$READY/$_") or die "$_: $!" for @names;
}

sub shuffle {
    my @names = @_;
    for (my $i = @names; --$i > 0;) {
        my $j = int rand($i + 1);
        @names[$i, $j] = @names[$j, $i];
    }
    return @names;
}

# Biflows, and of each batch the last ledger row; sorted.
sub content {
    my ($spool) = @_;
    my (%ledger, @lines);
    open my $dump, '-|', $world, 'dump', $spool or die 'dump';
    while (<$dump>) {
        if (/^(ledger .*?) \| /) { $ledger{$1} = $_ }
        else { push @lines, $_ }
    }
    close $dump or die 'dump failed';
    return join '', sort(@lines), map { $ledger{$_} } sort keys %ledger;
}

sub clean {
    my ($spool, $what) = @_;
    my @left = map { names("$spool/$_") } $READY, 'flows/shard-0/done', 'flows/shard-0/bad', 'flows/shard-0/work',
        'state/shard-0/work', 'state/shard-0/done', 'state/shard-0/birth';
    is(join(' ', @left), '', "$what: nothing is left behind");
    is(scalar(my @token = names("$spool/state/shard-0/ready")), 1, "$what: one token");
}

# The biflows batches are numbered without a gap.
sub numbered {
    my ($spool, $what) = @_;
    my @names = names("$spool/biflows/classify/ready");
    my @wanted = map { sprintf '%010d-shard-0', $_ } 1 .. @names;
    is_deeply(\@names, \@wanted, "$what: batches are numbered 1 to " . @names);
}

my $spool = world('single', 1);
arrive($spool, names("$spool.batches"));
is(drain($spool), 0, 'all at once: exit 0');
my $truth = content($spool);
clean($spool, 'all at once');
my @biflows = $truth =~ /^biflow /mg;
my @rows = $truth =~ /^ledger /mg;
cmp_ok(scalar @biflows, '>', 150, 'there are biflows');
is(scalar @rows, 90, 'and a ledger row for each batch');
like($truth, qr/quarantined/, 'one of them quarantined');
like($truth, qr/late=1/, 'some late');

my ($packets, $ip) = (0, 0);
for (split /\n/, $truth) {
    my @word = split;
    if (/^biflow/) { $packets += $word[13] + $word[17] }
    elsif (/ ip=(\d+)/) { $ip += $1 }
}
is($packets, $ip, "balance: $ip packets in the ledger and in the biflows");

is(drain($spool), 0, 'a second drain finds nothing to do');
is(content($spool), $truth, 'and adds nothing');

for my $seed (1 .. 6) {
    srand $seed;
    my $name = "random$seed";
    my $random = world($name, 1);
    my @waiting = shuffle(names("$random.batches"));
    my $rounds = 0;
    while (@waiting) {
        arrive($random, splice @waiting, 0, 1 + int rand 25);
        die 'drain failed' if drain($random, '--batch-biflows', 1 + int rand 100);
        $rounds++;
    }
    is(content($random), $truth, "random subsets in random order, $rounds rounds, small commits: the same");
    clean($random, $name);
    numbered($random, $name);
}

# A duplicate of a batch in the books is not counted.
{
    my $again = world('duplicate', 1);
    my @names = names("$again.batches");
    system('cp', '-r', "$again.batches/$names[5]", "$again/copy");
    arrive($again, @names);
    drain($again);
    move("$again/copy", "$again/$READY/$names[5]");
    is(drain($again), 0, 'a batch that comes again: exit 0');
    is(content($again), $truth, 'and is not counted');
    clean($again, 'duplicate');
}

# kill -9 at each point, at several passes, then again without.
my @points = qw(claimed working output state commit committed finish moved removed);
my $killed = 0;
for my $point (@points) {
    my $struck = world("kill-$point", 1);
    my @waiting = shuffle(names("$struck.batches"));
    my $here = 0;
    for my $pass (1 .. 4) {
        arrive($struck, splice @waiting, 0, $pass == 4 ? scalar @waiting : 25);
        local $ENV{MIRA_FAULT} = "$point:$pass";
        my $status = drain($struck, '--batch-biflows', 50);
        $here++ if ($status & 127) == 9;
    }
    $killed += $here;
    cmp_ok($here, '>', 0, "$point: killed $here times");
    is(drain($struck), 0, "$point: exit 0 after the restart");
    is(content($struck), $truth, "$point: the same");
    clean($struck, $point);
    numbered($struck, $point);
}
diag("killed $killed times");

# Killed while the first token is made: the next start has exactly one.
for my $pass (1 .. 2) {
    my $first = "$root/first$pass";
    {
        local $ENV{MIRA_FAULT} = "state:$pass";
        drain($first);
    }
    is(drain($first), 0, "first start after a kill in the first start: exit 0");
    is(scalar(my @token = names("$first/state/shard-0/ready")), 1, 'one token');
}

# Many first starters at once: one token.
{
    my $many = "$root/many";
    my @children = map { my $pid = fork // die; $pid || exec $consolidate, '--spool', $many, '--config', $plain; $pid } 1 .. 8;
    waitpid $_, 0 for @children;
    is(scalar(my @token = names("$many/state/shard-0/ready")), 1, 'eight first starters make one token');
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return <$file> // '';
}

sub follow {
    my ($spool, $config) = @_;
    my $pid = fork // die;
    exec $consolidate, '--spool', $spool, '--config', $config, '--follow' unless $pid;
    return $pid;
}

# Waits up to 20 s for CONDITION.
sub until_true {
    my ($condition) = @_;
    for (1 .. 200) {
        return 1 if $condition->();
        sleep 0.1;
    }
    return 0;
}

sub stop {
    my ($pid, $what) = @_;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($?, 0, "$what: SIGTERM, exit 0");
}

sub pick {
    my ($pattern, @names) = @_;
    return grep { /$pattern/ } @names;
}

# Packets seen by probe beta, in the ledger.
sub seen_by_beta {
    my ($content) = @_;
    my $sum = 0;
    $sum += $_ for $content =~ /^ledger beta .*? late=\d end=\d (\d+)/mg;
    return $sum;
}

sub packets_balance {
    my ($content, $what) = @_;
    my ($biflows, $rows) = (0, 0);
    for (split /\n/, $content) {
        my @word = split;
        if (/^biflow/) { $biflows += $word[13] + $word[17] }
        elsif (/ ip=(\d+)/) { $rows += $1 }
    }
    is($biflows, $rows, "$what: packets balance");
}

# Bad batches: each way to be bad is one row of quarantine, and the others are consolidated.
{
    my $bad = world('bad', 1);
    my @names = names("$bad.batches");
    my @web = pick('alpha-web', @names);
    truncate "$bad.batches/$web[3]/flows.ipfix", 100;
    unlink "$bad.batches/$web[9]/manifest.json" or die;
    open my $manifest, '>', "$bad.batches/$web[29]/manifest.json" or die;
    print $manifest "{ }";
    close $manifest;
    system('mkdir', '-p', "$bad/$READY/nonsense/deep");
    arrive($bad, @names);
    {
        local $ENV{MIRA_LOG} = 'none';
        open my $stderr, '>&', \*STDERR;
        open STDERR, '>', "$root/bad.log";
        is(drain($bad), 0, 'bad batches: exit 0');
        open STDERR, '>&', $stderr;
    }
    my $content = content($bad);
    my @quarantined = $content =~ /^(ledger .*quarantined.*)$/mg;
    is(scalar @quarantined, 4, 'four quarantined rows');
    packets_balance($content, 'bad batches');
    is(scalar(my @rows = $content =~ /^ledger /mg), 90, 'a row for each batch');
    my $seen = sub { my $sum = 0; $sum += $_ for $_[0] =~ /^ledger .*? late=\d end=\d (\d+)/mg; $sum };
    is($seen->($content), $seen->($truth), 'no packet seen is lost from the ledger');
    is(scalar(my @bad = grep { !/reason/ } names("$bad/flows/shard-0/bad")), 4, 'three batches and the nonsense stand in bad/');
    like(slurp("$bad/flows/shard-0/bad/$web[9].reason"), qr/./, 'with a reason');
    clean_but_bad($bad);

    # Requeued after its repair, a batch replaces its row once.
    system('rm', '-rf', "$bad/flows/shard-0/bad/$web[3]");
    my $whole = world('whole', 1);
    move("$whole.batches/$web[3]", "$bad/$READY/$web[3]+1");
    is(drain($bad), 0, 'requeued: exit 0');
    $content = content($bad);
    is(scalar(@quarantined = $content =~ /^(ledger .*quarantined.*)$/mg), 3, 'one quarantined row less');
    packets_balance($content, 'requeued');
    is($seen->($content), $seen->($truth), 'requeued: the ledger still holds every packet seen');
}

sub clean_but_bad {
    my ($spool) = @_;
    is(join(' ', names("$spool/$READY")), '', 'nothing is left in ready/');
}

# A ledger row that does not match its records is found out when they are read, before anything is published of them.
{
    my $liar = world('liar', 1, how => 'lie');
    my @names = names("$liar.batches");
    my ($lie) = pick('alpha-all.*0000000011$', @names);
    arrive($liar, @names);
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', "$root/liar.log";
    is(drain($liar), 0, 'a ledger row that lies: exit 0');
    open STDERR, '>&', $stderr;
    like(slurp("$liar/flows/shard-0/bad/$lie.reason"), qr/its ledger row says/, 'the batch stands in bad/');
    my $content = content($liar);
    packets_balance($content, 'a ledger row that lies');
    ok($content =~ /^ledger alpha all \S+ 11 \| quarantined/m, 'and counts as quarantined');
}

# The same, when the row was published already: its windows wait for another stream.
{
    my $liar = world('liar2', 1, how => 'lie');
    my @names = names("$liar.batches");
    my @late = pick('beta', @names);
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', "$root/liar.log";
    arrive($liar, pick('alpha', @names));
    is(drain($liar), 0, 'the lie is in the books first');
    ok(content($liar) =~ /^ledger alpha all \S+ 11 \| analysed/m, 'as analysed');
    my $left = names("$liar/$READY");
    is(slurp("$liar/flows/shard-0/held"), "$left\n", "$left batches wait for the other stream, and say so");
    arrive($liar, @late);
    is(drain($liar), 0, 'then it is found out');
    open STDERR, '>&', $stderr;
    my $content = content($liar);
    ok($content =~ /^ledger alpha all \S+ 11 \| quarantined/m, 'and its row replaced');
    packets_balance($content, 'found out later');
    clean_but_bad($liar);
}

sub unfinish {
    my ($spool) = @_;
    my $path = "$spool/state/capture/beta-all";
    my $text = slurp($path);
    $text =~ s/"ended": *true/"ended": false/ or die 'no "ended"';
    open my $file, '>', $path or die;
    print $file $text;
    close $file;
}

# A batch of a live stream is missing: nothing happens while it stands upstream; then its windows close incomplete.
{
    my $gap = world('gap', 1, config => $hasty);
    my @names = names("$gap.batches");
    my ($missing) = pick('beta-all.*0000000010$', @names);
    my $upstream = "$gap/packets/preprocess/ready/$missing";
    make_path("$upstream/file");
    arrive($gap, grep { $_ ne $missing } @names);
    local $ENV{MIRA_LOG} = 'none';
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', "$root/gap.log";
    my $pid = follow($gap, $hasty);
    sleep 4;
    cmp_ok(scalar(my @left = names("$gap/$READY")), '>', 20, 'a batch stands upstream: its windows wait');
    system('rm', '-rf', $upstream);
    ok(until_true(sub { !names("$gap/$READY") }), 'it is lost: the windows close');
    stop($pid, 'follow');
    my $content = content($gap);
    ok($content =~ /^ledger beta all \S+ 10 \| missing/m, 'its row says missing');
    is(seen_by_beta($content), seen_by_beta($truth), 'with the counts of its neighbours');
    ok($content =~ /^biflow .*flags=[4567cdef] /m, 'the window is flagged incomplete');
    packets_balance($content, 'missing');
    arrive($gap, $missing);
    is(system($consolidate, '--spool', $gap, '--config', $hasty), 0, 'it comes after all: exit 0');
    open STDERR, '>&', $stderr;
    $content = content($gap);
    ok($content =~ /^ledger beta all \S+ 10 \| analysed late=1/m, 'and is counted late');
    is(seen_by_beta($content), seen_by_beta($truth), 'the row is replaced');
    packets_balance($content, 'late');
    clean_but_bad($gap);
}

# A live stream says nothing any more: the windows of the others close; what it says later is counted.
{
    my $silent = world('silent', 1, config => $hasty);
    my @names = names("$silent.batches");
    my @withheld = pick('beta-all.*00000000(1[5-9]|2.)$', @names);
    unfinish($silent);
    my %withheld = map { $_ => 1 } @withheld;
    arrive($silent, grep { !$withheld{$_} } @names);
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', "$root/silent.log";
    my $pid = follow($silent, $hasty);
    ok(until_true(sub { !names("$silent/$READY") }), 'a silent stream: the windows of the others close');
    arrive($silent, @withheld);
    ok(until_true(sub { !names("$silent/$READY") }), 'it speaks again');
    stop($pid, 'follow');
    open STDERR, '>&', $stderr;
    my $content = content($silent);
    packets_balance($content, 'silent');
    is(seen_by_beta($content), seen_by_beta($truth), 'every packet it saw is in the ledger');
}

# Only one works on a shard; who dies is replaced.
{
    my $held = world('held', 1);
    my @names = names("$held.batches");
    my $pid = follow($held, $plain);
    my $work = "$held/state/shard-0/work";
    my $holds = sub { grep { names("$work/$_") } names($work) };
    ok(until_true($holds), 'one holds the token');
    is(drain($held), 0, 'a drain beside it: exit 0');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    arrive($held, @names);
    is(drain($held), 0, 'the holder died: a drain takes over');
    is(content($held), $truth, 'with the same result');
}

# Somebody removed a batch whose windows are open: that is for a person.
{
    my $robbed = world('robbed', 1);
    arrive($robbed, pick('alpha', names("$robbed.batches")));
    drain($robbed);
    my ($victim) = names("$robbed/$READY");
    system('rm', '-rf', "$robbed/$READY/$victim");
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', "$root/robbed.log";
    is(drain($robbed) >> 8, 2, 'an input was removed by hand: exit 2');
    open STDERR, '>&', $stderr;
    like(slurp("$root/robbed.log"), qr/\Q$victim\E.*bring it back/, 'and a message that names it');
}

done_testing;
