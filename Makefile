# MIRA: everything is built under $(B), executables in $(B)/bin.
#   make         build               make demo    set up, build, audit the bundled capture
#   make check   set up, build, test make asan    the tests under sanitizers
#   make install DESTDIR=...         make format  apply .clang-format
B       ?= build
PREFIX  ?= /usr
ETC     ?= /etc
VERSION := 0.1

PKGS    := libpcap libfixbuf libhs libarchive sqlite3 libconfig nettle jansson libxxhash libcap-ng libsystemd libseccomp
CFLAGS  ?= -O2 -g
MARCH   ?=
JSDIR   ?= /usr/share/javascript
SANITIZE ?=
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DMIRA_VERSION='"$(VERSION)"' -DMIRA_ETC='"$(ETC)/mira"' \
	$(if $(FAULTS),-DMIRA_FAULTS) -I. -isystem /usr/include/hs $(shell pkg-config --cflags-only-I $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
CFLAGS  += -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wshadow -Wstrict-prototypes -Wvla -pthread $(MARCH) $(SANITIZE)
LDFLAGS += -pthread -Wl,--as-needed

# A stage is a folder with a main.c, and a mira-NAME.c for each further program; spool/ is the library and the front end;
# postproc/ holds a folder for each kind of job, and in it one main a job.
STAGES    := capture preprocess consolidate classify
JOBS      := $(wildcard postproc/*/mira-*.c)
TOOLS_OF  := $(wildcard $(STAGES:%=%/mira-*.c))
PROGRAMS  := mira $(STAGES:%=mira-%) $(notdir $(JOBS:.c=) $(TOOLS_OF:.c=))
BINS      := $(PROGRAMS:%=$(B)/bin/%)

obj        = $(patsubst %.c,$(B)/%.o,$(1))
SPOOL_OBJ := $(call obj,$(filter-out spool/mira%.c,$(wildcard spool/*.c)))
POST_OBJ  := $(call obj,$(filter-out $(JOBS),$(wildcard postproc/*.c postproc/*/*.c))) $(B)/postproc/report/assets.o
UNIT      := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

LIB_spool      := -lfixbuf -lglib-2.0 -lconfig -ljansson -lxxhash -lnettle -linotifytools -lsystemd -lseccomp
LIB_capture    := -lpcap -larchive -lz -lcap-ng
LIB_preprocess := -lhs -lpcre2-8 -larchive
LIB_classify   := -lsqlite3
LIB_postproc   := -lsqlite3 -lmaxminddb -lz -lm
LIB_mira       := -lsqlite3 -lm

# What is done with a packet, and with a partial flow, is many small functions in many files: a tenth and a twentieth faster when
# the compiler sees them together.
FAST := $(if $(SANITIZE)$(findstring clang,$(CC)),,-O3 -flto=auto -ffat-lto-objects)
$(B)/preprocess/%.o $(B)/consolidate/%.o: CFLAGS += $(FAST)
$(B)/bin/mira-preprocess $(B)/bin/mira-consolidate $(B)/bench/preprocess-block: private CFLAGS += $(FAST)

all: $(BINS)

$(B)/libspool.a: $(SPOOL_OBJ)
	@rm -f $@ && ar rcs $@ $^

$(B)/bin/mira: $(call obj,$(wildcard spool/mira*.c)) $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_mira) $(LIB_spool)

define stage
$(B)/lib$(1).a: $(call obj,$(filter-out $(1)/main.c $(1)/mira-%.c,$(wildcard $(1)/*.c)))
	@rm -f $$@ && ar rcs $$@ $$^
$(B)/bin/mira-$(1): $(B)/$(1)/main.o $(B)/lib$(1).a $(B)/libspool.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_$(1)) $$(LIB_spool)
$(patsubst $(1)/%.c,$(B)/bin/%,$(filter $(1)/%,$(TOOLS_OF))): $(B)/bin/%: $(B)/$(1)/%.o $(B)/lib$(1).a $(B)/libspool.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_$(1)) $$(LIB_spool)
endef
$(foreach s,$(STAGES),$(eval $(call stage,$(s))))

$(B)/libpostproc.a: $(POST_OBJ)
	@rm -f $@ && ar rcs $@ $^
define job
$(B)/bin/$(notdir $(1:.c=)): $(call obj,$(1)) $(B)/libpostproc.a $(B)/libspool.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_postproc) $$(LIB_spool)
endef
$(foreach s,$(JOBS),$(eval $(call job,$(s))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What the report's page is made of, carried by the executable.
$(B)/postproc/report/assets.o: postproc/report/assets.S $(wildcard postproc/report/page.*)
	@mkdir -p $(@D)
	$(CC) -Wa,-I,$(JSDIR) -c -o $@ $<

# A unit test of module M in folder F is tests/unit/F_M.c, linked with that folder's library.
$(B)/unit/%: tests/unit/%.c $(STAGES:%=$(B)/lib%.a) $(B)/libpostproc.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/lib$(firstword $(subst _, ,$*)).a \
		$(B)/libspool.a -lcmocka $(LIB_$(firstword $(subst _, ,$*))) $(LIB_spool)

# A tool of the TAP tests is tests/NAME.c, linked with the spool; one stands between a program and its file system.
TOOLS := $(patsubst tests/%.c,$(B)/tests/%,$(filter-out tests/nfsfault.c,$(wildcard tests/*.c))) $(B)/tests/nfsfault.so
$(B)/tests/%: $(B)/tests/%.o $(B)/libspool.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_spool)

$(B)/tests/nfsfault.so: tests/nfsfault.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O2 -g -Wall -Wextra -shared -fPIC -pthread -o $@ $<

unit: $(UNIT) $(TOOLS)

# ---- what a fresh Debian 12 needs ----
PACKAGES := gcc libc6-dev pkg-config libpcap-dev libfixbuf-dev libhyperscan-dev libarchive-dev zlib1g-dev libsqlite3-dev \
	libinotifytools0-dev libconfig-dev nettle-dev libjansson-dev libxxhash-dev libcap-ng-dev libsystemd-dev libpcre2-dev libseccomp-dev libjs-chart.js libjs-jquery libmaxminddb-dev \
	libjs-jquery-tablesorter
TEST_PACKAGES := perl tzdata libmaxmind-db-writer-perl libcmocka-dev libfixbuf-tools tshark sqlite3 python3 mandoc bsdextrautils faketime iproute2 iputils-ping tcpdump procps zip bzip2 xz-utils zstd systemd
# For the page in a browser; packages differ between machines, so what counts is whether there are such programs.
TEST_PACKAGES += $(foreach program,chromium npm,$(if $(shell command -v $(program)),,$(program)))
CLUSTER_PACKAGES := user-mode-linux uml-utilities nfs-kernel-server nfs-common kmod e2fsprogs tcpreplay bc
missing = $(shell for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done)

deps check-deps cluster-deps fuzz-deps bench-deps: WANTED = $(PACKAGES)
check-deps cluster-deps: WANTED += $(TEST_PACKAGES)
cluster-deps: WANTED += $(CLUSTER_PACKAGES)
fuzz-deps: WANTED += $(FUZZ_PACKAGES)
deps check-deps cluster-deps fuzz-deps bench-deps:
	@set -- $(call missing,$(WANTED)); [ $$# = 0 ] && exit 0; echo "installing: $$*"; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
	  echo "make: please have these packages installed: $$*" >&2; exit 2; fi; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$$@" >/dev/null

# ---- the two commands, and the others ----
demo: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@rm -rf $(B)/demo && $(B)/bin/mira run --out $(B)/demo tests/data/demo.pcap

TESTS ?= $(sort $(wildcard tests/t*.t))
check: check-deps
	@$(MAKE) --no-print-directory -s -j2 B=$(B)/test FAULTS=1 all unit
	@$(MAKE) --no-print-directory -s B=$(B)/test run-tests

# Most tests wait most of the time, so that several run at once.
JOBS_OF_TESTS ?= 3
run-tests:
	@CMOCKA_MESSAGE_OUTPUT=TAP MIRA_BIN=$(abspath $(B)/bin) MIRA_BUILD=$(abspath $(B)) prove -j$(JOBS_OF_TESTS) --timer --failures -e '' $(UNIT) $(TESTS)

# Every capture of a folder against tshark; prints matched and total.
PCAPS ?= ../shared/data/pcaps
compare: check-deps
	@$(MAKE) --no-print-directory -s -j2 all
	@tests/tshark-compare --build $(B) --pcaps $(PCAPS)

# Verdicts against labelled captures, class by class. A=--wrong lists every flow that differs, A=--help says what else there is.
LABELLED ?= ../shared/data
accuracy: check-deps
	@$(MAKE) --no-print-directory -s -j2 all
	@tests/accuracy --build $(B) --data $(LABELLED) $(A)

# ---- fuzzing: every tests/fuzz/NAME.c is a target, linked with the library of the stage whose headers it names ----
FUZZ_PACKAGES := clang libclang-rt-dev python3
FUZZ_SECONDS  ?= 60
FUZZ_JOBS     ?= $(shell nproc)
FUZZ_DATA     ?= ../shared/data
FUZZ          := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_STAGE     = $(if $(shell grep -l '"capture/' tests/fuzz/$(1).c),capture,preprocess)
FUZZ_LINK      = $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -fsanitize=fuzzer
$(B)/targets/%: tests/fuzz/%.c $(B)/libcapture.a $(B)/libpreprocess.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(FUZZ_LINK) -o $@ $< $(B)/lib$(call FUZZ_STAGE,$*).a $(B)/libspool.a $(LIB_$(call FUZZ_STAGE,$*)) $(LIB_spool)
# The self-test: a target with a mistake in it, which must be found.
$(B)/planted: tests/fuzz/packet.c $(B)/libpreprocess.a $(B)/libspool.a
	$(FUZZ_LINK) -DPLANTED -o $@ $< $(B)/libpreprocess.a $(B)/libspool.a $(LIB_preprocess) $(LIB_spool)
fuzz-targets: $(FUZZ:%=$(B)/targets/%) $(B)/planted

fuzz: fuzz-deps
	@$(MAKE) --no-print-directory -s -j2 B=$(B) all
	@CFLAGS='-g -O1 -w' $(MAKE) --no-print-directory -s -j2 B=$(B)/fuzz CC=clang \
	  SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' fuzz-targets
	@tests/fuzz/run --build $(B)/fuzz --mira $(B)/bin --data $(FUZZ_DATA) --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(FUZZ)

# Captures of every kind (a manifest.tsv says which), against tshark and what other programs saw; prints a table of kinds.
SPECIAL ?= ../shared/data/special
special: check-deps
	@$(MAKE) --no-print-directory -s -j2 all $(B)/tests/flows-of
	@tests/special-compare --build $(B) --special $(SPECIAL)

# Several hosts and a file server, all on this machine, with power cuts: tests/cluster/lab. SEED=N repeats the faults of a run.
# Most of them wait most of the time; what measures has the machine for itself.
CLUSTER ?= $(sort $(wildcard tests/cluster/*.t)) tests/t2-nfs.t
cluster: export SEED ?= $(shell date +%s)
ALONE    = $(filter %/throughput.t,$(CLUSTER))
TOGETHER = $(filter-out $(ALONE),$(CLUSTER))
IN_CLUSTER = MIRA_BIN=$(abspath $(B)/test/bin) MIRA_BUILD=$(abspath $(B)/test) prove --timer --comments --failures -e ''
cluster: cluster-deps
	@$(MAKE) --no-print-directory -s -j2 B=$(B)/test FAULTS=1 all unit
	@$(if $(TOGETHER),$(IN_CLUSTER) -j2 $(TOGETHER))
	@$(if $(ALONE),$(IN_CLUSTER) $(ALONE))

# ---- throughput: each stage beside what the machine allows, and beside other programs; tests/bench/run ----
BENCH_PACKAGES := python3 nfdump softflowd libndpi-bin tcpdump argus-server
bench-deps: WANTED += $(BENCH_PACKAGES)
BENCH      := $(patsubst tests/bench/%.c,$(B)/bench/%,$(filter-out %/block.c,$(wildcard tests/bench/*.c))) $(B)/bench/preprocess-block
BENCH_DATA ?= ../shared/data
$(B)/bench/hslimit: private CFLAGS += -O3 -march=native
$(B)/bench/%: tests/bench/%.c $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/libspool.a $(LIB_capture) $(LIB_preprocess) $(LIB_postproc) $(LIB_spool)
$(B)/bench/preprocess-block: tests/bench/block.c $(B)/preprocess/main.o $(B)/libpreprocess.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_preprocess) $(LIB_spool)
bench-tools: $(BENCH) $(B)/bench/coverage

# Do the intervals of the audit hold the truth? Days made of captures, shed by the rule of the capture; tests/bench/coverage/main.c.
COVERAGE := $(call obj,$(wildcard tests/bench/coverage/*.c))
DAYS     ?= 4000
$(B)/bench/coverage: $(COVERAGE) $(B)/libpostproc.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_postproc) $(LIB_spool)
coverage: deps
	@$(MAKE) --no-print-directory -s -j2 all $(B)/bench/coverage
	@tests/bench/coverage/run $(B) $(BENCH_DATA) $(DAYS) $(SEED)

bench: deps
	@$(MAKE) --no-print-directory -s -j2 all bench-tools
	@tests/bench/run --build $(B) --data $(BENCH_DATA) $(A) $(CAPTURES)
	@tests/bench/report $(B)/bench/results $(B)/bench/ratios | tee $(B)/bench/report.md

# A month of a campus in the store: loading it, and the reports of a day and of the month.
MILLIONS ?= 50
bench-store: check-deps
	@$(MAKE) --no-print-directory -s -j2 all $(B)/bench/month $(B)/bench/plain-inserts $(B)/bench/timed
	@tests/bench/store $(B) $(MILLIONS)

asan: check-deps
	@$(MAKE) --no-print-directory -s -j2 B=$(B)/asan FAULTS=1 SANITIZE=-fsanitize=address,undefined all unit
	@ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  $(MAKE) --no-print-directory -s B=$(B)/asan SANITIZE=-fsanitize=address,undefined run-tests

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(PREFIX)/share/man/man1 $(PREFIX)/share/man/man5 $(PREFIX)/share/man/man7 \
	  $(PREFIX)/share/man/man8 $(PREFIX)/share/doc/mira $(ETC)/mira/symptoms.d)
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	for n in 1 5 7 8; do install -m 644 */*.$$n postproc/*/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n || exit; done
	for f in mira.conf policy.conf costs.json; do \
	  [ -e $(DESTDIR)$(ETC)/mira/$$f ] || install -m 644 etc/$$f $(DESTDIR)$(ETC)/mira || exit; done
	install -m 644 etc/symptoms.d/*.sym $(DESTDIR)$(ETC)/mira/symptoms.d
	cd etc && for f in $$(find systemd sysusers.d tmpfiles.d crontab -type f); do \
	  case $$f in systemd/*) to=lib/systemd/system/$${f#*/};; crontab) to=share/doc/mira/crontab;; *) to=lib/$$f;; esac; \
	  sed 's|/usr/bin/mira|$(PREFIX)/bin/mira|; s|/usr/share|$(PREFIX)/share|g; s|/etc/mira|$(ETC)/mira|g' $$f | install -Dm 644 /dev/stdin $(DESTDIR)$(PREFIX)/$$to || exit; done
	install -Dm 644 etc/prometheus/mira.rules.yml $(DESTDIR)$(PREFIX)/share/doc/mira/mira.rules.yml
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/mira

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
.PHONY: all unit clean demo bench bench-deps bench-store bench-tools coverage check cluster cluster-deps fuzz fuzz-deps fuzz-targets run-tests compare special accuracy asan deps check-deps format install
