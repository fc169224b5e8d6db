/* SPDX-License-Identifier: MIT */
/* What an ordinary guest is refused, what it may ask, numbers that nobody assigned. */
#include <public/physdev.h>
#include <public/version.h>
#include "fuzz.h"
#include "parts.h"

static void make_version(struct fuzzer *f, struct call *c) {
    char *arg = arg_alloc(f, 4096);

    *(uint32_t *)arg = (uint32_t)below(f, 4);
    *c = (struct call){.op = __HYPERVISOR_xen_version,
                       .arg = {chance(f, 90) ? below(f, 12) : odd(f), arg_address(f, arg)}};
}

/* dom0 is believed in these: only what has a wrong version of the interface. */
static void make_control(struct fuzzer *f, struct call *c) {
    static const unsigned int calls[] = {__HYPERVISOR_domctl, __HYPERVISOR_sysctl,
                                         __HYPERVISOR_platform_op};
    static const uint32_t versions[] = {0x15, 0x15, 0x03000000};
    unsigned int i = (unsigned int)below(f, 3);
    uint32_t *arg = arg_alloc(f, 512);

    for (unsigned int n = 2; n < 32; n++) arg[n] = (uint32_t)odd(f);
    arg[0] = (uint32_t)below(f, 90);
    arg[1] = versions[i];
    if (i == 2) {
        arg[1] = arg[0];
        arg[0] = versions[i]; /* the command comes first there */
    }
    if (in_dom0() || chance(f, 10)) arg[0] = arg[1] = 0x7fffffff;
    *c = (struct call){.op = calls[i], .arg = {in_dom0() ? (uint64_t)arg : arg_address(f, arg)}};
}

static void make_physdev(struct fuzzer *f, struct call *c) {
    static const unsigned int harmless[] = {PHYSDEVOP_set_iopl,
                                            PHYSDEVOP_set_iobitmap,
                                            PHYSDEVOP_irq_status_query,
                                            PHYSDEVOP_eoi,
                                            32,
                                            99};
    uint32_t *arg = arg_alloc(f, 128);
    unsigned int cmd = PICK(f, harmless);

    if (!in_dom0() && chance(f, 40)) cmd = (unsigned int)below(f, 34);
    for (unsigned int i = 0; i < 8; i++) arg[i] = (uint32_t)odd(f);
    if (cmd == PHYSDEVOP_set_iopl) arg[0] = (uint32_t)below(f, 5);
    if (chance(f, 50)) arg[0] = DOMID_SELF;
    *c = (struct call){.op = __HYPERVISOR_physdev_op, .arg = {cmd, arg_address(f, arg)}};
    if (!chance(f, 10) || cmd > 11) return;
    memmove(arg + 1, arg, 64);
    arg[0] = cmd;
    *c = (struct call){.op = __HYPERVISOR_physdev_op_compat, .arg = {arg_address(f, arg)}};
}

static void make_unassigned(struct fuzzer *f, struct call *c) {
    static const unsigned int numbers[] = {11, 27, 31, 34, 37, 38, 39, 40,
                                           41, 42, 43, 47, 48, 49, 55};

    *c = (struct call){.op = chance(f, 70) ? PICK(f, numbers)
                                           : 64 + (unsigned int)(odd(f) % 0x70000000),
                       .arg = {odd(f), odd(f), odd(f), odd(f)}};
    if (c->op == 37 || c->op == 48) c->arg[0] = in_dom0() ? 1000 : c->arg[0];
}

static void make_console(struct fuzzer *f, struct call *c) {
    const char *arg = arg_alloc(f, 64);

    *c = (struct call){
        .op = __HYPERVISOR_console_io,
        .arg = {in_dom0() ? 1 + below(f, 5) : below(f, 4), below(f, 64), arg_address(f, arg)}};
}

const struct generator misc_calls[] = {
    {"xen_version", 15, make_version, NULL}, {"control", 5, make_control, NULL},
    {"physdev", 8, make_physdev, NULL},      {"unassigned", 5, make_unassigned, NULL},
    {"console_io", 2, make_console, NULL},
};
const unsigned int nr_misc_calls = ARRAY_SIZE(misc_calls);
