/* SPDX-License-Identifier: MIT */
/*
 * UEFI for dom0: the facts it asks for (XENPF_firmware_info) and calls of the firmware's runtime
 * services. The firmware keeps its physical addresses: its runtime regions are mapped one to one in
 * page tables of their own, loaded only around a call, so that no guest and no other part of Hospes
 * ever sees them. One call at a time.
 */
#include <hv/boot.h>
#include <hv/guest_access.h>
#include <hv/pcpu.h>
#include <x86/guest_regs.h>
#include <public/platform.h>

#define EFI_ATTR_RUNTIME (1UL << 63)
#define EFI_ATTR_WB      (1UL << 3)
#define EFI_PAGES_MAX    (1UL << 18) /* of all runtime regions: 1 GiB */
#define NAME_MAX_CHARS   1024u
#define DATA_MAX         (64u << 10)
#define EFI_ERROR(s)     ((s) >> 63)
#define PTR(p)           ((uint64_t)(uintptr_t)(p))

struct efi_table_header {
    uint64_t signature;
    uint32_t revision, header_size, crc32, reserved;
};

struct efi_system_table {
    struct efi_table_header hdr;
    uint64_t vendor;
    uint32_t vendor_revision, pad;
    uint64_t console[6];
    uint64_t runtime, boot, nr_config, config;
};

struct efi_time_caps {
    uint32_t resolution, accuracy;
    uint8_t sets_to_zero;
};

/* Places in the firmware's table; those of address maps, reset and capsules are not called. */
enum { GET_TIME = 0, SET_TIME = 1, GET_WAKEUP = 2, SET_WAKEUP = 3 };
enum { GET_VARIABLE = 6, NEXT_VARIABLE = 7, SET_VARIABLE = 8 };
enum { NEXT_HIGH_COUNT = 9, QUERY_VARIABLE_INFO = 13 };

/* None takes more than five arguments; what one does not take it ignores. */
struct efi_runtime {
    struct efi_table_header hdr;
    uint64_t(__attribute__((ms_abi)) * service[14])(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                                    uint64_t e);
};

static struct efi_system_table systab; /* our copy; hdr.signature 0: not a UEFI machine */
static uint32_t runtime_revision;
static uint64_t *efi_l4; /* NULL: runtime services cannot be called */
static spinlock_t efi_lock = SPINLOCK_INIT(ORDER_LEAF);

/* Page tables of the firmware's own view. */

static int map_runtime(void) {
    uint64_t left = EFI_PAGES_MAX;

    efi_l4 = alloc_page_hv();
    if (!efi_l4) return -ENOMEM;
    for (unsigned int i = 0; i < boot_info.nr_efi_map; i++) {
        const struct efi_memory_desc *m = &boot_info.efi_map[i];
        uint64_t cache = m->attribute & EFI_ATTR_WB ? 0 : PTE_PCD | PTE_PWT;

        if (!(m->attribute & EFI_ATTR_RUNTIME)) continue;
        if (m->pages > left || m->phys + m->pages * PAGE_SIZE > LOW_HALF_END) return -E2BIG;
        left -= m->pages;
        for (uint64_t n = 0; n < m->pages; n++) {
            paddr_t p = m->phys + n * PAGE_SIZE;
            uint64_t *e = own_entry(efi_l4, p, 1, true);

            if (!e) return -ENOMEM;
            *e = p | (DATA_PTE & ~PTE_NX) | cache;
        }
    }
    return 0;
}

void efi_init(void) {
    struct efi_table_header rt;
    int rc;

    if (!boot_info.efi || !boot_info.efi_systab) return;
    if (copy_phys(&systab, boot_info.efi_systab, sizeof(systab)) ||
        copy_phys(&rt, systab.runtime, sizeof(rt))) {
        systab.hdr.signature = 0;
        return;
    }
    runtime_revision = rt.revision;
    rc = map_runtime();
    if (rc) {
        printk(KERN_WARN "WARNING: UEFI runtime services are not available (error %d)\n", rc);
        efi_l4 = NULL;
    }
}

/* Facts. */

static long vendor_info(union xenpf_efi_info *info) {
    uint32_t room = info->vendor.bufsz / 2;
    uint64_t to = handle_addr(info->vendor.name);
    uint16_t name[64] = {0};

    if (copy_phys(name, systab.vendor, sizeof(name) - 2)) return -ENOMEM;
    info->vendor.revision = systab.vendor_revision;
    for (uint32_t i = 0; i < room && i < ARRAY_SIZE(name); i++) {
        if (copy_to_guest_idx(to, i, &name[i])) return -EFAULT;
        if (!name[i]) break;
    }
    return 0;
}

static long mem_info(union xenpf_efi_info *info) {
    for (unsigned int i = 0; i < boot_info.nr_efi_map; i++) {
        const struct efi_memory_desc *m = &boot_info.efi_map[i];
        uint64_t end = m->phys + m->pages * PAGE_SIZE;

        if (info->mem.addr < m->phys || info->mem.addr >= end) continue;
        info->mem.type = m->type;
        info->mem.attr = m->attribute;
        if (info->mem.addr + info->mem.size < info->mem.addr ||
            info->mem.addr + info->mem.size > end)
            info->mem.size = end - info->mem.addr;
        return 0;
    }
    return -ESRCH;
}

long efi_get_info(uint32_t index, union xenpf_efi_info *info) {
    if (!systab.hdr.signature) return -ENOSYS;
    switch (index) {
    case XEN_FW_EFI_VERSION: info->version = systab.hdr.revision; return 0;
    case XEN_FW_EFI_RT_VERSION: info->version = runtime_revision; return efi_l4 ? 0 : -EOPNOTSUPP;
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = systab.config;
        info->cfg.nent = (uint32_t)systab.nr_config;
        return 0;
    case XEN_FW_EFI_VENDOR: return vendor_info(info);
    case XEN_FW_EFI_MEM_INFO: return mem_info(info);
    case XEN_FW_EFI_PCI_ROM: return -ESRCH;
    case XEN_FW_EFI_APPLE_PROPERTIES: return -ENODATA;
    default: return -EINVAL;
    }
}

/* Calls. While the firmware's page tables are loaded only Hospes's own memory may be touched. */

static uint64_t call(unsigned int n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    const struct efi_runtime *firmware = (const struct efi_runtime *)systab.runtime;
    struct vcpu *v = current;
    uint64_t status;

    fpu_save(v);
    debugreg_save(v); /* the firmware runs at addresses that a guest may name */
    __asm__ volatile("clts; fninit; ldmxcsr %0" : : "m"((const uint32_t){MXCSR_DEFAULT}));
    spin_lock(&efi_lock);
    mm_fill_l4(v->domain, efi_l4, true);
    write_cr3(virt_to_paddr(efi_l4));
    status = firmware->service[n](a, b, c, d, e);
    mm_load_base(v);
    spin_unlock(&efi_lock);
    debugreg_load(v);
    fpu_restore(v);
    return status;
}

static long get_time(struct xenpf_efi_runtime_call *c) {
    struct efi_time_caps caps = {0};

    c->status = call(GET_TIME, PTR(&c->u.get_time.time), PTR(&caps), 0, 0, 0);
    if (EFI_ERROR(c->status)) return 0;
    c->u.get_time.resolution = caps.resolution;
    c->u.get_time.accuracy = caps.accuracy;
    c->misc = caps.sets_to_zero ? XEN_EFI_GET_TIME_SET_CLEARS_NS : 0;
    return 0;
}

static long get_wakeup(struct xenpf_efi_runtime_call *c) {
    uint8_t enabled = 0, pending = 0;

    c->status = call(GET_WAKEUP, PTR(&enabled), PTR(&pending), PTR(&c->u.get_wakeup_time), 0, 0);
    if (!EFI_ERROR(c->status))
        c->misc = (enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) |
                  (pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
    return 0;
}

static long set_wakeup(struct xenpf_efi_runtime_call *c) {
    bool enable = c->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE;
    bool only = c->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY;

    c->status = call(SET_WAKEUP, enable, only ? 0 : PTR(&c->u.set_wakeup_time), 0, 0, 0);
    c->misc = 0;
    return 0;
}

/* A variable's NUL-terminated UCS-2 name, read from the caller, and room for its data. */
struct variable {
    uint16_t name[NAME_MAX_CHARS];
    uint8_t data[];
};

static long variable_new(uint64_t name_va, uint64_t size, struct variable **v) {
    long rc = -EINVAL; /* a name without an end */

    *v = NULL;
    if (size > DATA_MAX) return -EINVAL;
    *v = hv_alloc(sizeof(**v) + size);
    if (!*v) return -ENOMEM;
    for (unsigned int i = 0; rc == -EINVAL && i < NAME_MAX_CHARS; i++) {
        if (copy_from_guest_idx(&(*v)->name[i], name_va, i))
            rc = -EFAULT;
        else if (!(*v)->name[i])
            rc = 0;
    }
    return rc;
}

static long get_variable(struct xenpf_efi_runtime_call *c) {
    uint64_t room = c->u.get_variable.size, size = room;
    struct variable *v HV_FREE_AT_END;
    long rc = variable_new(handle_addr(c->u.get_variable.name), room, &v);

    if (rc) return rc;
    c->status = call(GET_VARIABLE, PTR(v->name), PTR(&c->u.get_variable.vendor_guid), PTR(&c->misc),
                     PTR(&size), room ? PTR(v->data) : 0);
    if (!EFI_ERROR(c->status) && size <= room)
        rc = copy_to_guest(handle_addr(c->u.get_variable.data), v->data, size);
    c->u.get_variable.size = size;
    return rc;
}

static long set_variable(struct xenpf_efi_runtime_call *c) {
    uint64_t size = c->u.set_variable.size;
    struct variable *v HV_FREE_AT_END;
    long rc = variable_new(handle_addr(c->u.set_variable.name), size, &v);

    if (rc) return rc;
    rc = copy_from_guest(v->data, handle_addr(c->u.set_variable.data), size);
    if (!rc)
        c->status = call(SET_VARIABLE, PTR(v->name), PTR(&c->u.set_variable.vendor_guid), c->misc,
                         size, PTR(v->data));
    return rc;
}

static long next_variable(struct xenpf_efi_runtime_call *c) {
    uint64_t room = c->u.get_next_variable_name.size, size = room;
    uint64_t at = handle_addr(c->u.get_next_variable_name.name);
    uint16_t *name HV_FREE_AT_END = NULL;
    long rc;

    if (size > DATA_MAX) return -EINVAL;
    name = hv_alloc(size + 1);
    if (!name) return -ENOMEM;
    rc = copy_from_guest(name, at, room);
    if (rc) return rc;
    c->status = call(NEXT_VARIABLE, PTR(&size), PTR(name),
                     PTR(&c->u.get_next_variable_name.vendor_guid), 0, 0);
    if (!EFI_ERROR(c->status)) rc = copy_to_guest(at, name, room);
    c->u.get_next_variable_name.size = size;
    return rc;
}

static long query_variable_info(struct xenpf_efi_runtime_call *c) {
    uint64_t max_store = 0, remain = 0, max_size = 0;

    if (runtime_revision >> 16 < 2) return -EOPNOTSUPP;
    c->status = call(QUERY_VARIABLE_INFO, c->u.query_variable_info.attr, PTR(&max_store),
                     PTR(&remain), PTR(&max_size), 0);
    c->u.query_variable_info.max_store_size = max_store;
    c->u.query_variable_info.remain_store_size = remain;
    c->u.query_variable_info.max_size = max_size;
    return 0;
}

/* misc: what each function takes there. */
static bool misc_allowed(const struct xenpf_efi_runtime_call *c) {
    switch (c->function) {
    case XEN_EFI_set_variable: return true;
    case XEN_EFI_set_wakeup_time:
        return !(c->misc & ~(XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY));
    default: return c->misc == 0 || !c->function || c->function > XEN_EFI_update_capsule;
    }
}

long efi_runtime_call(struct xenpf_efi_runtime_call *c) {
    if (!systab.hdr.signature) return -ENOSYS;
    if (!efi_l4) return -EOPNOTSUPP;
    if (!misc_allowed(c)) return -EINVAL;
    switch (c->function) {
    case XEN_EFI_get_time: return get_time(c);
    case XEN_EFI_set_time: c->status = call(SET_TIME, PTR(&c->u.set_time), 0, 0, 0, 0); return 0;
    case XEN_EFI_get_wakeup_time: return get_wakeup(c);
    case XEN_EFI_set_wakeup_time: return set_wakeup(c);
    case XEN_EFI_get_next_high_monotonic_count:
        c->status = call(NEXT_HIGH_COUNT, PTR(&c->misc), 0, 0, 0, 0);
        return 0;
    case XEN_EFI_get_variable: return get_variable(c);
    case XEN_EFI_set_variable: return set_variable(c);
    case XEN_EFI_get_next_variable_name: return next_variable(c);
    case XEN_EFI_query_variable_info: return query_variable_info(c);
    default: return -ENOSYS;
    }
}
