/* SPDX-License-Identifier: MIT */
/*
 * firmware: what dom0 asks of UEFI. The facts of firmware_info, the runtime services and their
 * refusals, and that the firmware, which runs at addresses that a kernel may name, is out of reach
 * of the kernel's breakpoints.
 *
 * Run with: --boot grub --firmware uefi --mem 256M
 */
#include <public/platform.h>
#include "mm.h"
#include "trap.h"

#define MEMORY       (256UL << 20)
#define RUNTIME_DATA 6
#define SIGNATURE    0x56524553544e5552UL /* "RUNTSERV" */
#define GET_TIME_AT  3                    /* words into the table that begins so */
#define NOT_FOUND    (1UL << 63 | 14)
#define NOBODYS      0xffff830000000000UL /* an address of the hypervisor's */
#define FLAG_RF      (1UL << 16)

static struct xen_platform_op op;
static uint16_t name[512];

static long info(uint32_t index) {
    op.cmd = XENPF_firmware_info;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    op.u.firmware_info.index = index;
    return hypercall1(__HYPERVISOR_platform_op, &op);
}

static long service(uint32_t function, uint32_t misc) {
    op.cmd = XENPF_efi_runtime_call;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.efi_runtime_call.function = function;
    op.u.efi_runtime_call.misc = misc;
    return hypercall1(__HYPERVISOR_platform_op, &op);
}

static void clear(void) { memset(&op, 0, sizeof(op)); }

static void facts(void) {
    union xenpf_efi_info *i = &op.u.firmware_info.u.efi_info;

    require_eq(info(XEN_FW_EFI_VERSION), 0);
    expect(i->version >> 16 >= 2);
    require_eq(info(XEN_FW_EFI_RT_VERSION), 0);
    expect(i->version >> 16 >= 2);
    clear();
    expect_eq(info(XEN_FW_EFI_CONFIG_TABLE), 0);
    expect(i->cfg.addr && i->cfg.nent);
    clear();
    i->vendor.bufsz = sizeof(name);
    set_xen_guest_handle(i->vendor.name, name);
    expect_eq(info(XEN_FW_EFI_VENDOR), 0);
    expect(name[0] >= 'A' && name[0] <= 'z');
    set_xen_guest_handle(i->vendor.name, (void *)NOBODYS);
    expect_eq(info(XEN_FW_EFI_VENDOR), -XEN_EFAULT);
    clear();
    i->mem.addr = ~0UL;
    expect_eq(info(XEN_FW_EFI_MEM_INFO), -XEN_ESRCH);
    clear();
    expect_eq(info(XEN_FW_EFI_PCI_ROM), -XEN_ESRCH);
    expect_eq(info(XEN_FW_EFI_APPLE_PROPERTIES), -XEN_ENODATA);
    expect_eq(info(99), -XEN_EINVAL);
}

static void times(void) {
    struct xenpf_efi_runtime_call *c = &op.u.efi_runtime_call;

    clear();
    require_eq(service(XEN_EFI_get_time, 0), 0);
    expect_eq(c->status, 0);
    expect(c->u.get_time.time.year >= 2020 && c->u.get_time.time.month <= 12);
    expect_eq(service(XEN_EFI_get_time, 1), -XEN_EINVAL);
    expect_eq(service(XEN_EFI_set_time, 1), -XEN_EINVAL);
    clear();
    expect_eq(service(XEN_EFI_get_wakeup_time, 0), 0);
    expect_eq(service(XEN_EFI_set_wakeup_time, 4), -XEN_EINVAL);
    clear();
    expect_eq(service(XEN_EFI_set_wakeup_time, 0), 0);
}

static void others(void) {
    static const uint32_t none[] = {0, XEN_EFI_query_capsule_capabilities, XEN_EFI_update_capsule,
                                    12, 99};

    clear();
    expect_eq(service(XEN_EFI_get_next_high_monotonic_count, 0), 0);
    clear();
    op.u.efi_runtime_call.u.query_variable_info.attr = 7;
    expect_eq(service(XEN_EFI_query_variable_info, 0), 0);
    expect_eq(service(XEN_EFI_query_variable_info, 2), -XEN_EINVAL);
    for (unsigned int i = 0; i < ARRAY_SIZE(none); i++) expect_eq(service(none[i], 0), -XEN_ENOSYS);
    expect_eq(service(99, 1), -XEN_ENOSYS);
    expect_eq(service(XEN_EFI_update_capsule, 1), -XEN_EINVAL);
}

static long variable(uint32_t function, uint32_t misc, const void *of, void *data, uint64_t size) {
    struct xenpf_efi_runtime_call *c = &op.u.efi_runtime_call;

    clear();
    set_xen_guest_handle(c->u.get_variable.name, (void *)of);
    set_xen_guest_handle(c->u.get_variable.data, data);
    c->u.get_variable.size = size;
    c->u.get_variable.vendor_guid.data1 = 0x05e5;
    return service(function, misc);
}

static void variables(void) {
    static const uint16_t unknown[] = {'N', 'o', 'n', 'e', 0};
    char data[8] = "hospes", *edge, *readonly;
    long rc;

    expect_eq(variable(XEN_EFI_get_variable, 0, unknown, data, sizeof(data)), 0);
    expect_eq(op.u.efi_runtime_call.status, NOT_FOUND);
    expect_eq(variable(XEN_EFI_get_variable, 1, unknown, data, sizeof(data)), -XEN_EINVAL);
    expect_eq(variable(XEN_EFI_get_variable, 0, (void *)NOBODYS, data, 8), -XEN_EFAULT);
    expect_eq(variable(XEN_EFI_set_variable, 6, unknown, (void *)NOBODYS, 8), -XEN_EFAULT);
    expect_eq(variable(XEN_EFI_set_variable, 6, (void *)NOBODYS, data, 8), -XEN_EFAULT);
    expect_eq(variable(XEN_EFI_set_variable, 6, unknown, data, sizeof(data)), 0);
    /* Stock Xen reads a name as far as it goes, and asks for room of any size. */
    edge = page_at_edge(&readonly);
    memset(edge, 'x', PAGE_SIZE);
    rc = variable(XEN_EFI_get_variable, 0, readonly, data, sizeof(data));
    expect(rc == -XEN_EINVAL || rc == -XEN_EFAULT);
    rc = variable(XEN_EFI_get_variable, 0, unknown, data, 1UL << 40);
    expect(rc == -XEN_EINVAL || rc == -XEN_ENOMEM);
}

static long next(uint64_t size, void *at) {
    struct xenpf_efi_runtime_call *c = &op.u.efi_runtime_call;

    clear();
    c->u.get_next_variable_name.size = size;
    set_xen_guest_handle(c->u.get_next_variable_name.name, at);
    return service(XEN_EFI_get_next_variable_name, 0);
}

static void names(void) {
    long rc;

    memset(name, 0, sizeof(name));
    expect_eq(next(sizeof(name), name), 0);
    expect_eq(op.u.efi_runtime_call.status, 0);
    expect(name[0] != 0);
    expect_eq(next(sizeof(name), (void *)NOBODYS), -XEN_EFAULT);
    expect_eq(next(0, name), 0);
    expect(op.u.efi_runtime_call.status >> 63);
    rc = next(1UL << 40, name);
    expect(rc == -XEN_EINVAL || rc == -XEN_ENOMEM);
}

/* Where the firmware's GetTime() begins, from its table in the memory of its data; 0: not found. */
static uint64_t look_in(uint64_t at, uint64_t end, const uint64_t *window) {
    for (; at < end; at += PAGE_SIZE) {
        require_eq(map_mfn(window, at >> PAGE_SHIFT, PTE_RO), 0);
        for (unsigned int i = 0; i + GET_TIME_AT < PAGE_SIZE / 8; i++)
            if (window[i] == SIGNATURE) return window[i + GET_TIME_AT];
    }
    return 0;
}

static uint64_t find_get_time(void) {
    uint64_t *window = window_alloc(1), at = 0, found = 0;

    while (at < MEMORY && !found) {
        clear();
        op.u.firmware_info.u.efi_info.mem.addr = at;
        op.u.firmware_info.u.efi_info.mem.size = 1UL << 40;
        if (info(XEN_FW_EFI_MEM_INFO)) {
            at += PAGE_SIZE;
            continue;
        }
        uint64_t end = at + op.u.firmware_info.u.efi_info.mem.size;

        if (op.u.firmware_info.u.efi_info.mem.type == RUNTIME_DATA)
            found = look_in(at, end, window);
        at = end;
    }
    map_pte(window, 0);
    return found;
}

static unsigned int breaks;

static bool break_hook(struct regs *r) {
    breaks++;
    r->rflags |= FLAG_RF;
    return true;
}

static void __attribute__((noinline)) marked(void) { asm volatile("" ::: "memory"); }

static void breakpoint(uint64_t at) {
    require_eq(HV_set_debugreg(0, at), 0);
    require_eq(HV_set_debugreg(7, 0x401), 0);
}

/* An instruction breakpoint where the firmware runs, which in the hypervisor would hit again and
 * again if it were not off there, and if a #DB there did not set RF: one of the two is enough for
 * this test. And one of the kernel's own, which is still there after the call. */
static void breakpoints(void) {
    uint64_t at = find_get_time();

    require(at != 0);
    trap_hooks[DB] = break_hook;
    for (unsigned int i = 0; i < 16; i++) {
        breakpoint(at + i);
        clear();
        expect_eq(service(XEN_EFI_get_time, 0), 0);
        expect_eq(op.u.efi_runtime_call.status, 0);
    }
    expect_eq(breaks, 0);
    breakpoint((uint64_t)marked);
    clear();
    expect_eq(service(XEN_EFI_get_time, 0), 0);
    marked();
    expect_eq(breaks, 1);
    expect_eq(HV_get_debugreg(7), 0x401);
    require_eq(HV_set_debugreg(7, 0), 0);
}

void test_main(void) {
    facts();
    times();
    others();
    variables();
    names();
    breakpoints();
}
