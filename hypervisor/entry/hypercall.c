/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of hypercalls: number in RAX, arguments in RDI, RSI, RDX, R10, R8, result in RAX. For
 * one that is to be continued RIP is moved back over the two bytes of "syscall"; inside a multicall
 * the entry's copy is changed, and do_multicall() repeats it.
 */
#include "entry.h"

#include <hv/hypercall.h>

#define __HYPERVISOR_mca __HYPERVISOR_arch_0

#define HYPERCALL(nr, name, args, parameters)                                                      \
    _Static_assert(__HYPERVISOR_##name == (nr), "number of " #name);
#include <hv/hypercall_list.h>
#undef HYPERCALL

#define ARGS_0
#define ARGS_1 a0
#define ARGS_2 ARGS_1, a1
#define ARGS_3 ARGS_2, a2
#define ARGS_4 ARGS_3, a3

static ALWAYS_INLINE long dispatch(uint32_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
                                   uint64_t a3) {
    switch (nr) {
#define HYPERCALL(nr, name, args, parameters)                                                      \
    case nr:                                                                                       \
        return do_##name(ARGS_##args);
#include <hv/hypercall_list.h>
#undef HYPERCALL
    default: return -ENOSYS;
    }
}

/* Whether a handler's result means that it goes on later. Any number may be a result: iret's is the
 * RAX that the guest's kernel gave, a debug register holds an address. */
static bool to_be_continued(struct vcpu *v, long rc) {
    if (likely(rc != -ERESTART) || !v->arch.continued) return false;
    v->arch.continued = false;
    return true;
}

void syscall_from_guest(struct cpu_user_regs *regs) {
    struct pcpu *p = this_pcpu();
    struct vcpu *v = p->curr;

    if (likely(v->arch.kernel_mode)) {
        long rc = dispatch((uint32_t)regs->rax, regs->rdi, regs->rsi, regs->rdx, regs->r10);

        if (!to_be_continued(v, rc)) regs->rax = (uint64_t)rc;
    } else {
        bounce_syscall(v, CALLBACKTYPE_syscall);
    }
    exit_check(p, v);
}

long hypercall_continue(unsigned int nr_args, ...) {
    struct multicall_entry *mc = current->arch.multicall;
    struct cpu_user_regs *regs = guest_regs();
    uint64_t *const reg[] = {&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10};
    va_list ap;

    va_start(ap, nr_args);
    for (unsigned int i = 0; i < nr_args; i++) *(mc ? &mc->args[i] : reg[i]) = va_arg(ap, uint64_t);
    va_end(ap);
    current->arch.continued = true;
    if (!mc) {
        regs->rip -= 2;
        regs->rcx = regs->rip;
    }
    return -ERESTART;
}

/* HYPERVISOR_multicall: hypercalls one after another, each entry copied once. The whole is
 * preemptible between entries, and inside an entry that is preemptible itself: its new arguments
 * are written to the guest's entry and the multicall goes on there. */
#define PREEMPT_EVERY 8 /* entries */
#define ENTRY_LAST    1 /* iret: the rest belongs to a context that is gone */

/* 0 or ENTRY_LAST; -ERESTART: this entry wants to be called again; -EFAULT. */
static long do_entry(struct vcpu *v, uint64_t entry, long *result) {
    struct multicall_entry mc;

    if (copy_from_guest(&mc, entry, sizeof(mc))) return -EFAULT;
    v->arch.multicall = &mc;
    *result = dispatch((uint32_t)mc.op, mc.args[0], mc.args[1], mc.args[2], mc.args[3]);
    v->arch.multicall = NULL;
    if (unlikely(to_be_continued(v, *result)))
        return copy_to_guest(entry, &mc, sizeof(mc)) ? -EFAULT : -ERESTART;
    if (unlikely((uint32_t)mc.op == __HYPERVISOR_iret)) return ENTRY_LAST;
    return copy_to_guest(entry + offsetof(struct multicall_entry, result), result, sizeof(*result));
}

long do_multicall(uint64_t calls, uint64_t nr) {
    struct vcpu *v = current;
    uint32_t count = (uint32_t)nr;
    long rc = 0, result;

    if (v->arch.multicall) return -EINVAL;
    for (uint32_t done = 0; done < count && !rc; done++, calls += sizeof(struct multicall_entry)) {
        rc = done && done % PREEMPT_EVERY == 0 && preempt_check() ? -ERESTART
                                                                  : do_entry(v, calls, &result);
        if (unlikely(rc == ENTRY_LAST)) return result;
        if (rc == -ERESTART) return hypercall_continue(2, calls, (uint64_t)(count - done));
    }
    return rc;
}

/* The first forms of event_channel_op and physdev_op: command and argument in one structure. */
long do_event_channel_op_compat(uint64_t op) {
    uint32_t cmd;

    if (copy_from_guest(&cmd, op + offsetof(struct evtchn_op, cmd), sizeof(cmd))) return -EFAULT;
    if (cmd > EVTCHNOP_unmask) return -ENOSYS;
    return do_event_channel_op((int)cmd, op + offsetof(struct evtchn_op, u));
}

long do_physdev_op_compat(uint64_t op) {
    uint32_t cmd;

    if (copy_from_guest(&cmd, op + offsetof(struct physdev_op, cmd), sizeof(cmd))) return -EFAULT;
    return do_physdev_op((int)cmd, op + offsetof(struct physdev_op, u));
}

/* Services that Hospes does not have, where a Xen 4.17 that was built without them has another
 * answer than -ENOSYS: no crash kernel; the performance counters are off ("vpmu" not given). */
long do_kexec_op(void) { return current->domain->is_control ? -ENOSYS : -EPERM; }
long do_xenpmu_op(void) { return -EOPNOTSUPP; }

/* The page that older kernels call into: 32 bytes a number. SYSCALL destroys RCX and R11, which
 * callers do not expect. iret leaves with the frame that do_iret() reads. */
int hypercall_page_init(struct domain *d, uint64_t gfn) {
    static const uint8_t call[] = {
        0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
        0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3}; /* push rcx, r11; mov eax; syscall; pop; ret */
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};
    void *page = mm_map_guest_frame(d, gfn);
    uint8_t *p = page;

    if (!page) return -EINVAL;
    memset(p, 0xcc, PAGE_SIZE);
    for (uint32_t nr = 0; nr < PAGE_SIZE / 32; nr++, p += 32) {
        bool is_iret = nr == __HYPERVISOR_iret;

        memcpy(p, is_iret ? iret : call, is_iret ? sizeof(iret) : sizeof(call));
        memcpy(p + (is_iret ? 5 : 4), &nr, sizeof(nr));
    }
    mm_unmap_guest_frame(page);
    return 0;
}
