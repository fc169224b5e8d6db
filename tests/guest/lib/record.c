/* SPDX-License-Identifier: MIT */
/* Hypercalls, and the record of them. */
#include <public/grant_table.h>
#include "record.h"
#include "mm.h"
#include "vcpu.h"

#define NO_SUB      0xffffffffu /* the hypercall has none */
#define UNREADABLE  0xfffffffeu
#define MAX_ERRNO   4095
#define STATUS      0x1000u /* the result is a grant operation's status */
#define MAX_ENTRIES 16      /* of a batch */
#define SLOTS       4096u   /* a power of two */

enum argument {
    PLAIN,
    FIRST,   /* the sub-operation is the first argument */
    POINTED, /* the first argument points to it */
    UPDATES, /* batch of mmu_update */
    EXTENDED /* batch of mmuext_op */
};

static const uint8_t argument_of[64] = {
    [__HYPERVISOR_mmu_update] = UPDATES,
    [__HYPERVISOR_sched_op_compat] = FIRST,
    [__HYPERVISOR_platform_op] = POINTED,
    [__HYPERVISOR_memory_op] = FIRST,
    [__HYPERVISOR_event_channel_op_compat] = POINTED,
    [__HYPERVISOR_xen_version] = FIRST,
    [__HYPERVISOR_console_io] = FIRST,
    [__HYPERVISOR_physdev_op_compat] = POINTED,
    [__HYPERVISOR_grant_table_op] = FIRST,
    [__HYPERVISOR_vm_assist] = FIRST,
    [__HYPERVISOR_vcpu_op] = FIRST,
    [__HYPERVISOR_set_segment_base] = FIRST,
    [__HYPERVISOR_mmuext_op] = EXTENDED,
    [__HYPERVISOR_xsm_op] = POINTED,
    [__HYPERVISOR_nmi_op] = FIRST,
    [__HYPERVISOR_sched_op] = FIRST,
    [__HYPERVISOR_callback_op] = FIRST,
    [__HYPERVISOR_event_channel_op] = FIRST,
    [__HYPERVISOR_physdev_op] = FIRST,
    [__HYPERVISOR_hvm_op] = FIRST,
    [__HYPERVISOR_sysctl] = POINTED,
    [__HYPERVISOR_domctl] = POINTED,
    [__HYPERVISOR_kexec_op] = FIRST,
    [__HYPERVISOR_argo_op] = FIRST,
    [__HYPERVISOR_xenpmu_op] = FIRST,
    [__HYPERVISOR_hypfs_op] = FIRST,
    [__HYPERVISOR_arch_0] = POINTED,
};

static const struct {
    uint8_t size, status;
} grant_ops[] = {
#define GRANT_OP(number, type) [number] = {sizeof(type), offsetof(type, status)}
    GRANT_OP(GNTTABOP_map_grant_ref, struct gnttab_map_grant_ref),
    GRANT_OP(GNTTABOP_unmap_grant_ref, struct gnttab_unmap_grant_ref),
    GRANT_OP(GNTTABOP_setup_table, struct gnttab_setup_table),
    GRANT_OP(GNTTABOP_transfer, struct gnttab_transfer),
    GRANT_OP(GNTTABOP_copy, struct gnttab_copy),
    GRANT_OP(GNTTABOP_query_size, struct gnttab_query_size),
    GRANT_OP(GNTTABOP_unmap_and_replace, struct gnttab_unmap_and_replace),
    GRANT_OP(GNTTABOP_get_status_frames, struct gnttab_get_status_frames),
    GRANT_OP(GNTTABOP_swap_grant_ref, struct gnttab_swap_grant_ref),
};

/* A hypercall taken apart before it is made: its arguments may be overwritten or gone after it. */
struct parts {
    unsigned int n;
    struct {
        uint32_t op, sub;
    } part[MAX_ENTRIES];
};

bool recording;
static uint64_t slots[SLOTS];

void record_start(const char *command_line) { recording = strstr(command_line, "record"); }

/* Key: 63 used; 52..45 hypercall, 44..13 sub-operation, 12..0 result. */
static void note(uint32_t op, uint32_t sub, uint32_t result) {
    uint64_t key = 1ULL << 63 | (uint64_t)(op & 0xff) << 45 | (uint64_t)sub << 13 | result;
    unsigned int at = (unsigned int)(key * 0x9e3779b97f4a7c15ULL >> 40) % SLOTS;

    for (unsigned int i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
        uint64_t was = 0;

        if (READ_ONCE(slots[at]) == key ||
            __atomic_compare_exchange_n(&slots[at], &was, key, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED) ||
            was == key)
            return;
    }
}

void record_plain(unsigned int op) {
    if (recording) note(op, NO_SUB, 0);
}

/* Only the image is looked at: what a test unmaps on purpose lies elsewhere, or is caught. */
static bool peek(uint64_t at, uint64_t *value) {
    extern char _text[], _end[];

    return at >= (uint64_t)_text && at + 8 <= (uint64_t)_end && !try_read((const void *)at, value);
}

static void add(struct parts *to, uint32_t op, uint32_t sub) {
    if (to->n == MAX_ENTRIES) return;
    to->part[to->n].op = op;
    to->part[to->n++].sub = sub;
}

static void add_batch(struct parts *to, uint32_t op, uint64_t at, uint64_t n, size_t size,
                      uint32_t mask) {
    uint64_t word;

    for (uint64_t i = 0; i < n && i < MAX_ENTRIES; i++)
        add(to, op, peek(at + i * size, &word) ? (uint32_t)word & mask : UNREADABLE);
}

static void take_apart(struct parts *to, uint32_t op, uint64_t a1, uint64_t a2) {
    enum argument kind = op < ARRAY_SIZE(argument_of) ? argument_of[op] : PLAIN;

    if (kind == FIRST) add(to, op, (uint32_t)a1);
    if (kind == PLAIN) add(to, op, NO_SUB);
    if (kind == POINTED) add_batch(to, op, a1, 1, 0, ~0u);
    if (kind == UPDATES) add_batch(to, op, a1, a2, sizeof(struct mmu_update), 3);
    if (kind == EXTENDED) add_batch(to, op, a1, a2, sizeof(struct mmuext_op), ~0u);
}

/* A debug register may hold what looks like an error. */
static uint32_t result_of(uint32_t op, long ret) {
    if (op == __HYPERVISOR_get_debugreg && ret != -XEN_ENODEV && ret != -XEN_EINVAL) return 0;
    return ret < 0 && ret >= -MAX_ERRNO ? (uint32_t)-ret : 0;
}

/* Entries before *pdone succeeded, and the one there got the error. */
static void note_batch(const struct parts *parts, uint64_t pdone, long ret) {
    uint64_t done = parts->n;

    if (ret < 0 && !peek(pdone, &done)) {
        if (parts->n <= 1)
            note(parts->part[0].op, parts->n ? parts->part[0].sub : NO_SUB,
                 result_of(parts->part[0].op, ret));
        return;
    }
    done = (uint32_t)done;
    for (unsigned int i = 0; i < parts->n && i <= done; i++)
        note(parts->part[i].op, parts->part[i].sub,
             i < done ? 0 : result_of(parts->part[i].op, ret));
}

static void note_grants(uint32_t cmd, uint64_t at, uint64_t n, long ret) {
    uint64_t word;

    if (ret || cmd >= ARRAY_SIZE(grant_ops) || !grant_ops[cmd].size) {
        note(__HYPERVISOR_grant_table_op, cmd, result_of(__HYPERVISOR_grant_table_op, ret));
        return;
    }
    for (uint64_t i = 0; i < n && i < MAX_ENTRIES; i++) {
        if (!peek(at + i * grant_ops[cmd].size + grant_ops[cmd].status, &word)) continue;
        note(__HYPERVISOR_grant_table_op, cmd,
             (int16_t)word ? STATUS | (-(int16_t)word & 0xff) : 0);
    }
}

static void take_multicall(struct parts *to, uint64_t at, uint64_t n) {
    for (uint64_t i = 0; i < n && i < MAX_ENTRIES; i++, at += sizeof(struct multicall_entry)) {
        uint64_t op, a1, before = to->n;

        if (!peek(at, &op) || !peek(at + offsetof(struct multicall_entry, args), &a1)) return;
        take_apart(to, (uint32_t)op, a1, 1);
        if (to->n == before) return;
    }
}

static void note_multicall(const struct parts *parts, uint64_t at, long ret) {
    uint64_t result;

    note(__HYPERVISOR_multicall, NO_SUB, result_of(__HYPERVISOR_multicall, ret));
    for (unsigned int i = 0; !ret && i < parts->n; i++, at += sizeof(struct multicall_entry))
        if (peek(at + offsetof(struct multicall_entry, result), &result))
            note(parts->part[i].op, parts->part[i].sub, result_of(parts->part[i].op, (long)result));
}

static inline long call(unsigned int op, const uint64_t a[5]) {
    uint64_t rdi = a[0], rsi = a[1], rdx = a[2];
    register uint64_t r10 asm("r10") = a[3];
    register uint64_t r8 asm("r8") = a[4];
    long ret;

    asm volatile("syscall"
                 : "=a"(ret), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8)
                 : "0"((uint64_t)op)
                 : "rcx", "r11", "r9", "memory");
    return ret;
}

long hypercall(unsigned int op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5) {
    const uint64_t a[5] = {a1, a2, a3, a4, a5};
    struct parts parts = {0};
    long ret;

    /* A system call of user mode is none of the hypervisor's. */
    if (!recording || this_vcpu()->in_user) return call(op, a);
    if (op == __HYPERVISOR_multicall)
        take_multicall(&parts, a1, a2);
    else
        take_apart(&parts, op, a1, a2);
    ret = call(op, a);
    if (op == __HYPERVISOR_multicall)
        note_multicall(&parts, a1, ret);
    else if (op == __HYPERVISOR_grant_table_op)
        note_grants((uint32_t)a1, a2, (uint32_t)a3, ret);
    else if (op == __HYPERVISOR_mmu_update || op == __HYPERVISOR_mmuext_op)
        note_batch(&parts, a3, ret);
    else
        note(parts.part[0].op, parts.part[0].sub, result_of(op, ret));
    return ret;
}

void record_print(void) {
    recording = false;
    for (unsigned int i = 0; i < SLOTS; i++) {
        uint32_t sub = (uint32_t)(slots[i] >> 13), result = slots[i] & 0x1fff;
        char of[16] = "-", what[16] = "ok";

        if (!slots[i]) continue;
        if (sub < UNREADABLE) format(of, sizeof(of), "%u", sub);
        if (sub == UNREADABLE) format(of, sizeof(of), "?");
        if (result) format(what, sizeof(what), result & STATUS ? "g%u" : "%u", result & 0xfff);
        printk("RECORD %u %s %s\n", (unsigned int)(slots[i] >> 45) & 0xff, of, what);
    }
}
