#!/bin/bash
# What runs MIRA without a person: the units, the crontab, the user and the folders that `make install` puts in place.
. "$(dirname "$0")/tap.sh"
cd "$top" || exit 1
command -v systemd-analyze >/dev/null || skip_all 'no systemd-analyze here'

root=$tmp/root
units=$root/usr/lib/systemd/system
ok 'make install' make -s -o all B="${MIRA_BUILD:-$(dirname "$MIRA_BIN")}" DESTDIR="$root" install
mkdir -p "$tmp/own" && (cd "$units" && find . -type f -name '*.*' | grep -v '\.d/') >"$tmp/own/list"
# What the units need of a system: its own units, and a shell.
cp -rn /usr/lib/systemd/system/. "$units" 2>/dev/null
cp /bin/sh "$root/usr/bin/sh" && ln -s usr/bin "$root/bin" && mkdir -p "$root/run" "$root/srv"

clean() { # nothing to say against it
    SYSTEMD_LOG_TARGET=console systemd-analyze verify --root="$root" "$1" 2>&1 | grep . && return 1
    return 0
}
while read -r unit; do
    unit=${unit#./}
    ok "$unit is verified" clean "$unit"
    [[ $unit != *.service ]] || exits 0 "$unit is hardened" systemd-analyze security --no-pager --offline=true --threshold=30 --root="$root" "${unit/@./@1.}"
done <"$tmp/own/list"
is 'there are units for all stages' "$(cd "$units" && ls mira-*.service | tr '\n' ' ')" "$(cd etc/systemd && ls mira-*.service | tr '\n' ' ')"
for stage in capture@ preprocess@ consolidate classify store report retain; do
    ok "mira-$stage is one of them" test -f "$units/mira-$stage.service"
done
ok 'what is not hardened would be found' eval 'mv "$units/mira-.service.d" "$tmp/own"; ! systemd-analyze security --no-pager --offline=true \
    --threshold=30 --root="$root" mira-store.service; code=$?; mv "$tmp/own/mira-.service.d" "$units"; (exit $code)'
ok 'a mistake would be found' eval 'sed -i "s/^Restart=on-failure/Restart=perhaps/" "$units/mira-store.service"; ! clean mira-store.service'
sed -i "s/^Restart=perhaps/Restart=on-failure/" "$units/mira-store.service"

pages() { # each page that a unit names is there
    sed -n 's/^Documentation=//p' etc/systemd/* 2>/dev/null | tr ' ' '\n' | grep -v '%i' | sort -u | sed 's!.*/!!' |
        while read -r page; do ls ./*/"$page" || exit 1; done
}
ok 'the pages they name are there' pages
options() { # PROGRAM OPTION…: each option is one of the program's
    local program=$1 option
    shift
    for option in $(grep -oE -- '--[a-z]+' <<<"$*"); do "$program" --help | grep -q -- "$option" || { echo "$program has no $option"; return 1; }; done
}
commands() { # FILE…: what it executes understands its options
    sed -nE 's!.*(/usr/bin/)?\b(mira-[a-z]+) ((\$MIRA|--).*)!\2 \3!p' "$@" | sed 's!\$MIRA!--spool --config!' |
        while read -r program rest; do options "$program" "$rest" || exit 1; done
}
ok 'the commands of the units have the options they are given' commands etc/systemd/*.service etc/systemd/*.d/*.conf
ok 'so have those of the crontab' commands etc/crontab
is 'the crontab has all stages' "$(grep -v '^#' etc/crontab | grep -oE ' mira-[a-z]+ ' | sort -u | tr -d '\n ')" \
    mira-capturemira-classifymira-consolidatemira-preprocessmira-reportmira-retainmira-store
ok 'each job of it that repeats holds a lock' eval '[ $(grep -cE "^[*0-9]" etc/crontab) = $(grep -cE "^[*0-9].* flock -n " etc/crontab) ]'

make -s -o all B="${MIRA_BUILD:-$(dirname "$MIRA_BIN")}" DESTDIR="$tmp/local" PREFIX=/usr/local ETC=/usr/local/etc install
ok 'with another PREFIX and ETC the units know it' eval \
    '! grep -rE "/usr/bin/mira|[ =-]/etc/mira" "$tmp/local/usr/local/lib/systemd" && grep -rq /usr/local/etc/mira/mira.conf "$tmp/local/usr/local/lib/systemd"'

if [ "$(id -u)" = 0 ] && command -v systemd-sysusers >/dev/null; then
    touch "$root/etc/passwd" "$root/etc/group"
    ok 'the user is made' systemd-sysusers --root="$root" "$root/usr/lib/sysusers.d/mira.conf"
    ok '  with a group, and without a shell' grep -qE '^mira:x:[0-9]+:[0-9]+:.*:/usr/sbin/nologin$' "$root/etc/passwd"
    ok 'the folders are made' systemd-tmpfiles --create --root="$root" "$root/usr/lib/tmpfiles.d/mira.conf"
    uid=$(sed -n 's/^mira:x:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
    is '  the spool for the user alone' "$(stat -c '%u %a' "$root/srv/mira/spool")" "$uid 750"
    is '  and the database' "$(stat -c '%u %a' "$root/var/lib/mira")" "$uid 750"
fi
done_testing
