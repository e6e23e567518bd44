#!/bin/bash
# mira query: what is printed in each format, what is refused, what each level of privacy shows; and every query of the manual.
. "$(dirname "$0")/tap.sh"
PATH=${MIRA_BUILD:-$top/build}/tests:$PATH
export MIRA_CONFIG=$tmp/mira.conf
DB=$tmp/mira.db
level() { printf 'store = "%s";\nprivacy = { level = "%s"; };\naggregates = ( { name = "hall"; prefixes = [ "10.0.0.0/27" ]; } );\n' "$DB" "$1" >"$MIRA_CONFIG"; }
said() { # WHAT TEXT: the command before printed it
    cp "$tmp/.out" "$tmp/.said"
    ok "$1" grep -qF -- "$2" "$tmp/.said"
}
query() { mira query "$@"; }
level address
biflow-batches make "$tmp/spool" verdicts 1 4 300
mira-store --spool "$tmp/spool" || exit 1

# Formats.
is 'a table' "$(query 'SELECT class, verdict, biflows FROM class_total ORDER BY biflows DESC, class')" \
'class    verdict       biflows
-------  ------------  -------
DNS      acceptable        480
P2P      unacceptable      240
UNKNOWN  review            240
WEB      acceptable        240'
odd="SELECT 12 AS whole, 1.5 AS real, NULL AS gone, '' AS empty, x'0102' AS blob, 'a\"b' || char(27) || '[31m' AS text"
is '  nothing steers the terminal' "$(query "$odd" | tail -n 1)" '   12   1.5  NULL         0102  a"b\x1b[31m'
is 'CSV' "$(query --format csv "$odd" | tr -d '\r')" \
    "$(printf '"whole","real","gone","empty","blob","text"\n12,1.5,,"","0102","a""b\033[31m"')"
is 'JSON' "$(query --format json "$odd" | python3 -c 'import json, sys; print(json.load(sys.stdin))')" \
    "[{'whole': 12, 'real': 1.5, 'gone': None, 'empty': '', 'blob': '0102', 'text': 'a\"b\\x1b[31m'}]"
is '  of no row' "$(query --format json 'SELECT 1 WHERE 0')" '[]'
is '  every row of many' "$(query --format json 'SELECT * FROM biflow_text' | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 1200
is '  as the table' "$(query 'SELECT * FROM biflow_text' | wc -l)" 1202
is 'the same as SQLite says' "$(query --format csv 'SELECT address, rule, sent_octets FROM host_total ORDER BY 1, 2' | tr -d '"\r' | tail -n +2)" \
    "$(sqlite3 -csv "$DB" 'SELECT address, rule, sent_octets FROM host_total ORDER BY 1, 2' | tr -d '\r')"

# Refused.
while IFS='|' read -r what sql; do
    before=$(md5sum <"$DB")
    exits 2 "$what" query "$sql"
    is '  changes nothing' "$(md5sum <"$DB")" "$before"
done <<END2
a deletion|DELETE FROM biflow
a PRAGMA|PRAGMA user_version = 9
another file|ATTACH '$tmp/other.db' AS other
a table of its own|CREATE TEMP TABLE x AS SELECT 1
a plan|EXPLAIN SELECT 1
two at once|SELECT 1; SELECT 2
none|;
no SQL|SELECT FROM
an extension|SELECT load_extension('x')
END2
ok '  no file is made' test ! -e "$tmp/other.db"
exits 2 'another format' query --format xml 'SELECT 1'
exits 2 'no number of seconds' query --timeout 1s 'SELECT 1'
exits 2 'no database' query --db "$tmp/none.db" 'SELECT 1'
exits 1 'an output that cannot be written' bash -c "mira query 'SELECT 1' >/dev/full"
endless='WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
exits 1 'a query without end' query --timeout 1 "$endless"
said '  is told why' 'not done after 1 s'
exits 1 '  can be interrupted' timeout --preserve-status -s INT 1 "$MIRA_BIN/mira-query" "$endless"
said '  and says so' 'interrupted'

# Levels of privacy.
addresses() { grep -cE '(^|[^0-9.])10\.0\.0\.[0-9]+|fd00:'; }
everything() { # each view and each table as a whole, as far as it may be read
    local name
    for name in $(sqlite3 "$DB" "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"); do
        for from in "$name" "main.$name" "temp.$name"; do query --format csv "SELECT * FROM $from" 2>/dev/null; done
    done
}
ok 'at level address they are shown' test "$(query 'SELECT DISTINCT src, dst FROM biflow_text' | addresses)" -gt 100
level pseudonym
is 'at level pseudonym no address is' "$(everything | grep -v '^"inside"' | addresses)" 0
is '  but as many hosts' "$(query --format csv 'SELECT count(DISTINCT address) FROM host_total' | tail -n 1 | tr -d '\r')" \
    "$(sqlite3 "$DB" 'SELECT count(DISTINCT address) FROM host_total')"
is '  with their sums' "$(query --format csv 'SELECT sum(sent_octets) FROM host_total GROUP BY address ORDER BY 1' | tail -n +2 | tr -d '\r')" \
    "$(sqlite3 "$DB" 'SELECT sum(sent_octets) FROM host_total GROUP BY address ORDER BY 1')"
for sql in 'SELECT src FROM biflow' 'SELECT host FROM rollup_host' 'SELECT id FROM host' 'SELECT address FROM main.host' 'SELECT * FROM main.host_total' \
    'SELECT name FROM main.name' 'SELECT tunnel_endpoint FROM main.path' "SELECT shown_host('10.0.0.1')" 'SELECT sql FROM sqlite_temp_schema' \
    'WITH host AS (SELECT address FROM main.host) SELECT * FROM host' 'SELECT (SELECT address FROM main.host WHERE id = rowid) FROM decision' \
    'SELECT 1 FROM decision ORDER BY (SELECT src FROM biflow)' "SELECT 1 WHERE '10.0.0.1' IN (SELECT address FROM main.host)"; do
    exits 2 "  refused: $sql" query "$sql"
done
level group
is 'at level group neither' "$(everything | grep -v '^"inside"' | addresses)" 0
is '  nor a pseudonym' "$(everything | grep -cE 'h-[0-9a-z]{10}|n-[0-9a-z]{10}')" 0
for sql in 'SELECT octets FROM biflow_text' 'SELECT biflows FROM host_day' 'SELECT * FROM name_day' 'SELECT * FROM aggregate_total' 'SELECT octets FROM biflow'; do
    exits 2 "  refused: $sql" query "$sql"
done
ok '  totals are shown' query 'SELECT * FROM class_total, window_total, direction_total, rule_total, hour_total LIMIT 1'

# The manual.
level pseudonym
sed -n '/^\.Bd/,/^\.Ed/p' "$top/postproc/store/mira-queries.7" | grep -v '^\.Bd' | awk -v out="$tmp/query" 'BEGIN { n = 1 } /^\.Ed/ { n++; next } { print > (out n) }'
for file in "$tmp"/query[0-9]*; do
    rows=$(query --format csv "$(cat "$file")" 2>"$tmp/why" | wc -l)
    cat "$tmp/why" >>"$file"
    ok "mira-queries(7): $(head -c 70 "$file" | head -n 1)" eval "[ $rows -gt 1 ] || { cat '$file'; false; }"
done
is '  all of them' "$(ls "$tmp"/query[0-9]* | wc -l)" "$(grep -c '^\.Bd' "$top/postproc/store/mira-queries.7")"
done_testing
