#!/bin/bash
# Twice the preprocessing hosts, twice the throughput, as long as it is processors that are short.
#
# The same batches are preprocessed by one host, then by two, $ROUNDS times in turn; each round starts from an equal spool (hard
# links to one copy, segments of 2 MiB) with the hosts' caches dropped, so that every segment is read from the export. What counts
# is the time until all hosts are done: the ratio within each round, whose two halves follow one another, and of these the median.
# First with symptoms that are made to be expensive: 400 regular expressions that begin anywhere, with long bounded repeats and no
# literal in front to look for. Then with the default set, where the second figure says what limits it: the share of its time
# that the one host spends computing.
. "$(dirname "$0")/cluster.sh"
ROUNDS=${ROUNDS:-3}
input=$run/short.pcapng
"$here/trace" "$input" 12

mkdir "$run/heavy"
awk 'BEGIN { for (n = 0; n < 400; n++) { a = sprintf("%c", 97 + n % 12); b = sprintf("%c", 110 + n % 13)
	printf "symptom heavy_%d\n\tregex /[%s-%s][^%s\\n]{%d,%d}[0-9%s][^%s\\r]{%d,%d}[A-F%s]{2}\\xff/\n",
		n, a, b, a, 4 + n % 5, 30 + n % 17, b, b, 3 + n % 7, 28 + n % 13, a } }' >"$run/heavy/heavy.sym"
mkdir "$run/policy"
echo 'classes = ( { name = "all"; class = "WEB"; verdict = "acceptable"; when = "dport = 443"; } );' >"$run/policy/policy.conf"
sed -i 's/^segment_bytes.*/segment_bytes = 2097152;/' "$conf"
sed "s#^symptoms.*#symptoms = \"$run/heavy\";#; s#^policy.*#policy = \"$run/policy/policy.conf\";#" "$conf" >"$run/heavy.conf"
cp "$conf" "$run/default.conf"

prepare() { # SET: /srv/spool/SET, with its compiled patterns, as all rounds begin
	on h1 "cd /srv/spool && mkdir warm && export MIRA_CONFIG='$run/$1.conf' MIRA_CACHE= MIRA_LOG=err &&
		'$MIRA_BIN/mira-capture' --spool $1 --read '$input' && cp -a $1/. warm &&
		'$MIRA_BIN/mira-preprocess' --spool warm --drain && cp -al warm/state/cache $1/state/ && rm -rf warm &&
		ls $1/packets/preprocess/ready | wc -l"
}
work() { # HOST: prints wall, user and system seconds
	on "$1" "TIMEFORMAT='%R %U %S'; export MIRA_CONFIG='$run/$set.conf' MIRA_LOG=err
		time '$MIRA_BIN/mira-preprocess' --spool /srv/spool/round --drain 2>&1" 2>&1 | tail -n 1 >"$run/$1.time"
}
now() { date +%s.%N; }
round() { # HOSTS...: seconds until the last one is done, into $seconds
	local host workers=() begun
	on h1 "cd /srv/spool && rm -rf round && cp -al $set round && sync"
	for host in "$@"; do on "$host" 'ls /srv/spool/round/packets/preprocess/ready >/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches'; done
	begun=$(now)
	for host in "$@"; do
		work "$host" &
		workers+=($!)
	done
	wait "${workers[@]}"
	seconds=$(echo "$(now) - $begun" | bc)
	[ "$(on h1 'cd /srv/spool/round; ls flows/shard-0/ready | wc -l; find packets/preprocess/ready -mindepth 1' | tr -d '\r')" = "$batches" ] ||
		undone=$((undone + 1))
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
measure() { # SET
	local n one=() two=() ratios=() shares=()
	set=$1 undone=0
	batches=$(prepare "$set" | tail -n 1 | tr -d '\r')
	note "symptoms: $set, $batches batches, machine's load $(cut -d' ' -f1 /proc/loadavg)"
	for ((n = 1; n <= ROUNDS; n++)); do
		round h1
		one+=("$seconds")
		shares+=("$(tr -d "\r" <"$run/h1.time" | awk '{ printf "%.1f", 100 * $2 / $1 }')")
		note "1 host:  $seconds s (wall, user, system: $(cat "$run/h1.time"))"
		round h1 h2
		two+=("$seconds")
		ratios+=("$(echo "scale=2; ${one[-1]} / $seconds" | bc)")
		note "2 hosts: $seconds s (h1 $(cat "$run/h1.time"), h2 $(cat "$run/h2.time")), ${ratios[-1]} times as fast"
	done
	ratio=$(median "${ratios[@]}")
	busy=$(median "${shares[@]}")
	note "symptoms=$set hosts_1=$(median "${one[@]}") hosts_2=$(median "${two[@]}") ratio=$ratio user_percent=$busy"
	is "$set: all rounds did all the work" $undone 0
}

# A file server has processors of its own; here it shares two with those whose work is measured, and comes first, also where the
# kernel shares processors among sessions and asks for priorities only within one (autogroup).
come_first() { # PID...
	local pid
	for pid; do
		renice -n -15 -p "$pid" >/dev/null
		[ ! -e /proc/$pid/autogroup ] || echo -15 >/proc/$pid/autogroup
	done
}

lab_up
come_first $(pgrep -of "umid=server-.*uml_dir=$run/uml") $(pgrep -of "uml_switch -unix $run/")
lab host h1 11
lab host h2 12
measure heavy
ok "heavy: one host computes for at least 90 % of its time ($busy %)" [ "${busy%.*}" -ge 90 ]
ok "heavy: two hosts do at least 1.8 times the work ($ratio)" [ "$(echo "$ratio >= 1.8" | bc)" = 1 ]
measure default
note "default: two hosts do $ratio times the work of one, which computes for $busy % of its time and waits for the export otherwise"
done_testing
