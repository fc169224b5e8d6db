/* SPDX-License-Identifier: MIT */
/* What the CPU can do, and the control registers that Hospes runs with. */
#include <hv/boot.h>
#include <hv/string.h>
#include <x86/cpu.h>

CMDLINE_OPTION(smep);
CMDLINE_OPTION(smap);
CMDLINE_OPTION(allow_unsafe);

struct cpu_features cpu_has;
unsigned long cpu_cr4;

static bool bit(uint32_t reg, unsigned int n) { return (reg >> n) & 1; }

/* Zeros where this CPU has no such leaf. */
static struct cpuid_regs leaf(uint32_t n, uint32_t sub) {
    uint32_t last = n & 0x80000000 ? cpu_has.max_ext_leaf : cpu_has.max_leaf;

    return n <= last ? cpuid(n, sub) : (struct cpuid_regs){0};
}

static void read_names(void) {
    struct cpuid_regs r = cpuid(0, 0);

    memcpy(cpu_has.vendor, (uint32_t[]){r.b, r.d, r.c}, 12);
    cpu_has.max_leaf = r.a;
    cpu_has.intel = strcmp(cpu_has.vendor, "GenuineIntel") == 0;
    cpu_has.amd =
        strcmp(cpu_has.vendor, "AuthenticAMD") == 0 || strcmp(cpu_has.vendor, "HygonGenuine") == 0;
    cpu_has.max_ext_leaf = cpuid(0x80000000, 0).a;
    for (uint32_t i = 0; i < 3; i++) {
        r = leaf(0x80000002 + i, 0);
        memcpy(cpu_has.model_name + i * sizeof(r), &r, sizeof(r));
    }
}

static void read_signature(uint32_t a) {
    cpu_has.signature = a;
    cpu_has.family = (a >> 8) & 15;
    cpu_has.model = (a >> 4) & 15;
    cpu_has.stepping = a & 15;
    if (cpu_has.family == 6 || cpu_has.family == 15) cpu_has.model |= (a >> 12) & 0xf0;
    if (cpu_has.family == 15) cpu_has.family += (a >> 20) & 0xff;
}

static void read_features(void) {
    struct cpuid_regs r = cpuid(1, 0), ext = leaf(0x80000001, 0), feat = leaf(7, 0);

    read_signature(r.a);
    cpu_has.mce = bit(r.d, 7);
    cpu_has.sep = bit(r.d, 11);
    cpu_has.pat = bit(r.d, 16);
    cpu_has.x2apic = bit(r.c, 21);
    cpu_has.tsc_deadline = bit(r.c, 24);
    cpu_has.xsave = bit(r.c, 26);
    cpu_has.xsaveopt = cpu_has.xsave && bit(leaf(13, 1).a, 0);
    cpu_has.fsgsbase = bit(feat.b, 0);
    cpu_has.smep = bit(feat.b, 7) && cmdline_bool("smep", true);
    cpu_has.smap = bit(feat.b, 20) && cmdline_bool("smap", true);
    cpu_has.page1g = bit(ext.d, 26);
    cpu_has.rdtscp = bit(ext.d, 27);
    cpu_has.tsc_invariant = bit(leaf(0x80000007, 0).d, 8);
    cpu_has.phys_bits = (uint8_t)leaf(0x80000008, 0).a;
    /* Skylake to Coffee Lake; with TSX or without, which microcode may hide. */
    cpu_has.hangs_at_1g =
        cpu_has.intel && cpu_has.family == 6 && memchr("\x4e\x55\x5e\x8e\x9e", cpu_has.model, 5);
    cpu_has.guests_hang = cpu_has.amd && cpu_has.family == 15 && cpu_has.model < 0x40 &&
                          !cmdline_bool("allow_unsafe", false);
    cpu_has.x87_leaks = cpu_has.amd && !bit(leaf(0x80000008, 0).b, 2); /* RstrFpErrPtrs */
    if (!cpu_has.phys_bits) cpu_has.phys_bits = 36;
}

void cpu_identify(void) {
    read_names();
    read_features();
    cpu_cr4 = CR4_PAE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_cr4 |= cpu_has.mce ? CR4_MCE : 0;
    cpu_cr4 |= cpu_has.fsgsbase ? CR4_FSGSBASE : 0;
    cpu_cr4 |= cpu_has.xsave ? CR4_OSXSAVE : 0;
    cpu_cr4 |= cpu_has.smep ? CR4_SMEP : 0;
    cpu_cr4 |= cpu_has.smap ? CR4_SMAP : 0;
}

void cpu_init(void) {
    write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
    write_cr4(cpu_cr4);
    wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX);
    if (cpu_has.pat) wrmsr(MSR_PAT, HV_PAT);
}
