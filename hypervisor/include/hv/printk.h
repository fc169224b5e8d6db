/* SPDX-License-Identifier: MIT */
/*
 * Console output. console/printk.c. Messages go to the console ring (sysctl readconsole) and, by
 * loglvl=/guest_loglvl=, to serial and screen, each line prefixed "(XEN) " as tools expect.
 */
#pragma once

#include <stdarg.h>
#include <hv/types.h>

struct cpu_user_regs;
struct domain;

/* Marks of levels, as loglvl= counts them. */
#define KERN_ERR   "\0011"
#define KERN_WARN  "\0012"
#define KERN_INFO  "\0013"
#define KERN_DEBUG "\0014"

/* Whether a message that d caused may follow: by guest_loglvl; rate-limited but for dom0. */
bool printk_for_guest(const struct domain *d);
void printk(const char *fmt, ...) __printf(1, 2);
void vprintk(const char *fmt, va_list ap);

/* Prints message, registers, symbolised backtrace; then reboots or halts (noreboot). */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
void show_regs(const struct cpu_user_regs *regs); /* registers and a backtrace when in Hospes */
void show_backtrace(unsigned long rip, unsigned long rsp, unsigned long rbp);

/* An invariant of ours, never something a guest can choose. */
#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(c)                                                                                  \
    do {                                                                                           \
        if (unlikely(c)) panic("BUG at %s:%d: %s", __FILE__, __LINE__, #c);                        \
    } while (0)
#ifdef HOSPES_DEBUG
#define IS_DEBUG  true
#define ASSERT(c) BUG_ON(!(c))
#else
#define IS_DEBUG  false
#define ASSERT(c) ((void)sizeof(c))
#endif
