/* SPDX-License-Identifier: MIT */
/* CPUs among each other, beyond hv/irq.h. x86/smp.c, x86/tlb.c */
#pragma once

#include <hv/types.h>

/* Requests to a CPU: bits of arch_pcpu.flush.pending. Atomic. */
#define REQ_FLUSH      1u /* the one described in x86/tlb.c's mailbox; somebody waits */
#define REQ_FLUSH_LATE 2u /* everything, at its leisure */
#define REQ_CALL       4u /* the one in x86/smp.c's mailbox; somebody waits */
#define REQ_STOP       8u

void tlb_serve(uint32_t reqs);
/* Loads CR3 and notes that this CPU has flushed everything. */
void tlb_load_cr3(uint64_t cr3);
