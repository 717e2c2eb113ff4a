# sheaf: simulator, builder and profiler of a bundle-based VLIW/SIMD machine.
# `make help` lists the targets and the variables.

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(subst clang,clang++,$(subst gcc,g++,$(CC)))
endif
BUILD ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
VERSION = $(shell sed -n 's/^.define SHEAF_VERSION "\(.*\)"/\1/p' sim/sheaf.h)
SOVERSION := 0

# A script that calls make again does so with the same settings.
export CC CXX CFLAGS LDFLAGS WERROR BUILD

# What mpicc calls is the same compiler. Without one, the command works on one machine.
MPICC ?= mpicc
MPI := $(shell command -v $(MPICC))
export OMPI_CC = $(CC)
export MPICH_CC = $(CC)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -pthread -I. -fPIC -fvisibility=hidden $(WARN) $(if $(WERROR),-Werror) $(CFLAGS)
LDLIBS = -ljansson -lm -pthread

# Flags of one file go on top of the rest.
CFLAGS_sim/base/random.c := -O3 # vectors
# The loop is one function of many small pieces: where it lies must not be left to what is linked before it.
CFLAGS_sim/engine/fast_any.c := -falign-functions=64
CFLAGS_sim/engine/fast_avx2.c := -falign-functions=64
# Link flags of one test: these let allocations fail.
LINK_test_program_memory := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free
LINK_test_public_failures := $(LINK_test_program_memory)
LINK_test_builder_memory := $(LINK_test_program_memory)
LINK_test_batch := $(LINK_test_program_memory)
LINK_test_explain_memory := $(LINK_test_program_memory)
LINK_test_trace := $(LINK_test_program_memory)
LINK_test_html := $(LINK_test_program_memory)
LINK_test_public := $(LINK_test_program_memory)
LINK_test_replay_memory := $(LINK_test_program_memory)
LINK_test_objects := $(LINK_test_program_memory)
LINK_test_late := $(LINK_test_program_memory)

LIB_SRC := $(sort $(shell find sim builder traces kernels -name '*.c'))
TOOL_SRC := $(sort $(shell find tools -name '*.c' -not -path 'tools/assets/*' -not -path 'tools/pool/mpi/*'))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))

object = $(1:%.c=$(BUILD)/obj/%.o)
LIB_OBJ := $(call object,$(LIB_SRC)) $(BUILD)/obj/records.o $(BUILD)/obj/viewer.o
RECORDS := $(sort $(wildcard kernels/tuning/*.tune))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
# A fuzzer is one file, but for parts of random_ir and what several share.
FUZZ_PARTS := $(wildcard tests/fuzz/random_ir_*.c)
FUZZ_SHARED := tests/fuzz/random_program.c
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(filter-out $(FUZZ_PARTS) $(FUZZ_SHARED),$(wildcard tests/fuzz/*.c)))
BENCH_PARTS := tests/bench/dense.c tests/bench/emit.c
BENCH_BIN := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out $(BENCH_PARTS),$(wildcard tests/bench/*.c)))

all: $(BUILD)/sheaf $(BUILD)/libsheaf.so $(if $(MPI),$(BUILD)/sheaf-mpi) ## build the command and the library (default)

# --- what the build needs ----------------------------------------------------

# Installs what is missing, where it may; says what to install where it may not.
# Costs a few milliseconds when nothing is missing.
deps: ## install what building and testing need and is missing
	@CC='$(CC)' tools/deps.sh build test mpi

.deps-build:
	@CC='$(CC)' tools/deps.sh build

.deps-test:
	@CC='$(CC)' tools/deps.sh build test

.deps-fuzz:
	@CC='$(CC)' tools/deps.sh build fuzz

# keep COMMANDS: their output becomes the target; its time changes only when its text does.
# Two makes at once do not disturb each other.
keep = @mkdir -p $(@D); new=$@.$$$$; { $1; } >$$new; if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi
# As the shell is to see it.
quote = '$(subst ','\'',$1)'
setting = printf '%s\n' $(call quote,$1=$(call quote,$($1)))

# Objects depend on this file. Test scripts read it, to compile as the build did.
$(BUILD)/config: .force | .deps-build
	$(call keep,$(foreach v,CC CXX CFLAGS LDFLAGS WERROR,$(call setting,$v);) \
	    printf '%s\n' $(call quote,# $(ALL_CFLAGS) / $(strip $(foreach f,$(LIB_SRC),$(CFLAGS_$f)))); echo "# $$($(CC) --version | head -n 1)")

# So that a library never keeps an object whose source is gone.
$(BUILD)/sources: .force
	$(call keep,echo '$(LIB_SRC) $(RECORDS)')

# --- building ----------------------------------------------------------------

# A short line for each file; the whole command with V=1.
say = $(if $(V),,@echo '  $1 $@';)

$(BUILD)/obj/%.o: %.c $(BUILD)/config
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(ALL_CFLAGS) $(CFLAGS_$<) -MMD -MP -c -o $@ $<

# Tuning records become part of the library.
$(BUILD)/records.c: $(RECORDS) tools/assets/records.sh $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,GEN) tools/assets/records.sh $(RECORDS) >$@

# So does the page that shows a run.
$(BUILD)/viewer.c: $(wildcard traces/html/viewer/*) tools/assets/viewer.sh $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,GEN) tools/assets/viewer.sh traces/html/viewer >$@

# And the page that draws a sweep, of the command.
$(BUILD)/sweep_page_lines.c: tools/assets/sweep_page.html tools/assets/sweep_page.sh
	@mkdir -p $(@D)
	$(call say,GEN) tools/assets/sweep_page.sh $< >$@

$(BUILD)/obj/records.o $(BUILD)/obj/viewer.o $(BUILD)/obj/sweep_page_lines.o: $(BUILD)/obj/%.o: $(BUILD)/%.c $(BUILD)/config
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libsheaf.a: $(LIB_OBJ) $(BUILD)/sources
	$(call say,AR) rm -f $@; $(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/libsheaf.so: $(LIB_OBJ) $(BUILD)/sources
	$(call say,LD) $(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libsheaf.so.$(SOVERSION) -o $@ $(LIB_OBJ) $(LDLIBS)
	@ln -sf libsheaf.so $(BUILD)/libsheaf.so.$(SOVERSION)

# A program is its own objects and the static library.
link = $(call say,LD) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)

TOOL_OBJ := $(call object,$(TOOL_SRC)) $(BUILD)/obj/sweep_page_lines.o

$(BUILD)/sheaf: $(TOOL_OBJ) $(BUILD)/libsheaf.a
	$(link) $(LDLIBS)

# The same command for MPI jobs: one file is another.
$(BUILD)/obj/tools/pool/mpi/pool_mpi.o: tools/pool/mpi/pool_mpi.c $(BUILD)/config
	@mkdir -p $(@D)
	$(call say,MPICC) $(MPICC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/sheaf-mpi: $(filter-out %/pool_alone.o,$(TOOL_OBJ)) $(BUILD)/obj/tools/pool/mpi/pool_mpi.o $(BUILD)/libsheaf.a
	$(call say,MPILD) $(MPICC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

# It writes a header that the library needs, so it needs nothing but the table.
$(BUILD)/manual: $(BUILD)/obj/tools/assets/manual.o $(BUILD)/obj/sim/isa/isa.o
	$(link)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libsheaf.a | .deps-test
	@mkdir -p $(@D)
	$(link) $(LINK_$(@F)) -lcmocka $(LDLIBS)

# One program for each file.
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libsheaf.a
	@mkdir -p $(@D)
	$(link) $(LDLIBS)

$(BUILD)/fuzz/random_ir: $(call object,$(FUZZ_PARTS))
$(BUILD)/fuzz/differential $(BUILD)/fuzz/optimize: $(call object,$(FUZZ_SHARED))

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call object,$(BENCH_PARTS)) $(BUILD)/libsheaf.a
	@mkdir -p $(@D)
	$(link) $(LDLIBS)

# --- running and testing -----------------------------------------------------

run: $(BUILD)/sheaf ## simulate the main kernel on the standard problem and check its result
	$(BUILD)/sheaf run tree_hash:best

# Everything `make test` runs.
programs: all $(UNIT_BIN) $(FUZZ_BIN) $(BENCH_BIN) $(BUILD)/manual $(BUILD)/sheaf.1

test: programs ## run every test; ends in `N passed, N failed`
	@tests/run.sh $(BUILD)

unit: $(UNIT_BIN) ## run the unit tests only
	@tests/run.sh $(BUILD) unit

fuzz: $(BUILD)/fuzz/differential $(BUILD)/fuzz/random_ir ## build 10,000 random kernels, then run random programs on both simulators until interrupted
	@$(BUILD)/fuzz/random_ir --cases 10000 --seed "$$(date +%s)"
	@$< --cases 0 --seed "$$(date +%s)"

LOADER_SRC = tests/fuzz/fuzz_loader.c $(wildcard sim/base/*.c sim/isa/*.c sim/program/*.c)
$(BUILD)/fuzz/libfuzzer_loader: $(LOADER_SRC) $(BUILD)/config | .deps-fuzz
	@mkdir -p $(@D)
	$(call say,LD) clang -std=c11 -D_GNU_SOURCE -I. -DSHEAF_LIBFUZZER -g -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -o $@ $(LOADER_SRC) $(LDLIBS)

fuzz-loader: $(BUILD)/fuzz/libfuzzer_loader ## let libFuzzer (of clang) look for inputs that the readers get wrong
	@mkdir -p $(BUILD)/fuzz/found
	$< -max_len=3000 $(BUILD)/fuzz/found tests/fuzz/corpus/loader

machines: $(BUILD)/fuzz/machines ## build and run every kernel, variant and contract on 500 random machines and sizes
	@$<

MUTANTS ?= 300
mutants: $(BUILD)/fuzz/mutants ## change single slots of right programs: how many of the wrong ones a judgement lets pass
	@for kernel in tree_hash:best moe_sort:fused pq_index:fused; do \
	    $< --kernel $$kernel --mutants $(MUTANTS) -j $$(nproc); done

bench: $(BENCH_BIN) ## measure simulated cycles and slots a second
	@for program in $(BENCH_BIN); do $$program || exit 1; done

bench-hostile: $(BUILD)/sheaf ## judge hostile programs: how long verdicts take, beside the time limit
	tests/bench/hostile.py $(BUILD)

bench-sizes: $(BUILD)/sheaf ## build the main kernel for many sizes: cycles over bound, and their mean
	tests/bench/sizes.py $<

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan: ## run the tests under the address and undefined-behaviour sanitizers
	@$(MAKE) programs BUILD=$(BUILD)/asan CFLAGS='-O1 -g $(SANITIZE)' LDFLAGS='$(SANITIZE)'
	@tests/run.sh $(BUILD)/asan sanitized

# The threads of the library and of the command. Where addresses are drawn too widely for the sanitizer's
# shadow memory, they are not drawn at all.
THREADED := test_threads test_search
tsan-programs: $(BUILD)/sheaf $(THREADED:%=$(BUILD)/tests/%)

tsan: ## run what has threads under the thread sanitizer
	@$(MAKE) tsan-programs WERROR= BUILD=$(BUILD)/tsan CFLAGS='-O2 -g -fsanitize=thread' LDFLAGS=-fsanitize=thread
	@$$(setarch -R true 2>/dev/null && echo setarch -R) tests/run.sh $(BUILD)/tsan $(THREADED)

bless: $(BUILD)/sheaf ## rewrite the golden transcripts with what the command prints now
	@tests/golden.py $(BUILD) --bless

samples: $(BUILD)/sheaf ## write the sample traces anew
	@traces/samples/make.sh $(BUILD)/sheaf

manual: $(BUILD)/manual ## rewrite what is derived from the operation table: the reference in sim/README.md, names in the builder's header
	@tests/manual.sh $(BUILD) --bless

# --- installing --------------------------------------------------------------

LIBDIR ?= $(PREFIX)/lib
# Any of them may have spaces.
into = $(call quote,$(DESTDIR)$1)
BIN := $(call into,$(PREFIX)/bin)
LIB := $(call into,$(LIBDIR))
INC := $(call into,$(PREFIX)/include)
MAN := $(call into,$(PREFIX)/share/man/man1)
COMP := $(call into,$(PREFIX)/share/bash-completion/completions)

$(BUILD)/sheaf.1: tools/assets/manpage.sh $(BUILD)/sheaf
	@tools/assets/manpage.sh $(BUILD)/sheaf $(VERSION) >$@

# In sheaf.pc a space is written `\ `, and & and | of sed are escaped.
pc = $(subst $(space),\\ ,$(subst |,\|,$(subst &,\&,$1)))
space := $(subst ,, )

install: all $(BUILD)/sheaf.1 ## install under PREFIX (default /usr/local) and LIBDIR, below DESTDIR if given
	install -d $(BIN) $(LIB)/pkgconfig $(INC) $(MAN) $(COMP)
	install -m 755 $(BUILD)/sheaf $(if $(MPI),$(BUILD)/sheaf-mpi) $(BIN)
	install -m 644 $(BUILD)/libsheaf.a $(LIB)/libsheaf.a
	install -m 755 $(BUILD)/libsheaf.so $(LIB)/libsheaf.so.$(VERSION)
	ln -sf libsheaf.so.$(VERSION) $(LIB)/libsheaf.so.$(SOVERSION)
	ln -sf libsheaf.so.$(SOVERSION) $(LIB)/libsheaf.so
	install -m 644 sim/sheaf.h $(INC)/sheaf.h
	sed 's|"sim/sheaf.h"|<sheaf.h>|' builder/api/sheaf_builder.h >$(INC)/sheaf_builder.h
	sed $(call quote,s|@PREFIX@|$(call pc,$(PREFIX))|; s|@LIBDIR@|$(call pc,$(LIBDIR))|; s|@VERSION@|$(VERSION)|) tools/assets/sheaf.pc.in >$(LIB)/pkgconfig/sheaf.pc
	install -m 644 $(BUILD)/sheaf.1 $(MAN)/sheaf.1
	install -m 644 tools/assets/completion.bash $(COMP)/sheaf

uninstall: ## remove what install put there
	rm -f $(BIN)/sheaf $(BIN)/sheaf-mpi $(LIB)/libsheaf.a $(LIB)/libsheaf.so $(LIB)/libsheaf.so.$(SOVERSION) \
	    $(LIB)/libsheaf.so.$(VERSION) $(INC)/sheaf.h $(INC)/sheaf_builder.h \
	    $(LIB)/pkgconfig/sheaf.pc $(MAN)/sheaf.1 $(COMP)/sheaf

# --- housekeeping ------------------------------------------------------------

C_FILES = $(sort $(shell find sim builder traces kernels tools tests -name '*.c'))
H_FILES = $(sort $(shell find sim builder traces kernels tools tests -name '*.h'))

LINT_FLAGS = -std=c11 -D_GNU_SOURCE -I. -Isim -Ibuilder/api $(if $(MPI),$(shell $(MPICC) --showme:compile))
LINTED = $(filter-out $(if $(MPI),,tools/pool/mpi/%),$(C_FILES))
# Large files first; a file after the other on each processor.
lint = | xargs -r ls -S | xargs -r -P "$$(nproc)" -I FILE tools/lint.sh $(BUILD)/lint FILE $(LINT_FLAGS)

lint: ## run clang-tidy over the source files that differ from the main branch, and over those that include them
	@tools/deps.sh build test check
	@tools/changed.sh $(LINTED) $(lint)

lint-all: ## run clang-tidy over every source file
	@tools/deps.sh build test check
	@printf '%s\n' $(LINTED) $(lint)

format-check: ## say what `make format` would rewrite
	@tools/deps.sh check
	@clang-format --dry-run --Werror $(C_FILES) $(H_FILES)

format: ## rewrite every source file in the house style
	@tools/deps.sh check
	@clang-format -i $(C_FILES) $(H_FILES)

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## list targets and variables
	@echo 'make [TARGET] [VARIABLE=VALUE]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'

.force:
.PHONY: all machines mutants bench-hostile bench-sizes programs deps .deps-build .deps-test .deps-fuzz run test unit fuzz fuzz-loader bench asan bless samples manual install uninstall lint format format-check clean help lint-all tsan tsan-programs .force
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
