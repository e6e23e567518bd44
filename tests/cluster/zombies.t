#!/bin/bash
# A worker that was thought dead and wakes up again adds nothing and removes nothing.
#
# Two spools on one export. In the first, all stages of h1 are stopped (SIGSTOP) while they hold a claim; in the second, those of
# h3, and then h3 as a whole stands still. h2 finds them dead and works off both spools, to the end of the line. Then the stopped
# ones go on, at the very point where they stood, before a commit: the listing of the whole spool must be the same as before, the
# log must say that they were fenced, and the audit must be the one that nobody disturbed. The store is no zombie: its database,
# on a disk of its own, lets no second one in while the first one stands still.
. "$(dirname "$0")/cluster.sh"
undisturbed 8

# Each takes what comes later than what the one before it holds, so that all of them have something to hold.
plans=('capture commit 44' 'preprocess commit 30' 'consolidate commit 2' 'classify commit 1')

serve() { # HOST STAGE [PLAN]
	on "$1" "$(plan=${3:-} on_host "$2")"
}
holds() { grep -aq "^HOLDS $2 .*/" "$run/$1.log"; } # HOST STAGE
zombify() { # HOST SPOOL: leaves each stage stopped with a claim, while h2 goes on with the rest
	local host=$1 plan stage
	spool=$2
	for plan in "${plans[@]}"; do
		stage=${plan%% *}
		serve "$host" "$stage" "$plan"
		ok "$host: $stage stands still with a claim" until_ 120 holds "$host" "$stage"
		case $stage in preprocess | classify) serve h2 "$stage" ;; esac
	done
}
listing() { # SPOOL: what stands there; not what living workers say of themselves, nor when a name came into a folder or went
	on h2 "cd $1 && find . -path ./workers -prune -o -path ./metrics -prune -o -path ./state/looks -prune -o \
		-type d -printf '%p\n' -o -printf '%p %s %T@ %n\n' | sort"
}
woken() { # HOST: lets the stopped ones go on
	on "$1" 'for p in $(pgrep -x "mira-[a-z]*"); do grep -qs "^State:.T" /proc/$p/status && kill -CONT $p; done; :'
}
quiet() { # HOST: ends those that do not stand still
	on "$1" 'for p in $(pgrep -x "mira-[a-z]*"); do grep -qs "^State:.T" /proc/$p/status || kill -TERM $p; done; :'
	until_ 60 on "$1" 'for p in $(pgrep -x "mira-[a-z]*"); do grep -qs "^State:.T" /proc/$p/status || exit 1; done'
}
worked_off() { [ -z "$(left h2 | grep -v ^verdicts)" ] && [ -z "$(left h2 | grep -v ^verdicts)" ]; }
captured() { [ "$(grep -ac '^ENDS capture 0' "$run/h2.log")" = 2 ]; }
said() { grep -aE 'taken from us|taken over|taken for dead|Stale file handle' "$run/$1.log" | tr -d '\r'; } # HOST: who was fenced
fenced() { [ "$(said "$1" | grep -o 'prog=[a-z-]*' | sort -u | wc -l)" = ${#plans[@]} ]; }

lab_up
LAB_LOCAL=$run/h1.img lab host h1 11
lab host h2 12
LAB_LOCAL=$run/h3.img lab host h3 13

zombify h1 /srv/spool/stopped
zombify h3 /srv/spool/frozen
lab freeze h3
note 'h3 stands still as a whole'

for spool in /srv/spool/stopped /srv/spool/frozen; do
	on h2 "$(on_host capture consolidate)"
done
for spool in /srv/spool/stopped /srv/spool/frozen; do
	ok "$spool is worked off by others" until_ 240 worked_off
done
for stage in packets consolidate classify; do
	ok "  reclaimed: $(grep -a "reclaimed.*$stage" "$run/h2.log" | wc -l) in $stage" grep -aq "reclaimed.*$stage" "$run/h2.log"
done

# The consolidation of h2 keeps its token as long as it lives; what stands still now is what the zombies find.
until_ 60 captured
for round in 'h1 stopped' 'h3 frozen'; do
	set -- $round
	spool=/srv/spool/$2
	listing "$spool" >"$run/$2.before"
	[ "$1" != h3 ] || lab thaw h3
	woken "$1"
	note "$1: the zombies go on"
	ok "$1: all of them see that they were fenced" until_ 90 fenced "$1"
	quiet "$1"
	said "$1" | cut -c 26-190 | sed 's/^/# /'
	listing "$spool" >"$run/$2.after"
	ok "$1: they added nothing and removed nothing: $(wc -l <"$run/$2.after") names" diff "$run/$2.before" "$run/$2.after"
done

for round in 'h1 stopped' 'h3 frozen'; do
	set -- $round
	spool=/srv/spool/$2
	serve "$1" store 'store commit 1'
	ok "$1: the store stands still with a claim" until_ 60 holds "$1" store
	exits 1 '  a second one is not let in' on "$1" "MIRA_CONFIG='$conf' '$MIRA_BIN/mira-store' --spool $spool --tries 1"
	woken "$1"
	ok '  the first one goes on to the end' until_ 60 drained "$1"
	quiet "$1"
done
for h in h1 h3; do
	on $h "'$MIRA_BIN/mira' dump --addresses /srv/local/audit >/srv/out/$h"
	ok "$h: the audit is the undisturbed one" cmp "$run/wanted" "$run/out/$h"
	ok "$h: the balance closes" on $h "'$MIRA_BIN/mira' balance /srv/local/audit"
done
for round in 'h1 stopped' 'h3 frozen'; do # where the store can be read
	set -- $round
	ok "$2: the balance of the spool closes" on "$1" "MIRA_CONFIG='$conf' '$MIRA_BIN/mira' balance --spool /srv/spool/$2"
	is "$2: nothing was rejected" "$(on h2 "find /srv/spool/$2/*/*/bad -mindepth 1")" ''
done
done_testing
