/* SPDX-License-Identifier: MIT */
/*
 * Console output, the verdict, and the end of the machine. Usable on every vcpu, in trap handlers,
 * and in kernel mode only.
 */
#include <public/physdev.h>
#include <public/sched.h>
#include "lib.h"
#include "record.h"

enum verdict { SUCCESS, SKIP, ERROR, FAILURE };

static enum verdict verdict;
static char reason[200];
static unsigned int checks;
static unsigned int complaints;
#define MAX_COMPLAINTS 60

static void write_console(const char *text, size_t n) {
    if (in_dom0())
        HV_console_io(CONSOLEIO_write, n, text);
    else
        ring_console_write(text, n);
}

void printk(const char *format, ...) {
    char line[512];
    va_list ap;

    va_start(ap, format);
    write_console(line, (size_t)vformat(line, sizeof(line), format, ap));
    va_end(ap);
}

void count_check(void) { __atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED); }

static void worsen(enum verdict to, const char *word, const char *format, va_list ap) {
    char text[400];

    if (__atomic_fetch_add(&complaints, 1, __ATOMIC_RELAXED) >= MAX_COMPLAINTS && to <= verdict)
        return;
    vformat(text, sizeof(text), format, ap);
    printk("%s %s\n", word, text);
    if (verdict < to) {
        verdict = to;
        memcpy(reason, text, sizeof(reason) - 1);
    }
}

#define WORSEN(function, to)                                                                       \
    void function(const char *format, ...) {                                                       \
        va_list ap;                                                                                \
        va_start(ap, format);                                                                      \
        worsen(to, #to, format, ap);                                                               \
        va_end(ap);                                                                                \
    }

WORSEN(skip, SKIP)
WORSEN(error, ERROR)
WORSEN(failure, FAILURE)

void die(const char *format, ...) {
    va_list ap;

    va_start(ap, format);
    worsen(ERROR, "ERROR", format, ap);
    va_end(ap);
    finish();
}

void print_verdict(void) {
    static const char *const words[] = {"SUCCESS", "SKIP", "ERROR", "FAILURE"};
    static bool printed;

    if (printed) return;
    printed = true;
    if (!checks && verdict == SUCCESS) error("the test checked nothing");
    if (recording) record_print();
    printk("%u checks\n", checks);
    printk("*** TEST %s: %s%s%s\n", TEST_NAME, words[verdict], verdict == SKIP ? " " : "",
           verdict == SKIP ? reason : "");
}

/*
 * dom0's power-off halts a bare hypervisor without ending QEMU, so QEMU's exit port comes first
 * (it needs I/O rights), then the shutdown that also works in an ordinary domain.
 */
void finish(void) {
    struct sched_shutdown shutdown = {.reason = SHUTDOWN_poweroff};
    struct physdev_set_iopl iopl = {.iopl = 1};

    print_verdict();
    if (in_dom0() && !HV_physdev_op(PHYSDEVOP_set_iopl, &iopl))
        outl(0xf4, (uint32_t)verdict + 0x10);
    HV_sched_op(SCHEDOP_shutdown, &shutdown);
    for (;;) HV_sched_op(SCHEDOP_block, 0);
}
