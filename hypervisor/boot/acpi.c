/* SPDX-License-Identifier: MIT */
/*
 * The static ACPI tables: where the processors, I/O APICs, timers and the PCI configuration window
 * are. Everything else of ACPI is dom0's. Lengths come from firmware and are checked.
 */
#include "boot.h"
#include <hv/acpi.h>
#include <hv/errno.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <x86/cpu.h>

struct acpi_info acpi;

struct rsdp {
    char sig[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t ext_checksum, rsvd[3];
} __packed;

struct header {
    char sig[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __packed;

struct gas {
    uint8_t space, width, offset, access;
    uint64_t addr;
} __packed;

struct fadt {
    struct header h;
    uint32_t facs, dsdt;
    uint8_t model, profile;
    uint16_t sci;
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable, s4bios, pstate;
    uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_timer, gpe0, gpe1;
    uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_timer_len, gpe0_len, gpe1_len, gpe1_base, cst;
    uint16_t lat2, lat3, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day, month, century;
    uint16_t boot_arch;
    uint8_t rsvd;
    uint32_t flags;
    struct gas reset;
    uint8_t reset_value;
    uint16_t arm;
    uint8_t minor;
    uint64_t x_facs, x_dsdt;
    struct gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_timer;
} __packed;

#define FADT_TIMER_32BIT (1u << 8)
#define FADT_RESET       (1u << 10)
#define BOOT_ARCH_NO_VGA (1u << 2)
#define BOOT_ARCH_NO_RTC (1u << 5)

static __init bool sums_to_zero(const void *p, size_t n) {
    const uint8_t *b = p;
    uint8_t sum = 0;

    while (n-- > 0) sum = (uint8_t)(sum + *b++);
    return sum == 0;
}

static __init bool scan_rsdp(paddr_t start, size_t n, struct rsdp *out) {
    char *p = ioremap_wb(start, n);
    bool found = false;

    for (size_t off = 0; p && !found && off + 20 <= n; off += 16) {
        if (memcmp(p + off, "RSD PTR ", 8) != 0 || !sums_to_zero(p + off, 20)) continue;
        memcpy(out, p + off, min(sizeof(*out), n - off));
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
    struct entry {
        uint8_t guid[16];
        uint64_t table;
    } * e;
    char *st = ioremap_wb(boot_info.efi_systab, 0x78);
    uint64_t nr, at;

    if (!st) return;
    memcpy(&nr, st + 0x68, 8);
    memcpy(&at, st + 0x70, 8);
    iounmap(st);
    if (nr > 1000) return;
    e = ioremap_wb(at, nr * sizeof(*e));
    for (uint64_t i = 0; e && i < nr; i++)
        if (memcmp(e[i].guid, acpi20, 16) == 0) acpi.rsdp = e[i].table;
    iounmap(e);
}

static __init bool find_rsdp(struct rsdp *out) {
    uint16_t *ebda;
    paddr_t at;

    if (boot_info.efi_systab) find_efi_rsdp();
    if (boot_info.rsdp[0]) {
        memcpy(out, boot_info.rsdp, sizeof(*out));
        if (acpi.rsdp || boot_info.efi) return true;
    }
    if (boot_info.efi) return false;
    ebda = ioremap_wb(0x40e, 2);
    at = ebda ? (paddr_t)*ebda << 4 : 0;
    iounmap(ebda);
    if (at >= 0x80000 && at < 0xa0000 && scan_rsdp(at, 1024, out)) return true;
    return scan_rsdp(0xe0000, 0x20000, out) || boot_info.rsdp[0];
}

static __init void print_header(paddr_t at, const struct header *h) {
    printk(KERN_INFO "ACPI: %.4s %08lX, %04X (r%u %.6s %.8s %8x %.4s %8x)\n", h->sig, at, h->length,
           h->revision, h->oem, h->oem_table, h->oem_revision, h->creator, h->creator_revision);
}

/* Maps a whole table; NULL if there is none or it is damaged. */
static __init struct header *map_table(paddr_t at) {
    struct header *h = at ? ioremap_wb(at, sizeof(*h)) : NULL;
    uint32_t len;

    if (!h) return NULL;
    len = h->length;
    iounmap(h);
    if (len < sizeof(*h) || len > (16u << 20)) return NULL;
    h = ioremap_wb(at, len);
    if (h && !sums_to_zero(h, len))
        printk(KERN_WARN "WARNING: ACPI table %.4s: wrong checksum\n", h->sig);
    return h;
}

static __init void add_cpu(uint32_t apic_id, uint32_t acpi_id, uint32_t flags) {
    if (!(flags & 1)) return;
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpus[i].apic_id == apic_id) return;
    if (acpi.nr_cpus < ACPI_MAX_CPUS) {
        acpi.cpus[acpi.nr_cpus].apic_id = apic_id;
        acpi.cpus[acpi.nr_cpus++].acpi_id = acpi_id;
    }
}

static const char *const polarity_names[] = {"dfl", "high", "res", "low"};
static const char *const trigger_names[] = {"dfl", "edge", "res", "level"};

static __init void add_override(uint8_t isa_irq, uint32_t gsi, uint16_t flags) {
    unsigned int polarity = flags & 3, trigger = (flags >> 2) & 3;

    printk(KERN_INFO "ACPI: INT_SRC_OVR (bus 0 bus_irq %u global_irq %u %s %s)\n", isa_irq, gsi,
           polarity_names[polarity], trigger_names[trigger]);
    if (acpi.nr_overrides == ACPI_MAX_OVERRIDES) return;
    acpi.overrides[acpi.nr_overrides].isa_irq = isa_irq;
    acpi.overrides[acpi.nr_overrides].gsi = gsi;
    acpi.overrides[acpi.nr_overrides].low = polarity == 3;
    acpi.overrides[acpi.nr_overrides++].level = trigger == 3;
}

static __init void add_ioapic(uint8_t id, uint32_t addr, uint32_t gsi_base) {
    printk(KERN_INFO "ACPI: IOAPIC (id[0x%02x] address[0x%x] gsi_base[%u])\n", id, addr, gsi_base);
    if (acpi.nr_ioapics == ACPI_MAX_IOAPICS) return;
    acpi.ioapics[acpi.nr_ioapics].id = id;
    acpi.ioapics[acpi.nr_ioapics].addr = addr;
    acpi.ioapics[acpi.nr_ioapics++].gsi_base = gsi_base;
}

static uint32_t le(const uint8_t *p, unsigned int bytes) {
    uint32_t v = 0;

    memcpy(&v, p, bytes);
    return v;
}

static __init void read_madt_entry(const uint8_t *e) {
    static const uint8_t min_len[] = {8, 12, 10, 8, 6, 12, 16, 16, 16, 16};

    if (e[0] < ARRAY_SIZE(min_len) && e[1] < min_len[e[0]]) return;
    switch (e[0]) {
    case 0: add_cpu(e[3], e[2], le(e + 4, 4)); break;
    case 1: add_ioapic(e[2], le(e + 4, 4), le(e + 8, 4)); break;
    case 2: add_override(e[3], le(e + 4, 4), (uint16_t)le(e + 8, 2)); break;
    case 5: memcpy(&acpi.lapic, e + 4, 8); break;
    case 9: add_cpu(le(e + 4, 4), le(e + 12, 4), le(e + 8, 4)); break;
    default: break;
    }
}

static __init void read_madt(const struct header *h) {
    const uint8_t *p = (const uint8_t *)h, *end = p + h->length;

    if (h->length < 44) return;
    acpi.lapic = le(p + 36, 4);
    for (p += 44; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) read_madt_entry(p);
}

static __init void read_fadt(const struct header *h) {
    struct fadt f = {0};

    memcpy(&f, h, min((size_t)h->length, sizeof(f)));
    acpi.sci = f.sci;
    acpi.pm1a_evt = (uint16_t)f.pm1a_evt;
    acpi.pm1b_evt = (uint16_t)f.pm1b_evt;
    acpi.pm1a_cnt = (uint16_t)f.pm1a_cnt;
    acpi.pm1b_cnt = (uint16_t)f.pm1b_cnt;
    acpi.pm1_evt_len = f.pm1_evt_len;
    if (f.x_pm1a_cnt.space == 1 && f.x_pm1a_cnt.addr) acpi.pm1a_cnt = (uint16_t)f.x_pm1a_cnt.addr;
    if (f.x_pm1b_cnt.space == 1 && f.x_pm1b_cnt.addr) acpi.pm1b_cnt = (uint16_t)f.x_pm1b_cnt.addr;
    if (f.pm_timer_len >= 4) acpi.pm_timer = (uint16_t)f.pm_timer;
    if (f.x_pm_timer.space == 1 && f.x_pm_timer.addr) acpi.pm_timer = (uint16_t)f.x_pm_timer.addr;
    acpi.pm_timer_32bit = f.flags & FADT_TIMER_32BIT;
    acpi.facs = f.x_facs ? f.x_facs : f.facs;
    acpi.no_vga = f.boot_arch & BOOT_ARCH_NO_VGA;
    acpi.no_cmos_rtc = f.boot_arch & BOOT_ARCH_NO_RTC;
    if ((f.flags & FADT_RESET) && h->length >= offsetof(struct fadt, arm)) {
        acpi.has_reset = true;
        acpi.reset_space = f.reset.space;
        acpi.reset_addr = f.reset.addr;
        acpi.reset_value = f.reset_value;
    }
    printk(KERN_INFO "ACPI: PM-Timer IO Port: 0x%x (%u bits)\n", acpi.pm_timer,
           acpi.pm_timer_32bit ? 32 : 24);
    printk(KERN_INFO "ACPI: SLEEP INFO: pm1x_cnt[1:%x,1:%x], pm1x_evt[1:%x,1:%x]\n", acpi.pm1a_cnt,
           acpi.pm1b_cnt, acpi.pm1a_evt, acpi.pm1b_evt);
}

static __init void read_hpet(const struct header *h) {
    const uint8_t *p = (const uint8_t *)h;

    if (h->length < 52 || p[40] != 0) return;
    acpi.hpet_id = le(p + 36, 4);
    memcpy(&acpi.hpet, p + 44, 8);
    printk(KERN_INFO "ACPI: HPET id: 0x%x base: 0x%lx\n", acpi.hpet_id, acpi.hpet);
}

static __init void read_mcfg(const struct header *h) {
    const uint8_t *p = (const uint8_t *)h, *end = p + h->length;

    for (p += 44; p + 16 <= end && acpi.nr_mcfg < ACPI_MAX_MCFG; p += 16) {
        memcpy(&acpi.mcfg[acpi.nr_mcfg].base, p, 8);
        acpi.mcfg[acpi.nr_mcfg].segment = (uint16_t)le(p + 8, 2);
        acpi.mcfg[acpi.nr_mcfg].bus_first = p[10];
        acpi.mcfg[acpi.nr_mcfg].bus_last = p[11];
        printk(KERN_INFO "PCI: MCFG area at %lx for segment %u, buses %02x-%02x\n",
               acpi.mcfg[acpi.nr_mcfg].base, acpi.mcfg[acpi.nr_mcfg].segment, p[10], p[11]);
        acpi.nr_mcfg++;
    }
}

static __init void read_table(paddr_t at) {
    static const struct {
        const char *sig;
        void (*read)(const struct header *h);
    } readers[] = {
        {"APIC", read_madt}, {"FACP", read_fadt}, {"HPET", read_hpet}, {"MCFG", read_mcfg}};
    struct header *h = map_table(at);

    if (!h) {
        printk(KERN_WARN "WARNING: ACPI table at %lx cannot be read\n", at);
        return;
    }
    print_header(at, h);
    for (unsigned int i = 0; i < ARRAY_SIZE(readers); i++)
        if (memcmp(h->sig, readers[i].sig, 4) == 0) readers[i].read(h);
    iounmap(h);
}

static __init void read_all(const struct rsdp *r) {
    bool x = r->revision >= 2 && r->xsdt;
    paddr_t at = x ? r->xsdt : r->rsdt;
    struct header *root = map_table(at);
    unsigned int size = x ? 8 : 4, nr;

    if (!root) {
        printk(KERN_WARN "WARNING: the ACPI root table at %lx cannot be read\n", at);
        return;
    }
    print_header(at, root);
    nr = (root->length - (uint32_t)sizeof(*root)) / size;
    for (unsigned int i = 0; i < nr; i++) {
        paddr_t table = 0;

        memcpy(&table, (const char *)(root + 1) + i * size, size);
        read_table(table);
    }
    iounmap(root);
}

__init void acpi_init(void) {
    struct rsdp r = {0};

    acpi.lapic = 0xfee00000;
    if (find_rsdp(&r)) {
        printk(KERN_INFO "ACPI: RSDP %08lX, %04X (r%u %.6s)\n", acpi.rsdp,
               r.revision >= 2 ? r.length : 20, r.revision, r.oem);
        read_all(&r);
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
