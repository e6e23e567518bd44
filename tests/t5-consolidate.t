#!/usr/bin/perl
# What mira-consolidate publishes depends on the packets alone: not on the order in which batches arrive, not on
# how commits are cut, not on where a process was killed.
use strict;
use warnings;
use File::Temp qw(tempdir);
use File::Copy qw(move);
use File::Path qw(make_path);
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

sub drain {
    my ($spool, @options) = @_;
    return system($consolidate, '--spool', $spool, '--config', $plain, '--drain', @options);
}

sub names {
    my ($folder) = @_;
    opendir my $dir, $folder or return ();
    return sort grep { !/^\./ } readdir $dir;
}

# A spool with its first token, and the batches of the world of SEED waiting outside.
sub world {
    my ($name, $seed) = @_;
    my $spool = "$root/$name";
    drain($spool) == 0 or die 'first start';
    system($world, 'make', $spool, "$spool.batches", $seed) == 0 or die 'make';
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

done_testing;
