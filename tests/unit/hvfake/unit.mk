# SPDX-License-Identifier: MIT
# Host tests of parts of hypervisor/ under ASan and UBSan. The including Makefile names PART, PARTS
# (files of hypervisor/, without .c) and TESTS (its own); then: make O=<dir> check
FAKE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
HERE := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
ROOT := $(abspath $(FAKE)../../..)
O    ?= $(ROOT)/build/unit/$(PART)
CC   ?= gcc
OBJS := $(PARTS:%=$(O)/hypervisor/%.o) $(O)/fakes.o $(TESTS:%=$(O)/%.o)

CPPFLAGS := -I$(FAKE) -I$(ROOT)/hypervisor/include -I$(ROOT)/include -I$(ROOT)/hypervisor/$(PART) \
            -D__XEN_TOOLS__ -D_GNU_SOURCE
CFLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Werror -fno-strict-aliasing -pthread \
          -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-sanitize=alignment

.PHONY: check
check: $(O)/test
	@ASAN_OPTIONS=detect_leaks=0 $<

$(O)/test: $(OBJS)
	@$(CC) $(CFLAGS) -o $@ $^

$(O)/hypervisor/%.o: $(ROOT)/hypervisor/%.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/fakes.o: $(FAKE)fakes.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/%.o: $(HERE)%.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(OBJS:.o=.d)
