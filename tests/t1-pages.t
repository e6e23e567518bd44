#!/bin/bash
# What people read: every program has a page and tells its options, page and --help say the same, the configuration is
# explained, the README names what is there, and what `make install` puts in place works from there.
. "$(dirname "$0")/tap.sh"
cd "$top" || exit 1

pages=(./*/*.[1578] ./postproc/*/*.[1578])
there() { printf '%s\n' "${pages[@]}" | grep -F "/$1"; } # where the page NAME.SECTION stands
page_of() { there "$1.1" || there "$1.8"; }
rendered() { mandoc -Tascii "$1" | col -b; }
options() { grep -oE -- '(^|[^A-Za-z0-9-])--[a-z][a-z-]+' | grep -oE -- '--[a-z][a-z-]+' | sort -u; }

# --help of a program; of mira, that of its commands too.
help_of() {
    "$1" --help
    [ "$1" != mira ] || for command in run balance dump check requeue; do mira "$command" --help; done
}
same_options() { # PROGRAM: what --help tells and what the page tells
    diff <(help_of "$1" | options | sed 's/^/--help and page: /') <(
        # --check and --try of the classifier are in an example of mira(1); stages are other programs
        rendered "$(page_of "$1")" | { [ "$1" = mira ] && grep -v 'mira-classify' || cat; } | options | sed 's/^/--help and page: /')
}

for path in "$MIRA_BIN"/*; do
    program=${path##*/}
    exits 0 "$program --help" "$program" --help
    exits 0 "$program --version" "$program" --version
    is "$program --version prints name and number" "$("$program" --version | cut -d' ' -f1)" "$program"
    ok "$program has a page" test -f "$(page_of "$program")"
    ok "$program: options of --help and page agree" same_options "$program"
    exits 2 "$program refuses an unknown option" "$program" --no-such-option
done

for command in status plan; do # commands of mira with a page of their own
    ok "mira $command: options of --help and page agree" diff <(mira $command --help | options) <(rendered "spool/mira-$command.1" | options)
done

for page in "${pages[@]}"; do
    # above style: a warning would be text that is not shown as meant
    ok "${page#./} is a page without a mistake" mandoc -Tlint -Wwarning "$page"
done
for page in mira-spool.5 mira-ipfix.5 mira-symptoms.5 mira.conf.5 policy.conf.5 mira.db.5; do
    ok "$page describes a format" there "$page"
done
references() { # every page of ours that a page or the README refers to is there
    sed -nE 's/^\.Xr (mira[a-z.-]*|policy\.conf) ([0-9]).*/\1.\2/p' "${pages[@]}" | sort -u |
        while read -r page; do there "$page" >/dev/null || exit 1; done &&
        grep -oE '(mira[a-z.-]*|policy\.conf)\([1578]\)' README.md | tr -d ')' | tr '(' . | sort -u |
        while read -r page; do there "$page" >/dev/null || exit 1; done
}
ok 'every page that is referred to is there' references

settings() { sed -nE 's/^#?([a-z_]+) = .*/\1/p' etc/mira.conf | sort -u; }
explained() { # the default in etc/mira.conf is a row of mira.conf(5), and no row is left out of etc/mira.conf
    diff <(settings) <(sed -nE 's/^\.It Ic ([a-z_]+) No = .*/\1/p' spool/mira.conf.5 | grep -vxE 'name|filter|prefixes|vlans|circuits|level|rotate|names|domains|group_min|key|headers' | sort -u)
}
ok 'etc/mira.conf and mira.conf(5) have the same settings' explained
sed -E 's/^#([a-z_]+ = [^(]*;)$/\1/; s/^store = "";//' etc/mira.conf >"$tmp/mira.conf"
cp -r etc/policy.conf etc/symptoms.d "$tmp"
exits 0 'the defaults that etc/mira.conf shows are legal' mira check --config "$tmp/mira.conf"

paths() { # what the README names with a slash, or as a make target, is in the tree
    grep -oE '`[A-Za-z][A-Za-z0-9_./*-]*/[A-Za-z0-9_.*-]*`' README.md | tr -d '`' | grep -vE '^(audit|live|build|packets|flows)/' |
        while read -r path; do compgen -G "$path" >/dev/null || { echo "no $path"; exit 1; }; done &&
        grep -oE '\]\([^)#:]+\)' README.md | tr -d '])(' | while read -r path; do test -e "$path" || { echo "no $path"; exit 1; }; done &&
        grep -oE 'make [a-z]+' README.md | sort -u | while read -r _ target; do
            grep -qE "^([a-z-]+ )*$target[ :]" Makefile || { echo "no make $target"; exit 1; }; done
}
ok 'README: each path and make target is there' paths
commands() { # build/bin/mira X … and mira-X --option …: the command and its options exist
    grep -oE '^    (build/bin/)?mira[a-z-]* .*' README.md | while read -r program rest; do
        program=${program##*/}
        for option in $(options <<<"$rest"); do help_of "$program" | grep -q -- "$option" || { echo "$program has no $option"; exit 1; }; done
    done
}
ok 'README: each option of its commands is there' commands

rows() { sed -n '/^## Where a process may die/,/^## Why/p' spool/README.md | grep '^| ' | grep -v '^| it dies'; }
tested() { # each row of the crash table ends with a file below tests/ and words that stand in it
    rows | while read -r row; do
        file=$(sed -nE 's/.*\| `([a-z0-9_./-]+)` [^|`]+ \|$/\1/p' <<<"$row") words=$(sed -nE 's/.*` ([^|`]+) \|$/\1/p' <<<"$row")
        [ -n "$file" ] && grep -qF -- "$words" "tests/$file" || { echo "no test: $row"; exit 1; }
    done
}
ok "the crash table: each of its $(rows | wc -l) rows names a test" tested
points() { # each fault point of the code is in the table and in fault.h, and a test dies there
    sed -nE 's/.*FAULT\("([a-z-]+)"\).*/\1/p' {spool,capture,preprocess,consolidate,classify,postproc/*}/*.c | sort -u | while read -r point; do
        rows | grep -qF "\`$point\`" && grep -qE "[ *]$point[,;.]" spool/fault.h && grep -qE "[ \"]$point:[0-9$]" tests/*.t tests/unit/*.c ||
            { echo "$point is not in the table, in fault.h, or in a test"; exit 1; }
    done
}
ok 'the crash table: each fault point is in it, and in a test' points

ok 'make install' make -s -o all B="${MIRA_BUILD:-$(dirname "$MIRA_BIN")}" DESTDIR="$tmp/root" install
installed() {
    for path in "$MIRA_BIN"/*; do cmp "$path" "$tmp/root/usr/bin/${path##*/}" || return 1; done
    for page in "${pages[@]}"; do cmp "$page" "$tmp/root/usr/share/man/man${page##*.}/${page##*/}" || return 1; done
    diff -r etc/symptoms.d "$tmp/root/etc/mira/symptoms.d" && cmp etc/mira.conf "$tmp/root/etc/mira/mira.conf" &&
        cmp etc/policy.conf "$tmp/root/etc/mira/policy.conf"
}
ok 'it puts programs, pages and configuration in place' installed
exits 0 'what is installed audits the demo capture' env -u MIRA_CONFIG PATH=/usr/bin:/bin "$tmp/root/usr/bin/mira" run \
    --config "$tmp/root/etc/mira/mira.conf" --out "$tmp/audit" tests/data/demo.pcap
exits 0 'and its balance closes' "$tmp/root/usr/bin/mira" balance "$tmp/audit"
echo '# mine' >>"$tmp/root/etc/mira/mira.conf"
make -s -o all B="${MIRA_BUILD:-$(dirname "$MIRA_BIN")}" DESTDIR="$tmp/root" install
ok 'installing again leaves the configuration alone' grep -q '# mine' "$tmp/root/etc/mira/mira.conf"
done_testing
