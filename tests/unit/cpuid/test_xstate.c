/* SPDX-License-Identifier: MIT */
/*
 * What a guest is told of XSAVE on a CPU that has the compacted format, which no emulator here has:
 * Linux adds the components' sizes up, compares with what the CPU says, and does without AVX where
 * they differ.
 */
#include <x86/cpu.h>

#include "../hvfake/fakes.h"

static struct cpuid_regs the_cpu(uint32_t leaf, uint32_t sub);

#define cpuid(leaf, sub) the_cpu(leaf, sub)
#include "../../../hypervisor/x86/cpuid.c"
#include "../../../hypervisor/x86/guest_cpuid.c"
#undef cpuid

struct cpu_features cpu_has = {.max_leaf = 0xd, .max_ext_leaf = 0x80000000, .xsave = true};
uint64_t fpu_host_xcr0 = 0xe7;
/* Of other leaves. */
uint32_t tsc_khz;
bool tsc_is_stable;
static uint32_t xsave_features = 0xf; /* XSAVEOPT, XSAVEC, XGETBV1, XSAVES */

void spec_init_domain(struct domain *d) { (void)d; }

void time_scale_from_khz(uint64_t khz, uint32_t *mul, int8_t *shift) {
    (void)khz;
    *mul = 0;
    *shift = 0;
}

/* AVX512's, of which one is aligned here, and PKRU, which no guest gets. */
static struct cpuid_regs the_cpu(uint32_t leaf, uint32_t sub) {
    static const struct cpuid_regs part[] = {[2] = {256, 576},
                                             [5] = {64, 1088},
                                             [6] = {512, 1152},
                                             [7] = {1024, 1664, 2},
                                             [9] = {8, 2688}};

    switch (leaf) {
    case 0: return (struct cpuid_regs){.a = 0xd};
    case 1: return (struct cpuid_regs){.c = 7U << 26, .d = ~0U};
    case 7: return (struct cpuid_regs){.b = sub ? 0 : 1U << 16 | 1U << 5};
    case 0xd:
        if (sub == 0) return (struct cpuid_regs){0x2e7, 2688, 2696, 0};
        if (sub == 1) return (struct cpuid_regs){xsave_features, 2432, 0, 0};
        if (sub < ARRAY_SIZE(part)) return part[sub];
    }
    return (struct cpuid_regs){0};
}

static void check_leaf(const struct vcpu *v, uint32_t sub, struct cpuid_regs want) {
    struct cpuid_regs r;

    guest_cpuid(v, 0xd, sub, &r);
    CHECK_EQ(r.a, want.a);
    CHECK_EQ(r.b, want.b);
    CHECK_EQ(r.c, want.c);
    CHECK_EQ(r.d, want.d);
}

/* As Linux adds it up. */
static uint32_t compacted_size(const struct vcpu *v) {
    uint32_t size = 512 + 64;
    struct cpuid_regs r;

    for (uint32_t i = 2; i < 63; i++) {
        if (!(fpu_host_xcr0 >> i & 1)) continue;
        guest_cpuid(v, 0xd, i, &r);
        size = (r.c & 2 ? (size + 63) & ~63U : size) + r.a;
    }
    return size;
}

static void compacted(struct domain *d) {
    const struct vcpu *v = d->vcpu[0];

    CHECK_EQ(compacted_size(v), 2432);

    check_leaf(v, 0, (struct cpuid_regs){0xe7, 2688, 2688, 0});
    check_leaf(v, 1, (struct cpuid_regs){7, 2432, 0, 0});
    check_leaf(v, 2, (struct cpuid_regs){256, 576, 0, 0});
    check_leaf(v, 7, (struct cpuid_regs){1024, 1664, 2, 0});
    check_leaf(v, 9, (struct cpuid_regs){0});
}

/* A guest that is not told of the compacted format is not told its size. */
static void standard_only(struct domain *d) {
    set_feature(d->arch.policy, XEN_X86_FEATURE_XSAVEC, false);
    check_leaf(d->vcpu[0], 1, (struct cpuid_regs){5, 0, 0, 0});
}

int main(void) {
    struct domain *d;

    world_init();
    cpu_policy_init();
    d = make_domain(1, false, 1);
    CHECK_EQ(arch_domain_init(d), 0);
    run_as(d, 0, 0);
    compacted(d);
    standard_only(d);
    arch_domain_free(d);
    free_domain(d);
    return report();
}
