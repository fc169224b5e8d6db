/* SPDX-License-Identifier: MIT */
/* What the files of this kernel share. */
#pragma once

#include "lib.h"
#include "mm.h"
#include "vcpu.h"
#include "event.h"

/* Who does it: each on things of its own; each even vcpu to the next; vcpu 0 to all others. */
enum who { EVERYONE, PAIRS, FIRST };

typedef void step_t(unsigned int me);

struct operation {
    const char *name;
    step_t *run;
    enum who who;
    unsigned int times; /* how often it is done in a sample, by each */
    /* What the second of a pair does from before the sample on: it blocks, and then answers. */
    step_t *second;
};

extern const struct operation own_operations[], pair_operations[];
extern const unsigned int nr_own_operations, nr_pair_operations;

/* Makes what the operations need; by vcpu 0, for one more vcpu. */
void own_prepare(unsigned int vcpu);
void pairs_prepare(unsigned int vcpu);
/*
 * A port for events to this vcpu, in a word of the bitmap that no other vcpu's are in: an upcall
 * takes all events of a word.
 */
unsigned int port_of(unsigned int vcpu);
/* How many take part. */
extern unsigned int active;
/* Counted by each while it waits, in guest mode, for the others. */
extern volatile unsigned long beats[MAX_VCPUS];
