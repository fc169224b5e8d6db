/* SPDX-License-Identifier: MIT */
/*
 * The static ACPI tables: where the processors, I/O APICs, timers and the PCI configuration window
 * are. Everything else of ACPI is dom0's. Lengths come from firmware and are checked.
 */
#include "boot.h"

struct acpi_info acpi;

struct header {
    char sig[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __packed;

/* Offsets: of the root pointer, of what is read of the FADT, of addresses in that. */
enum { RSDP_OEM = 9, RSDP_REVISION = 15, RSDP_RSDT = 16, RSDP_LENGTH = 20, RSDP_XSDT = 24 };
enum { FADT_PM1A_EVT = 56, FADT_PM1B_EVT = 60, FADT_PM1A_CNT = 64, FADT_PM1B_CNT = 68 };
enum { FADT_TIMER = 76, FADT_TIMER_LEN = 91, FADT_BOOT_ARCH = 109, FADT_FLAGS = 112 };
enum { FADT_RESET = 116, FADT_RESET_VALUE = 128, FADT_X_PM1A_CNT = 172, FADT_X_PM1B_CNT = 184 };
enum { FADT_X_TIMER = 208, FADT_SIZE = 220 };
enum { GAS_SPACE = 0, GAS_ADDR = 4 };

#define ROOT_MAX         4096u /* hundreds of tables: more is damage */
#define FLAG_TIMER_32BIT (1u << 8)
#define FLAG_RESET       (1u << 10)
#define BOOT_ARCH_NO_RTC (1u << 5)

static uint64_t le(const void *p, size_t at, unsigned int bytes) {
    uint64_t v = 0;

    memcpy(&v, (const char *)p + at, bytes);
    return v;
}

static __init bool sums_to_zero(const void *p, size_t n) {
    const uint8_t *b = p;
    uint8_t sum = 0;

    while (n-- > 0) sum = (uint8_t)(sum + *b++);
    return sum == 0;
}

static __init bool scan_rsdp(paddr_t start, size_t n) {
    char *p = ioremap_wb(start, n);
    bool found = false;

    for (size_t off = 0; p && !found && off + 20 <= n; off += 16) {
        if (memcmp(p + off, "RSD PTR ", 8) != 0 || !sums_to_zero(p + off, 20)) continue;
        memcpy(boot_info.rsdp, p + off, min(sizeof(boot_info.rsdp), n - off));
        acpi.rsdp = start + off;
        found = true;
    }
    iounmap(p);
    return found;
}

/* The configuration tables of the EFI system table name the address; the loader gives a copy. */
static __init void find_efi_rsdp(void) {
    static const uint8_t acpi20[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                                       0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
    struct {
        uint8_t guid[16];
        uint64_t table;
    } e;
    uint64_t list[2]; /* how many there are, and where */

    if (copy_phys(list, boot_info.efi_systab + 0x68, sizeof(list)) || list[0] > 1000) return;
    for (uint64_t i = 0; i < list[0] && !copy_phys(&e, list[1] + i * sizeof(e), sizeof(e)); i++)
        if (memcmp(e.guid, acpi20, 16) == 0) acpi.rsdp = e.table;
}

/* Leaves a copy in boot_info.rsdp, which the loader may have filled already. */
static __init bool find_rsdp(void) {
    uint16_t ebda = 0;
    paddr_t at;

    if (boot_info.efi_systab) find_efi_rsdp();
    if (boot_info.efi) return boot_info.rsdp[0];
    (void)copy_phys(&ebda, 0x40e, sizeof(ebda));
    at = (paddr_t)ebda << 4;
    if (at >= 0x80000 && at < 0xa0000 && scan_rsdp(at, 1024)) return true;
    return scan_rsdp(0xe0000, 0x20000) || boot_info.rsdp[0];
}

/* Maps a whole table; NULL, with a message, if there is none or it is damaged. */
static __init struct header *map_table(paddr_t at) {
    struct header *h = at ? ioremap_wb(at, sizeof(*h)) : NULL;
    uint32_t len = h ? h->length : 0;

    iounmap(h);
    h = len >= sizeof(*h) && len <= (16u << 20) ? ioremap_wb(at, len) : NULL;
    if (!h) {
        printk(KERN_WARN "WARNING: ACPI table at %lx cannot be read\n", at);
        return NULL;
    }
    if (!sums_to_zero(h, len))
        printk(KERN_WARN "WARNING: ACPI table %.4s: wrong checksum\n", h->sig);
    printk(KERN_INFO "ACPI: %.4s %08lX, %04X (r%u %.6s %.8s %8x %.4s %8x)\n", h->sig, at, len,
           h->revision, h->oem, h->oem_table, h->oem_revision, h->creator, h->creator_revision);
    return h;
}

static __init void add_cpu(uint64_t apic_id, uint64_t acpi_id, uint64_t flags) {
    if (!(flags & 1) || acpi.nr_cpus == ACPI_MAX_CPUS) return;
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpus[i].apic_id == apic_id) return;
    acpi.cpus[acpi.nr_cpus++] = (struct acpi_cpu){(uint32_t)apic_id, (uint32_t)acpi_id};
}

static __init void add_override(uint8_t isa_irq, uint32_t gsi, unsigned int flags) {
    static const char *const polarity[] = {"dfl", "high", "res", "low"};
    static const char *const trigger[] = {"dfl", "edge", "res", "level"};
    unsigned int p = flags & 3, t = (flags >> 2) & 3;

    printk(KERN_INFO "ACPI: INT_SRC_OVR (bus 0 bus_irq %u global_irq %u %s %s)\n", isa_irq, gsi,
           polarity[p], trigger[t]);
    if (acpi.nr_overrides == ACPI_MAX_OVERRIDES) return;
    acpi.overrides[acpi.nr_overrides++] = (struct acpi_override){isa_irq, gsi, t == 3, p == 3};
}

static __init void add_ioapic(uint8_t id, uint32_t addr, uint32_t gsi_base) {
    printk(KERN_INFO "ACPI: IOAPIC (id[0x%02x] address[0x%x] gsi_base[%u])\n", id, addr, gsi_base);
    if (acpi.nr_ioapics == ACPI_MAX_IOAPICS) return;
    acpi.ioapics[acpi.nr_ioapics++] = (struct acpi_ioapic){id, addr, gsi_base};
}

static __init void read_madt_entry(const uint8_t *e) {
    static const uint8_t min_len[] = {8, 12, 10, 8, 6, 12, 16, 16, 16, 16};

    if (e[0] < ARRAY_SIZE(min_len) && e[1] < min_len[e[0]]) return;
    switch (e[0]) {
    case 0: add_cpu(e[3], e[2], le(e, 4, 4)); break;
    case 1: add_ioapic(e[2], (uint32_t)le(e, 4, 4), (uint32_t)le(e, 8, 4)); break;
    case 2: add_override(e[3], (uint32_t)le(e, 4, 4), (uint32_t)le(e, 8, 2)); break;
    case 5: acpi.lapic = le(e, 4, 8); break;
    case 9: add_cpu(le(e, 4, 4), le(e, 12, 4), le(e, 8, 4)); break;
    default: break;
    }
}

static __init void read_madt(const struct header *h) {
    const uint8_t *p = (const uint8_t *)h, *end = p + h->length;

    if (h->length < 44) return;
    acpi.lapic = le(p, 36, 4);
    for (p += 44; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) read_madt_entry(p);
}

/* A port by the extended field, if it is there and names one, otherwise by the old one. */
static __init uint16_t fadt_port(const uint8_t *f, size_t old, size_t extended) {
    uint64_t x = f[extended + GAS_SPACE] == 1 ? le(f, extended + GAS_ADDR, 8) : 0;

    return (uint16_t)(x ? x : le(f, old, 4));
}

static __init void read_fadt(const struct header *h) {
    uint8_t f[FADT_SIZE] = {0};
    uint64_t flags;

    memcpy(f, h, min((size_t)h->length, sizeof(f)));
    flags = le(f, FADT_FLAGS, 4);
    if (f[FADT_TIMER_LEN] < 4) memset(f + FADT_TIMER, 0, 4);
    acpi.pm_timer = fadt_port(f, FADT_TIMER, FADT_X_TIMER);
    acpi.pm_timer_32bit = flags & FLAG_TIMER_32BIT;
    acpi.pm1a_cnt = fadt_port(f, FADT_PM1A_CNT, FADT_X_PM1A_CNT);
    acpi.pm1b_cnt = fadt_port(f, FADT_PM1B_CNT, FADT_X_PM1B_CNT);
    acpi.no_cmos_rtc = le(f, FADT_BOOT_ARCH, 2) & BOOT_ARCH_NO_RTC;
    if ((flags & FLAG_RESET) && h->length > FADT_RESET_VALUE) {
        acpi.has_reset = true;
        acpi.reset_space = f[FADT_RESET + GAS_SPACE];
        acpi.reset_addr = le(f, FADT_RESET + GAS_ADDR, 8);
        acpi.reset_value = f[FADT_RESET_VALUE];
    }
    printk(KERN_INFO "ACPI: PM-Timer IO Port: 0x%x (%u bits)\n", acpi.pm_timer,
           acpi.pm_timer_32bit ? 32 : 24);
    printk(KERN_INFO "ACPI: SLEEP INFO: pm1x_cnt[1:%x,1:%x], pm1x_evt[1:%lx,1:%lx]\n",
           acpi.pm1a_cnt, acpi.pm1b_cnt, le(f, FADT_PM1A_EVT, 2), le(f, FADT_PM1B_EVT, 2));
}

static __init void read_hpet(const struct header *h) {
    if (h->length < 52 || le(h, 40, 1) != 0) return;
    acpi.hpet = le(h, 44, 8);
    printk(KERN_INFO "ACPI: HPET id: 0x%lx base: 0x%lx\n", le(h, 36, 4), acpi.hpet);
}

static __init void read_mcfg(const struct header *h) {
    for (size_t at = 44; at + 16 <= h->length && acpi.nr_mcfg < ACPI_MAX_MCFG; at += 16) {
        struct acpi_mcfg *m = &acpi.mcfg[acpi.nr_mcfg++];

        *m = (struct acpi_mcfg){le(h, at, 8), (uint16_t)le(h, at + 8, 2),
                                (uint8_t)le(h, at + 10, 1), (uint8_t)le(h, at + 11, 1), NULL};
        printk(KERN_INFO "PCI: MCFG area at %lx for segment %u, buses %02x-%02x\n", m->base,
               m->segment, m->bus_first, m->bus_last);
    }
}

static __init void read_table(paddr_t at) {
    static const struct {
        const char *sig;
        void (*read)(const struct header *h);
    } readers[] = {
        {"APIC", read_madt}, {"FACP", read_fadt}, {"HPET", read_hpet}, {"MCFG", read_mcfg}};
    struct header *h = map_table(at);

    for (unsigned int i = 0; h && i < ARRAY_SIZE(readers); i++)
        if (memcmp(h->sig, readers[i].sig, 4) == 0) readers[i].read(h);
    iounmap(h);
}

static __init void read_all(const uint8_t *rsdp) {
    bool x = rsdp[RSDP_REVISION] >= 2 && le(rsdp, RSDP_XSDT, 8);
    unsigned int size = x ? 8 : 4;
    struct header *root = map_table(le(rsdp, x ? RSDP_XSDT : RSDP_RSDT, size));

    for (size_t at = sizeof(*root); root && at + size <= min(root->length, ROOT_MAX); at += size)
        read_table(le(root, at, size));
    iounmap(root);
}

__init void acpi_init(void) {
    const uint8_t *r = boot_info.rsdp;

    acpi.lapic = 0xfee00000;
    if (find_rsdp()) {
        printk(KERN_INFO "ACPI: RSDP %08lX, %04lX (r%u %.6s)\n", acpi.rsdp,
               r[RSDP_REVISION] >= 2 ? le(r, RSDP_LENGTH, 4) : 20, r[RSDP_REVISION], r + RSDP_OEM);
        read_all(r);
    } else {
        printk(KERN_WARN "WARNING: no ACPI tables found\n");
    }
    if (acpi.nr_ioapics == 0) printk(KERN_WARN "WARNING: no I/O APIC: no device interrupts\n");
    if (acpi.nr_cpus == 0)
        printk(KERN_WARN "WARNING: no processor table: only the boot CPU is used\n");
}

/* dom0 gives the sleep type; whether it has set the enable bit already depends on its version. */
#define PM1_SLEEP_ENABLE (1u << 13)

int acpi_enter_sleep(uint16_t pm1a_value, uint16_t pm1b_value) {
    if (!acpi.pm1a_cnt) return -ENODEV;
    __asm__ volatile("wbinvd" : : : "memory");
    outw(acpi.pm1a_cnt, pm1a_value | PM1_SLEEP_ENABLE);
    if (acpi.pm1b_cnt) outw(acpi.pm1b_cnt, pm1b_value | PM1_SLEEP_ENABLE);
    return 0;
}
