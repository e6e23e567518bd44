#!/bin/bash
# The crash table of spool/README.md, row by row: the real programs die at the named point; what stands there is what the table
# says; the next ones go on, and in the end the answer and what is left are those of a run in which nobody died.
#
#   row "words of the table" WORLD POINT:N COMMAND "what stands there"
#
# WORLD is a spool before COMMAND (see the makers below). "What stands there": globs below the spool; -GLOB for what does not, GLOB=N
# for how many.
. "$(dirname "$0")/line.sh"
grep -q MIRA_FAULT "$MIRA_BIN/mira-capture" || skip_all 'the executables have no fault points (make FAULTS=1)'
shopt -s nullglob dotglob

dies() { # POINT:N COMMAND
    local code=0
    MIRA_FAULT=$1 run "$2" || code=$?
    [ $code = 137 ] || { echo "$2 ended with $code and did not die at $1"; return 1; }
}

# ---- the worlds ----

world() { # NAME FROM COMMAND...: what COMMANDs make of the world FROM
    local name=$1 from=$2 command
    shift 2
    enter "$from"
    for command; do "$command" 2>&1 || { echo "# cannot make the world $name: $command"; exit 1; }; done
    mkdir "$tmp/world.$name"
    cp -a "$tmp/w/." "$tmp/world.$name"
}
enter() {
    rm -rf "$tmp/w"
    cp -a "$tmp/world.$1" "$tmp/w"
}
captured() { run capture; }
preprocessed() { run preprocess; }
consolidated() { run consolidate; }
classified() { run classify; }
at() { set -- "$spool"/$1; echo "${!#}"; } # the last one that stands there
# Overwrites some bytes in the middle of a file.
damage() { printf 'damage' | dd of="$1" bs=1 seek=300 conv=notrunc status=none; }
# One batch of the queue alone waits, and it is damaged: what the others make of it stands already.
alone() { # QUEUE COMMAND FILE
    local batch
    batch=$(at "$1/ready/*")
    cp -a "$batch" "$tmp/good"
    mv "$batch" "$tmp/aside"
    run "$2" && mv "$tmp/aside" "$batch" && damage "$batch/$3"
}
bad_packets() {
    alone packets/preprocess preprocess 000000.pcapng
    mkdir -p "$spool/state/strikes/packets.preprocess/$(basename "$(at 'packets/preprocess/ready/*')")"
    echo 6 >"$(at 'state/strikes/packets.preprocess/*')/preprocess.elsewhere.0"
}
bad_flows() { damage "$(at 'flows/shard-0/ready/*')/flows.ipfix"; }
bad_verdicts() { damage "$(at 'verdicts/store/ready/*')/verdicts.ipfix"; }
repaired() {
    local bad
    run preprocess && bad=$(at 'packets/preprocess/bad/*[0-9]') && rm -r "$bad" && mv "$tmp/good" "$bad"
}
aged() { touch -d '100 days ago' "$(at 'packets/preprocess/bad/*.reason')"; }
# Two workers died, each with a batch in hand.
two_dead() {
    local pids=
    for _ in 1 2; do
        (MIRA_FAULT=claimed:1:hang exec mira-preprocess --spool "$spool" --drain) &
        pids="$pids $!"
    done
    until set -- "$spool"/packets/preprocess/work/*/*; [ $# = 2 ]; do sleep 0.02; done
    for pid in $pids; do kill -9 "$pid"; wait "$pid"; done
    return 0
}
two_readers() { mkdir -p "$spool"/packets/extra/{ready,work,done,bad}; }
late_reader() { mkdir -p "$spool"/verdicts/extra/{ready,work,done,bad}; }
segment_open() { dies segment:4 capture; }
state_written() { dies state:2 capture; }
pipe_cut() { dies state:2 pipe; }

# ---- a row ----

stands() { # PATTERN...
    local pattern wanted
    for pattern; do
        wanted=some
        case $pattern in
        -*) wanted=0 pattern=${pattern#-} ;;
        *=*) wanted=${pattern#*=} pattern=${pattern%=*} ;;
        esac
        set -- "$spool"/$pattern
        [ $# != 1 ] || [ -e "$1" ] || shift
        [ $# = "$wanted" ] || [ $wanted = some -a $# -gt 0 ] && continue
        echo "$pattern: $# of them, $wanted wanted; there stands"
        (cd "$spool" && find . | sort | grep -v ./metrics)
        return 1
    done
}
# The line goes on to its end; what it answers, and which files are left, but for counters and names of workers.
rest() { # ANSWER COMMAND...
    local answer=$1 command
    shift
    for command; do run "$command" || { echo "$command ends with $?"; return 1; }; done
    mira dump --addresses "$tmp/w" >"$answer" || return
    (cd "$spool" && find . ! -path './metrics/*' ! -path './state/looks/*' ! -path '*/bad/*/*' | sed -E 's/token-[0-9]+/token/' | sort) >"$answer.left"
}
whole=(preprocess consolidate classify store)
after() { # WORLD: what goes on in it
    case $1 in
    late) echo "${whole[@]}" ;;
    cut-pipe) echo nothing "${whole[@]}" ;;
    repaired) echo requeue "${whole[@]}" ;;
    quarantined | aged | held | bad-packets | new | two | cut | named | packets) echo capture "${whole[@]}" ;;
    *) echo "${whole[@]}" ;;
    esac
}
check_row() { # WORLD FAULT COMMAND PATTERN...
    local world=$1 fault=$2 command=$3
    shift 3
    [ -e "$tmp/calm.$world" ] || { enter "$world" && rest "$tmp/calm.$world" $(after "$world"); } || return
    enter "$world"
    dies "$fault" "$command" && stands "$@" || return
    before_rest || return
    rest "$tmp/got" $(after "$world") && diff "$tmp/calm.$world" "$tmp/got" && diff "$tmp/calm.$world.left" "$tmp/got.left"
}
before_rest() { :; }
row() { # WORDS WORLD FAULT COMMAND "PATTERNS"
    set -f
    # shellcheck disable=SC2086
    set -- "$1" "$2" "$3" "$4" $5
    set +f
    ok "$1 ($3)" check_row "${@:2}"
}

mkdir "$tmp/world.new"
world packets new captured
world flows packets preprocessed
world biflows flows consolidated
world verdicts biflows classified
world two new two_readers
world held packets two_dead
world bad-packets packets bad_packets
world bad-flows flows bad_flows
world bad-verdicts verdicts bad_verdicts
world quarantined bad-packets preprocessed
world repaired bad-packets repaired
world aged quarantined aged
world late biflows late_reader classified
world cut new segment_open
world named new state_written
world cut-pipe new pipe_cut
sed 's/^window/max_batches = 2; window/' "$tmp/mira.conf" >"$tmp/trim.conf"

all=$(find "$tmp/world.packets/spool/packets/preprocess/ready" -mindepth 1 -maxdepth 1 | wc -l)
P=packets/preprocess F=flows/shard-0 S=state/shard-0 C=capture
# ---- claim and work ----
row 'a worker with a beat and no folder' packets beat:1 preprocess "workers/*=1 -$P/work/*"
row 'a worker with an empty folder' packets claim:1 preprocess "$P/work/*=1 -$P/work/*/* $P/ready/*=$all"
row 'a batch is claimed' packets claimed:1 preprocess "$P/work/*/*=1 $P/ready/*=$((all - 1))"
row 'an attempt is begun' packets attempt:1 preprocess "$P/work/*/*/preprocess.*=1 -$P/work/*/*/preprocess.*/*"
row 'in the middle of the work' packets working:2 preprocess "$P/work/*/*=1"
row 'a segment is being read' packets reading:2 preprocess "$P/work/*/*=1"
row 'an output is complete' packets output:3 preprocess "$P/work/*/*/*/out/flows.shard-0/*/manifest.json=1 $F/ready/*=2"
row 'biflows: an output is complete' biflows output:1 classify "biflows/classify/work/*/*/*/out/verdicts.store/*/manifest.json=1"
row 'the token is given back' flows released:1 consolidate "$S/ready/*=1 $S/work/*=1 -$S/work/*/*"
row 'the beat of one that left' packets leaving:1 preprocess "workers/*=1 -$P/work/*"
# ---- commit and finish ----
row 'before the commit' packets commit:1 preprocess "$P/work/*/*/*/out/*/* -$P/done/*"
row 'after the commit' packets committed:1 preprocess "$P/done/*~*/*/out/flows.shard-0/*=1 -$F/ready/*"
row 'nothing is moved yet' packets finish:1 preprocess "$P/done/*~*/*/out/flows.shard-0/*=1 -$F/ready/*"
row 'an output is moved' packets moved:1 preprocess "$F/ready/*=1 $P/done/*/*/out/flows.shard-0=1 -$P/done/*/*/out/*/*"
row 'one of two readers has its output' two moved:1 capture "packets/*/ready/*=1 $C/done/*/*/out/*/*=1"
row 'the folder of the reader is on disk' packets synced:1 preprocess "$F/ready/*=1 $P/done/*/*/out/*=1"
row 'all outputs are moved' packets published:1 preprocess "$F/ready/*=1 $P/done/*/*/out=1 -$P/done/*/*/out/*"
row 'the outputs are handed over' packets handed:1 preprocess "$P/done/*/manifest.json=1 -$P/done/*/*/out"
row 'a part of the rest is removed' packets removing:2 preprocess "$P/done/*/*"
row 'all but the folder is removed' packets removed:1 preprocess "$P/done/*=1 -$P/done/*/*"
# ---- reclaim ----
row 'one of two batches is given back' held reclaim:1 preprocess "$P/ready/*=$((all - 1)) $P/work/*/*=1"
row 'the folder of the dead one is gone' held forget:1 preprocess "-$P/work/*/* workers/*=3"
row 'the beat of the dead one is gone' held forgotten:1 preprocess "workers/*=2 state/looks/*"
# ---- reject, requeue, expire ----
row 'the reason stands in the attempt' bad-packets reject:1 preprocess "$P/work/*/*/*/reject=1"
row 'the rejection is committed' bad-packets committed:1 preprocess "$P/done/*/*/reject=1 $P/done/*/*/out/*/*=2"
row 'the quarantined row is handed over' bad-packets handed:1 preprocess "$P/done/*/*/reject=1 $P/done/*/*/out=1 $F/ready/*=$all"
row 'the reason stands in bad/' bad-packets reason:1 preprocess "$P/bad/*.reason=1 $P/bad/*=1 state/strikes/*/*=1"
row 'the strikes are removed' bad-packets to-bad:1 preprocess "$P/bad/*=1 $P/done/*=1 -state/strikes/*/*"
row 'the batch stands in bad/' bad-packets bad:1 preprocess "$P/bad/*=2 -$P/done/*"
before_rest() { aged; }
row 'a batch is requeued' repaired requeued:1 requeue "$P/ready/*+1=1 $P/bad/*.reason=1 $P/bad/*=1"
before_rest() { :; }
row 'old quarantine is taken out' aged expired:1 preprocess "$P/done/*=1 $P/bad/*=1 $P/bad/*.reason=1"
row 'old quarantine is removed' aged expired-all:1 preprocess "-$P/done/* $P/bad/*.reason=1"
# ---- the windows ----
row 'a first token is built' flows state:1 consolidate "$S/birth/*/manifest.json=1 -$S/born"
row 'the first token is chosen' flows birth:1 consolidate "$S/birth/*=1 $S/born -$S/ready/*"
row 'the first token stands in ready/' flows born:1 consolidate "$S/ready/*=1 -$S/birth/*"
row 'the token is claimed' flows claimed:1 consolidate "$S/work/*/*=1"
row 'the windows are merged' flows working:1 consolidate "$S/work/*/*/*=4"
row 'the biflows are written' flows state:2 consolidate "$S/work/*/*/*/out/biflows.classify/*/manifest.json=1 -$S/work/*/*/*/out/state.*"
row 'the next token is written' flows output:2 consolidate "$S/work/*/*/*/out/state.shard-0/*/manifest.json=1 -$S/work/*/*/*/retire"
row 'the token is ready to be committed' flows commit:1 consolidate "$S/work/*/*/*/retire=1"
row 'the token is committed' flows committed:1 consolidate "$S/done/*/*/retire=1 -$S/ready/* $F/ready/*=$all"
row 'the biflows are handed over' flows moved:1 consolidate "biflows/classify/ready/*=1 $F/ready/*=$all -$S/ready/*"
row 'an input is retired' flows retired:1 consolidate "$F/done/*=1 $S/done/*/*/out/state.shard-0/*=1"
row 'a retired input is being removed' flows removed:2 consolidate "$F/done/*=1 -$F/done/*/* $S/done/*=1"
row 'all inputs are retired' flows retired-all:1 consolidate "-$F/done/* $S/done/*/*/out/state.shard-0/*=1 -$S/ready/*"
row 'the next token is handed over' flows moved:2 consolidate "$S/ready/*=1 $S/done/*=1"
row 'the next token is claimed' flows claimed:2 consolidate "$S/work/*/*=1 -$S/done/*"
row 'the reason of bad flows is written' bad-flows reason:1 consolidate "$F/bad/*=1 $F/bad/*.reason=1 $F/ready/*=$all"
row 'bad flows are moved away' bad-flows bad:1 consolidate "$F/bad/*=2 $F/ready/*=$((all - 1)) -biflows/classify/ready/*"
# ---- capture ----
row 'the runs are told' new begun:1 capture "state/capture/trace-some.pcap=1 -$C/tmp/*"
row 'a folder for a batch is made' new created:3 capture "$C/tmp/*/*=1 -$C/tmp/*/*/* $P/ready/*=2"
row 'a capture begins an attempt' new attempt:3 capture "$C/tmp/*/*/*=1 -$C/tmp/*/*/*/*"
row 'a segment is being written' new segment:3 capture "$C/tmp/*/*/*/out/*/*/000000.pcapng=1 -$C/tmp/*/*/*/out/*/*/manifest.json"
row 'a captured batch is complete' new complete:3 capture "$C/tmp/*/*/*/out/*/*/manifest.json=1"
row 'its state is made' new stating:4 capture "$C/tmp/*/*/*/out/*/*/manifest.json=1"
row 'its name is in the state' new state:3 capture "$C/tmp/*/*=1 state/capture/*=1"
row 'before the commit of a capture' new commit:3 capture "$C/tmp/*/*=1 -$C/done/*"
row 'after the commit of a capture' new committed:3 capture "$C/done/*/*/out/*/*=1 -$C/tmp/*/*"
row 'a captured batch is handed over' new moved:3 capture "$C/done/*=1 $P/ready/*=3"
row 'a captured batch leaves its folder' new removed:3 capture "$C/done/*=1 -$C/done/*/*"
row 'a capture lets its stream go' new let-go:1 capture "$C/tmp/*=1 -$C/tmp/*/* workers/*=1"
row 'a capture leaves' new leaving:1 capture "-$C/tmp/* workers/*=1"
row 'recovery throws a part of a batch away' cut committed:1 capture "$C/done/*=1 -$C/tmp/*/*"
row 'recovery commits the named batch' named committed:1 capture "$C/done/*/*/out/*/*=1 -$C/tmp/*/*"
row 'recovery removed the folder' named forget:1 capture "-$C/tmp/* workers/*=2"
row 'a lost run is about to be ended' cut-pipe ending:1 nothing "$C/tmp/*=0 state/capture/*=1"
# ---- store ----
row 'the spool knows the store' verdicts identity:1 store "state/store=1 verdicts/store/ready/*"
row 'the store does not know the spool' verdicts joined:1 store "state/store=1 verdicts/store/ready/*"
row 'a transaction is begun' verdicts store-begin:2 store "verdicts/store/work/*/*=2"
row 'a transaction is about to end' verdicts store-commit:1 store "verdicts/store/work/*/*=4"
row 'a batch is loaded and not handed over' verdicts commit:1 store "verdicts/store/work/*/*=4"
row 'a loaded batch is committed' verdicts committed:1 store "verdicts/store/done/*=1"
row 'a bad batch is noted' bad-verdicts store-rejected:1 store "verdicts/store/work/*/*=4 -verdicts/store/bad/*"
# ---- the spool ----
row 'the folders are made' new folders:1 capture "state/rules $P/ready -spool.json"
before_rest() { # time passes; there is some litter
    touch -d '2 days ago' "$(find "$spool" -name '.tmp-*' | grep -m1 .)"
}
row 'spool.json has two names' new linked:1 capture "spool.json=1 .tmp-*=1"
row 'the rules are written' new rules:1 capture "state/rules/*=1 state/rules/.tmp-*/mira.conf=1"
for n in 1 2 3 4 5 6 8; do
    row 'a file is written beside its name' new written:$n capture
    row 'a file is written beside its name' packets written:$n preprocess
    row 'a file is written beside its name' flows written:$n consolidate
done
before_rest() { :; }
MIRA_CONFIG=$tmp/trim.conf
row 'an optional reader loses a batch' late dropped:1 classify "verdicts/extra/done/*=1"
done_testing
