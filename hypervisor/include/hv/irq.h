/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: vectors of Hospes's own, device lines, and their routing to dom0 as PIRQs.
 * x86/irq.c (vectors, lines), x86/ioapic.c, x86/msi.c, event/pirq.c, domain/physdev.c.
 */
#pragma once

#include <hv/bitops.h>

/* Vectors. Device lines get 0x30..0xdf; higher ones are ours. */
#define VEC_FIRST_DEVICE   0x30
#define VEC_LAST_DEVICE    0xdf
#define VEC_LEGACY_SYSCALL 0x80 /* int $0x80 of guests: never given to a device */
#define VEC_HYPERCALL      0x82 /* likewise */
#define VEC_KICK           0xf8 /* leave the guest and look at softirqs */
#define VEC_REQUEST        0xf9 /* serve another CPU's request: smp_poll() */
#define VEC_TIMER          0xfc
#define VEC_ERROR          0xfd
#define VEC_SPURIOUS       0xff

/* Vectors 0x20 and above, whether they interrupt guest or Hospes; from entry/, IF=0. */
void irq_dispatch(unsigned int vector);
void irq_init(void);

/* Other CPUs. */
void smp_send_kick(unsigned int cpu);
void smp_poll(void); /* serve this CPU's flush and call mailboxes; used while spinning */
/* Runs fn on every online CPU but this one and waits. Caller may hold locks; fn takes none. */
void smp_call_others(void (*fn)(void *), void *data);

#define FLUSH_ALL_VA ~0UL
/* Flushes va (or all, global entries too) on the CPUs of the mask, which is used up; waits. */
void smp_flush_tlb(cpumask_t *cpus, uint64_t va);
extern uint32_t tlb_flush_clock; /* for frame.tlb_stamp; see x86/smp.c */
/* Takes from the mask the CPUs that have flushed since the stamp was taken. */
void tlb_filter(cpumask_t *cpus, uint32_t stamp);
/* Loads CR3 and notes that this CPU has flushed everything. */
void tlb_load_cr3(uint64_t cr3);

/* Device interrupts. A descriptor stands for one I/O APIC line or one MSI/MSI-X vector of a device.
 * It delivers by calling fn(data), IF=0 and no lock held, on the CPU it is routed to. A level line
 * is masked from then until irq_eoi(); an edge one goes on. x86/irq.c */
struct irq_desc;

#define NR_GSI_MAX 256

unsigned int irq_nr_gsis(void);                /* one past the highest GSI there is */
struct irq_desc *irq_of_gsi(unsigned int gsi); /* NULL: no such line */
/* Sets how a line triggers, once; -EEXIST: said before, or in use. Firmware's overrides win. */
int irq_set_trigger(struct irq_desc *d, bool level, bool low);
/* Gives the line a vector and a handler, and lets it through. -EBUSY, -ENOSPC (no vector). */
int irq_bind(struct irq_desc *d, void (*fn)(void *), void *data);
/* Masks it, takes the handler away (not called any more on return) and frees the vector. */
void irq_unbind(struct irq_desc *d);
void irq_eoi(struct irq_desc *d); /* the guest has served a level line */
bool irq_is_level(const struct irq_desc *d);
void irq_set_cpu(struct irq_desc *d, unsigned int cpu); /* one that is online */
void irq_dump(void);

/* A register of the I/O APIC at this address, as dom0 may look at it. -EINVAL: there is none. */
int irq_ioapic_read(paddr_t addr, uint32_t reg, uint32_t *value);

/* A PCI function: segment << 16 | bus << 8 | device << 3 | function. */
typedef uint32_t sbdf_t;

static inline sbdf_t pci_sbdf(uint16_t segment, uint8_t bus, uint8_t devfn) {
    return (sbdf_t)segment << 16 | (sbdf_t)bus << 8 | devfn;
}

/* MSI and MSI-X: a function has one MSI vector, or one for each entry of its MSI-X table.
 * Writes the device's capability for a vector, which stays masked until irq_bind. table_base: what
 * dom0 takes for the physical address of the MSI-X table's BAR; 0: MSI, which has no entries.
 * -ENODEV: no such device or capability; -EINVAL: bad entry; -EBUSY: set up already; -ENXIO: the
 * table cannot be reached; -ENOSPC, -ENOMEM. */
int msi_setup(sbdf_t sbdf, uint64_t table_base, uint32_t entry, struct irq_desc **out);
void msi_free(struct irq_desc *d); /* undoes it; d is unbound */
/* Written anew, after the device has lost it: a reset, another power state. -ENODEV: there is no
 * such device; -ENXIO: its table cannot be reached. */
int msi_restore(sbdf_t sbdf);
/* PHYSDEVOP_prepare_msix / release_msix: protects the table from dom0. -EBUSY: done already, or
 * vectors are set up. */
int msi_prepare_msix(sbdf_t sbdf, bool prepare);

/* PCI configuration space, any bytes of 1, 2, 4 naturally aligned. All ones where nothing is.
 * x86/pci.c; own lock. reg >= 256 only by MMCFG. */
uint32_t pci_conf_read(sbdf_t sbdf, uint16_t reg, unsigned int bytes);
void pci_conf_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val);
/* Is this the window of these buses, as the firmware says? -ENODEV; -EIO: at another address. */
int pci_find_mmcfg(paddr_t base, uint16_t segment, uint8_t first, uint8_t last);
/* dom0 writes, by ports or to memory, in which all but configuration space is ignored: what the
 * capabilities that Hospes has set up allow goes to the device. */
void pci_guest_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val);
void pci_guest_write_mem(paddr_t addr, unsigned int bytes, uint32_t val);

/* A function called in a defined state on each interrupt of a line owned by Hospes (serial). */
int irq_request_gsi(unsigned int isa_irq, void (*fn)(void *), void *data);
