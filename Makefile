# sheaf: simulator, builder and profiler of a bundle-based VLIW/SIMD machine.
# `make help` lists the targets and the variables.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
VERSION := 0.1.0
SOVERSION := 0

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden $(WARN) $(if $(WERROR),-Werror) $(CFLAGS)
LDLIBS = -ljansson -lm

# Flags of one file, on top of the rest: CFLAGS_sim/fast.c := -O3

LIB_SRC := $(sort $(wildcard sim/base/*.c sim/isa/*.c sim/program/*.c sim/*.c builder/*.c traces/*.c kernels/*.c))
TOOL_SRC := $(sort $(wildcard tools/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))

object = $(1:%.c=$(BUILD)/obj/%.o)
LIB_OBJ := $(call object,$(LIB_SRC))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)

all: $(BUILD)/sheaf $(BUILD)/libsheaf.so ## build the command and the library (default)

# --- what the build needs ----------------------------------------------------

# Installs what is missing, where it may; says what to install where it may not.
# Costs a few milliseconds when nothing is missing.
deps: ## install what building and testing need and is missing
	@CC='$(CC)' tools/deps.sh build test

.deps-build:
	@CC='$(CC)' tools/deps.sh build

.deps-test:
	@CC='$(CC)' tools/deps.sh build test

# Objects depend on this file; its time changes only when its text does.
$(BUILD)/config: .force | .deps-build
	@mkdir -p $(@D)
	@{ echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) / $(LDFLAGS) / $(foreach f,$(LIB_SRC),$(CFLAGS_$f)))'; $(CC) --version | head -n 1; } >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# So that a library never keeps an object whose source is gone.
$(BUILD)/sources: .force
	@mkdir -p $(@D)
	@echo '$(LIB_SRC)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# --- building ----------------------------------------------------------------

# A short line for each file; the whole command with V=1.
say = $(if $(V),,@echo '  $1 $@';)

$(BUILD)/obj/%.o: %.c $(BUILD)/config
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(ALL_CFLAGS) $(CFLAGS_$<) -MMD -MP -c -o $@ $<

$(BUILD)/libsheaf.a: $(LIB_OBJ) $(BUILD)/sources
	$(call say,AR) rm -f $@; $(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/libsheaf.so: $(LIB_OBJ) $(BUILD)/sources
	$(call say,LD) $(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libsheaf.so.$(SOVERSION) -o $@ $(LIB_OBJ) $(LDLIBS)
	@ln -sf libsheaf.so $(BUILD)/libsheaf.so.$(SOVERSION)

# A program is its own objects and the static library.
link = $(call say,LD) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

$(BUILD)/sheaf: $(call object,$(TOOL_SRC)) $(BUILD)/libsheaf.a
	$(link) $(LDLIBS)

$(BUILD)/manual: $(BUILD)/obj/tools/manual/manual.o $(BUILD)/libsheaf.a
	$(link) $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libsheaf.a | .deps-test
	@mkdir -p $(@D)
	$(link) -lcmocka $(LDLIBS)

# --- running and testing -----------------------------------------------------

run: $(BUILD)/sheaf ## simulate the main kernel on the standard problem and check its result
	$(BUILD)/sheaf run tree_hash:scalar

unit: $(UNIT_BIN) ## run the unit tests only
	@tests/run.sh $(BUILD) unit

# Rewrites the generated part of the machine's manual.
manual: $(BUILD)/manual ## rewrite the operation reference in sim/README.md
	@tests/manual.sh $(BUILD) --bless

# --- housekeeping ------------------------------------------------------------

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## list targets and variables
	@echo 'make [TARGET] [VARIABLE=VALUE]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  %-10s %s\n", $$1, $$2 }'

.force:
.PHONY: all deps .deps-build .deps-test run unit manual clean help .force
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
