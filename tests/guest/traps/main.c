/* SPDX-License-Identifier: MIT */
/*
 * traps: every kind of exception reaches the guest's own handler, from kernel and from user mode,
 * with the right vector, error code, CR2 and upcall mask; the iret hypercall goes to both modes;
 * system calls, int 0x80, an iret that can not be done; and what the set-up hypercalls refuse.
 * (#SS on the stack, #AC and #XM are not there: QEMU's TCG does not raise them.)
 */
#include <public/callback.h>
#include "event.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

static char *window; /* [0] unmapped, [1] read-only, [2] not executable, [3] writable */
static uint64_t scratch;

static void prepare(void) {
    window = window_alloc(4);
    require_eq(map_mfn(window + 0x1000, virt_to_mfn(page_alloc()), PTE_RO), 0);
    require_eq(map_mfn(window + 0x2000, virt_to_mfn(page_alloc()), PTE_RW | PTE_NX), 0);
    require_eq(map_mfn(window + 0x3000, virt_to_mfn(page_alloc()), PTE_RW), 0);
}

static fault_t call_to(const void *at) {
    /* A fetch fault has the target's address, so it is caught by a hook, not by the table. */
    register uint64_t r12 asm("r12") = 0;

    asm volatile("lea 1f(%%rip), %%r13\n call *%1\n1:\n"
                 : "+r"(r12)
                 : "r"(at)
                 : "memory", "r13", "rax", "rcx", "rdx", "rsi", "rdi");
    return r12;
}

static bool fetch_hook(struct regs *r) {
    if (r->rip < (uint64_t)window || r->rip >= (uint64_t)window + 0x4000) return false;
    r->r12 = FAULT(r->vector, r->error);
    r->rip = r->r13;
    r->rsp += 8;
    return true;
}

static uint64_t page_faults(uint64_t user) {
    uint32_t u = user ? PF_USER : 0;
    uint64_t value;

    expect_eq(try_read(window + 8, &value), FAULT(PF, u));
    expect_eq(last_cr2, window + 8);
    expect_eq(try_write(window + 16, 1), FAULT(PF, u | PF_WRITE));
    expect_eq(last_cr2, window + 16);
    expect_eq(try_read(window + 0x1000, &value), 0);
    expect_eq(try_write(window + 0x1008, 1), FAULT(PF, u | PF_WRITE | PF_PRESENT));
    expect_eq(try_write(window + 0x3000, 0xc3), 0);
    expect_eq(call_to(window + 0x3000), 0);
    expect_eq(call_to(window + 0x2000), FAULT(PF, u | PF_PRESENT | PF_FETCH));
    expect_eq(call_to(window), FAULT(PF, u | PF_FETCH));
    /* Not canonical. */
    expect_eq(try_read((void *)0x8000000000000000, &value), FAULT(GP, 0));
    /* The hypervisor's own memory; the machine-to-physical table is there for the kernel only. */
    expect_eq(try_write((void *)HYPERVISOR_VIRT_START, 1),
              FAULT(PF, u | PF_WRITE | (user ? 0 : PF_PRESENT)));
    expect_eq(FAULT_VECTOR(try_read((void *)0xffff830000000000, &value)), PF);
    expect_eq(FAULT_VECTOR(try_write((void *)0xffff830000000000, 1)), PF);
    expect_eq(try_read((void *)HYPERVISOR_VIRT_START, &value), user ? FAULT(PF, PF_USER) : 0);
    return 0;
}

static void step_over(void) {
    uint64_t seen;

    /* One trap behind the nop that follows popf. */
    trap_count = 0;
    asm volatile("pushf\n orl $0x100, (%%rsp)\n popf\n nop\n1: lea 1b(%%rip), %0\n"
                 : "=r"(seen)
                 :
                 : "memory", "cc");
    expect_eq(trap_count, 1);
    expect_eq(last_trap.vector, DB);
    expect_eq(last_trap.rip, seen);
}

static bool step_hook(struct regs *r) {
    r->rflags &= ~0x100UL;
    return true;
}

static uint64_t plain_faults(uint64_t user) {
    fault_t f;

    f = TRY_IO("divl %3", (, "+a"((uint32_t){1}), "+d"((uint32_t){0})), ("r"(0)), ("cc"));
    expect_eq(f, FAULT(DE, 0));
    expect_eq(TRY("int3"), FAULT(BP, 0));
    expect_eq(TRY("int $4"), FAULT(OF, 0));
    expect_eq(TRY("ud2"), FAULT(UD, 0));
    expect_eq(TRY("int $0x80"), FAULT(0x80, 0));
    expect_eq(last_trap.cs & 3, user ? 3 : 0);
    expect_eq(TRY("hlt"), FAULT(GP, 0));
    /* Selectors: beyond any table, in the empty guest part, the hypervisor's own. */
    expect_eq(TRY("mov $0xfff8, %%eax\n mov %%eax, %%eax"), 0);
    f = TRY_IO("mov %1, %%ds", (), ("r"(0x53)), ("memory"));
    expect_eq(f, FAULT(GP, 0x50));
    f = TRY_IO("mov %1, %%ds", (), ("r"(0x57)), ("memory"));
    expect_eq(f, FAULT(GP, 0x54));
    f = TRY_IO("mov %1, %%ds", (), ("r"(0xe028)), ("memory"));
    expect_eq(f, 0);
    f = TRY_IO("mov %1, %%ds", (), ("r"(0)), ("memory"));
    expect_eq(f, 0);
    return 0;
}

static void floating_point(void) {
    static const uint16_t unmasked = 0x360;

    /* TS: the first use traps, and the trap has cleared TS. */
    asm volatile("fninit");
    require_eq(HV_fpu_taskswitch(1), 0);
    expect_eq(TRY("fninit"), FAULT(NM, 0));
    expect_eq(TRY("fninit"), 0);
    require_eq(HV_fpu_taskswitch(1), 0);
    require_eq(HV_fpu_taskswitch(0), 0);
    expect_eq(TRY("fninit"), 0);
    /* An unmasked exception is raised by the next waiting instruction. */
    asm volatile("fldcw %0\n fldz\n fldz\n fdivp" : : "m"(unmasked));
    expect_eq(TRY("fwait"), FAULT(MF, 0));
    asm volatile("fnclex\n fninit");
}

static bool syscall_hook(struct regs *r) {
    if (r->rax == USER_EXIT) return false;
    scratch = r->rdi;
    r->rax = r->rax + r->rdi + r->r10;
    return true;
}

static uint64_t make_syscall(uint64_t arg) {
    register uint64_t r10 asm("r10") = 5;
    uint64_t ret;

    asm volatile("syscall" : "=a"(ret) : "0"(1000), "D"(arg), "r"(r10) : "rcx", "r11", "memory");
    return ret;
}

static void system_calls(void) {
    trap_hooks[VEC_SYSCALL] = syscall_hook;
    expect_eq(run_user(make_syscall, 77), 1082);
    expect_eq(scratch, 77);
    trap_hooks[VEC_SYSCALL] = NULL;
}

/* A hypercall number issued in user mode is the guest kernel's system call. */
static uint64_t user_hypercall(uint64_t arg) {
    (void)arg;
    return (uint64_t)HV_xen_version(0, NULL);
}

static void user_has_no_hypercalls(void) {
    trap_hooks[VEC_SYSCALL] = syscall_hook;
    expect_eq(run_user(user_hypercall, 0), __HYPERVISOR_xen_version);
    trap_hooks[VEC_SYSCALL] = NULL;
}

static uint8_t mask_in_handler, saved_mask;

static bool mask_hook(struct regs *r) {
    mask_in_handler = this_vcpu()->info->evtchn_upcall_mask;
    saved_mask = r->saved_upcall_mask;
    return false;
}

static void upcall_masks(void) {
    struct vcpu_info *info = this_vcpu()->info;
    uint64_t value;

    trap_hooks[PF] = trap_hooks[UD] = mask_hook;
    events_on();
    /* #PF has the flag that masks, #UD has not; both come back to an open mask. */
    try_read(window, &value);
    expect_eq(mask_in_handler, 1);
    expect_eq(saved_mask, 0);
    expect_eq(last_trap.rflags >> 9 & 1, 1);
    expect_eq(info->evtchn_upcall_mask, 0);
    TRY("ud2");
    expect_eq(mask_in_handler, 0);
    expect_eq(info->evtchn_upcall_mask, 0);
    events_off();
    TRY("ud2");
    expect_eq(mask_in_handler, 1);
    expect_eq(saved_mask, 1);
    expect_eq(last_trap.rflags >> 9 & 1, 0);
    expect_eq(info->evtchn_upcall_mask, 1);
    trap_hooks[PF] = trap_hooks[UD] = NULL;
}

/* By the hypercall, or as the entry of a multicall. RAX may be any number, among them those that
 * are results of hypercalls elsewhere. */
static void iret_to_kernel(uint64_t value, uint64_t nr) {
    static struct multicall_entry entry;
    struct iret_frame frame = {
        .rax = value,
        .r11 = 0x2222,
        .rcx = 0x3333,
        .cs = FLAT_KERNEL_CS & ~3UL,
        .rflags = 0x2,
        .ss = FLAT_KERNEL_SS,
    };
    uint64_t rax, rcx, r11;

    entry.op = __HYPERVISOR_iret;
    asm volatile("push %%rbp\n"
                 "lea 1f(%%rip), %%rax\n mov %%rax, 32(%3)\n mov %%rsp, 56(%3)\n"
                 "sub $256, %%rsp\n mov %3, %%rsi\n mov %%rsp, %%rdi\n mov $9, %%ecx\n rep movsq\n"
                 "sub $72, %%rdi\n mov %%rdi, %%rsp\n mov %4, %%rax\n mov %5, %%rdi\n"
                 "mov $1, %%esi\n syscall\n ud2\n"
                 "1: pop %%rbp\n"
                 : "=&a"(rax), "=&c"(rcx), "=&r"(r11)
                 : "b"(&frame), "r"(nr), "r"(&entry)
                 : "rsi", "rdi", "r11", "memory", "cc", "rdx");
    expect_eq(rax, value);
    expect_eq(rcx, 0x3333);
}

static struct context bad_iret_context;

static bool bad_iret_hook(struct regs *r) {
    (void)r;
    context_load(&bad_iret_context, 1);
}

/* Selectors that iret can not load are a fault of the code that would have run, as it was to run.
 */
static void bad_iret(uint16_t cs, uint16_t ss, uint16_t error) {
    static struct iret_frame frame;

    frame = (struct iret_frame){
        .rip = (uint64_t)user_start,
        .cs = cs,
        .rflags = 0x2,
        .rsp = 0x1000,
        .ss = ss,
    };
    trap_hooks[GP] = bad_iret_hook;
    if (!context_save(&bad_iret_context)) iret_to(&frame);
    trap_hooks[GP] = NULL;
    expect_eq(last_trap.error, error);
    expect_eq(last_trap.rip, user_start);
    expect_eq(last_trap.cs, cs);
    expect_eq(last_trap.ss, ss | 3);
    expect_eq(last_trap.rsp, 0x1000);
}

static void setup_calls(void) {
    struct trap_info bad[2] = {{.vector = 3, .cs = FLAT_KERNEL_CS, .address = 0x8000000000000000}};
    struct callback_register reg = {.type = CALLBACKTYPE_event, .address = (uint64_t)entry_event};
    struct callback_unregister unreg = {.type = CALLBACKTYPE_event};

    expect_eq(HV_set_trap_table(bad), -XEN_EINVAL);
    expect_eq(HV_set_trap_table(window), -XEN_EFAULT);
    expect_eq(HV_callback_op(CALLBACKOP_register, &reg), 0);
    reg.address = 0x8000000000000000;
    expect_eq(HV_callback_op(CALLBACKOP_register, &reg), -XEN_EINVAL);
    reg.type = 99;
    reg.address = (uint64_t)entry_event;
    expect_eq(HV_callback_op(CALLBACKOP_register, &reg), -XEN_ENOSYS);
    expect_eq(HV_callback_op(99, &reg), -XEN_ENOSYS);
    expect_eq(HV_callback_op(CALLBACKOP_unregister, &unreg), -XEN_EINVAL);
    unreg.type = CALLBACKTYPE_nmi;
    expect_eq(HV_callback_op(CALLBACKOP_unregister, &unreg), 0);
    unreg.type = 99;
    expect_eq(HV_callback_op(CALLBACKOP_unregister, &unreg), -XEN_ENOSYS);
    expect_eq(HV_callback_op(CALLBACKOP_register, window), -XEN_EFAULT);
    /* The old call reports nothing, and leaves what it can not set as it was. */
    expect_eq(HV_set_callbacks(0x8000000000000000, entry_failsafe, entry_syscall), 0);
    expect_eq(hypercall0(200), -XEN_ENOSYS);
    expect_eq(hypercall0(45), -XEN_ENOSYS);
    expect_eq(hypercall0(0x80000000u), -XEN_ENOSYS);
}

void test_main(void) {
    prepare();
    trap_hooks[PF] = fetch_hook;
    page_faults(0);
    run_user(page_faults, 1);
    trap_hooks[PF] = NULL;
    plain_faults(0);
    run_user(plain_faults, 1);
    trap_hooks[DB] = step_hook;
    step_over();
    trap_hooks[DB] = NULL;
    floating_point();
    system_calls();
    user_has_no_hypercalls();
    upcall_masks();
    iret_to_kernel(0x1111, __HYPERVISOR_iret);
    iret_to_kernel(0x1111, __HYPERVISOR_multicall);
    for (uint64_t rax = -1; rax > -200UL; rax--) {
        iret_to_kernel(rax, __HYPERVISOR_iret);
        iret_to_kernel(rax, __HYPERVISOR_multicall);
    }
    bad_iret(FLAT_USER_CS, 0x1003, 0x1000);
    bad_iret(0x1003, FLAT_USER_SS, 0x1000);
    setup_calls();
}
