/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of hypercalls: number in RAX, arguments in RDI, RSI, RDX, R10, R8, result in RAX.
 *
 * A handler that must stop midway stores its progress as new arguments (hypercall_continue) and
 * returns -ERESTART. Outside a multicall RIP is moved back over the two bytes of "syscall", so the
 * guest, once it runs again, repeats the call; inside one the entry's copy is changed and
 * multicall.c repeats it.
 */
#include "entry.h"

#include <stdarg.h>

#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <hv/string.h>

#define __HYPERVISOR_mca __HYPERVISOR_arch_0

#define HYPERCALL(nr, name, args, who)                                                             \
    _Static_assert(__HYPERVISOR_##name == (nr), "number of " #name);
#include "hypercall_list.h"
#undef HYPERCALL

static bool may_call_ALL(void) { return true; }

static bool may_call_DOM0(void) { return current->domain->is_control; }

/* do_*() take their own parameter types: the guest's registers are cut to those. */
#define ARGS_0
#define ARGS_1 a0
#define ARGS_2 ARGS_1, a1
#define ARGS_3 ARGS_2, a2
#define ARGS_4 ARGS_3, a3
#define ARGS_5 ARGS_4, a4

static inline __attribute__((always_inline)) long dispatch(uint32_t nr, uint64_t a0, uint64_t a1,
                                                           uint64_t a2, uint64_t a3, uint64_t a4) {
    switch (nr) {
#define HYPERCALL(nr, name, args, who)                                                             \
    case nr:                                                                                       \
        return may_call_##who() ? do_##name(ARGS_##args) : -EPERM;
#include "hypercall_list.h"
#undef HYPERCALL
    default: return -ENOSYS;
    }
}

long hypercall_call(uint32_t nr, const uint64_t args[6]) {
    return dispatch(nr, args[0], args[1], args[2], args[3], args[4]);
}

void syscall_from_guest(struct cpu_user_regs *regs) {
    struct pcpu *p = this_pcpu();
    struct vcpu *v = p->curr;

    if (likely(v->arch.kernel_mode)) {
        long rc =
            dispatch((uint32_t)regs->rax, regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8);

        if (likely(rc != -ERESTART)) regs->rax = (uint64_t)rc;
    } else if (likely(v->arch.syscall_callback)) {
        bounce_syscall(v, v->arch.syscall_callback, v->arch.syscall_disables_events);
    } else {
        regs->rip -= 2;
        regs->entry_vector = TRAP_UD;
        bounce_exception(v, TRAP_UD, 0);
    }
    exit_check(p, v);
}

static void set_args(uint64_t *const reg[6], unsigned int nr, va_list ap) {
    for (unsigned int i = 0; i < nr && i < 6; i++) *reg[i] = va_arg(ap, uint64_t);
}

static long continue_as(unsigned int op, unsigned int nr_args, va_list ap) {
    struct multicall_entry *mc = current->arch.multicall;
    struct cpu_user_regs *regs = guest_regs();

    if (mc) {
        uint64_t *const reg[6] = {&mc->args[0], &mc->args[1], &mc->args[2],
                                  &mc->args[3], &mc->args[4], &mc->args[5]};

        mc->op = op;
        set_args(reg, nr_args, ap);
    } else {
        uint64_t *const reg[6] = {&regs->rdi, &regs->rsi, &regs->rdx,
                                  &regs->r10, &regs->r8,  &regs->r9};

        regs->rax = op;
        regs->rip -= 2;
        regs->rcx = regs->rip;
        set_args(reg, nr_args, ap);
    }
    return -ERESTART;
}

long hypercall_continue(unsigned int nr_args, ...) {
    const struct multicall_entry *mc = current->arch.multicall;
    uint64_t op = mc ? mc->op : guest_regs()->rax;
    va_list ap;
    long rc;

    va_start(ap, nr_args);
    rc = continue_as((uint32_t)op, nr_args, ap);
    va_end(ap);
    return rc;
}

long hypercall_continue_as(unsigned int op, unsigned int nr_args, ...) {
    va_list ap;
    long rc;

    va_start(ap, nr_args);
    rc = continue_as(op, nr_args, ap);
    va_end(ap);
    return rc;
}

/*
 * The page that older kernels call into: 32 bytes a number. SYSCALL destroys RCX and R11, which
 * callers do not expect. iret leaves with the frame that do_iret() reads.
 */
void hypercall_page_init(void *page) {
    static const uint8_t call[] = {
        0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
        0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3}; /* push rcx, r11; mov eax; syscall; pop; ret */
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};
    uint8_t *p = page;

    memset(p, 0xcc, PAGE_SIZE);
    for (uint32_t nr = 0; nr < PAGE_SIZE / 32; nr++, p += 32) {
        if (nr == __HYPERVISOR_iret) {
            memcpy(p, iret, sizeof(iret));
            memcpy(p + 5, &nr, sizeof(nr));
        } else {
            memcpy(p, call, sizeof(call));
            memcpy(p + 4, &nr, sizeof(nr));
        }
    }
}
