/* SPDX-License-Identifier: MIT */
/*
 * Bringing up the other CPUs, one at a time: INIT, STARTUP, and the CPU reports by its 'online'
 * flag. A CPU that does not is left out with a message.
 */
#include "boot.h"
#include <x86/apic.h>
#include <x86/desc.h>

CMDLINE_OPTION(maxcpus);
CMDLINE_OPTION(nosmp);

#define AP_TIMEOUT_MS 2000

extern const char ap_tramp_start[], ap_tramp_end[], ap_tramp_far[], ap_tramp_gdt[],
    ap_tramp_gdt_ptr[], ap_tramp_cr3[], ap_tramp_long[];

/* Read by trampoline.S. One CPU starts at a time. */
uint64_t ap_boot_cr3, ap_boot_stack;
void ap_main(void) __noreturn;

static uint64_t ap_l4[512] __attribute__((section(".bss.page_aligned"), aligned(4096)));
static bool go; /* the boot CPU has counted the new one in; atomic */

/* First C function of a CPU, on its own stack; cpu_info() is set. */
void ap_main(void) {
    struct pcpu *p = this_pcpu();

    cpu_init();
    desc_init_cpu();
    idt_load();
    apic_init_cpu();
    __atomic_store_n(&p->online, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE)) cpu_relax();
    exit_to_guest();
}

static __init void patch(char *copy, const char *where, uint32_t val) {
    memcpy(copy + (where - ap_tramp_start), &val, sizeof(val));
}

static __init uint8_t place_trampoline(void) {
    paddr_t at = memmap_low_page();
    char *copy = at ? ioremap_wb(at, PAGE_SIZE) : NULL;

    if (!copy) return 0;
    memcpy(copy, ap_tramp_start, (size_t)(ap_tramp_end - ap_tramp_start));
    patch(copy, ap_tramp_gdt_ptr + 2, (uint32_t)(at + (uint64_t)(ap_tramp_gdt - ap_tramp_start)));
    patch(copy, ap_tramp_far, (uint32_t)(at + (uint64_t)(ap_tramp_long - ap_tramp_start)));
    patch(copy, ap_tramp_cr3, (uint32_t)virt_to_paddr(ap_l4));
    iounmap(copy);

    /* Our half as it is now, and an identity map for the jump into it. */
    ap_boot_cr3 = read_cr3();
    memcpy(ap_l4, paddr_to_virt(ap_boot_cr3 & PTE_ADDR), sizeof(ap_l4));
    ap_l4[0] = virt_to_paddr(boot_l3_low) | TABLE_PTE;
    return (uint8_t)(at >> PAGE_SHIFT);
}

static __init bool wait_online(const struct pcpu *p, unsigned int ms) {
    for (unsigned int i = 0; i < ms * 10 && !READ_ONCE(p->online); i++) delay_us(100);
    return __atomic_load_n(&p->online, __ATOMIC_ACQUIRE);
}

static __init bool start(struct pcpu *p, uint8_t page) {
    ap_boot_stack = (uint64_t)p->arch.stack + STACK_SIZE - sizeof(struct cpu_info);
    __atomic_store_n(&go, false, __ATOMIC_RELEASE);
    apic_ipi(p->apic_id, ICR_INIT);
    delay_us(10000);
    apic_ipi(p->apic_id, ICR_STARTUP | page);
    if (!wait_online(p, 10)) apic_ipi(p->apic_id, ICR_STARTUP | page); /* it may miss the first */
    if (!wait_online(p, AP_TIMEOUT_MS)) {
        apic_ipi(p->apic_id, ICR_INIT); /* or it could still wake, in what the next one is given */
        return false;
    }
    nr_cpus++;
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    return true;
}

static __init struct pcpu *prepare(unsigned int id, uint32_t apic_id, uint32_t acpi_id) {
    struct pcpu *p = hv_new(struct pcpu);

    if (!p) return NULL;
    p->id = id;
    p->apic_id = apic_id;
    p->acpi_id = acpi_id;
    if (cpu_area_init(p)) return NULL;
    pcpus[id] = p;
    sched_init_cpu(id);
    return p;
}

__init void smp_boot_aps(void) {
    uint64_t limit = cmdline_get("nosmp") ? 1 : cmdline_uint("maxcpus", MAX_CPUS);
    uint32_t boot_apic = pcpus[0]->apic_id;
    uint8_t page = 0;

    limit = min(limit ? limit : 1, (uint64_t)MAX_CPUS);
    for (unsigned int i = 0; i < acpi.nr_cpus; i++) {
        uint32_t id = acpi.cpus[i].apic_id;
        struct pcpu *p;

        if (id == boot_apic) {
            pcpus[0]->acpi_id = acpi.cpus[i].acpi_id;
            continue;
        }
        if (nr_cpus >= limit) continue;
        if (!apic_x2 && id >= 255) {
            printk(KERN_WARN "WARNING: CPU with APIC id %u needs x2APIC: not used\n", id);
            continue;
        }
        if (!page && !(page = place_trampoline())) {
            printk(KERN_WARN "WARNING: no memory below 640 KiB: only one CPU is used\n");
            break;
        }
        p = prepare(nr_cpus, id, acpi.cpus[i].acpi_id);
        if (!p) {
            printk(KERN_WARN "WARNING: no memory for CPU with APIC id %u\n", id);
            break;
        }
        if (!start(p, page))
            printk(KERN_WARN "WARNING: CPU with APIC id %u does not start: not used\n", id);
    }
    if (acpi.nr_cpus > nr_cpus && limit < acpi.nr_cpus)
        printk("Of %u CPUs %u are used (maxcpus=)\n", acpi.nr_cpus, nr_cpus);
    printk("Brought up %u CPUs\n", nr_cpus);
}
