#!/bin/bash
# Rules of Snort and Suricata as symptoms: what every option finds in the demo, packet by packet as tshark finds it, and what
# is left out, with its reason. The rules were written for this test.
. "$(dirname "$0")/tap.sh"
demo=$top/tests/data/demo.pcap
flows_of=${MIRA_BUILD:-$top/build}/tests/flows-of
export MIRA_CACHE=$tmp/cache MIRA_CONFIG=$tmp/mira.conf
mkdir "$MIRA_CACHE" "$tmp/symptoms.d"
echo 'policy = "policy.conf"; symptoms = "symptoms.d";' >"$MIRA_CONFIG"
cat >"$tmp/policy.conf" <<'E'
classes = ( { name = "none"; class = "WEB"; verdict = "review"; when = "0"; } );
E
cat >"$tmp/vars.yaml" <<'E'
vars:
  address-groups:
    HOME_NET: "[10.0.0.0/8]"     # --set goes before it
    EXTERNAL_NET: "!$HOME_NET"
    STAFF: "[10.0.0.0/8,!10.1.0.0/16]"
  port-groups:
    HTTP_PORTS: "80"
    MAIL_PORTS: '[25,465,587]'
E

# A rule, and which packets it has to find: Python over p, the payload, tcp, src, sport, dst, dport.
rules=$tmp/a.rules
echo 'ipvar SNORT_NET 203.0.113.80/29' >"$rules"
filters=()
rule() { # FILTER RULE
    echo "$2 classtype:test-$((${#filters[@]} % 3)); sid:$((1000 + ${#filters[@]})); rev:2;)" >>"$rules"
    filters+=("$1")
}
tcp='alert tcp any any -> any any'
rule 'tcp and b"GET " in p' "$tcp (msg:\"text; and \\\"quotes\\\"\"; content:\"GET \";"
rule 'tcp and b"GET " in p' "$tcp (content:\"G|45 54|\\ \";"
rule 'tcp and b"user-agent" in p.lower()' "$tcp (content:\"uSER-aGENT\"; nocase;"
rule 'tcp and p[:4] == b"GET "' "$tcp (content:\"GET \"; depth:4;"
rule 'tcp and b"index" in p[4:15]' "$tcp (content:\"index\"; offset:4; depth:11;"
rule 'tcp and b"index" in p[5:]' "$tcp (content:\"index\"; offset:5;"
rule 'tcp and has(b"mail[.]example.{0,14}ESMTP")' "$tcp (content:\"mail.example\"; content:\"ESMTP\"; distance:0; within:19;"
rule 'tcp and has(b"mail[.]example.{5,}ESMTP")' "$tcp (content:\"mail.example\"; content:\"ESMTP\"; distance:5;"
rule 'tcp and has(b"mail[.]example.{9,}ESMTP")' "$tcp (content:\"mail.example\"; content:\"ESMTP\"; distance:9;"
rule 'tcp and b"Host: www" in p' "$tcp (content:\"www\"; content:\"Host: www\"; distance:-9; within:9;"
rule 'tcp and b"GET " in p and b"radio" not in p' "$tcp (content:!\"radio\"; content:\"GET \";"
rule 'tcp and has(b"example(?!.{0,6}net)")' "$tcp (content:\"example\"; content:!\"net\"; within:9;"
rule 'tcp and has(b"(GET|PUT) /[a-z]+[.]mp3")' "$tcp (pcre:\"/(GET|PUT) \\/[a-z]+\\.mp3/\";"
rule 'tcp and has(b"GET /(?!song)")' "$tcp (pcre:\"/get \\/(?!song)/i\";"
rule 'tcp and b"Accept" in p' "$tcp (pcre:\"/A(c)\\1ept/\";"
rule 'tcp and has(b"Host: (www|mail)[.]")' "$tcp (content:\"Host: \"; fast_pattern; pcre:\"/^(www|mail)\\x2e/R\";"
rule 'tcp and b"GET " in p and b"radio" not in p' "$tcp (content:\"GET \"; fast_pattern:only; pcre:!\"/radi[o]/\";"
rule 'tcp and b"HTTP/1" in p and home(src) and not home(dst) and dport == 80' 'alert tcp $HOME_NET any -> $EXTERNAL_NET $HTTP_PORTS (content:"HTTP/1";'
rule 'tcp and b"HTTP/1" in p and src.startswith("10.2.")' 'alert tcp $STAFF any -> any any (content:"HTTP/1";'
rule 'tcp and b"HTTP/1" in p and 80 in (sport, dport)' 'alert tcp any any <> any $HTTP_PORTS (content:"HTTP/1";'
rule 'tcp and b"example" in p and dport in (25, 465, 587)' 'alert tcp any any -> any $MAIL_PORTS (content:"example";'
rule 'tcp and b"example" in p and not 20 <= dport <= 80' 'alert tcp any any -> any ![20:80] (content:"example";'
rule 'tcp and b"example" in p and sport >= 1024' 'alert tcp any 1024: -> any any (content:"example";'
rule 'tcp and b"example" in p and sport > dport' "$tcp (flow:to_server,established; content:\"example\";"
rule 'tcp and b"example" in p and sport < dport' "$tcp (flow:from_server; content:\"example\";"
rule 'tcp and b"example" in p and len(p) == 89' "$tcp (content:\"example\"; dsize:89;"
rule 'tcp and b"example" in p and len(p) < 30' "$tcp (content:\"example\"; dsize:<30;"
rule 'tcp and p[:5] == b"EHLO " and p[-2:] == b"\r\n"' "$tcp (content:\"EHLO \"; startswith; content:\"|0d 0a|\"; endswith;"
rule 'tcp and b"220 " in p and len(p) > 37' "$tcp (content:\"220 \"; isdataat:37;"
rule 'tcp and b"220 " in p and len(p) <= 37' "$tcp (content:\"220 \"; isdataat:!37;"
rule 'tcp and has(b"ESMTP.{11}")' "$tcp (content:\"ESMTP\"; isdataat:11,relative;"
rule 'not tcp and b"example" in p and home(src) and dport == 53' 'alert udp $HOME_NET any -> any 53 (content:"|07|example|03|"; flow:to_server;'
rule 'not tcp and p[2:6] == b"\1\x20\0\1"' 'alert udp any any -> any any (content:"|01 20 00 01|",offset 2,depth 4;'
rule 'tcp and b"200 OK" in p and src == "203.0.113.80"' 'alert tcp $SNORT_NET any -> any any (content:"200 OK"; threshold: type limit, track by_src, count 1, seconds 60;'
printf '%s\n' '# alert tcp any any -> any any (content:"off"; sid:1;)' \
    'drop tcp any any -> any any (content:"EHLO"; \' '    content:"desk"; sid:2000;)' >>"$rules"
all=$((${#filters[@]} + 1))
import() { mira import-rules --vars "$tmp/vars.yaml" --set 'HOME_NET=[10.1.0.0/16, 10.2.0.0/16]' "$@"; }

exits 0 'rules are imported' import --out "$tmp/symptoms.d/imported.sym" --policy "$tmp/imported.conf" "$rules"
is '  all of them' "$(import --out "$tmp/again.sym" "$rules")" "$all rules: $all imported, 0 left out"
ok '  sid, rev, classtype and msg are kept' grep -qF '# sid 1000 rev 2 classtype test-0 msg text; and \"quotes\"' "$tmp/symptoms.d/imported.sym"
ok '  file and line, too' grep -qF "# from $rules:$((${#filters[@]} + 3))" "$tmp/symptoms.d/imported.sym"
exits 0 'mira check takes them' mira check

mira-capture --spool "$tmp/spool" --read "$demo" 2>"$tmp/.out"
ok 'the demo is scanned' mira-preprocess --spool "$tmp/spool" --drain
"$flows_of" "$tmp/spool"/flows/shard-0/ready/*/flows.ipfix | cut -f 12 | tr ',' '\n' |
    awk -F = '{ sum[$1] += $2 } END { for (name in sum) print name, sum[name] }' >"$tmp/found"
count() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }' "$tmp/found"; }
oracle() { # how many packets each filter fits, as Python and tshark see them; the innermost addresses
    tshark -r "$demo" -Y '(tcp.len > 0 or udp) and not tcp.analysis.retransmission' -T fields -E occurrence=l -e ip.src -e ipv6.src -e ip.dst -e ipv6.dst \
        -e tcp.srcport -e udp.srcport -e tcp.dstport -e udp.dstport -e tcp.payload -e udp.payload 2>/dev/null >"$tmp/packets"
    printf '%s\n' "${filters[@]}" | python3 -c '
import re, sys
filters = [compile(line, line, "eval") for line in sys.stdin]
counts = [0] * len(filters)
home = lambda address: re.match(r"10\.[12]\.", address)
for line in open(sys.argv[1]):
    f = line.rstrip("\n").split("\t")
    p = bytes.fromhex(f[8] or f[9])
    names = dict(p=p, src=f[1] or f[0], dst=f[3] or f[2], sport=int(f[4] or f[5]), dport=int(f[6] or f[7]), home=home, tcp=f[4] != "",
        has=lambda expression: re.search(expression, p, re.S))
    for i, one in enumerate(filters):
        counts[i] += bool(eval(one, names))
print(*counts, sep="\n")' "$tmp/packets"
}
mapfile -t wanted < <(oracle)
something=0
for i in "${!filters[@]}"; do
    something=$((something + (wanted[i] > 0)))
    is "sid $((1000 + i)) finds what it has to: ${filters[i]}" "$(count "sid_$((1000 + i))")" "${wanted[i]}"
done
is 'a rule of two lines finds what it has to' "$(count sid_2000)" 1
ok "$something of ${#filters[@]} rules find something" test "$something" -ge 31

# What must be left out, and why: options of a rule, and words of the reason.
while IFS= read -r row; do
    options+=("${row%% => *}") reasons+=("${row##* => }")
done <<'E'
content:"/a"; http_uri; => http_uri looks in a piece of HTTP
http.host; content:"a"; => http.host looks in a piece of HTTP
tls.sni; content:"a"; => tls.sni looks in a piece of TLS
content:"a"; byte_test:4,>,1,0; => byte_test computes
content:"a"; flowbits:isset,b; => flowbits:isset
content:"a"; threshold:type both,track by_src,count 5,seconds 60; => how often
content:"a"; ttl:1; => ttl looks in the header of IP
content:"a"; flags:S; => flags looks in the header of TCP
content:"a"; nonsense; => nonsense is not known
content:"a"; flow:only_stream; => flow:only_stream
content:"a"; flow:to_server,to_client; => flow to both sides
content:"a"; dsize:1<>9; => Snort counts its ends in
content:"abc"; depth:2; => depth is less than its content
content:"abc"; content:"def"; distance:1; within:2; => within is less than its content
content:"abc"; offset:x; => offset needs a number
content:"abc"; offset:1; distance:1; => with offset or depth and with distance
content:"abc"; offset:1; offset:2; => offset stands twice
content:"a|4|"; => not pairs of hex digits
content:"a|41"; => not pairs of hex digits
content:""; => a content is empty
content:"a => quoted text has no end
content:a; => does not stand in quotes
nocase; content:"a"; => nocase without a content
content:!"a"; => what must not be there
dsize:9; => no content
pcre:"/a/U"; => pcre's flag U looks in a part
pcre:"/a(/"; => parenthesis
pcre:"/(?=a)/"; => empty
pcre:"/a*/"; => empty
pcre:"abc"; => an expression between slashes
pcre:"/\x1z/"; => one digit
content:"a"; gid:3; => gid:3
content:"a"; noalert; => noalert
E
heads=()
for i in "${!options[@]}"; do heads+=("$tcp"); done
while IFS= read -r row; do
    heads+=("${row%% => *}") reasons+=("${row##* => }") options+=('content:"a";')
done <<'E'
alert http any any -> any any => needs a parser
pass tcp any any -> any any => action
alert tcp any any -> any => seven words
alert tcp any any >> any any => direction
alert tcp $NONE any -> any any => NONE is not known
alert tcp 10.0.0.1-10.0.0.9 any -> any any => no address
alert tcp [10.0.0.0/8,[!10.1.0.0/16]] any -> any any => a negation inside a list
alert tcp !any any -> any any => no address is not any
alert tcp any !0: -> any any => no port is left
alert tcp any 99999 -> any any => is no port
alert tcp any 9:1 -> any any => is no port
alert tcp $LOOP any -> any any => too deep
E
for i in "${!heads[@]}"; do echo "${heads[i]} (${options[i]} sid:$((i + 1));)" >>"$tmp/bad.rules"; done
exits 2 'nothing imported is exit code 2' mira import-rules --set 'LOOP=$LOOP' --out "$tmp/none.sym" "$tmp/bad.rules"
ok '  and no file' test ! -e "$tmp/none.sym"
mira import-rules --set 'LOOP=$LOOP' --out "$tmp/none.sym" "$tmp/bad.rules" >"$tmp/list" 2>/dev/null
for i in "${!heads[@]}"; do
    grep "^$tmp/bad.rules:$((i + 1)): sid " "$tmp/list" >"$tmp/line"
    ok "left out: ${heads[i]} (${options[i]}" grep -F -- "${reasons[i]}" "$tmp/line"
done
echo 'alert tcp any any -> any any (content:"abc"; sid:7;)' >"$tmp/one.rules"
cp "$tmp/one.rules" "$tmp/two.rules"
mira import-rules --out "$tmp/two.sym" "$tmp/one.rules" "$tmp/two.rules" >"$tmp/list"
ok 'a sid that stands twice is imported once' grep -qF "two.rules:1: sid 7 left out: its sid stands already at $tmp/one.rules:1" "$tmp/list"
echo 'include other.rules' >>"$tmp/one.rules"
mira import-rules --out "$tmp/two.sym" "$tmp/one.rules" >"$tmp/list"
ok 'what is no rule is listed' grep -qF 'one.rules:2: sid 0 left out: neither a rule nor a variable' "$tmp/list"
exits 2 'a file that is not there' mira import-rules --out "$tmp/two.sym" "$tmp/nowhere.rules"
exits 2 '--set without a value' mira import-rules --set HOME_NET --out "$tmp/two.sym" "$tmp/one.rules"

# What each symptom costs: all of them, once, the most expensive first.
mkdir "$tmp/two"
printf '%s\n' 'symptom cheap' '    text "seldom seen \x01\x02"' 'symptom dear' '    text "e"' '    and pcre /(.+)+\x01\x02$/s' 'symptom named' '    host example.org' >"$tmp/two/a.sym"
echo 'policy = "policy.conf"; symptoms = "two";' >"$tmp/two.conf"
tshark -r "$demo" -c 400 -F pcapng -w "$tmp/demo.pcapng" 2>/dev/null
head -c 50000 "$demo" >"$tmp/cut.pcap"
costs() { mira check --config "$tmp/two.conf" "$@" 2>/dev/null | awk '$1 ~ /^[0-9]+[.][0-9]$/ { print $2 }' | xargs; }
is 'the dear one costs more than the cheap one, host names nothing' "$(costs)" 'dear cheap'
for capture in "$tmp/demo.pcapng" "$tmp/cut.pcap"; do is "  also over ${capture##*/}" "$(costs --cost "$capture")" 'dear cheap'; done
is '--cost tells of every symptom' "$(mira check --cost "$demo" | grep -c '  sid_[0-9]* ')" "$all"
exits 2 'a capture without payload is refused' mira check --cost "$rules"
exits 2 'and one that is not there' mira check --cost "$tmp/nowhere"

# The classes of the policy, on the whole line.
{ echo 'classes = ('; cat "$tmp/imported.conf"; echo '{ name = "last"; class = "WEB"; verdict = "review"; when = "0"; } );'; } >"$tmp/policy.conf"
exits 0 'the policy with its classes is understood' mira check
exits 0 'an audit with them' mira run --out "$tmp/audit" "$demo"
is 'has flows of each classtype' "$(mira dump --addresses "$tmp/audit" | grep -oE 'TEST-[0-2]' | sort -u | wc -l)" 3
done_testing
