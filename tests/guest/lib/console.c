/* SPDX-License-Identifier: MIT */
/* A domain's own console: the ring that dom0's xenconsoled reads. dom0 itself has none. */
#include <public/version.h>
#include "console/front.h"
#include "lib.h"
#include "mm.h"
#include "pv.h"
#include "vcpu.h"

static bool console_lock;

bool in_dom0(void) { return !si || (si->flags & SIF_INITDOMAIN); }

bool on_stock_xen(void) {
    static xen_extraversion_t version;

    return !HV_xen_version(XENVER_extraversion, version) && !strstr(version, "hospes");
}

void ring_console_write(const char *text, size_t n) {
    static struct guest_port port;
    static struct console_front console;

    while (__atomic_test_and_set(&console_lock, __ATOMIC_ACQUIRE)) relax();
    if (!console.port) {
        port = guest_port(si->console.domU.evtchn);
        console_front_init(&console, mfn_to_virt(si->console.domU.mfn), &port.pv);
    }
    console_front_write(&console, text, n);
    __atomic_clear(&console_lock, __ATOMIC_RELEASE);
}
