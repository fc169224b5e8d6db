/* SPDX-License-Identifier: MIT */
/*
 * Event channels. Upcalls are counted by port (and by vcpu), and given to the port's handler if it
 * has one. Both interfaces: 2-level, and FIFO after event_use_fifo().
 */
#pragma once

#include <public/event_channel.h>
#include "lib.h"
#include "vcpu.h"

#define MAX_PORTS 4096

typedef void event_handler_t(unsigned int port);
extern event_handler_t *event_handlers[MAX_PORTS];
extern unsigned int event_counts[MAX_PORTS];
extern unsigned int event_last_vcpu[MAX_PORTS];
extern unsigned int upcalls;

void event_upcall(struct vcpu *v);
/* Opens and closes the running vcpu for upcalls; opening takes what is pending at once. */
void events_on(void);
void events_off(void);

/* The pending and mask bits of a port. */
bool event_pending(unsigned int port);
bool event_masked(unsigned int port);
void event_mask(unsigned int port);
long event_unmask(unsigned int port); /* by hypercall */
bool event_clear(unsigned int port);  /* clears pending, tells whether it was */

/* Each ends the test when the hypervisor refuses. */
unsigned int event_alloc(uint32_t remote);
/* Two ends of one channel in this domain. */
void event_pair(unsigned int *a, unsigned int *b);
unsigned int event_bind_virq(unsigned int virq, unsigned int vcpu);
unsigned int event_bind_ipi(unsigned int vcpu);
long event_send(unsigned int port);
long event_close(unsigned int port);
long event_status(unsigned int port, struct evtchn_status *status);

extern bool event_fifo;
extern uint32_t *fifo_words[8]; /* arrays of PAGE_SIZE / 4 event words */
long event_use_fifo(unsigned int vcpu);
long event_fifo_expand(void);
uint32_t *fifo_word(unsigned int port);
