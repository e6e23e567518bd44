#!/bin/bash
# Classification as a stage: verdicts by the policy, ledger rows unchanged, bad batches, bad policies, --check and --try.
. "$(dirname "$0")/tap.sh"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
S=$tmp/spool
DB=$tmp/out

mkdir "$tmp/symptoms" "$DB"
printf 'symptom alpha\nsymptom bittorrent\nsymptom dns\nsymptom tls\n' >"$tmp/symptoms/a.sym"
export MIRA_CONFIG=$tmp/mira.conf
printf 'policy = "policy.conf";\nsymptoms = "symptoms";\n' >"$MIRA_CONFIG"
cat >"$tmp/policy.conf" <<'END'
fast = ( { name = "campus_dns"; class = "DNS"; verdict = "acceptable"; prefixes = [ "10.0.0.53" ]; } );
classes = (
    { name = "bittorrent"; class = "P2P"; verdict = "unacceptable"; when = "majority(bittorrent, tls, dns)"; },
    { name = "web"; class = "WEB"; verdict = "acceptable"; when = "tls > 0 AND dport = 443"; },
    { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns > 0"; }
);
END

is 'the policy compiles' "$(mira-classify --check 2>&1 | tail -n 1)" \
    "$tmp/policy.conf: 1 fast lists and 3 classes, no mistake found"

# One batch through the stage; what came out against what went in.
biflow-batches make "$S" biflows 1 3 500
biflow-batches dump "$S"/biflows/classify/ready/*/biflows.ipfix >"$tmp/in"
ok 'drains its queue' mira-classify --spool "$S" --drain
is '  all batches are verdicts now, under their names' "$(ls "$S/verdicts/store/ready" | tr '\n' ' ')" \
    '0000000001-shard-0 0000000002-shard-0 0000000003-shard-0 '
is '  of kind verdicts, with their numbers' \
    "$(python3 -c 'import json,sys; [print(m["kind"],m["number"],m["name"]) for m in map(json.load,map(open,sys.argv[1:]))]' \
        "$S"/verdicts/store/ready/*/manifest.json | tr '\n' ' ')" \
    'verdicts 1 0000000001-shard-0 verdicts 2 0000000002-shard-0 verdicts 3 0000000003-shard-0 '
biflow-batches dump "$S"/verdicts/store/ready/*/verdicts.ipfix >"$tmp/verdicts"
verdict='[A-Z0-9/-]*/[a-z]*/[a-z_]*'
is '  nothing but the verdicts changed' "$(sed "s#\] $verdict#] //#" "$tmp/verdicts" | md5sum)" "$(md5sum <"$tmp/in")"

# The same decisions, told by awk from what went in.
expected() {
    awk '$1 == "biflow" { split("", n); v = "UNKNOWN/review/blind"
        for (i = 26; i <= NF; i++) { split($i, s, "[=+]"); n[s[1]] = s[2] + s[3] + s[4] }
        if (n["dns"]) v = "DNS/acceptable/dns"
        if (n["tls"] && $9 == 443) v = "WEB/acceptable/web"
        if (n["bittorrent"] > n["tls"] + n["dns"]) v = "P2P/unacceptable/bittorrent"
        if (n["campus_dns"]) v = "DNS/acceptable/campus_dns"
        count[v]++ } END { for (v in count) print count[v], v }' "$1" | sort -k2
}
is '  and these are the verdicts' "$(awk '$1 == "biflow" { print $25 }' "$tmp/verdicts" | sort | uniq -c | awk '{ print $1, $2 }' | sort -k2)" \
    "$(expected "$tmp/in")"

# A damaged batch goes to bad/, its number is kept by an empty batch.
biflow-batches make "$S" biflows 4 5 50
printf 'x' | dd of="$S/biflows/classify/ready/0000000004-shard-0/biflows.ipfix" bs=1 seek=100 conv=notrunc 2>/dev/null
ok 'a damaged batch does not stop the stage' mira-classify --spool "$S" --drain
is '  it stands in bad/ with a reason' "$(ls "$S/biflows/classify/bad" | tr '\n' ' ')" \
    '0000000004-shard-0 0000000004-shard-0.reason '
is '  its number goes on without records' \
    "$(python3 -c 'import json,sys; m=json.load(open(sys.argv[1])); print(m["number"], m["files"])' \
        "$S/verdicts/store/ready/0000000004-shard-0/manifest.json")" '4 []'

# Well checksummed, but no biflows: found out while writing.
biflow-batches wrap "$S" biflows 6 "$MIRA_CONFIG"
biflow-batches make "$tmp/other" verdicts 7 7 10
head -c 900 "$tmp/other/verdicts/store/ready/0000000007-shard-0/verdicts.ipfix" >"$tmp/short"
biflow-batches wrap "$S" biflows 7 "$tmp/short"
ok 'files that are no IPFIX, or cut short, do not stop the stage' mira-classify --spool "$S" --drain
is '  they stand in bad/' "$(cd "$S/biflows/classify/bad" && echo 000000000[67]-shard-0)" '0000000006-shard-0 0000000007-shard-0'
is '  their numbers go on without records' \
    "$(cat "$S"/verdicts/store/ready/000000000[67]-shard-0/manifest.json | grep -c '"files": \[\]')" 2
is '  and without files' "$(ls "$S"/verdicts/store/ready/0000000007-shard-0)" manifest.json

# A manifest that cannot be read: the number is in the name.
biflow-batches make "$S" biflows 8 8 10
echo '{' >"$S/biflows/classify/ready/0000000008-shard-0/manifest.json"
ok 'a broken manifest does not stop the stage' mira-classify --spool "$S" --drain
is '  the number comes from the name' \
    "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["number"])' \
        "$S/verdicts/store/ready/0000000008-shard-0/manifest.json")" 8

# kill -9 between any two steps: every batch is decided once.
dies() { # AT: runs the stage to a fault point; does it die there?
    (MIRA_FAULT=$1 exec mira-classify --spool "$S" --drain) 2>/dev/null
    [ $? = 137 ]
}
biflow-batches make "$S" biflows 9 9 5
if dies claimed:1 2>/dev/null; then
    mira-classify --spool "$S" --drain
    for at in claimed:1 claimed:2 working:1 output:1 output:2 commit:1 committed:1 committed:2 finish:1 moved:1 removed:1; do
        biflow-batches make "$S" biflows 11 13 20
        ok "killed at $at" dies "$at"
        mira-classify --spool "$S" --drain 2>/dev/null
        is '  every batch is there' "$(cd "$S/verdicts/store/ready" && echo 000000001[123]*)" \
            '0000000011-shard-0 0000000012-shard-0 0000000013-shard-0'
        is '  and complete' "$(biflow-batches dump "$S"/verdicts/store/ready/000000001[123]*/verdicts.ipfix | wc -l)" 63
        rm -r "$S"/verdicts/store/ready/000000001[123]*
    done
else
    echo '# this build has no fault points'
fi

# Bad policies: file, line and column.
refused() { # WHERE-AND-WHY CONDITION-LINES
    printf 'classes = (\n  { name = "x"; class = "WEB"; verdict = "review";\n    when = %s; } );\n' "$2" >"$tmp/bad.conf"
    exits 2 "refused: $(echo "$2" | tr '\n' ' ')" mira-classify --check "$tmp/bad.conf"
    cp "$tmp/.out" "$tmp/.said"
    ok "  at $1" grep -qF "bad.conf:$1" "$tmp/.said"
}
refused "3:13: condition of class 'x': no such column: htp" '"htp > 0"'
refused "4:14: condition of class 'x': near \\\"htp\\\": syntax error" $'"tls > 0 "\n    "AND dns htp > 0"'
refused "3:13: condition of class 'x': subqueries" '"(SELECT 1)"'
refused "3:13: condition of class 'x': not authorized to use function: random" '"random() > 0"'
exits 2 'a policy that is not there' mira-classify --check "$tmp/none.conf"
exits 2 'the stage does not start with a bad policy' \
    env MIRA_CONFIG= mira-classify --spool "$S" --config <(printf 'policy = "%s"; symptoms = "%s";' "$tmp/bad.conf" "$tmp/symptoms")
exits 2 'a symptom that has the name of a column' \
    sh -c "mkdir '$tmp/more'; echo 'symptom octets' >'$tmp/more/a.sym'; echo 'classes = ( { name = \"x\"; class = \"WEB\";
        verdict = \"review\"; when = \"octets > 1\"; } ); ' >'$tmp/octets.conf'
        echo 'policy = \"octets.conf\"; symptoms = \"more\";' >'$tmp/more.conf'
        mira-classify --check --config '$tmp/more.conf'"

# --try: what another policy would change, over what the store holds.
rm -r "$S"/verdicts/store/ready/*
T=$tmp/tried
biflow-batches make "$T" biflows 1 1 500
mira-classify --spool "$T" --drain && mira-store --spool "$T" --db "$DB/mira.db" --drain
ok 'the same policy' mira-classify --try "$tmp/policy.conf" "$DB"
is '  changes nothing but what its fast list no longer takes' "$(mira-classify --try "$tmp/policy.conf" "$DB" | grep -c →)" 2
cat >"$tmp/new.conf" <<'END'
classes = (
    { name = "web"; class = "WEB"; verdict = "review"; when = "tls > 0 AND dport = 443"; },
    { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns > 0"; }
);
END
mira-classify --try "$tmp/new.conf" "$DB" >"$tmp/tried.txt"
sql() { sqlite3 -separator ' ' "$DB/mira.db" "$1"; }
moved() { awk -v what="$1" '{ line = $0; sub(/^ *[0-9]+ +[0-9]+ +[0-9]+ +/, "", line); if (index(line, what) == 1) print $1, $2, $3 }' "$tmp/tried.txt"; }
sums='count(*), sum(packets + coalesce(reverse_packets, 0)), sum(octets + coalesce(reverse_octets, 0)) FROM biflow_text'
is '  another verdict of a rule is a change' "$(moved 'WEB/acceptable/web → WEB/review/web')" \
    "$(sql "SELECT $sums WHERE rule = 'web'")"
is '  a rule that is gone' "$(moved 'P2P/unacceptable/bittorrent → UNKNOWN/review/blind')" \
    "$(sql "SELECT $sums WHERE rule = 'bittorrent'")"
is '  unchanged' "$(moved unchanged)" "$(sql "SELECT $sums WHERE rule IN ('dns', 'blind')")"
is '  total' "$(moved total)" "$(sql "SELECT $sums")"
is '  what was never scanned' "$(moved 'of these: taken by a fast list')" "$(sql "SELECT $sums WHERE rule = 'campus_dns'")"
exits 2 'a folder without a store' mira-classify --try "$tmp/new.conf" "$tmp"
exits 2 'a store that is none' mira-classify --try "$tmp/new.conf" "$tmp/new.conf"
done_testing
