#!/bin/bash
# NFS as it is: clocks that are hours apart, a full export, a quota, a read-only one, root_squash, users whose numbers differ,
# a soft mount, a server that is away, a segment that another host removed, files that somebody holds open, no inotify.
#
# Each time the line works off a short trace on the export; the audit must be the one that a local disk gives.
. "$(dirname "$0")/cluster.sh"
undisturbed 4
stages='capture preprocess consolidate classify store'

command_of() { # STAGE: on $spool; $AS is what runs it, another user say
	local arguments=--drain
	case $1 in
	capture) arguments="--read '$input'" ;;
	store) arguments="--drain --db /srv/local/${spool##*/}/mira.db" ;;
	esac
	echo "mkdir -p -m 777 /srv/local/${spool##*/}; ${AS:-} env MIRA_CONFIG='$conf' MIRA_LOG=warn ${FAULT:+MIRA_FAULT=$FAULT} '$MIRA_BIN/mira-$1' --spool $spool $arguments"
}
drain() { # HOST STAGE
	on "$1" "$(command_of "$2")"
}
same_audit() { # HOST
	on "$1" "'$MIRA_BIN/mira' dump --addresses /srv/local/${spool##*/} >/srv/out/got" && cmp "$run/wanted" "$run/out/got"
}
# exits() with what it printed kept for says TEXT
refuses() { exits "$@"; cp "$tmp/.out" "$tmp/said"; }
says() { ok "  and says: $1" grep -aqE "$1" "$tmp/said"; }
export_as() { # OPTIONS: the export, from now on
	on server "exportfs -o fsid=0,insecure,no_subtree_check,$1 '*:/srv/disk' && exportfs -f"
}
# A spool of its own begins with compiling the symptoms, which a busy machine takes more than a minute for.
stands_still() { # LOG
	ok 'h2 preprocesses, and stands still in the middle' until_ 300 grep -q FAULT "$run/out/$1"
}
scenario() {
	note "$*"
	spool=/srv/spool/$1
}

export LAB_MKFS='-O quota' LAB_OPTIONS=usrquota
LAB_DISK=256M lab_up
lab host h1 11
lab host h2 12

scenario clocks that are hours apart
on h1 'date -s "+3 hours"' >/dev/null
on h2 'date -s "-5 hours"' >/dev/null
on h2 "export MIRA_CONFIG='$conf'; setsid '$MIRA_BIN/mira-preprocess' --spool $spool --follow >/srv/out/follow.log 2>&1 </dev/null &"
ok 'h1, three hours ahead, captures' drain h1 capture
ok 'a poll finds what inotify does not tell: h2, five hours behind, preprocesses' until_ 300 on h2 \
	"test \$(ls $spool/flows/shard-0/ready | wc -l) = $(grep -c ^ledger "$run/wanted")"
on h2 'kill -TERM $(pgrep -x mira-preprocess)'
for stage in consolidate classify store; do ok "h1: $stage" drain h1 $stage; done
ok 'the audit is the same' same_audit h1
ok 'nobody was taken for dead' test ! -s "$run/out/follow.log" -o "$(grep -c 'dead' "$run/out/follow.log")" = 0
refuses 2 'a live capture refuses such a clock' on h1 "MIRA_CONFIG='$conf' '$MIRA_BIN/mira-capture' --spool $spool -i lo --duration 1"
says 'clock'
on h1 'date -s "-3 hours"' >/dev/null
on h2 'date -s "+5 hours"' >/dev/null

scenario soft mounts
refuses 2 'a soft mount is refused' on h2 "mkdir -p /srv/soft && mount -t nfs4 -o vers=4.2,soft 192.0.2.1:/ /srv/soft &&
	MIRA_CONFIG='$conf' '$MIRA_BIN/mira-preprocess' --spool /srv/soft/s --drain"
says 'mount it .*hard'
on h2 'umount /srv/soft'

scenario readonly export
ok 'h1 captures' drain h1 capture
on h2 "export MIRA_CONFIG='$conf'; setsid env MIRA_FAULT=working:5:stop '$MIRA_BIN/mira-preprocess' --spool $spool --follow >/srv/out/ro.log 2>&1 </dev/null &"
stands_still ro.log
export_as ro,no_root_squash
on h2 'kill -CONT $(pgrep -x mira-preprocess)'
ok 'a worker says that the file system is read-only, and waits' until_ 60 grep -q 'read-only: mount it for writing' "$run/out/ro.log"
refuses 2 'a stage that is started then needs a person' drain h1 classify
says 'Read-only'
export_as rw,no_root_squash
ok 'it goes on by itself' until_ 120 grep -q 'working again' "$run/out/ro.log"
on h2 'kill -TERM $(pgrep -x mira-preprocess)'
for stage in $stages; do ok "h1: $stage" drain h1 $stage; done
ok 'the audit is the same' same_audit h1

scenario full export
ok 'h1 captures' drain h1 capture
on server 'for size in 1M 4k; do dd if=/dev/zero of=/srv/disk/ballast.$size bs=$size 2>/dev/null; done; sync'
refuses 1 'preprocess gives up for now' drain h2 preprocess
says 'is full: free space there|No space left'
on server 'rm /srv/disk/ballast.*'
for stage in $stages; do ok "h2: $stage" drain h2 $stage; done
ok 'the audit is the same' same_audit h2
is 'nothing was rejected' "$(on h2 "find $spool/*/*/bad -mindepth 1")" ''

as() { AS="setpriv --reuid $1 --regid $1 --clear-groups" drain "${@:2}"; }
on server 'install -d -m 770 -o 990 -g 990 /srv/disk/squashed /srv/disk/shared'

scenario squashed root
export_as rw,root_squash
refuses 2 'root, squashed, is refused' drain h1 capture
says 'Permission denied'
ok 'the user of the spool may: capture' as 990 h1 capture
refuses 2 'a user of another number on another host is refused' as 991 h2 preprocess
says 'Permission denied'
for stage in preprocess consolidate classify store; do ok "the same number on h2: $stage" as 990 h2 $stage; done
ok 'the audit is the same' same_audit h2

scenario shared by users of other numbers
export_as rw,all_squash,anonuid=990,anongid=990
ok 'all_squash: 1001 on h1 captures' as 1001 h1 capture
for stage in preprocess consolidate; do ok "1002 on h2: $stage" as 1002 h2 $stage; done
for stage in classify store; do ok "root on h1: $stage" drain h1 $stage; done
ok 'the audit is the same' same_audit h1

scenario quota
limit() { # KIB: for user 990 on the server (quotactl(2); package quota is not needed)
	on server "python3 -c '
import ctypes, struct
limits = struct.pack(\"8QI4x\", $1, 0, 0, 0, 0, 0, 0, 0, 1)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.quotactl(0x80000800, b\"/dev/ubda\", 990, limits) == 0, ctypes.get_errno()'"
}
on server 'install -d -m 770 -o 990 -g 990 /srv/disk/quota'
ok 'h1 captures' drain h1 capture
used=$(on server 'find /srv/disk -uid 990 -printf "%k\\n" | awk "{ n += \$1 } END { print n }"')
ok 'a quota is set, and used up' limit $((used / 2))
refuses 1 'preprocess gives up for now' drain h2 preprocess
says 'quota is used up|Disk quota exceeded'
limit 0
for stage in $stages; do ok "h2: $stage" drain h2 $stage; done
ok 'the audit is the same' same_audit h2
export_as rw,no_root_squash

scenario stale segments
ok 'h1 captures' drain h1 capture
on h2 "export MIRA_CONFIG='$conf'; setsid env MIRA_FAULT=reading:3:stop '$MIRA_BIN/mira-preprocess' --spool $spool --drain >/srv/out/stale.log 2>&1 </dev/null &"
stands_still stale.log
ok 'h1 takes the batch from a worker that stands still on h2' drain h1 preprocess
lab kill server
lab server
on h2 'echo 3 >/proc/sys/vm/drop_caches; kill -CONT $(pgrep -x mira-preprocess)'
# Without any load it may take 50 s: the server's grace period (10 s here), the client's pauses in it (up to 15 s), and the five
# tries of a drain (1, 2, 4 and 8 s in between, and up to half as much again).
gone() { on h2 '! pgrep -x mira-preprocess' >/dev/null; }
ends() { until_ 300 gone || { on h2 'grep . /proc/$(pgrep -x mira-preprocess)/task/*/{wchan,stat}'; false; }; }
ok 'whose segment is gone, also from the server: it goes on and ends' ends
ok '  it says that the batch was taken' grep -q 'taken' "$run/out/stale.log"
sed 's/^/# /' "$run/out/stale.log"
is '  no strike' "$(on h2 "find $spool/state/strikes -type f 2>/dev/null")" ''
for stage in consolidate classify store; do ok "h1: $stage" drain h1 $stage; done
ok 'the audit is the same' same_audit h1

scenario held open
ok 'h1 captures' drain h1 capture
on h1 "setsid sh -c 'for f in $spool/packets/preprocess/ready/*/*.pcapng; do exec 9<\$f; exec sleep 1000; done' >/dev/null 2>&1 </dev/null &"
ok 'a batch that somebody on this host reads is done nevertheless' drain h1 preprocess
is '  and leaves one .nfs file' "$(on h1 "find $spool -name '.nfs*' | wc -l")" 1
on h1 'kill $(pgrep -x sleep)'
ok '  which goes with its reader, and then the rest with the next start' drain h1 preprocess
is '  nothing is left in done' "$(on h1 "ls $spool/packets/preprocess/done")" ''
for stage in consolidate classify store; do ok "h1: $stage" drain h1 $stage; done
ok 'the audit is the same' same_audit h1

scenario server away
for stage in $stages; do
	(sleep 1; lab kill server; sleep 8; lab server) &
	background=$!
	ok "$stage, while the server is away" drain h1 "$stage"
	wait $background
done
ok 'the audit is the same' same_audit h1
done_testing
