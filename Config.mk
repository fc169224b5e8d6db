# SPDX-License-Identifier: MIT
# Settings shared by every makefile of the tree. A value given on make's command line wins.
#   CC=clang              build with Clang
#   V=1                   show the commands
#   DEBUG=1               the hypervisor with its checks and audits compiled in

TOP := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(TOP)/build

ifeq ($(origin CC),default)
CC := gcc
endif
DEBUG ?= 0
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
# $(call SAY,what): one line for each thing that is made, instead of its command.
SAY = $(if $(Q),@echo "  $(1)")

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes
CSTD := -std=gnu17

# The same sources give the same bytes: no build time, no path of the work tree in the output.
export SOURCE_DATE_EPOCH ?= $(shell git -C $(TOP) log -1 --format=%ct 2>/dev/null || echo 0)
export LC_ALL := C
REPRODUCIBLE := -ffile-prefix-map=$(TOP)/=

# Host programs (dom0 tools, unit tests).
HOST_CFLAGS = $(CSTD) -O2 -g $(WARNINGS) $(REPRODUCIBLE) -D_GNU_SOURCE -MMD -MP
