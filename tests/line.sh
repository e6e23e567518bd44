# line.sh: a short line of real programs for tests that disturb it. Sourced instead of tap.sh; sets $spool ($tmp/w/spool), some.pcap (8
# batches or more), a small configuration, and gives
#
#   run COMMAND    a stage, or another command of the line
#
# Many fsyncs: where there is memory to work in, they cost nothing.
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
export MIRA_LOG=err MIRA_CACHE=$tmp MIRA_CONFIG=$tmp/mira.conf
spool=$tmp/w/spool

cat >"$tmp/mira.conf" <<END
window_s = 1; lateness_s = 1; period_s = 1.0; segment_bytes = 16384; batch_segments = 8;
symptoms = "$tmp/symptoms.d"; policy = "$tmp/policy.conf";
END
mkdir "$tmp/symptoms.d"
cp "$top/etc/symptoms.d/dns.sym" "$tmp/symptoms.d"
echo 'classes = ( { name = "web"; class = "WEB"; verdict = "acceptable"; say = "Web."; when = "dport = 80"; } );' >"$tmp/policy.conf"
editcap -r "$top/tests/data/demo.pcap" "$tmp/some.pcap" 1-400
editcap -r "$tmp/some.pcap" "$tmp/none.pcap" 1

run() { # COMMAND, as the line would start it
    case $1 in
    capture) mira-capture --spool "$spool" --read "$tmp/some.pcap" ;;
    pipe) mira-capture --spool "$spool" --read - <"$tmp/some.pcap" ;;
    nothing) mira-capture --spool "$spool" --read - <"$tmp/none.pcap" ;;
    consolidate) mira-consolidate --spool "$spool" --drain --batch-biflows 1 ;;
    store) mira-store --spool "$spool" --drain --db "$tmp/w/mira.db" ;;
    requeue) mira requeue --spool "$spool" ;;
    *) mira-"$1" --spool "$spool" --drain ;;
    esac
}
