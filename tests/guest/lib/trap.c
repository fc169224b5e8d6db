/* SPDX-License-Identifier: MIT */
/* The trap table, the one C trap handler, and user mode. */
#include "trap.h"
#include "vcpu.h"
#include "event.h"
#include "mm.h"
#include "record.h"

trap_hook_t *trap_hooks[VEC_FAILSAFE + 1];
trap_hook_t *trap_unexpected;
struct regs last_trap;
uint64_t last_cr2;
uint8_t last_upcall_mask;
unsigned int trap_count;
uint64_t failsafe_selectors[4];

static struct trap_info table[257];
static char user_stacks[MAX_VCPUS][STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
uint64_t user_l4_mfn;

struct exception_entry {
    uint64_t at, resume;
};
extern const struct exception_entry ex_table_start[], ex_table_end[];

void trap_fill_table(struct trap_info to[256]) {
    for (unsigned int vector = 0; vector < 256; vector++) {
        bool software = vector == BP || vector == OF || vector == 0x80 || vector == 0x40;

        to[vector].vector = (uint8_t)vector;
        to[vector].flags = (software ? 3 : 0) | (vector == PF ? 4 : 0);
        to[vector].cs = FLAT_KERNEL_CS;
        to[vector].address = (uint64_t)trap_stubs + 16 * vector;
    }
}

void trap_init(void) {
    trap_fill_table(table);
    /* They come at moments when a test's stack can not take them; the hypervisor's are enough. */
    if (strstr((const char *)si->cmd_line, "no-nmi")) table[2] = table[BP];
    require_eq(HV_set_trap_table(table), 0);
    require_eq(HV_set_callbacks(entry_event, entry_failsafe, entry_syscall), 0);
}

static void dump(const struct regs *r) {
    printk("vector 0x%lx error 0x%lx rip %lx cs %x flags %lx rsp %lx ss %lx cr2 %lx\n", r->vector,
           r->error, r->rip, r->cs, r->rflags, r->rsp, r->ss, last_cr2);
    printk("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", r->rax, r->rbx, r->rcx,
           r->rdx, r->rsi, r->rdi, r->rbp);
    printk("r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", r->r8, r->r9, r->r10,
           r->r11, r->r12, r->r13, r->r14, r->r15);
}

static bool resume(struct regs *r) {
    for (const struct exception_entry *e = ex_table_start; e < ex_table_end; e++) {
        /* int3, into and int n leave rip behind the instruction. */
        bool behind =
            r->rip == e->resume && (r->vector == BP || r->vector == OF || r->vector >= 32);
        if (r->rip == e->at || behind) {
            r->r12 = FAULT(r->vector, r->error);
            r->rip = e->resume;
            return true;
        }
    }
    return false;
}

/* What user code asks of the kernel: its end, and the console that printk() needs. */
static bool user_call(struct regs *r) {
    struct vcpu *v = this_vcpu();

    if (r->vector != VEC_SYSCALL || !v->in_user) return false;
    if (r->rax == __HYPERVISOR_console_io) {
        r->rax = (uint64_t)HV_console_io(r->rdi, r->rsi, r->rdx);
        return true;
    }
    if (r->rax != USER_EXIT) return false;
    v->in_user = false;
    context_load(&v->user_caller, r->rdi);
}

void trap(struct regs *r) {
    struct vcpu *v = this_vcpu();

    if (r->vector != VEC_EVENT) {
        last_upcall_mask = v->info->evtchn_upcall_mask;
        last_cr2 = v->info->arch.cr2;
        last_trap = *r;
        trap_count++;
    }
    record_plain(__HYPERVISOR_iret); /* the way back from here */
    if (trap_hooks[r->vector] && trap_hooks[r->vector](r)) return;
    if (r->vector == VEC_EVENT) {
        event_upcall(v);
        return;
    }
    if (user_call(r) || resume(r)) return;
    if (trap_unexpected && trap_unexpected(r)) return;
    dump(r);
    die("unexpected trap 0x%lx (error 0x%lx) at %lx", r->vector, r->error, r->rip);
}

fault_t try_read(const volatile void *at, uint64_t *value) {
    uint64_t got = 0;
    fault_t fault = TRY_IO("mov (%2), %1", (, "+r"(got)), ("r"(at)), ("memory"));

    if (value) *value = got;
    return fault;
}

fault_t try_write(volatile void *at, uint64_t value) {
    return TRY_IO("mov %2, (%1)", (), ("r"(at), "r"(value)), ("memory"));
}

void user_prepare(void) {
    uint64_t *l4 = page_alloc();

    memcpy(l4, (void *)si->pt_base, PAGE_SIZE);
    memset(l4 + 256, 0, 16 * 8);
    require_eq(set_readonly(l4), 0);
    user_l4_mfn = virt_to_mfn(l4);
    require_eq(mmuext(MMUEXT_PIN_L4_TABLE, user_l4_mfn, 0), 0);
}

void user_load(void) {
    if (!user_l4_mfn) user_prepare();
    require_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, user_l4_mfn, 0), 0);
}

uint64_t run_user(user_fn_t *fn, uint64_t arg) {
    struct vcpu *v = this_vcpu();
    char *stack = user_stacks[v->id];
    struct iret_frame frame = {
        .rax = (uint64_t)fn,
        .rcx = arg,
        .rip = (uint64_t)user_start,
        .cs = FLAT_USER_CS,
        .rflags = 0x2,
        .rsp = (uint64_t)stack + STACK_SIZE - 16,
        .ss = FLAT_USER_SS,
    };
    volatile bool back = false;
    uint64_t result;

    *(struct vcpu **)stack = v;
    user_load();
    v->in_user = true;
    result = context_save(&v->user_caller);
    if (!back) {
        back = true;
        iret_to(&frame);
    }
    return result;
}
