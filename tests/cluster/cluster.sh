# cluster.sh: what the tests of the cluster share. Sourced; adds to ../tap.sh
#
#   lab ...                 this test's lab (see the script), in $MIRA_BUILD/cluster/<test>; ended with the test, however it ends
#   on NAME COMMAND         runs COMMAND on a host
#   on_host STAGES...       the text of a command for "lab host": the services STAGES with $plan (see service)
#   until_ SECONDS COMMAND  waits until COMMAND succeeds
#   undisturbed PASSES      $input and the audit that nobody disturbs
#   note TEXT               a diagnostic with the time since the test began
#   drained                 is nothing left in the queues, seen from host $1?
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

here=$top/tests/cluster
name=$(basename "$0" .t)
build=${MIRA_BUILD:-$top/build/test}
run=$build/cluster/$name
conf=$run/mira.conf
spool=/srv/spool/mira
export LAB_RUN=$run MIRA_BIN

lab() { "$here/lab" "$@"; }
lab_up() { lab up || { echo 'Bail out! the lab does not come up'; exit 2; }; }
on() { lab on "$@"; }
note() { printf '# %4d s  %s\n' $SECONDS "$*"; }

finish() {
	local code=$?
	trap - EXIT INT TERM HUP
	[ -z "${background:-}" ] || kill $background 2>/dev/null
	lab down
	rm -rf "$tmp"
	[ $code != 0 ] || rm -rf "$run"/calm "$run"/out "$run"/*.pcapng "$run"/wanted # the logs stay
	exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

for program in linux.uml uml_switch exportfs mergecap; do
	command -v $program >/dev/null || { echo "Bail out! $program is missing: make cluster-deps"; exit 2; }
done
lab down 2>/dev/null # what a test left that was killed itself
rm -rf "$run"
mkdir -p "$run"
cat >"$conf" <<END
segment_bytes = 1048576;
batch_segments = 1;
period_s = 3600;
policy = "$top/etc/policy.conf";
symptoms = "$top/etc/symptoms.d";
store = "/srv/local/audit/mira.db";
END
export MIRA_CONFIG=$conf

# The trace all tests read: some 230 batches of 1 MiB, 36 windows.
trace=$build/cluster/trace.pcapng
make_trace() {
	[ -s "$trace" ] || "$here/trace" "$trace" 36
}

# A short trace of so many PASSES, $input, and what nobody disturbs: the audit $run/calm, its dump $run/wanted.
undisturbed() { # PASSES
	input=$run/short.pcapng
	"$here/trace" "$input" "$1"
	mira run --out "$run/calm" "$input" >"$run/calm.log" 2>&1
	mira dump --addresses "$run/calm" >"$run/wanted"
	note "the undisturbed audit: $(grep -c ^ledger "$run/wanted") batches"
}

on_host() { # STAGES...
	local stage arguments
	echo "export SPOOL=$spool MIRA_BIN='$MIRA_BIN' MIRA_CONFIG='$conf' PLAN='${plan:-}' MIRA_LOG='${MIRA_LOG:-info}'; mkdir -p /srv/local/audit;"
	for stage in "$@"; do
		case $stage in
		capture) arguments="--read '${input:-$trace}'" ;;
		*) arguments=--follow ;;
		esac
		echo "setsid '$here/service' $stage $arguments >/dev/console 2>&1 </dev/null &"
	done
}
until_() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}
# What waits or is held, in the order in which it flows, seen from a host. The token of a shard is always somewhere.
left() { # HOST
	on "$1" "cd $spool && for q in capture packets/* flows/* biflows/* verdicts/*; do
		find \$q/ready -mindepth 1 -maxdepth 1 2>/dev/null
		find \$q/work \$q/tmp -mindepth 2 -maxdepth 2 2>/dev/null
		find \$q/done -mindepth 1 -maxdepth 1 2>/dev/null
	done; :"
}
drained() { [ -z "$(left "$1")" ] && [ -z "$(left "$1")" ]; }
