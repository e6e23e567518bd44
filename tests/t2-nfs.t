#!/bin/bash
# What NFS does to a program, done to the line here: replies that are lost after the call was done, calls that fail, names that stay
# absent until their folder is listed, files that cannot be read, disks that are full. The library tests/nfsfault.c stands between the
# real programs and the file system; where a program gives up (exit code 1), it is started again, as a service manager would.
#
#   SEED=N   another schedule than the one of `make check`; `make cluster` takes a new one each time
. "$(dirname "$0")/line.sh"
build=${MIRA_BUILD:-$top/build}
grep -q __asan_init "$MIRA_BIN/mira-capture" && skip_all 'a sanitizer wants to be the first library'
ok 'the library is there' test -e "$build/tests/nfsfault.so"
export NFS_ROOT=$spool NFS_REPORT=$tmp/report
stages=(preprocess consolidate classify store)
touch "$tmp/report"

faulty() { LD_PRELOAD=$build/tests/nfsfault.so "$@"; }
again() { # COMMAND: until it is done; another code than 0 and 1 is none that trying again may help
    local code
    for NFS_RUN in $(seq "$2" 50 2000); do
        export NFS_RUN
        code=0
        faulty run "$1" || code=$?
        [ $code = 1 ] || return $code
    done
    echo "$1 does not get on"
    return 1
}
whole() { # the same answer, balanced, nothing left
    mira dump --addresses "$tmp/w" >"$tmp/got" && diff "$tmp/wanted" "$tmp/got" && mira balance "$tmp/w" >/dev/null && mira balance --spool "$spool" >/dev/null || return
    ! find "$spool"/{packets,flows,biflows,verdicts}/*/{ready,work,done,bad} "$spool"/{capture/{tmp,done},workers,state/strikes/*} -mindepth 1 | grep .
}

for stage in capture "${stages[@]}"; do # world.STAGE: what it finds
    mkdir -p "$tmp/w" "$tmp/world.$stage"
    cp -a "$tmp/w/." "$tmp/world.$stage"
    run $stage
done
mira dump --addresses "$tmp/w" >"$tmp/wanted"
ok 'a line without faults' whole

# ---- at random ----
lines() { # the whole line, two preprocessors at once
    rm -rf "$tmp/w" && mkdir "$tmp/w" || return
    again capture 1 || return
    again preprocess 2 & again preprocess 3
    local code=$?
    wait $! && [ $code = 0 ] || return 1
    for stage in consolidate classify store; do again $stage 4 || return; done
    calm
}
calm() { for stage in capture "${stages[@]}"; do run $stage || return; done; } # what could not be removed, it removes
seed=${SEED:-23388}
random() { # WHAT ASSIGNMENT...
    local what=$1
    shift
    export NFS_SEED=$seed "$@"
    >"$tmp/report"
    ok "$what, seed $seed" lines
    ok "  the same answer, after $(wc -l <"$tmp/report") faults" whole
    for kind in $kinds; do ok "  some of them: $kind" grep -q "^$kind" "$tmp/report"; done
    unset NFS_LOST NFS_FAIL NFS_STALE
    seed=$((seed + 1))
}
kinds='lost.rename lost.mkdir lost.unlink lost.rmdir stale'
random 'replies are lost, names stay absent' NFS_LOST=100 NFS_STALE=300
kinds='lost fail'
random 'replies are lost and calls fail' NFS_LOST=30 NFS_FAIL=3 NFS_STALE=30
kinds=fail
random 'calls fail more often' NFS_FAIL=10

# ---- one by one ----
export NFS_RUN=0
# A program meets one fault, and goes on or ends with a code that says what helps; the line ends as if nothing had been.
meets() { # COMMAND FAULT CODES PATTERN
    local code=0
    rm -rf "$tmp/w"
    cp -a "$tmp/world.$1" "$tmp/w"
    >"$tmp/report"
    (export NFS_ERROR=$2 MIRA_LOG=warn; faulty run "$1") 2>"$tmp/said" || code=$?
    [ -s "$tmp/report" ] || { echo "there was no $2"; return 1; }
    grep -qw "$code" <<<"$3" || { echo "exit code $code"; cat "$tmp/said"; return 1; }
    [ -z "$4" ] || grep -qE "$4" "$tmp/said" || { echo "it does not say $4:"; cat "$tmp/said"; return 1; }
    ! find "$spool/state/strikes" -mindepth 2 | grep . || return
    calm && { whole || { calm && whole; }; }
}
one() { ok "$1: $2" meets "$@"; }
# done, and the repeated request met what had been done
for fault in rename:1:ENOENT rename:9:ENOENT mkdir:5:EEXIST mkdir:70:EEXIST link:1:EEXIST unlink:1:ENOENT rmdir:1:ENOENT create:2:EEXIST; do
    one capture $fault:lost '0 1'
done
for fault in rename:1:ENOENT rename:2:ENOENT rename:5:ENOENT mkdir:3:EEXIST mkdir:4:EIO unlink:3:ENOENT rmdir:1:ENOENT rmdir:3:EIO; do
    one preprocess $fault:lost 0
    one consolidate $fault:lost 0
    one classify $fault:lost 0
done
one store link:1:EEXIST:lost 0
one store rename:2:ESTALE:lost 0
# the file server fails once: a stage tries again, a capture is started again
for fault in read:30:ESTALE open:25:EIO list:40:ESTALE fsync:2:EIO close:20:EIO write:9:EIO rename:3:ESTALE; do
    one preprocess $fault 0
    one consolidate $fault 0
done
# the rules that batches are stamped with cannot be read: trying again helps
for n in 14 15 16 17 18; do one preprocess open:$n:EIO '0 1'; done
for n in 4 8 12 16; do one classify open:$n:EIO '0 1'; done
# and so is a folder once a name in it was changed: what its fsync says is no fence
for n in 61 62 63 64 65 86 87 88 89 90; do one capture list:$n:ESTALE '0 1'; done
for n in 4 9 14 19 24; do one capture fsync:$n:EIO '0 1'; done
# there is no space, and it stays so: a person or a process makes room, nothing is lost meanwhile
for error in ENOSPC EDQUOT; do
    for fault in write:12 fsync:5 create:20 mkdir:60; do one capture $fault:$error:on 1 'full|No space|quota'; done
    for fault in write:1 fsync:1 create:1 mkdir:9 rename:4; do
        one preprocess $fault:$error:on 1 'full: free space|quota is used up'
        one consolidate $fault:$error:on 1 'full: free space|quota is used up'
    done
done
# the mount becomes read-only: that takes a person
one capture create:20:EROFS:on 2 'mount it for writing'
one preprocess create:1:EROFS:on 2 'read-only: mount it for writing'
one consolidate mkdir:3:EROFS:on 2 'read-only: mount it for writing'
one classify rename:2:EROFS:on 2 'read-only: mount it for writing'
done_testing
