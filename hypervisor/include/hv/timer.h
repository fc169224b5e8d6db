/* SPDX-License-Identifier: MIT */
/*
 * Time and software timers. System time is nanoseconds since boot, the same on every CPU.
 * Timers belong to a CPU and fire from its SOFTIRQ_TIMER with no lock held.
 */
#pragma once

#include <hv/list.h>
#include <hv/spinlock.h>

struct timer {
    uint64_t expires; /* ns of system time */
    void (*fn)(void *data);
    void *data;
    uint32_t cpu; /* whose heap; changes only while inactive or under both heaps' locks */
    bool active;
    struct timer *left, *right, *up; /* in the heap, under its lock */
};

/* Per-CPU part, in struct pcpu. */
struct timer_pcpu {
    spinlock_t lock;
    struct timer *root;    /* the earliest */
    struct timer *running; /* its fn is being called, without the lock */
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu);
void timer_set(struct timer *t, uint64_t expires); /* (re)arms; a past time fires at once */
void timer_stop(struct timer *t);
void timer_kill(struct timer *t); /* stops and waits until fn is not running */
void timer_migrate(struct timer *t, unsigned int cpu);
void timer_softirq(void);

struct vcpu;
struct domain;

#define SECONDS(n)   ((uint64_t)(n)*1000000000UL)
#define MILLISECS(n) ((uint64_t)(n)*1000000UL)

uint64_t now_ns(void); /* system time */
uint64_t system_ns_to_tsc(uint64_t ns);
uint64_t rdtsc_ordered(void);
/* The pvclock scale (public/xen.h, vcpu_time_info) of a frequency. */
void time_scale_from_khz(uint64_t khz, uint32_t *mul, int8_t *shift);
extern bool tsc_is_stable;             /* all CPUs' TSCs agree and never stop: set at boot */
extern uint32_t tsc_khz;               /* set by calibration at boot */
void tsc_calibrate(void);              /* sets tsc_khz; boot CPU, after acpi_init(). x86/tsc.c */
void delay_us(uint64_t us);            /* at once as long as tsc_khz is not known. x86/tsc.c */
void time_init(void);                  /* boot CPU, after calibration */
void time_update_vcpu(struct vcpu *v); /* refreshes its vcpu_time_info and secondary copy */
void time_update_wallclock(struct domain *d);
/* Sets the wall clock: at system time 'at' it was sec.nsec UTC. Updates every domain. */
void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t at);
/* The battery-backed clock: seconds since 1970-01-01 UTC; 0: none, or nonsense. x86/rtc.c */
uint64_t rtc_read_seconds(void);
