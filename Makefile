# SPDX-License-Identifier: MIT
# Hospes: builds, runs and tests everything. `make help` lists what there is.
# Each folder has its own makefile; this one orders them and holds the commands for people.
include Config.mk
MAKEFLAGS += --no-print-directory

HYPERVISOR ?= hospes
TOOLS ?= ours
FIRMWARE ?= bios
SMP ?= 2
MEM ?= 2G
CMDLINE ?=
GUESTS ?= demo
ACCEL ?= tcg
# RUN reaches the runner through the environment, as typed: no shell quoting, no make expansion.
export HOSPES_RUN := $(value RUN)

IMAGES := $(BUILD)/images
DOM0 := dom0-tools/dom0
# Machines side by side; tests that start from one snapshot stay together.
LANES ?= 2
PYTEST := /usr/bin/python3 -B -m pytest -p no:cacheprovider -n $(LANES) --dist loadgroup
# What of {xen, hospes} x {stock, ours} the tests run: a pytest mark expression (tests/README.md);
# and the modules of the tier for every commit. The others are in test-full.
SELECT ?= xen or hospes or not xen
QUICK := $(wildcard $(patsubst %,tests/system/test_%.py,boot_messages guest_kernels scenario run \
           isolation platform bench))
BENCH ?= usual
CPU ?= max,-smap
PROT ?= on

TEST_DIRS := $(patsubst %/Makefile,%,$(wildcard tests/abi/Makefile tests/unit/*/Makefile \
               tests/model/Makefile tests/lint/Makefile tests/fuzz/Makefile))

.PHONY: $(TEST_DIRS:%=check-%) help deps all hypervisor dom0-tools guest-tests images run check \
        abi-check test-guest abi-coverage builds test test-full fuzz fuzz-guest fuzz-campaign bench \
        clean

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: make run          set up, build, boot: ends at a dom0 shell with the guest `demo` running
#:                   (Ctrl-a x leaves)
#:   RUN='commands'        run them in dom0 once the guest is up, print their output, power off;
#:                         make fails if they fail (it prints their status)
#:   HYPERVISOR=hospes|xen   ours, or stock Xen 4.17 with the same dom0 and guest
#:   TOOLS=ours|stock        dom0's toolstack: ours, or Debian's xen-utils 4.17
#:   FIRMWARE=bios|uefi  SMP=n  MEM=size
#:   CMDLINE='options'       more options for the hypervisor
#:   GUESTS=none             do not start `demo`
#:   ACCEL=kvm               run under KVM (default: tcg, QEMU's emulation)
run: deps
	@$(MAKE) images $(if $(filter hospes,$(HYPERVISOR)),hypervisor) \
	    $(if $(filter ours,$(TOOLS)),dom0-tools) >&2
	@tests/run-dom0 --boot grub --stock-vmlinuz --hypervisor $(HYPERVISOR) --tools $(TOOLS) \
	    --firmware $(FIRMWARE) --smp $(SMP) --mem $(MEM) --cmdline '$(CMDLINE)' \
	    --guests $(GUESTS) --accel $(ACCEL) \
	    $(if $(value RUN),--run-from-env HOSPES_RUN,--interactive)

#: make test         set up, build, run the tests of every commit
test: deps all images check builds
	$(PYTEST) $(QUICK) -m '($(SELECT)) and not full' --durations=10

#: make test-full    every test, every matrix
#:   LANES=n                 so many machines side by side in both (2)
test-full: deps all images check builds
	$(PYTEST) tests/system -m '$(SELECT)' --durations=10

#: make fuzz-guest   hostile guests that make random calls on Hospes; SEED=n CALLS=n
SEED ?= 1
CALLS ?= 500000
fuzz-guest: deps all images
	@tests/fuzz-guest --seed $(SEED) --calls $(CALLS) --tools $(TOOLS) --hypervisor $(HYPERVISOR) \
	    --smp $(SMP) --cmdline '$(CMDLINE)'

#: make fuzz-campaign   the same for many seeds and 10 million calls, in build/fuzz-campaign; goes on
#:                   where it was stopped
fuzz-campaign: deps all images
	@tests/fuzz-campaign $(BUILD)/fuzz-campaign

#: make bench        Hospes and stock Xen 4.17 measured on the same machine, in instructions;
#:                   the tables and build/bench/*.{txt,json,svg} (tests/bench/README.md)
#:   BENCH=micro|boot|guest|tools|io|scale|all   the suite (micro, boot and guest)
#:   CPU=max,-smap           QEMU's CPU model
#:   PROT=off                with protections off on both
#:   PROFILE='operation'     instead: where its instructions go on Hospes, by function, of the
#:                           hypervisor, kernels and programs; named as a table names it
bench: deps images all
	@tests/bench/run $(BENCH) --cpu '$(CPU)' $(if $(filter off,$(PROT)),--unprotected) \
	    $(if $(PROFILE),--profile '$(subst ','\'',$(PROFILE))')

#: make check        the fast tests that need no machine
check: deps
	@$(MAKE) --no-print-directory -j2 --output-sync=target $(TEST_DIRS:%=check-%)

$(TEST_DIRS:%=check-%): check-%:
	@$(MAKE) --no-print-directory -C $* check O=$(BUILD)/$*

#: make abi-check    include/public against libxen-dev's headers: what is left out and why, and
#:                   at the end the number of differences, which is to be 0
abi-check: deps
	@$(MAKE) -C tests/abi alone compare O=$(BUILD)/tests/abi

#: make test-guest   every test kernel on Hospes and on stock Xen: a table; fails on a difference
#:                   that tests/guest/differences.txt does not explain
test-guest: deps images all
	@HOSPES_BUILD=$(BUILD) tests/guest/compare --logs $(BUILD)/test-logs

#: make abi-coverage   which test kernel reaches each operation of the ABI, with which results, and
#:                   each place in the hypervisor that answers with an error; then what none
#:                   reaches (it fails if there is any)
abi-coverage: deps guest-tests
	@$(MAKE) -C hypervisor O=$(BUILD)/hypervisor-O0 OPT=-O0 DEBUG=1
	@HOSPES_BUILD=$(BUILD) tests/guest/coverage --errors $(BUILD)/hypervisor-O0/hospes.elf \
	    --logs $(BUILD)/test-logs

# Both compilers, and that two builds give the same bytes.
builds: deps
	@$(MAKE) -C tests/lint compilers reproducible O=$(BUILD)/tests/lint

#: make fuzz         libFuzzer on the parsers and hypercalls, on this machine (tests/fuzz)
#:   TARGET=name|all       which (all, one after the other)
#:   SECONDS=n             how long each (60); CPU_SECONDS=n  the same of CPU time
#:                         with make -j2 two at a time
fuzz: deps
	@$(MAKE) -C tests/fuzz fuzz TARGET='$(or $(TARGET),all)' SECONDS='$(or $(SECONDS),60)' \
	    CPU_SECONDS='$(CPU_SECONDS)' O=$(BUILD)/tests/fuzz

#: make all          build the hypervisor, dom0's tools and the test kernels
all: hypervisor dom0-tools guest-tests

hypervisor:
	@[ ! -e hypervisor/Makefile ] || $(MAKE) -C hypervisor O=$(BUILD)/hypervisor

dom0-tools:
	@$(MAKE) -C dom0-tools O=$(BUILD)/dom0-tools

guest-tests:
	@[ ! -e tests/guest/Makefile ] || $(MAKE) -C tests/guest O=$(BUILD)/tests/guest
	@$(MAKE) -C tests/bench O=$(BUILD)/tests/bench

#: make images       fetch Debian's kernels and packages once into a cache outside the tree
#:                   ($HOSPES_CACHE, else ~/.cache/hospes), and make dom0's and the guests' images
images: $(IMAGES)/stamp

$(IMAGES)/stamp: $(shell find $(DOM0) -type f)
	@$(DOM0)/fetch
	@$(DOM0)/build-images $(IMAGES)
	@touch $@

#: make deps         install the Debian packages that are missing, saying which and why
#:                   (needs root, or sudo)
deps:
	@.ci/install-deps >&2

#: make clean        remove build/
clean:
	rm -rf $(BUILD)
#:
#: CC=clang builds with Clang; V=1 shows commands; DEBUG=1 compiles the hypervisor's checks in.
