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

/* Of the ports that user mode may use; now and then where there is none. */
static void make_bitmap(struct fuzzer *f, uint32_t *arg) {
    static uint8_t bitmap[65536 / 8];
    struct physdev_set_iobitmap *op = (struct physdev_set_iobitmap *)arg;

    bitmap[below(f, sizeof(bitmap))] = (uint8_t)rnd(f);
    set_xen_guest_handle_raw(op->bitmap, chance(f, 80) ? bitmap
                                                       : (uint8_t *)window +
                                                             below(f, WINDOW_PAGES * PAGE_SIZE));
    op->nr_ports = chance(f, 80) ? 65536 : (uint32_t)odd(f);
}

/* Interrupt lines and messages: for dom0, whose machine has no device that it would miss. */
static void make_pirq(struct fuzzer *f, struct call *c) {
    struct physdev_map_pirq *map = arg_alloc(f, sizeof(*map));
    struct physdev_unmap_pirq *unmap = arg_alloc(f, sizeof(*unmap));
    struct physdev_setup_gsi *gsi = arg_alloc(f, sizeof(*gsi));
    uint64_t *other = arg_alloc(f, 64);
    void *arg = map;

    map->domid = unmap->domid = pick_domain(f);
    map->type = chance(f, 80) ? MAP_PIRQ_TYPE_GSI : (int)below(f, 6);
    map->index = chance(f, 90) ? (int)below(f, 26) - 1 : (int)odd(f);
    map->pirq = chance(f, 60) ? -1 : (int)below(f, 40);
    map->bus = (int)below(f, 2);
    map->devfn = (int)below(f, 64);
    map->entry_nr = (int)below(f, 4);
    unmap->pirq = chance(f, 95) ? (int)below(f, 48) : (int)odd(f);
    gsi->gsi = (int)below(f, 26);
    gsi->triggering = (uint8_t)below(f, 3);
    gsi->polarity = (uint8_t)below(f, 3);
    *c = (struct call){.op = __HYPERVISOR_physdev_op, .arg = {PHYSDEVOP_map_pirq}};
    switch (below(f, 8)) {
    case 0:
    case 1:
        c->arg[0] = PHYSDEVOP_unmap_pirq;
        arg = unmap;
        break;
    case 2:
        c->arg[0] = PHYSDEVOP_setup_gsi;
        arg = gsi;
        break;
    case 3:
        c->arg[0] = PHYSDEVOP_get_free_pirq;
        *(uint32_t *)other = (uint32_t)below(f, 3);
        arg = other;
        break;
    case 4:
        c->arg[0] = chance(f, 50) ? PHYSDEVOP_eoi : PHYSDEVOP_irq_status_query;
        *(uint32_t *)other = (uint32_t)below(f, 48);
        arg = other;
        break;
    case 5:
        c->arg[0] = chance(f, 50) ? PHYSDEVOP_pirq_eoi_gmfn_v1 : PHYSDEVOP_pirq_eoi_gmfn_v2;
        *other = chance(f, 80) ? pool[pick_slot(f, WRITABLE, 0)].mfn : pick_frame(f);
        if (is_vital(*other)) *other = 0;
        arg = other;
        break;
    default: break;
    }
    c->arg[1] = arg_address(f, arg);
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
    if (chance(f, 50)) arg[0] = DOMID_SELF;
    if (cmd == PHYSDEVOP_set_iopl) arg[0] = (uint32_t)below(f, 5);
    if (cmd == PHYSDEVOP_set_iobitmap && chance(f, 80)) make_bitmap(f, arg);
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
    {"xen_version", 15, make_version, NULL},  {"control", 5, make_control, NULL},
    {"physdev", 12, make_physdev, NULL},      {"pirq", 8, make_pirq, NULL},
    {"unassigned", 5, make_unassigned, NULL}, {"console_io", 2, make_console, NULL},
};
const unsigned int nr_misc_calls = ARRAY_SIZE(misc_calls);
