# tap.sh: what the shell tests share. Sourced; the tests run under prove with MIRA_BIN, the folder of the executables.
#
#   ok "what holds" COMMAND…       passes when COMMAND succeeds; what it printed is shown when it does not
#   is "what" GOT WANTED           passes when both are the same text
#   exits CODE "what" COMMAND…     passes when COMMAND exits with CODE
#   skip_all "why"                 ends the test file
#   failing ERROR FOLDER COMMAND…  COMMAND, on a file system below FOLDER that fails (nfsfault.c), where can_fail says it can be had
#   done_testing                   the plan

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MIRA_BIN=${MIRA_BIN:-$top/build/bin}
data=$top/../shared/data
export MIRA_CONFIG=${MIRA_CONFIG:-$top/etc/mira.conf}
PATH=$MIRA_BIN:$PATH
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mira-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
tests=0

report() { # RESULT DESCRIPTION
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
        sed 's/^/# /' "$tmp/.out" | tail -n 20
    fi
}
ok() {
    local what=$1 code=0
    shift
    "$@" >"$tmp/.out" 2>&1 || code=$?
    report "$code" "$what"
}
is() {
    printf 'got:    %s\nwanted: %s\n' "$2" "$3" >"$tmp/.out"
    [ "$2" = "$3" ] && report 0 "$1" || report 1 "$1"
}
exits() {
    local wanted=$1 what=$2 code=0
    shift 2
    "$@" >"$tmp/.out" 2>&1 || code=$?
    echo "exit code $code, wanted $wanted" >>"$tmp/.out"
    [ "$code" = "$wanted" ] && report 0 "$what" || report 1 "$what"
}
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}
can_fail() { [ -e "${MIRA_BUILD:-$top/build}/tests/nfsfault.so" ] && ! grep -q __asan_init "$MIRA_BIN/mira"; }
failing() { NFS_ERROR=$1 NFS_ROOT=$2 LD_PRELOAD=${MIRA_BUILD:-$top/build}/tests/nfsfault.so "${@:3}"; }
done_testing() { echo "1..$tests"; }
