/* SPDX-License-Identifier: MIT */
/*
 * devices: what dom0's kernel arranges for devices. Interrupt lines, MSI-X vectors of an NVMe
 * controller (which loses them by a function-level reset, and gets them back), the window of
 * configuration space, and every way in which that is refused.
 *
 * Run with: --machine q35 --device nvme,serial=1,msix_qsize=256
 */
#include <public/physdev.h>
#include <public/version.h>
#include "domctl.h"
#include "event.h"
#include "mm.h"
#include "vcpu.h"

#define DOMID_ABSENT 0x7000
#define NR_VECTORS   256
#define FREE_PIRQ    200
#define SERIAL_GSI   4
#define COMMAND      4
#define DECODES      2 /* memory */
#define BAR          0x10
#define CAP_EXPRESS  0x10
#define CAP_MSIX     0x11
#define NO_DEVICE    0xa0
#define MMCFG_BASE   0xb0000000UL

static uint8_t devfn; /* the NVMe controller, on bus 0 */
static uint64_t bar;
static unsigned int msix;
static volatile uint32_t *table; /* its first vector: address, its high half, data, mask */

/* Configuration space. */

static uint32_t conf_read(uint8_t fn, unsigned int reg) {
    uint32_t value;

    outl(0xcf8, 0x80000000U | (uint32_t)fn << 8 | reg);
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(0xcfc));
    return value;
}

static void conf_write(unsigned int reg, uint32_t value) {
    outl(0xcf8, 0x80000000U | (uint32_t)devfn << 8 | reg);
    outl(0xcfc, value);
}

static unsigned int capability(unsigned int id) {
    unsigned int at = conf_read(devfn, 0x34) & 0xfc;

    while (at && (conf_read(devfn, at) & 0xff) != id) at = conf_read(devfn, at) >> 8 & 0xfc;
    return at;
}

static void find_device(void) {
    uint64_t where;

    HV_physdev_op(PHYSDEVOP_set_iopl, &(struct physdev_set_iopl){.iopl = 1});
    while (devfn < 0xf8 && conf_read(devfn, 8) >> 8 != 0x010802) devfn += 8;
    msix = capability(CAP_MSIX);
    require(devfn < 0xf8 && msix && capability(CAP_EXPRESS));
    require_eq((conf_read(devfn, msix) >> 16 & 0x7ff) + 1, NR_VECTORS);
    bar = (conf_read(devfn, BAR) & ~15U) | (uint64_t)conf_read(devfn, BAR + 4) << 32;
    where = bar + (conf_read(devfn, msix + 4) & ~7U);
    table = window_alloc(1);
    require_eq(mmu_update_dom(machine_address(l1_entry((void *)table)),
                              MFN_PTE(where >> PAGE_SHIFT, PTE_RO | 0x10), DOMID_IO),
               0);
    table += (where & (PAGE_SIZE - 1)) / sizeof(*table);
}

static long on_device(unsigned int cmd, uint8_t fn) {
    struct physdev_pci_device d = {.devfn = fn};

    return HV_physdev_op(cmd, &d);
}

static void decode(bool on) {
    uint32_t c = conf_read(devfn, COMMAND) & 0xffff;

    conf_write(COMMAND, on ? c | DECODES : c & ~(uint32_t)DECODES);
}

/* Interrupt numbers. */

static long map_line(domid_t domain, int gsi) {
    struct physdev_map_pirq m = {
        .domid = domain, .type = MAP_PIRQ_TYPE_GSI, .index = gsi, .pirq = gsi};

    return HV_physdev_op(PHYSDEVOP_map_pirq, &m);
}

static struct physdev_map_pirq vector(unsigned int entry) {
    return (struct physdev_map_pirq){.domid = DOMID_SELF,
                                     .type = MAP_PIRQ_TYPE_MSI_SEG,
                                     .index = -1,
                                     .pirq = -1,
                                     .devfn = devfn,
                                     .entry_nr = (int)entry,
                                     .table_base = bar};
}

static long map_vector(struct physdev_map_pirq m, int *pirq) {
    long rc = HV_physdev_op(PHYSDEVOP_map_pirq, &m);

    if (!rc && pirq) *pirq = m.pirq;
    return rc;
}

static long unmap(domid_t domain, int pirq) {
    struct physdev_unmap_pirq u = {.domid = domain, .pirq = pirq};

    return HV_physdev_op(PHYSDEVOP_unmap_pirq, &u);
}

static long bind(int pirq, uint32_t *port) {
    struct evtchn_bind_pirq b = {.pirq = (uint32_t)pirq};
    long rc = HV_event_channel_op(EVTCHNOP_bind_pirq, &b);

    if (!rc) *port = b.port;
    return rc;
}

static long setup_line(int gsi) {
    struct physdev_setup_gsi s = {.gsi = gsi, .triggering = 1, .polarity = 1};

    return HV_physdev_op(PHYSDEVOP_setup_gsi, &s);
}

static long permit(int pirq, bool allow) {
    memset(&domctl_op, 0, sizeof(domctl_op));
    domctl_op.u.irq_permission =
        (struct xen_domctl_irq_permission){.pirq = (uint32_t)pirq, .allow_access = allow};
    return domctl(XEN_DOMCTL_irq_permission, 0);
}

static void lines(void) {
    struct physdev_eoi eoi = {.irq = FREE_PIRQ};
    struct physdev_irq_status_query query = {.irq = 100000};
    struct physdev_apic apic = {.apic_physbase = 0xfec00000, .reg = 0x10, .value = 0x700};
    uint32_t port;

    expect_eq(setup_line(-1), -XEN_EINVAL);
    expect_eq(setup_line(5000), -XEN_EINVAL);
    expect_eq(setup_line(20), 0);
    expect_eq(setup_line(20), -XEN_EEXIST);         /* once is enough */
    expect_eq(setup_line(SERIAL_GSI), -XEN_EEXIST); /* in use */
    expect_eq(map_line(DOMID_SELF, -1), -XEN_EINVAL);
    expect_eq(map_line(DOMID_SELF, 5000), -XEN_EINVAL);
    (void)map_line(DOMID_SELF, SERIAL_GSI);
    expect(bind(SERIAL_GSI, &port) < 0);
    expect_eq(bind(FREE_PIRQ, &port), -XEN_EPERM);
    expect_eq(bind(100000, &port), -XEN_EINVAL);
    expect_eq(unmap(DOMID_SELF, -1), -XEN_EINVAL);
    expect_eq(unmap(DOMID_SELF, FREE_PIRQ), -XEN_EINVAL);
    expect_eq(HV_physdev_op(PHYSDEVOP_eoi, &eoi), -XEN_EINVAL);
    expect_eq(HV_physdev_op(PHYSDEVOP_irq_status_query, &query), -XEN_EINVAL);
    /* A mode that nobody may set. */
    expect(HV_physdev_op(PHYSDEVOP_apic_write, &apic) < 0);
    /* A right given away is gone. */
    expect_eq(permit(100000, false), -XEN_EINVAL);
    expect_eq(map_line(DOMID_SELF, 11), 0);
    expect_eq(permit(11, false), 0);
    expect_eq(map_line(DOMID_SELF, 11), -XEN_EPERM);
    expect_eq(permit(11, true), -XEN_EPERM);
}

/* Devices are passed through by stock Xen only; what can not be is refused by both. */
static void of_other_domains(void) {
    domid_t other;

    memset(&domctl_op, 0, sizeof(domctl_op));
    other = domctl_create(2);
    expect_eq(map_line(DOMID_ABSENT, 9), -XEN_ESRCH);
    expect_eq(unmap(DOMID_ABSENT, 9), -XEN_ESRCH);
    expect(map_line(other, -1) < 0);
    expect(unmap(other, 9) < 0);
    expect_eq(domctl(XEN_DOMCTL_destroydomain, other), 0);
}

/* What is asked wrongly. */
static void bad_vectors(void) {
    struct physdev_map_pirq m = vector(NR_VECTORS);
    struct physdev_restore_msi old = {.devfn = NO_DEVICE};

    expect_eq(map_vector(m, NULL), -XEN_EINVAL);
    expect_eq(map_vector(vector(1 << 16), NULL), -XEN_EINVAL);
    m = vector(0);
    m.type = 9;
    expect_eq(map_vector(m, NULL), -XEN_EINVAL);
    m.type = MAP_PIRQ_TYPE_MSI;
    m.index = 5;
    expect_eq(map_vector(m, NULL), -XEN_EINVAL);
    m = vector(0);
    m.table_base = 0;
    expect_eq(map_vector(m, NULL), -XEN_ENODEV); /* it has no MSI */
    m = vector(0);
    m.devfn = 0;
    expect_eq(map_vector(m, NULL), -XEN_ENODEV);
    m.devfn = NO_DEVICE;
    expect_eq(map_vector(m, NULL), -XEN_ENODEV);
    m = vector(0);
    m.type = MAP_PIRQ_TYPE_MULTI_MSI;
    expect_eq(map_vector(m, NULL), -XEN_EINVAL); /* has no table */
    m.table_base = 0;
    expect_eq(map_vector(m, NULL), -XEN_EDOM);
    m.entry_nr = 33;
    expect_eq(map_vector(m, NULL), -XEN_EDOM);
    m.entry_nr = 2;
    expect_eq(map_vector(m, NULL), -XEN_EOPNOTSUPP); /* without interrupt remapping */
    decode(false);
    expect_eq(map_vector(vector(0), NULL), -XEN_ENXIO);
    decode(true);
    expect_eq(on_device(PHYSDEVOP_prepare_msix, NO_DEVICE), -XEN_ENODEV);
    expect_eq(on_device(PHYSDEVOP_restore_msi_ext, NO_DEVICE), -XEN_ENODEV);
    expect_eq(HV_physdev_op(PHYSDEVOP_restore_msi, &old), -XEN_ENODEV);
}

static bool on_hospes(void) {
    xen_extraversion_t who = {0};

    require(HV_xen_version(XENVER_extraversion, who) >= 0);
    return strstr(who, "hospes");
}

static void table_protected(void) {
    expect_eq(on_device(PHYSDEVOP_release_msix, devfn), -XEN_EBUSY);
    expect_eq(on_device(PHYSDEVOP_prepare_msix, devfn), 0);
    expect_eq(on_device(PHYSDEVOP_prepare_msix, devfn), -XEN_EBUSY);
    expect_eq(on_device(PHYSDEVOP_release_msix, devfn), 0);
    conf_write(BAR, 0);
    conf_write(BAR + 4, 0);
    expect_eq(on_device(PHYSDEVOP_prepare_msix, devfn), -XEN_ENXIO); /* no table */
    conf_write(BAR, (uint32_t)bar);
    if (on_hospes()) { /* where no CPU can reach: stock Xen would, and fault */
        conf_write(BAR + 4, ~0U);
        expect_eq(on_device(PHYSDEVOP_prepare_msix, devfn), -XEN_ENXIO);
    }
    conf_write(BAR + 4, (uint32_t)(bar >> 32));
}

/* One entry has one vector; stock Xen lets a second take it over. */
static void twice(void) {
    int first, second = -1;
    long rc;

    require_eq(map_vector(vector(0), &first), 0);
    rc = map_vector(vector(0), &second);
    expect(rc == 0 || rc == -XEN_EBUSY);
    if (!rc) expect_eq(unmap(DOMID_SELF, second), 0);
    expect_eq(unmap(DOMID_SELF, first), 0);
    expect_eq(unmap(DOMID_SELF, first), -XEN_EINVAL);
}

/* A reset forgets everything; dom0 gives back what is its own and asks for the rest. */
static void reset(void) {
    uint32_t command = conf_read(devfn, COMMAND) & 0xffff;
    unsigned int control = capability(CAP_EXPRESS) + 8;

    conf_write(control, (conf_read(devfn, control) & 0xffff) | 0x8000);
    conf_write(BAR, (uint32_t)bar);
    conf_write(BAR + 4, (uint32_t)(bar >> 32));
    conf_write(COMMAND, command);
}

static void restored(void) {
    struct physdev_restore_msi old = {.devfn = devfn};
    uint32_t address, data, port;
    int pirq;

    require_eq(map_vector(vector(0), &pirq), 0);
    require_eq(bind(pirq, &port), 0);
    address = table[0];
    data = table[2];
    expect_eq(address >> 20, 0xfee);
    expect_eq(table[3] & 1, 0);
    reset();
    expect_eq(table[0], 0);
    expect_eq(table[3] & 1, 1);
    decode(false);
    expect_eq(on_device(PHYSDEVOP_restore_msi_ext, devfn), -XEN_ENXIO);
    decode(true);
    expect_eq(on_device(PHYSDEVOP_restore_msi_ext, devfn), 0);
    expect_eq(table[0], address);
    expect_eq(table[2], data);
    expect_eq(table[3] & 1, 0);
    expect_eq(conf_read(devfn, msix) >> 30, 2); /* on, and not masked as a whole */
    reset();
    expect_eq(HV_physdev_op(PHYSDEVOP_restore_msi, &old), 0);
    expect_eq(table[0], address);
    expect_eq(event_close(port), 0);
    expect_eq(unmap(DOMID_SELF, pirq), 0);
}

/* All vectors that there are; they come back. */
static void exhausted(void) {
    static int pirqs[NR_VECTORS];
    unsigned int n = 0;
    uint32_t port;
    long rc;

    while (n < NR_VECTORS && (rc = map_vector(vector(n), &pirqs[n])) == 0) n++;
    expect(n > 64 && n < NR_VECTORS);
    expect(rc < 0);
    /* A line has its vector from the start, or gets none now. */
    require_eq(map_line(DOMID_SELF, 10), 0);
    rc = bind(10, &port);
    expect(rc == 0 || rc == -XEN_ENOSPC);
    if (!rc) expect_eq(event_close(port), 0);
    while (n) expect_eq(unmap(DOMID_SELF, pirqs[--n]), 0);
    require_eq(bind(10, &port), 0);
    expect_eq(event_close(port), 0);
}

static long window(uint64_t base, uint8_t last, uint32_t flags) {
    struct physdev_pci_mmcfg_reserved m = {.address = base, .end_bus = last, .flags = flags};

    return HV_physdev_op(PHYSDEVOP_pci_mmcfg_reserved, &m);
}

static void windows(void) {
    long rc;

    expect_eq(window(MMCFG_BASE, 255, XEN_PCI_MMCFG_RESERVED), 0);
    expect_eq(window(MMCFG_BASE, 255, 2), -XEN_EINVAL);
    expect_eq(window(MMCFG_BASE, 1, XEN_PCI_MMCFG_RESERVED), -XEN_ENODEV);
    expect_eq(window(MMCFG_BASE - (1 << 20), 255, XEN_PCI_MMCFG_RESERVED), -XEN_EIO);
    /* Not reserved: stock Xen stops using it, Hospes has no other way to what lies behind. */
    rc = window(MMCFG_BASE, 255, 0);
    expect(rc == 0 || rc == -XEN_EOPNOTSUPP);
    expect_eq(window(MMCFG_BASE, 255, XEN_PCI_MMCFG_RESERVED), 0);
}

void test_main(void) {
    static struct physdev_pci_device_add add;

    find_device();
    lines();
    of_other_domains();
    windows();
    add.devfn = devfn;
    expect_eq(HV_physdev_op(PHYSDEVOP_pci_device_add, &add), 0);
    bad_vectors();
    table_protected();
    twice();
    restored();
    exhausted();
    expect_eq(on_device(PHYSDEVOP_pci_device_remove, devfn), 0);
}
