#!/bin/bash
# Any host may lose its power at any instant, and so may the file server: nothing is lost, nothing counts twice.
#
# Three client hosts run the whole line on one export, as services: h1 captures and classifies, h2 preprocesses and
# consolidates, h3 preprocesses, classifies and stores on a private disk, which outlives its power cuts. $CUTS times a client's
# power is cut while it holds a claim (or, the capture, an open batch): each boot has a plan, "STAGE POINT N"; at the Nth pass of
# that fault point the process stands still, a fresh listing of the spool must show its claim, and then the whole kernel gets
# SIGKILL. Meanwhile the file server is cut 5 times at any moment, the network carries nothing for 30 s, and three times a host
# stands still for 45 s and goes on. Then all that is left is worked off, and the audit is compared with an undisturbed one.
#
# The plans come from $SEED, which is printed; give it again to repeat them.
. "$(dirname "$0")/cluster.sh"
SEED=${SEED:-$RANDOM}
CUTS=${CUTS:-33}
limit=$((SECONDS + 900))
RANDOM=$SEED
note "SEED=$SEED CUTS=$CUTS"
make_trace
# No stage gets far ahead of the next one: on a fast machine the trace would be read before the cuts are made.
echo 'max_batches = 8;' >>"$conf"

roles=([1]='capture classify' [2]='preprocess consolidate' [3]='preprocess classify store')
declare -A points=(
	[capture]='segment state commit' [preprocess]='claimed working output commit' [consolidate]='claimed working state commit'
	[classify]='claimed working output commit' [store]='claimed store-begin store-commit commit'
)
any() { # WORD...: one of them, into $pick
	local n=$((RANDOM % $# + 1))
	pick=${!n}
}
# 60 plans for each host, made in advance: what happens meanwhile does not change them
make_plans() {
	local h n
	for h in 1 2 3; do
		for ((n = 0; n < 60; n++)); do
			any ${roles[h]}
			[ $h != 1 ] || [ $((RANDOM % 4)) = 0 ] || pick=capture
			plans[h * 100 + n]=$pick
			any ${points[$pick]}
			plans[h * 100 + n]+=" $pick"
			case ${plans[h * 100 + n]} in
			capture*) plans[h * 100 + n]+=" $((RANDOM % 7 + 4))" ;;
			preprocess*) plans[h * 100 + n]+=" $((RANDOM % 3 + 1))" ;;
			*) plans[h * 100 + n]+=' 1' ;;
			esac
		done
	done
}
make_plans

made=(0 0 0 0) cuts=(0 0 0 0) booted=(0 0 0 0) aimless=0
declare -A of_stage
total() { echo $((cuts[1] + cuts[2] + cuts[3])); }

# Cuts go on until there were $CUTS and one fell on every stage: the last ones pick their stage.
cut_enough() { [ "$(total)" -ge "$CUTS" ] && [ ${#of_stage[@]} = 5 ]; }
next_plan() { # H: into $plan; empty when none of that host's is of use
	while plan=${plans[$1 * 100 + made[$1]]:-}; [ -n "$plan" ]; do
		made[$1]=$((made[$1] + 1))
		[ "$(total)" -ge "$CUTS" ] && [ -n "${of_stage[${plan%% *}]:-}" ] || return 0
	done
}

start() { # H: boots that host with its next plan, or with none
	local h=$1 plan
	next_plan $h
	booted[h]=$SECONDS
	planned[h]=$plan
	LAB_LOCAL=$run/h$h.img lab host h$h $((10 + h)) "$(on_host ${roles[h]})"
}
cut() { # H: pulls the plug of that host
	lab kill h$1
	start $1
}
# Has the plan of that host come true? Then it is cut there.
look_at() { # H
	local h=$1 line
	line=$(grep -am 1 '^HOLDS' "$run/h$h.log" | tr -d '\r')
	case $line in
	'') ;;
	*' nothing') note "h$h: $line" && aimless=$((aimless + 1)) && cut "$h" ;;
	*)
		cuts[h]=$((cuts[h] + 1))
		set -- $line
		of_stage[$2]=$((${of_stage[$2]:-0} + 1))
		note "cut $(total) of h$h, which holds ${*:2}"
		cut "$h"
		;;
	esac
	# what its plan waits for may never come: another one
	if [ -n "${planned[h]}" ] && [ $((SECONDS - booted[h])) -gt 45 ]; then
		note "h$h: ${planned[h]} was not reached; cut where it stands"
		aimless=$((aimless + 1))
		cut "$h"
	fi
}

server_cuts=0 silences=0 freezes=0
server_cut() {
	note "cut $server_cuts of the file server"
	lab kill server
	sleep $((RANDOM % 5))
	lab server
}
freeze() { # H
	note "h$1 stands still for 45 s"
	lab freeze h$1
	booted[$1]=$((SECONDS + 45))
	(sleep 45; exec "$here/lab" thaw h$1) &
	background+=" $!"
}
silence() {
	note 'the network is silent for 30 s'
	lab silence 30
	for h in 1 2 3; do booted[h]=$((booted[h] + 30)); done
}
# What else happens, by the number of cuts so far.
events=(3:server_cut 5:'freeze 2' 9:server_cut 12:silence 15:server_cut 17:'freeze 3' 21:server_cut 24:'freeze 1' 27:server_cut)
next=0
disturb() { # at most one a time
	local event=${events[next]:-}
	[ -n "$event" ] && [ "$(total)" -ge $((${event%%:*} * CUTS / 33)) ] || return 0
	next=$((next + 1))
	case $event in
	*server_cut) server_cuts=$((server_cuts + 1)) ;;
	*freeze*) freezes=$((freezes + 1)) ;;
	*) silences=$((silences + 1)) ;;
	esac
	sleep 0.$((RANDOM % 10))
	${event#*:}
}

"$MIRA_BIN/mira" run --out "$run/calm" "$trace" >"$run/calm.log" 2>&1
mira dump --addresses "$run/calm" >"$run/wanted"
note "the undisturbed audit: $(grep -c ^ledger "$run/wanted") batches, $(grep -vc ^ledger "$run/wanted") biflows"

lab_up
for h in 1 2 3; do start $h; done
while ! cut_enough && [ $SECONDS -lt $limit ]; do
	for h in 1 2 3; do look_at $h; done
	disturb
	sleep 0.2
done
wait $background 2>/dev/null
# a plan that was made before the last cut is not waited for
made=(99 99 99 99)
for h in 1 2 3; do [ -z "${planned[h]}" ] || cut $h; done
note 'no more faults; the rest is worked off'

captured() { grep -aq '^ENDS capture 0' "$run/h1.log"; }
ok 'the capture comes to its end' until_ 300 captured
ok 'everything is worked off' until_ 300 drained h3
left h3 | sed 's/^/# left: /'

stopped() { on "$1" '! pgrep -x "mira-[a-z]*"' >/dev/null; }
for h in 1 2 3; do
	on h$h 'kill -TERM $(pgrep -x "mira-[a-z]*") 2>/dev/null'
	ok "h$h: the services end" until_ 60 stopped h$h
done

ok "$(total) power cuts of clients that held a claim: h1 ${cuts[1]}, h2 ${cuts[2]}, h3 ${cuts[3]} (and $aimless others)" test "$(total)" -ge "$CUTS"
for stage in capture preprocess consolidate classify store; do
	ok "  of them ${of_stage[$stage]:-0} in $stage" test "${of_stage[$stage]:-0}" -ge 1
done
is 'power cuts of the file server' $server_cuts 5
is 'silences of 30 s' $silences 1
is 'hosts that stood still for 45 s' $freezes 3

on h3 "mkdir -p /srv/out/audit && '$MIRA_BIN/mira' dump --addresses /srv/local/audit >/srv/out/got"
ok "$(grep -c ^ledger "$run/out/got") batches: the dump is the same to the byte" cmp "$run/wanted" "$run/out/got"
ok 'at least 200 batches' test "$(grep -c ^ledger "$run/out/got")" -ge 200
ok 'the balance of the store closes' on h3 "'$MIRA_BIN/mira' balance /srv/local/audit"
ok 'the balance of the spool closes' on h3 "'$MIRA_BIN/mira' balance --spool $spool"
ok 'the report is made' on h3 "mkdir -p /srv/local/report && '$MIRA_BIN/mira-report' --db /srv/local/audit/mira.db --out /srv/local/report"
is 'nothing was rejected' "$(on h3 "find $spool/*/*/bad -mindepth 1 2>/dev/null")" ''
# A capture forgets the dead before it at its start, once it has looked twice.
forgotten() { on h1 "MIRA_CONFIG='$conf' '$MIRA_BIN/mira-capture' --spool $spool --read '$trace' 2>/dev/null; test -z \"\$(ls $spool/workers)\""; }
ok 'the next capture forgets those that were cut' until_ 60 forgotten

# What was half written goes when it is a day old, whichever stage comes along.
on h3 "find $spool -name '.tmp-*' -exec touch -d '2 days ago' {} +; MIRA_CONFIG='$conf' '$MIRA_BIN/mira-classify' --spool $spool --drain 2>/dev/null"

# What stays by design: agreements, rules and compiled symptoms, looks and counters, the state of each stream, the token.
expected='^(spool.json|state/(capture|rules|cache|looks)/.*|state/store(.path)?|state/policy|flows/shard-0/held|state/shard-0/(born|ready/token-[0-9]*/.*)|metrics/.*)$'
on h3 "cd $spool && find . -mindepth 1 ! -type d -o -path '*/work/*' -o -path '*/tmp/*' | cut -c3-" >"$run/stays"
is 'nothing is left behind' "$(grep -vE "$expected" "$run/stays")" ''
note "what stays: $(sed -E 's,[^/]*$,,' "$run/stays" | sort | uniq -c | awk '{printf "%s in %s; ", $1, $2}')"
done_testing
