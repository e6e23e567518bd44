# MIRA: everything is built under $(B), executables in $(B)/bin.
#   make         build               make demo    set up, build, audit the bundled capture
#   make check   set up, build, test make asan    the tests under sanitizers
#   make install DESTDIR=...         make format  apply .clang-format
B       ?= build
PREFIX  ?= /usr
ETC     ?= /etc
VERSION := 0.1

PKGS    := libpcap libfixbuf libhs libarchive sqlite3 libconfig nettle jansson libxxhash libcap-ng
CFLAGS  ?= -O2 -g
MARCH   ?=
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DMIRA_VERSION='"$(VERSION)"' -DMIRA_ETC='"$(ETC)/mira"' \
	-I. -isystem /usr/include/hs $(shell pkg-config --cflags-only-I $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
CFLAGS  += -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wshadow -Wstrict-prototypes -Wvla -pthread $(MARCH)
LDFLAGS += -pthread -Wl,--as-needed

# A stage is a folder with a main.c; spool/ is the library and the front end; postproc/ holds one main a job.
STAGES    := capture preprocess consolidate classify
JOBS      := $(patsubst postproc/mira-%.c,%,$(wildcard postproc/mira-*.c))
PROGRAMS  := mira $(STAGES:%=mira-%) $(JOBS:%=mira-%)
BINS      := $(PROGRAMS:%=$(B)/bin/%)

obj        = $(patsubst %.c,$(B)/%.o,$(1))
SPOOL_OBJ := $(call obj,$(filter-out spool/mira%.c,$(wildcard spool/*.c)))
POST_OBJ  := $(call obj,$(filter-out postproc/mira-%.c,$(wildcard postproc/*.c)))
UNIT      := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

LIB_spool      := -lfixbuf -lglib-2.0 -lconfig -ljansson -lxxhash -lnettle -linotifytools
LIB_capture    := -lpcap -larchive -lcap-ng
LIB_preprocess := -lhs
LIB_classify   := -lsqlite3
LIB_postproc   := -lsqlite3
LIB_mira       := -lsqlite3

all: $(BINS)

$(B)/libspool.a: $(SPOOL_OBJ)
	@rm -f $@ && ar rcs $@ $^

$(B)/bin/mira: $(call obj,$(wildcard spool/mira*.c)) $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_mira) $(LIB_spool)

define stage
$(B)/lib$(1).a: $(call obj,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))
	@rm -f $$@ && ar rcs $$@ $$^
$(B)/bin/mira-$(1): $(B)/$(1)/main.o $(B)/lib$(1).a $(B)/libspool.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_$(1)) $$(LIB_spool)
endef
$(foreach s,$(STAGES),$(eval $(call stage,$(s))))

$(B)/libpostproc.a: $(POST_OBJ)
	@rm -f $@ && ar rcs $@ $^
$(JOBS:%=$(B)/bin/mira-%): $(B)/bin/mira-%: $(B)/postproc/mira-%.o $(B)/libpostproc.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_postproc) $(LIB_spool)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A unit test of module M in folder F is tests/unit/F_M.c, linked with that folder's library.
$(B)/unit/%: tests/unit/%.c $(STAGES:%=$(B)/lib%.a) $(B)/libpostproc.a $(B)/libspool.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/lib$(firstword $(subst _, ,$*)).a \
		$(B)/libspool.a -lcmocka $(LIB_$(firstword $(subst _, ,$*))) $(LIB_spool)

unit: $(UNIT)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all unit clean demo check asan deps format install
