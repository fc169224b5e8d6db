/* SPDX-License-Identifier: MIT */
/* Fault injection by the hypervisor's debug keys, whose answers come by its console. */
#include <public/sysctl.h>
#include <public/version.h>
#include "faults.h"
#include "vcpu.h"

#define MANY 1000 /* allocations of one call, at most */

bool can_inject;

static char text[65536]; /* what the console said since it was last read */

static void press(const char *keys) {
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys,
                            .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
                            .u.debug_keys.nr_keys = (uint32_t)strlen(keys)};

    set_xen_guest_handle_raw(op.u.debug_keys.keys, (char *)(uintptr_t)keys);
    require_eq(hypercall1(__HYPERVISOR_sysctl, &op), 0);
}

static void read_console(void) {
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole,
                            .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
                            .u.readconsole = {.clear = 1, .count = sizeof(text) - 1}};

    set_xen_guest_handle_raw(op.u.readconsole.buffer, text);
    require_eq(hypercall1(__HYPERVISOR_sysctl, &op), 0);
    text[op.u.readconsole.count] = '\0';
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The number in front of a word. */
static unsigned long number(const char *line, const char *word) {
    const char *at = strstr(line, word);
    unsigned long value = 0;

    require(at);
    while (at > line && is_digit(at[-1])) at--;
    for (; is_digit(*at); at++) value = value * 10 + (unsigned long)(*at - '0');
    return value;
}

static bool on_hospes(void) {
    xen_extraversion_t who = {0};

    require(HV_xen_version(XENVER_extraversion, who) >= 0);
    return strstr(who, "hospes");
}

void inject(unsigned long n) {
    char keys[24];

    if (!can_inject) return;
    format(keys, sizeof(keys), "%luN", n);
    press(keys);
    read_console();
}

struct injected inject_end(void) {
    struct injected result = {0};
    const char *line;

    if (!can_inject) return result;
    press("0N");
    read_console();
    line = strstr(text, " allocations, ");
    require(line);
    while (*line != ':') line--;
    result.allocations = number(line, " allocations,");
    result.failed = number(line, " failed;");
    result.frames = number(line, " frames,");
    result.objects = number(line, " objects");
    return result;
}

/* Stock Xen's keys of these names do other things. */
void inject_init(void) {
    bool built_for_it = strstr((const char *)si->cmd_line, "debug-hypervisor");

    if (!on_hospes()) return;
    press("0N");
    read_console();
    can_inject = strstr(text, " allocations, ");
    if (built_for_it && !can_inject) failure("a hypervisor with its checks has no fault injection");
}

bool audit(void) {
    if (!can_inject) return true;
    press("F");
    read_console();
    return strstr(text, " frames, 0 differences");
}

void every_failure(const char *name, long (*run)(void), long no_memory, long good) {
    struct injected was;

    for (unsigned long n = 1; n < MANY; n++) {
        long rc, want;

        inject(n);
        rc = run();
        was = inject_end();
        want = was.failed ? no_memory : good;
        count_check();
        if (rc != want)
            failure("%s gives %ld, want %ld (allocation %lu of %lu failed: %lu)", name, rc, want, n,
                    was.allocations, was.failed);
        if (!was.failed) return;
        expect(audit());
    }
    failure("%s does not come to an end", name);
}
