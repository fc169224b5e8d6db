/* SPDX-License-Identifier: MIT */
/*
 * Speculation that leaks: what the CPU says of itself, what is chosen, putting it in place. What an
 * option forces on is done even where the CPU does not have it, unless it faults, so that its code
 * can be tested. Code is changed through the direct map, before there are other CPUs and guests.
 */
#include <hv/boot.h>
#include <hv/hypercall.h>
#include <x86/cpuid.h>
#include <x86/extable.h>
#include <x86/spec.h>

/* clang-format off */
CMDLINE_OPTION(spec-ctrl);
CMDLINE_OPTION(pv-l1tf);
/* clang-format on */

#define L1D_BITS 44U /* of L1TF: spec_init_domain() */

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define PRED_CMD_IBPB 1

#define THUNK_SIZE  32 /* x86/thunk.S */
#define THUNK_SHORT 24

extern const char thunks_start[], thunks_end[];
extern const struct spec_patch { /* entry/entry.S */
    const char *at, *to;
    uint64_t bit, opcode;
} spec_patches_start[], spec_patches_end[];

unsigned int spec_on;
static struct spec_choice l1tf;

/* Items of spec-ctrl=; what the report says, in this order, if it is on. */
static const struct {
    const char *name, *report;
    unsigned int bits;
} items[] = {
    {"bti-thunk=retpoline", "RETPOLINE, Other:", SPEC_RETPOLINE},
    {"bti-thunk=lfence", "LFENCE, Other:", SPEC_LFENCE},
    {"bti-thunk=jmp", "JMP, Other:", SPEC_JMP},
    {"ibrs", " IBRS+", SPEC_IBRS},
    {"stibp", " STIBP+", SPEC_STIBP},
    {"ssbd", " SSBD+", SPEC_SSBD},
    {"ibpb", " IBPB-ctxt", SPEC_IBPB},
    {"md-clear", " VERW", SPEC_VERW},
    {"rsb", " RSB", SPEC_RSB},
    {"verw", NULL, SPEC_VERW},
    {"pv", NULL, SPEC_VERW | SPEC_RSB},
    {"xen", NULL, ~(unsigned int)(SPEC_XPTI | SPEC_L1TF)},
};

/* What the CPU says that it does not suffer from, and what it says that it can do. */
static const struct {
    uint16_t feature;
    bool hint;
    char name[13];
} facts[] = {
/* clang-format off */
#define HINT(name) {XEN_X86_FEATURE_##name, true, #name},
#define CAN(name) {XEN_X86_FEATURE_##name, false, #name},
    HINT(RDCL_NO) HINT(EIBRS) HINT(RSBA) HINT(RRSBA) HINT(MDS_NO) HINT(TAA_NO) HINT(RFDS_NO)
    HINT(STIBP_ALWAYS) HINT(IBPB_RET) HINT(TSA_SQ_NO) HINT(TSA_L1_NO)
    CAN(IBRSB) CAN(IBRS) CAN(IBPB) CAN(STIBP) CAN(AMD_STIBP) CAN(SSBD) CAN(AMD_SSBD) CAN(MD_CLEAR)
    CAN(FB_CLEAR) CAN(RFDS_CLEAR) CAN(VERW_CLEAR)
    /* clang-format on */
};

static bool has(unsigned int feature) { return policy_has(cpu_policy_get(POLICY_RAW), feature); }
#define HAS(name) has(XEN_X86_FEATURE_##name)

static __init unsigned int cpu_can(void) {
    return SPEC_XPTI | SPEC_L1TF | SPEC_RSB | SPEC_THUNK |
           (HAS(IBRSB) || HAS(IBRS) ? SPEC_IBRS : 0) |
           (HAS(STIBP) || HAS(AMD_STIBP) ? SPEC_STIBP : 0) |
           (HAS(SSBD) || HAS(AMD_SSBD) ? SPEC_SSBD : 0) |
           (HAS(IBRSB) || HAS(IBPB) ? SPEC_IBPB : 0) |
           (HAS(MD_CLEAR) || HAS(FB_CLEAR) || HAS(RFDS_CLEAR) || HAS(VERW_CLEAR) ? SPEC_VERW : 0);
}

/* IBRS only where setting it once is enough. VERW for MDS, TAA, RFDS, TSA; stale data of devices
 * (FB_CLEAR) matters where a guest has devices. Entries of the return stack can lead only to where
 * a guest can call from, which SMEP forbids. */
static __init unsigned int cpu_needs(void) {
    bool tsa = HAS(VERW_CLEAR) && !(HAS(TSA_SQ_NO) && HAS(TSA_L1_NO));
    bool stale = (cpu_has.intel && !HAS(MDS_NO)) || (HAS(RTM) && !HAS(TAA_NO)) || HAS(RFDS_CLEAR);

    return SPEC_IBPB | (HAS(EIBRS) ? SPEC_IBRS | SPEC_JMP : SPEC_RETPOLINE) |
           (HAS(STIBP_ALWAYS) ? SPEC_STIBP : 0) | (stale || tsa ? SPEC_VERW : 0) |
           (cpu_has.smep ? 0 : SPEC_RSB) |
           (cpu_has.amd || HAS(RDCL_NO) ? 0 : SPEC_XPTI | (cpu_has.intel ? SPEC_L1TF : 0));
}

static __init void parse(unsigned int can) {
    const char *list = cmdline_get("spec-ctrl");
    char item[24];

    while (cmdline_list_next(&list, item, sizeof(item))) {
        int yes = strcmp(item, "no") == 0 ? 0 : -1;
        unsigned int bits = ~0u;

        for (unsigned int i = 0; i < ARRAY_SIZE(items) && yes < 0; i++) {
            yes = cmdline_item_bool(item, items[i].name);
            bits = items[i].bits;
        }
        if (yes < 0 || (yes && (bits & ~can)))
            printk(KERN_WARN "WARNING: spec-ctrl=%s: %s\n", item,
                   yes < 0 ? "no such item" : "this CPU does not say that it has all that");
        if (yes < 0) continue;
        if (bits & SPEC_THUNK) spec_on &= ~(unsigned int)SPEC_THUNK;
        spec_on = yes ? spec_on | bits : spec_on & ~bits;
    }
}

__init struct spec_choice spec_choose(const char *option, bool dom0, bool domu) {
    struct spec_choice on = {cmdline_bool(option, dom0), cmdline_bool(option, domu)};
    const char *list = cmdline_get(option);
    char item[16];

    while (cmdline_list_next(&list, item, sizeof(item))) {
        bool dflt = strcmp(item, "default") == 0;
        int both = parse_bool(item, -1);
        int d0 = dflt ? dom0 : both >= 0 ? both : cmdline_item_bool(item, "dom0");
        int du = dflt ? domu : both >= 0 ? both : cmdline_item_bool(item, "domu");

        if (d0 < 0 && du < 0) printk(KERN_WARN "WARNING: %s=%s: no such item\n", option, item);
        if (d0 >= 0) on.dom0 = d0;
        if (du >= 0) on.domu = du;
    }
    return on;
}

static __init void try_msr(uint32_t msr, uint64_t value, unsigned int bits) {
    if (!(spec_on & bits) || wrmsr_safe(msr, value)) return;
    printk(KERN_WARN "WARNING: this CPU has no MSR %#x: not used\n", msr);
    spec_on &= ~bits;
}

static __init void choose(void) {
    unsigned int can = cpu_can();

    spec_on = can & cpu_needs();
    parse(can);
    if (!(spec_on & SPEC_THUNK)) spec_on |= SPEC_JMP;
    try_msr(MSR_SPEC_CTRL, spec_on & SPEC_CTRL, SPEC_CTRL);
    try_msr(MSR_PRED_CMD, PRED_CMD_IBPB, SPEC_IBPB);
}

static __init void report_facts(const char *title, bool hint) {
    printk("%s", title);
    for (unsigned int i = 0; i < ARRAY_SIZE(facts); i++)
        if (facts[i].hint == hint && has(facts[i].feature)) printk(" %s", facts[i].name);
    printk("\n");
}

static __init void report(void) {
    printk("Speculative mitigation facilities:\n");
    report_facts("  Hardware hints:", true);
    report_facts("  Hardware features:", false);
    printk("  Xen settings: BTI-Thunk: ");
    for (unsigned int i = 0; i < ARRAY_SIZE(items); i++)
        if (items[i].report && (spec_on & items[i].bits)) printk("%s", items[i].report);
    printk("\n");
}

static __init void patch(const char *at, const void *code, size_t n) {
    memcpy(paddr_to_virt(virt_to_paddr(at)), code, n);
}

static __init void install(void) {
    size_t lfence = spec_on & SPEC_LFENCE ? 3 : 0;

    for (const char *t = thunks_start; t < thunks_end && !(spec_on & SPEC_RETPOLINE);
         t += THUNK_SIZE)
        patch(t, t + THUNK_SHORT + 3 - lfence, 3 + lfence);
    for (const struct spec_patch *p = spec_patches_start; p < spec_patches_end; p++) {
        int32_t distance = (int32_t)(p->to - (p->at + 5));

        if (!(spec_on & p->bit)) continue;
        patch(p->at, &p->opcode, 1);
        patch(p->at + 1, &distance, sizeof(distance));
    }
    (void)cpuid(0, 0); /* what was fetched before is not executed */
}

__init void spec_init(void) {
    choose();
    report();
    xpti_init();
    l1tf = spec_choose("pv-l1tf", false, spec_on & SPEC_L1TF);
    printk("  PV L1TF checks: Dom0 %s, DomU %s\n", l1tf.dom0 ? "enabled" : "disabled",
           l1tf.domu ? "enabled" : "disabled");
    install();
}

/* Caches compare the address bits that they have: from Nehalem on at least 44, even if the CPU
 * tells of fewer. What is above all of RAM, and RAM's addresses turned round, must be allowed. */
void spec_init_domain(struct domain *d) {
    unsigned int told = cpu_has.phys_bits, bits = HAS(SSE4_2) ? L1D_BITS : min(told, L1D_BITS);
    uint64_t ram = max_frame << PAGE_SHIFT, end = bits > told ? BIT(told) : 3 * BIT(bits - 2);

    d->arch.entry_slot = xpti_entry_slot(d);
    if (!spec_chosen(l1tf, d)) return;
    d->arch.l1tf_mask = PTE_ADDR & (BIT(bits) - 1);
    d->arch.l1tf_end = max(ram, min(end, BIT(bits) - ram));
}

void spec_init_cpu(void) {
    if (spec_on & SPEC_CTRL) wrmsr(MSR_SPEC_CTRL, spec_on & SPEC_CTRL);
}

/* IBPB leaves the return stack alone on some CPUs. */
void spec_barrier(void) {
    wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    __asm__ volatile("call fill_return_stack" : : : "rcx", "cc", "memory");
}
