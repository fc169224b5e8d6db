/* SPDX-License-Identifier: MIT */
/*
 * What tools are told of the processors: their arrangement, from the fields of the APIC id, and the
 * feature words in the order that Xen 4.17 reports them (public/arch-x86/cpufeatureset.h).
 */
#include <x86/sysinfo.h>

#include <hv/bitops.h>
#include <hv/pcpu.h>
#include <hv/string.h>
#include <x86/cpu.h>

/* Bits of the APIC id below the core number, and below the socket number. */
struct shifts {
    unsigned int core, socket;
};

static unsigned int bits_for(unsigned int count) { return count > 1 ? fls64(count - 1) + 1 : 0; }

static struct shifts apic_shifts(void) {
    struct shifts s = {0, 0};
    struct cpuid_regs r;

    if (cpu_has.max_leaf >= 0xb && (cpuid(0xb, 0).b & 0xffff)) {
        s.core = cpuid(0xb, 0).a & 31;
        s.socket = cpuid(0xb, 1).a & 31;
        return s;
    }
    r = cpuid(1, 0);
    if (!(r.d & BIT(28))) /* one logical processor a package */
        return s;
    s.socket = bits_for(r.b >> 16 & 0xff);
    if (cpu_has.amd && cpu_has.max_ext_leaf >= 0x80000008)
        s.core = s.socket - min(s.socket, bits_for((cpuid(0x80000008, 0).c & 0xff) + 1));
    else if (cpu_has.max_leaf >= 4)
        s.core = s.socket - min(s.socket, bits_for((cpuid(4, 0).a >> 26) + 1));
    return s;
}

void sysinfo_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket) {
    struct shifts s = apic_shifts();
    uint32_t id = pcpus[cpu]->apic_id;

    *socket = id >> s.socket;
    *core = (id & (uint32_t)(BIT(s.socket) - 1)) >> s.core;
}

/* CPUs that share the boot CPU's core, or its socket. */
static uint32_t count_sharing(bool core_too) {
    uint32_t core0, socket0, core, socket, n = 0;

    sysinfo_cpu_place(0, &core0, &socket0);
    for (unsigned int i = 0; i < nr_cpus; i++) {
        sysinfo_cpu_place(i, &core, &socket);
        n += socket == socket0 && (!core_too || core == core0);
    }
    return n;
}

uint32_t sysinfo_threads_per_core(void) { return count_sharing(true); }

uint32_t sysinfo_cores_per_socket(void) { return count_sharing(false) / count_sharing(true); }

void sysinfo_cpu_version(char vendor[12], uint32_t *family, uint32_t *model, uint32_t *stepping) {
    memcpy(vendor, cpu_has.vendor, 12);
    *family = cpu_has.family;
    *model = cpu_has.model;
    *stepping = cpu_has.stepping;
}

void sysinfo_feature_words(uint32_t words[8]) {
    memset(words, 0, 8 * sizeof(*words));
    words[0] = cpuid(1, 0).d;
    words[1] = cpuid(1, 0).c;
    if (cpu_has.max_ext_leaf >= 0x80000001) {
        words[2] = cpuid(0x80000001, 0).d;
        words[3] = cpuid(0x80000001, 0).c;
    }
    if (cpu_has.max_leaf >= 0xd) words[4] = cpuid(0xd, 1).a;
    if (cpu_has.max_leaf >= 7) {
        words[5] = cpuid(7, 0).b;
        words[6] = cpuid(7, 0).c;
    }
    if (cpu_has.max_ext_leaf >= 0x80000007) words[7] = cpuid(0x80000007, 0).d;
}
