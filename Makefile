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
PYTEST := /usr/bin/python3 -B -m pytest -p no:cacheprovider
# What of {xen, hospes} x {stock, ours} the tests run: a pytest mark expression (tests/README.md);
# and the modules of the tier for every commit. The others are in test-full.
SELECT ?= xen or hospes or not xen
QUICK := $(addprefix tests/system/test_,boot_messages.py guest_kernels.py scenario.py run.py)

#: make clean        remove build/
clean:
	rm -rf $(BUILD)
#:
#: CC=clang builds with Clang; V=1 shows commands; DEBUG=1 compiles the hypervisor's checks in.
