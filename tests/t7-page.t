#!/bin/bash
# The audit's page in a browser: charts, tables that sort and are searched, no error, no request, readable by everybody; wide
# and narrow, light and dark. It stays in build/…/page for whoever wants to look, with pictures.
. "$(dirname "$0")/tap.sh"
build=${MIRA_BUILD:-$top/build}
PATH=$build/tests:$PATH
for program in chromium node npm; do command -v "$program" >/dev/null || skip_all "$program cannot be had here"; done

# What npm installed stays as long as the lock file does.
modules=$build/browser
if ! cmp -s "$top/tests/browser/package-lock.json" "$modules/package-lock.json"; then
    rm -rf "$modules" "$modules.new" && mkdir -p "$modules.new" && cp "$top"/tests/browser/*.json "$modules.new"
    npm ci --prefix "$modules.new" --ignore-scripts --no-audit --no-fund >"$tmp/npm" 2>&1 || skip_all "npm ci: $(tail -n 1 "$tmp/npm")"
    mv "$modules.new" "$modules"
fi

A=$build/page
rm -rf "$A" && mkdir -p "$A"
printf 'symptom alpha\nsymptom bittorrent\nsymptom dns\nsymptom tls\n' >"$tmp/a.sym"
export MIRA_CONFIG=$tmp/mira.conf
cat >"$MIRA_CONFIG" <<'END'
policy = "policy.conf"; symptoms = "."; network = "Net & <Works>"; top_hosts = 40; report_purpose = "Test of the page."; report_contested = "contested.conf";
aggregates = ( { name = "campus"; prefixes = [ "10.0.0.0/27", "fd00::/16" ]; } );
END
cat >"$tmp/contested.conf" <<'END'
contested = ( { rule = "bittorrent"; who = "10.0.0.7"; from = "2023-11-15"; state = "contested"; reason = "<b>Images</b> of a Linux distribution."; },
    { rule = "web"; who = "h-7k2m9qx4tp"; from = "2023-11-14"; to = "2023-11-15"; state = "withdrawn"; by = "the officer"; decision = "Not theirs."; } );
END
cat >"$tmp/policy.conf" <<'END'
classes = (
    { name = "bittorrent"; class = "P2P"; verdict = "unacceptable"; say = "File sharing."; when = "bittorrent > 0 AND dport > 1024"; },
    { name = "web"; class = "WEB"; verdict = "acceptable"; when = "tls > 0 AND dport = 443"; },
    { name = "first"; class = "GAME"; verdict = "review"; when = "alpha > 0"; },
    { name = "dns"; class = "DNS"; verdict = "acceptable"; when = "dns > 0"; }
);
END
biflow-batches make "$tmp/spool" verdicts 1 120 200
mira-store --spool "$tmp/spool" --db "$tmp/mira.db" --drain || exit 1
# A third of the packets was shed, so there are estimates; of the evening before something is left to compare with.
sqlite3 "$tmp/mira.db" 'UPDATE ledger_part SET packets_shed = packets_captured, packets_seen = packets_seen + packets_captured WHERE seq % 2'
printf '10.0.0.0\t8\t64500\nfd00::\t9\t64501\n' >"$tmp/pfx2as"
ok 'a page to look at' mira-report --db "$tmp/mira.db" --out "$A" --period day --date 2023-11-15 --timezone UTC --as "$tmp/pfx2as"
node "$top/tests/browser/look.mjs" "$modules" "$(command -v chromium)" "$A/index.html" "$A" >"$tmp/looked" 2>"$tmp/errors" ||
    echo "not ok the browser runs: $(tail -n 3 "$tmp/errors" | tr '\n' ' ')" >>"$tmp/looked"
while IFS= read -r line; do
    echo "$line" >"$tmp/.out"
    [[ $line == 'ok '* ]] && report 0 "${line#ok }" || report 1 "${line#not ok }"
done <"$tmp/looked"
done_testing
