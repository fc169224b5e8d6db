/* SPDX-License-Identifier: MIT */
/*
 * Traps, callbacks, descriptors, debug registers, iret. What the fuzzer itself is entered by is put
 * right again after each such call.
 */
#include <public/callback.h>
#include <public/nmi.h>
#include "fuzz.h"
#include "parts.h"

extern char entry_stacks[MAX_VCPUS][STACK_SIZE];
/* Where a return to somewhere lands: it ends in a trap that is known. */
void landing(void);
asm(".globl landing\nlanding: ud2\n");

void cpu_repair(struct fuzzer *f) {
    static struct trap_info table[257];

    if (!table[0].address) trap_fill_table(table);
    WRITE_ONCE(f->v->info->evtchn_upcall_mask, 1);
    f->v->in_user = false;
    HV_set_trap_table(table);
    HV_set_callbacks(entry_event, entry_failsafe, entry_syscall);
    HV_stack_switch(FLAT_KERNEL_SS, entry_stacks[f->v->id] + STACK_SIZE - 16);
    asm volatile("mov %0, %%ds\nmov %0, %%es\nmov %0, %%fs\nmov %0, %%gs" : : "r"(0));
}

static void repair(struct fuzzer *f, struct call *c, long rc) {
    (void)c;
    (void)rc;
    cpu_repair(f);
}

static void make_trap_table(struct fuzzer *f, struct call *c) {
    struct trap_info *t = arg_alloc(f, 41 * sizeof(*t));
    unsigned int n = (unsigned int)below(f, chance(f, 90) ? 8 : 41);

    for (unsigned int i = 0; i < n; i++) {
        t[i].vector = (uint8_t)rnd(f);
        t[i].flags = (uint8_t)rnd(f);
        t[i].cs = chance(f, 80) ? FLAT_KERNEL_CS : (uint16_t)rnd(f);
        t[i].address = n > 8 || chance(f, 80) ? (uint64_t)landing : 1 + odd(f);
    }
    *c = (struct call){.op = __HYPERVISOR_set_trap_table,
                       .arg = {chance(f, 8) ? 0 : arg_address(f, t)},
                       .done = repair};
}

static void make_callbacks(struct fuzzer *f, struct call *c) {
    struct callback_register *r = arg_alloc(f, sizeof(*r));
    struct xennmi_callback *nmi = arg_alloc(f, sizeof(*nmi));

    nmi->handler_address = (uint64_t)entry_nmi;
    r->type = (uint16_t)below(f, 9);
    r->flags = (uint16_t)below(f, 3);
    r->address = r->type == CALLBACKTYPE_nmi || chance(f, 60) ? (uint64_t)entry_nmi : odd(f);
    *c = (struct call){
        .op = __HYPERVISOR_callback_op, .arg = {0, arg_address(f, r)}, .done = repair};
    if (chance(f, 25)) c->arg[0] = below(f, 4);
    switch (below(f, 6)) {
    case 0:
        *c = (struct call){.op = __HYPERVISOR_set_callbacks, .arg = {odd(f), odd(f), odd(f)}};
        break;
    case 1:
        *c = (struct call){.op = __HYPERVISOR_nmi_op, .arg = {below(f, 3), arg_address(f, nmi)}};
        break;
    case 2: *c = (struct call){.op = __HYPERVISOR_stack_switch, .arg = {odd(f), odd(f)}}; break;
    default: break;
    }
    c->done = repair;
}

static void make_gdt(struct fuzzer *f, struct call *c) {
    uint64_t *frames = arg_alloc(f, 16 * 8);
    uint64_t entries = 512 * (1 + below(f, 3));

    for (unsigned int i = 0; i < 16; i++) frames[i] = pool[pick_slot(f, FILLED, DESCRIPTORS)].mfn;
    if (chance(f, 10)) frames[below(f, 3)] = pick_frame(f);
    if (chance(f, 20)) entries = below(f, 8192);
    if (chance(f, 5)) entries = odd(f);
    if (chance(f, 10)) entries = 0;
    *c = (struct call){.op = __HYPERVISOR_set_gdt, .arg = {arg_address(f, frames), entries}};
}

static void make_ldt(struct fuzzer *f, struct call *c) {
    struct mmuext_op *op = arg_alloc(f, sizeof(*op));
    unsigned int i = pick_slot(f, FILLED, DESCRIPTORS);

    op->cmd = MMUEXT_SET_LDT;
    op->arg1.linear_addr = chance(f, 90) ? (uint64_t)pool_va(i) : odd(f);
    op->arg2.nr_ents = chance(f, 90) ? (unsigned int)below(f, 1025) : (unsigned int)odd(f);
    *c = (struct call){.op = __HYPERVISOR_mmuext_op, .arg = {arg_address(f, op), 1, 0, DOMID_SELF}};
}

static void make_descriptor(struct fuzzer *f, struct call *c) {
    static const uint64_t words[] = {0,
                                     0x00cffb000000ffff,
                                     0x00affb000000ffff,
                                     0x00cff3000000ffff,
                                     0x0000e20000000067,
                                     0x0000e90000000067,
                                     0x00cf9b000000ffff};
    unsigned int i = pick_slot(f, chance(f, 70) ? ANY : TABLE, chance(f, 70) ? DESCRIPTORS : 0);
    uint64_t frame = chance(f, 95) ? pool[i].mfn : pick_frame(f);

    /* On an ordinary page it is an ordinary write. */
    if (is_vital(frame) || pool[i].level == 4) frame = 0;
    *c = (struct call){
        .op = __HYPERVISOR_update_descriptor,
        .arg = {frame << PAGE_SHIFT | below(f, 512) * 8, chance(f, 85) ? PICK(f, words) : rnd(f)}};
    if (chance(f, 4)) c->arg[0] |= below(f, 8);
}

static void make_registers(struct fuzzer *f, struct call *c) {
    switch (below(f, 5)) {
    case 0:
        *c = (struct call){.op = __HYPERVISOR_set_segment_base,
                           .arg = {below(f, 5), chance(f, 60) ? rnd(f) & 0xffff7fffffff : odd(f)}};
        break;
    case 1:
        *c = (struct call){.op = __HYPERVISOR_set_debugreg, .arg = {below(f, 9), odd(f)}};
        if (c->arg[0] < 4 && chance(f, 70)) c->arg[1] = (uint64_t)window + below(f, 4096);
        break;
    case 2: *c = (struct call){.op = __HYPERVISOR_get_debugreg, .arg = {below(f, 9)}}; break;
    case 3: *c = (struct call){.op = __HYPERVISOR_fpu_taskswitch, .arg = {odd(f)}}; break;
    default: {
        static const unsigned int types[] = {0, 1, 2, 2, 2, 3, 4, 5, 6, 31, 32, 33, 63, 64};

        *c = (struct call){.op = __HYPERVISOR_vm_assist, .arg = {below(f, 2), PICK(f, types)}};
        /* Mostly on: that is what makes writes to tables interesting. */
        if (c->arg[1] == VMASST_TYPE_writable_pagetables) c->arg[0] = chance(f, 15);
        if (chance(f, 5)) c->arg[0] = odd(f);
    }
    }
}

static uint16_t odd_selector(struct fuzzer *f) {
    static const uint16_t selectors[] = {0,      3,      0xe02b, 0xe02e, 0xe033, 0xe023,
                                         0xe030, 0xe038, 0xe040, 0xfff8, 0x7,    0xf,
                                         0x17,   0x13,   0x1b,   0x23,   0x8};

    if (chance(f, 40)) return PICK(f, selectors);
    return (uint16_t)(below(f, 600) << 3 | (chance(f, 50) ? 7 : 3));
}

/* One that the fuzzer's kernel can go through: code of 32 bits would cut its stack pointer short.
 */
static uint16_t odd_kernel_selector(struct fuzzer *f) {
    static const uint16_t selectors[] = {0, 0xe028, 0xe02a, 0xe030, 0xe031, 0xe038, 0xe040, 0xfff8};

    return PICK(f, selectors);
}

/* Through the iret hypercall, to a place that traps at once or where there is nothing to run. */
static unsigned int act_iret(struct fuzzer *f) {
    bool user = chance(f, 40);
    uint64_t sp;
    struct iret_frame frame = {
        .rax = rnd(f),
        .r11 = rnd(f),
        .rcx = rnd(f),
        .flags = below(f, 2) ? 0 : odd(f),
        .rip = (uint64_t)landing,
        .cs = user ? FLAT_USER_CS : FLAT_KERNEL_CS & ~3U,
        .rflags = chance(f, 60) ? 0x2 : odd(f),
        .ss = user ? FLAT_USER_SS : FLAT_KERNEL_SS,
    };

    asm volatile("mov %%rsp, %0" : "=r"(sp));
    frame.rsp = (sp & -16UL) - 512;
    if (chance(f, 20)) frame.rip = odd(f);
    if (chance(f, 20)) frame.cs = user ? odd_selector(f) | 3 : odd_kernel_selector(f);
    if (chance(f, 10)) frame.ss = user ? odd_selector(f) : odd_kernel_selector(f);
    if (user && chance(f, 20)) frame.rsp = odd(f);
    if ((frame.cs & 3) == 3) user_load();
    f->v->in_user = (frame.cs & 3) == 3;
    iret_to(&frame);
}

/* Loads a selector, or goes through one. */
static unsigned int act_selector(struct fuzzer *f) {
    uint32_t s = odd_selector(f), out = 0, form = (uint32_t)below(f, 9);

    f->detail = s << 4 | form;
    switch (form) {
    case 0: return fault_outcome(TRY_IO("mov %1, %%ds", (), ("r"(s)), ("memory")));
    case 1: return fault_outcome(TRY_IO("mov %1, %%es", (), ("r"(s)), ("memory")));
    case 2: return fault_outcome(TRY_IO("mov %1, %%fs", (), ("r"(s)), ("memory")));
    case 3: return fault_outcome(TRY_IO("mov %1, %%gs", (), ("r"(s)), ("memory")));
    case 4: return fault_outcome(TRY_IO("lar %2, %1", (, "+r"(out)), ("r"(s)), ("memory", "cc")));
    case 5: return fault_outcome(TRY_IO("lsl %2, %1", (, "+r"(out)), ("r"(s)), ("memory", "cc")));
    case 6: return fault_outcome(TRY_IO("verw %w1", (), ("r"(s)), ("memory", "cc")));
    default:
        s = odd_kernel_selector(f) | 3;
        asm volatile("pushq %0\npushq %1\nlretq" : : "r"((uint64_t)s), "r"((uint64_t)landing));
        __builtin_unreachable();
    }
}

const struct generator cpu_entry[] = {
    {"set_trap_table", 8, make_trap_table, NULL},
    {"callbacks", 10, make_callbacks, NULL},
};
const unsigned int nr_cpu_entry = ARRAY_SIZE(cpu_entry);

const struct generator cpu_calls[] = {
    {"set_gdt", 10, make_gdt, NULL},
    {"set_ldt", 8, make_ldt, NULL},
    {"update_descriptor", 14, make_descriptor, NULL},
    {"registers", 25, make_registers, NULL},
};
const unsigned int nr_cpu_calls = ARRAY_SIZE(cpu_calls);

const struct generator cpu_iret[] = {{"iret", 12, NULL, act_iret}};
const unsigned int nr_cpu_iret = ARRAY_SIZE(cpu_iret);

const struct generator cpu_acts[] = {{"(selector)", 30, NULL, act_selector}};
const unsigned int nr_cpu_acts = ARRAY_SIZE(cpu_acts);
