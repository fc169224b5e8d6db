/* SPDX-License-Identifier: MIT */
/* The scheduler's calls, timers, other vcpus, registered areas. */
#include <public/sched.h>
#include <public/vcpu.h>
#include "fuzz.h"
#include "parts.h"

static char *info_page[MAX_VCPUS];
/* The hypervisor writes them at any time: into pages that are nobody's role. */
static char area_page[MAX_VCPUS][PAGE_SIZE] PAGE_ALIGNED;

/* The page that says how to read the time may be scribbled on: what it said at the beginning. */
static struct vcpu_time_info clock;

void clock_save(void) { clock = this_vcpu()->info->time; }

void clock_repair(void) { this_vcpu()->info->time = clock; }

static uint64_t about_now(void) {
    uint64_t delta = rdtsc() - clock.tsc_timestamp;

    delta = clock.tsc_shift < 0 ? delta >> -clock.tsc_shift : delta << clock.tsc_shift;
    return clock.system_time + (uint64_t)((unsigned __int128)delta * clock.tsc_to_system_mul >> 32);
}

static void make_sched(struct fuzzer *f, struct call *c) {
    uint32_t *arg = arg_alloc(f, 16);
    struct sched_poll *poll = arg_alloc(f, sizeof(*poll));
    uint32_t *ports = arg_alloc(f, 16);

    *c = (struct call){.op = __HYPERVISOR_sched_op, .arg = {SCHEDOP_yield, arg_or_fault(f, arg)}};
    for (unsigned int i = 0; i < 4; i++) ports[i] = (uint32_t)below(f, 40);
    set_xen_guest_handle_raw(poll->ports, (void *)arg_address(f, ports));
    poll->nr_ports = chance(f, 90) ? (unsigned int)below(f, 4) : (unsigned int)odd(f);
    poll->timeout = about_now() + below(f, 100000);
    switch (below(f, 12)) {
    case 0: break;
    case 1: /* returns at once: an upcall is due, which in a multicall may be taken before */
        if (f->together) break;
        WRITE_ONCE(f->v->info->evtchn_upcall_pending, 1);
        c->arg[0] = SCHEDOP_block;
        break;
    case 2:
    case 3:
    case 4:
        c->arg[0] = SCHEDOP_poll;
        c->arg[1] = arg_or_fault(f, poll);
        break;
    case 5:
        c->arg[0] = SCHEDOP_shutdown_code;
        arg[0] = (uint32_t)(chance(f, 50) ? below(f, 7) : odd(f));
        break;
    case 6:
    case 7:
        c->arg[0] = SCHEDOP_watchdog;
        arg[0] = chance(f, 90) ? (uint32_t)below(f, 4) : (uint32_t)odd(f);
        arg[1] = arg[0] && chance(f, 50) ? 0 : 100000 + (uint32_t)below(f, 1000000);
        break;
    case 8:
        c->arg[0] = chance(f, 50) ? SCHEDOP_remote_shutdown : SCHEDOP_pin_override;
        if (in_dom0()) c->arg[0] = SCHEDOP_remote_shutdown;
        arg[0] = DOMID_IDLE - (uint32_t)below(f, 50);
        break;
    case 9: c->arg[0] = 8 + below(f, 100); break;
    case 10: *c = (struct call){.op = __HYPERVISOR_sched_op_compat, .arg = {0, 0}}; break;
    default: break;
    }
}

static void make_timer(struct fuzzer *f, struct call *c) {
    uint64_t *arg = arg_alloc(f, 16);

    *c = (struct call){.op = __HYPERVISOR_vcpu_op,
                       .arg = {VCPUOP_set_singleshot_timer, f->v->id, arg_address(f, arg)}};
    arg[0] = about_now() + below(f, 10 * MS);
    arg[1] = below(f, 3);
    if (chance(f, 10)) arg[0] = odd(f);
    if (chance(f, 6)) c->arg[1] = pick_vcpu(f);
    switch (below(f, 6)) {
    case 0: c->arg[0] = VCPUOP_stop_singleshot_timer; break;
    case 1: c->arg[0] = VCPUOP_stop_periodic_timer; break;
    case 2:
        c->arg[0] = VCPUOP_set_periodic_timer;
        arg[0] = chance(f, 50) ? MS * (1 + below(f, 50)) : odd(f);
        break;
    case 3:
        *c = (struct call){.op = __HYPERVISOR_set_timer_op,
                           .arg = {chance(f, 80) ? about_now() + below(f, 10 * MS) : odd(f)}};
        break;
    default: break;
    }
}

/* Where a vcpu's page is registered, if it is. */
static uint32_t info_offset(unsigned int id) { return 64 * (uint32_t)(mix(seed + id) % 63); }

/* In a multicall that moves it the new page is looked at by the hypervisor before it is by us. */
void upcall_taken(void) {
    unsigned int id = this_vcpu()->id;
    struct vcpu_info *places[2] = {&shared->vcpu_info[id], NULL};

    if (info_page[id]) places[1] = (struct vcpu_info *)(info_page[id] + info_offset(id));
    for (unsigned int i = 0; i < 2 && places[i]; i++) {
        WRITE_ONCE(places[i]->evtchn_upcall_pending, 0);
        WRITE_ONCE(places[i]->evtchn_pending_sel, 0);
    }
}

static void info_moved(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc && c->arg[1] < all_vcpus)
        vcpus[c->arg[1]].info = (struct vcpu_info *)(info_page[c->arg[1]] + c->note[0]);
}

static void make_area(struct fuzzer *f, struct call *c) {
    struct vcpu_register_vcpu_info *info = arg_alloc(f, sizeof(*info));
    uint64_t *arg = arg_alloc(f, 16);
    unsigned int id = chance(f, 80) ? f->v->id : pick_vcpu(f), page = id < all_vcpus ? id : 0;

    *c = (struct call){.op = __HYPERVISOR_vcpu_op, .arg = {0, id, arg_address(f, arg)}};
    switch (below(f, 4)) {
    case 0:
        if (!info_page[page]) info_page[page] = page_alloc();
        info->mfn = chance(f, 90) ? virt_to_mfn(info_page[page]) : odd(f) | 1UL << 40;
        info->offset = chance(f, 70) ? info_offset(page) : 4033 + (uint32_t)below(f, 99999);
        c->arg[0] = VCPUOP_register_vcpu_info;
        c->arg[2] = arg_address(f, info);
        c->note[0] = info->offset;
        c->done = info_moved;
        break;
    case 1:
    case 2:
        c->arg[0] = chance(f, 50) ? VCPUOP_register_runstate_memory_area
                                  : VCPUOP_register_vcpu_time_memory_area;
        arg[0] = (uint64_t)area_page[page] + below(f, 4000);
        if (chance(f, 40)) arg[0] = (uint64_t)window + below(f, WINDOW_PAGES * PAGE_SIZE);
        if (chance(f, 10)) arg[0] = bad_address(f) & ~(1UL << 63);
        break;
    default: c->arg[0] = VCPUOP_get_runstate_info; break;
    }
}

/* Contexts for vcpus that were not started yet: almost right ones. */
static void make_initialise(struct fuzzer *f, struct call *c) {
    struct vcpu_guest_context *context = arg_alloc(f, sizeof(*context));
    unsigned int id = fuzzing_vcpus + (unsigned int)below(f, all_vcpus - fuzzing_vcpus);
    uint64_t *word = (uint64_t *)context + below(f, sizeof(*context) / 8);

    if (fuzzing_vcpus == all_vcpus) id = 0;
    vcpu_fill_context(context, id);
    if (chance(f, 30)) context->ctrlreg[3] = pick_table_frame(f, 4) << PAGE_SHIFT;
    if (chance(f, 30)) context->gdt_ents = below(f, 9000);
    for (unsigned int i = 0; i < 16; i++)
        context->gdt_frames[i] = pool[pick_slot(f, FILLED, DESCRIPTORS)].mfn;
    if (chance(f, 30)) context->ldt_ents = odd(f);
    if (chance(f, 30)) context->debugreg[below(f, 8)] = odd(f);
    if (chance(f, 30)) *word = odd(f);
    *c = (struct call){.op = __HYPERVISOR_vcpu_op,
                       .arg = {VCPUOP_initialise, id, arg_address(f, context)}};
}

static void make_vcpu(struct fuzzer *f, struct call *c) {
    static const unsigned int commands[] = {VCPUOP_up,
                                            VCPUOP_up,
                                            VCPUOP_down,
                                            VCPUOP_is_up,
                                            VCPUOP_send_nmi,
                                            VCPUOP_get_physid,
                                            VCPUOP_is_up,
                                            14,
                                            VCPUOP_get_runstate_info};
    uint64_t *arg = arg_alloc(f, 64);
    unsigned int cmd = PICK(f, commands);

    if (chance(f, 15)) {
        make_initialise(f, c);
        return;
    }
    *c = (struct call){.op = __HYPERVISOR_vcpu_op, .arg = {cmd, pick_vcpu(f), arg_address(f, arg)}};
    /* Only those that are there to be stopped: the others have calls to make. */
    if (cmd == VCPUOP_down && c->arg[1] < fuzzing_vcpus) c->arg[1] = all_vcpus - 1;
    if (cmd == VCPUOP_down && fuzzing_vcpus == all_vcpus) c->arg[0] = VCPUOP_is_up;
    if (cmd == 14) c->arg[0] = 14 + below(f, 50);
}

const struct generator sched_calls[] = {
    {"sched", 20, make_sched, NULL},
    {"timer", 14, make_timer, NULL},
    {"vcpu.area", 12, make_area, NULL},
    {"vcpu", 20, make_vcpu, NULL},
};
const unsigned int nr_sched_calls = ARRAY_SIZE(sched_calls);
