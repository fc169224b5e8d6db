/* SPDX-License-Identifier: MIT */
/* The local APIC, as xAPIC or x2APIC. x86/apic.c */
#pragma once

#include <hv/types.h>

extern bool apic_x2; /* x2APIC mode is on */

/* The 8259s, before the local APIC stops listening to them. x86/irq.c */
void pic_disable(void);
void apic_init(void);     /* boot CPU: finds it, chooses the mode; apic_init_cpu() included */
void apic_init_cpu(void); /* each CPU */
void apic_timer_calibrate(void); /* boot CPU, once tsc_khz is known */
uint32_t apic_id(void);
void apic_eoi(void);

/* An interrupt to one CPU by APIC id. Delivery is waited for only as far as xAPIC requires. */
enum { ICR_FIXED = 0x4000 /* | vector */, ICR_INIT = 0x4500, ICR_STARTUP = 0x4600 /* | page */ };
void apic_ipi(uint32_t dest, uint32_t command);

/* The one-shot timer: fires at this system time (at once if it has passed); ~0: never. It may fire
 * early when the hardware counts no further. */
void apic_timer_set(uint64_t system_ns);

/* Panic: every other CPU halts. */
void apic_stop_others(void);
