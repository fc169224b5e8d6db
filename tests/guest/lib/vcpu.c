/* SPDX-License-Identifier: MIT */
/* Start of the kernel and of its other vcpus; time. */
#include <public/vcpu.h>
#include <public/sched.h>
#include "vcpu.h"
#include "mm.h"
#include "event.h"
#include "record.h"

struct vcpu vcpus[MAX_VCPUS];
char vcpu_stacks[MAX_VCPUS][STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
char entry_stacks[MAX_VCPUS][STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
char shared_page[PAGE_SIZE] PAGE_ALIGNED;
struct shared_info *shared = (struct shared_info *)shared_page;
struct start_info *si;
static struct vcpu_guest_context start_context;

void start_c(struct start_info *start) __attribute__((noreturn));

struct vcpu *this_vcpu(void) {
    uint64_t sp;

    asm("mov %%rsp, %0" : "=r"(sp));
    return *(struct vcpu **)(sp & -(uint64_t)STACK_SIZE);
}

static uint64_t stack_top(char *stack) { return (uint64_t)stack + STACK_SIZE - 16; }

void vcpu_init(void) {
    for (unsigned int i = 0; i < MAX_VCPUS; i++) {
        vcpus[i].id = i;
        vcpus[i].info = &shared->vcpu_info[i];
        *(struct vcpu **)vcpu_stacks[i] = &vcpus[i];
        *(struct vcpu **)entry_stacks[i] = &vcpus[i];
    }
}

void start_c(struct start_info *start) {
    si = start;
    vcpu_init();
    record_start((const char *)si->cmd_line);
    trap_init();
    require_eq(HV_update_va_mapping(shared_page, si->shared_info | PTE_RW, UVMF_INVLPG), 0);
    require_eq(HV_stack_switch(FLAT_KERNEL_SS, stack_top(entry_stacks[0])), 0);
    mm_init();
    test_main();
    finish();
}

unsigned int nr_vcpus(void) {
    unsigned int n = 0;

    while (n < 8192 && HV_vcpu_op(VCPUOP_is_up, n, NULL) >= 0) n++;
    return n;
}

void vcpu_main(void) {
    struct vcpu *v = this_vcpu();

    for (;;) {
        v->fn();
        /* Goes on here when it is brought up again, with another function. */
        HV_vcpu_op(VCPUOP_down, v->id, NULL);
    }
}

void vcpu_fill_context(struct vcpu_guest_context *c, unsigned int id) {
    uint64_t cr3;

    memset(c, 0, sizeof(*c));
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    /* Not VGCF_online: the vcpu would count as up, and VCPUOP_up not wake it. */
    c->flags = VGCF_IN_KERNEL;
    c->user_regs.rip = (uint64_t)start_vcpu;
    c->user_regs.rsp = stack_top(vcpu_stacks[id]);
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->user_regs.rflags = 0x2;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = stack_top(entry_stacks[id]);
    c->ctrlreg[3] = cr3;
    c->event_callback_eip = (uint64_t)entry_event;
    c->failsafe_callback_eip = (uint64_t)entry_failsafe;
    c->syscall_callback_eip = (uint64_t)entry_syscall;
    trap_fill_table(c->trap_ctxt);
}

long vcpu_start(unsigned int id, vcpu_fn_t *fn) {
    long rc;

    vcpus[id].fn = fn;
    vcpu_fill_context(&start_context, id);
    rc = HV_vcpu_op(VCPUOP_initialise, id, &start_context);
    if (rc && rc != -XEN_EEXIST) return rc;
    return HV_vcpu_op(VCPUOP_up, id, NULL);
}

void vcpu_wait_down(unsigned int id) {
    if (!wait_for(HV_vcpu_op(VCPUOP_is_up, id, NULL) == 0, 120000)) die("vcpu %u did not stop", id);
}

uint64_t now(void) {
    const volatile struct vcpu_time_info *t = &this_vcpu()->info->time;
    uint64_t delta, time;
    uint32_t version;

    do {
        version = t->version;
        mb();
        delta = rdtsc() - t->tsc_timestamp;
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        time = t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        mb();
    } while ((version & 1) || version != t->version);
    return time;
}
