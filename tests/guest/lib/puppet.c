/* SPDX-License-Identifier: MIT */
/* Making a puppet domain, and pulling its strings. */
#include <public/memory.h>
#include <public/sched.h>
#include "puppet.h"
#include "mm.h"
#include "vcpu.h"

unsigned int puppet_grant_version = 2;
static struct vcpu_guest_context context;
static uint64_t *poke_window;

/* What it runs, at any address: rbx is its mailbox, the stack is the rest of that page. */
extern const char puppet_code[], puppet_stubs[], puppet_end[];
asm(".pushsection .rodata\n"
    "puppet_code:\n"
    "1: cmpl $0, (%rbx)\n jne 2f\n"
    "mov $29, %eax\n xor %edi, %edi\n xor %esi, %esi\n syscall\n jmp 1b\n"
    "2: mov 8(%rbx), %rax\n mov 24(%rbx), %rdi\n mov 32(%rbx), %rsi\n"
    "cmp $1, %eax\n je 11f\n cmp $2, %eax\n je 12f\n cmp $3, %eax\n je 13f\n"
    "cmp $4, %eax\n je 14f\n cmp $5, %eax\n je 15f\n cmp $6, %eax\n je 16f\n"
    "cmp $8, %eax\n je 17f\n cmp $9, %eax\n je 18f\n"
    "mov 16(%rbx), %rax\n mov 40(%rbx), %rdx\n mov 48(%rbx), %r10\n mov 56(%rbx), %r8\n"
    "syscall\n incq 72(%rbx)\n cmpl $7, 8(%rbx)\n je 2b\n jmp 9f\n"
    "11: mov (%rdi), %rax\n jmp 9f\n"
    "12: mov %rsi, (%rdi)\n xor %eax, %eax\n jmp 9f\n"
    "13: mov %edi, %edx\n in %dx, %eax\n jmp 9f\n"
    "14: mov %edi, %edx\n mov %esi, %eax\n out %eax, %dx\n xor %eax, %eax\n jmp 9f\n"
    "15: mov %edi, %ecx\n rdmsr\n shl $32, %rdx\n or %rdx, %rax\n jmp 9f\n"
    "16: mov %edi, %ecx\n mov %esi, %eax\n mov %rsi, %rdx\n shr $32, %rdx\n wrmsr\n"
    "xor %eax, %eax\n jmp 9f\n"
    "17: mov %edi, %eax\n mov %esi, %ecx\n mov %rbx, %rsi\n ud2a\n .ascii \"xen\"\n cpuid\n"
    "mov %rsi, %rbx\n shl $32, %rdx\n mov %ecx, %eax\n or %rdx, %rax\n"
    "jmp 9f\n"
    "18: mov (%rdi), %rax\n lock cmpxchg %rsi, (%rdi)\n setne %al\n movzbl %al, %eax\n"
    "9: mov %rax, 64(%rbx)\n movl $0, (%rbx)\n jmp 1b\n"
    "3: mov 16(%rsp), %ecx\n shl $32, %rax\n or %rcx, %rax\n bts $63, %rax\n"
    "lea 4088(%rbx), %rsp\n jmp 9b\n"
    ".balign 16\npuppet_stubs:\n"
    ".set v, 0\n.rept 32\n.balign 16\n mov $v, %eax\n jmp 3b\n.set v, v + 1\n.endr\n"
    "puppet_end:\n.popsection\n");

static void create(struct puppet *p) {
    p->id = domctl_create(puppet_grant_version);
    domctl_op.u.max_vcpus.max = 1;
    require_eq(domctl(XEN_DOMCTL_max_vcpus, p->id), 0);
    domctl_populate(p->id, p->mfn, PUPPET_PAGES);
}

static void *window_on(const struct puppet *p, uint64_t mfn, void *window) {
    require_eq(mmu_update_dom(machine_address(l1_entry(window)), MFN_PTE(mfn, PTE_RW), p->id), 0);
    require_eq(mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)window, 0), 0);
    return window;
}

static void poke(struct puppet *p, unsigned int page, unsigned int offset, void *bytes, size_t n,
                 bool write) {
    char *at = window_on(p, p->mfn[page], poke_window);

    if (write)
        memcpy(at + offset, bytes, n);
    else
        memcpy(bytes, at + offset, n);
    require_eq(map_pte(poke_window, 0), 0);
}

void puppet_poke(struct puppet *p, unsigned int page, unsigned int offset, const void *from,
                 size_t n) {
    poke(p, page, offset, (void *)(uintptr_t)from, n, true);
}

void puppet_peek(struct puppet *p, unsigned int page, unsigned int offset, void *to, size_t n) {
    poke(p, page, offset, to, n, false);
}

static void fill_tables(struct puppet *p) {
    unsigned int first = L1_INDEX(PUPPET_VA);

    for (unsigned int level = PUPPET_L4; level < PUPPET_L1; level++) {
        uint64_t e = MFN_PTE(p->mfn[level + 1], PTE_TABLE);

        puppet_poke(p, level, level == PUPPET_L2 ? L2_INDEX(PUPPET_VA) * 8 : 0, &e, sizeof(e));
    }
    for (unsigned int i = 0; i < PUPPET_PAGES; i++) {
        uint64_t e = MFN_PTE(p->mfn[i], i < PUPPET_MAIL ? PTE_RO : PTE_RW);

        puppet_poke(p, PUPPET_L1, (first + i) * 8, &e, sizeof(e));
    }
    puppet_poke(p, PUPPET_CODE, 0, puppet_code, (size_t)(puppet_end - puppet_code));
}

struct vcpu_guest_context *puppet_context(const struct puppet *p) {
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_IN_KERNEL | VGCF_online;
    context.user_regs.rip = puppet_va(PUPPET_CODE);
    context.user_regs.rbx = puppet_va(PUPPET_MAIL);
    context.user_regs.rsp = puppet_va(PUPPET_MAIL) + PAGE_SIZE - 8;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.rflags = 0x2;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = p->mfn[PUPPET_L4] << PAGE_SHIFT;
    for (unsigned int v = 0; v < 32; v++)
        context.trap_ctxt[v] = (struct trap_info){
            .vector = (uint8_t)v,
            .cs = FLAT_KERNEL_CS,
            .address = puppet_va(PUPPET_CODE) + (uint64_t)(puppet_stubs - puppet_code) + 16 * v};
    return &context;
}

long puppet_set_context(struct puppet *p, struct vcpu_guest_context *c) {
    domctl_op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, c);
    return domctl(XEN_DOMCTL_setvcpucontext, p->id);
}

void puppet_fill(struct puppet *p, void *windows) {
    char *at = windows;

    if (!poke_window) poke_window = window_alloc(1);
    fill_tables(p);
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, p->id), 0);
    p->mail = window_on(p, p->mfn[PUPPET_MAIL], at);
    p->shared = window_on(p, domctl_op.u.getdomaininfo.shared_info_frame, at + PAGE_SIZE);
    p->shared->vcpu_info[0].evtchn_upcall_mask = 1;
}

void puppet_make(struct puppet *p, void *windows) {
    create(p);
    puppet_fill(p, windows);
    require_eq(puppet_set_context(p, puppet_context(p)), 0);
    require_eq(domctl(XEN_DOMCTL_unpausedomain, p->id), 0);
}

void puppet_destroy(struct puppet *p) {
    long rc;

    require_eq(map_pte((void *)(uintptr_t)p->mail, 0), 0);
    require_eq(map_pte(p->shared, 0), 0);
    /* Goes on by itself; Xen's tools ask again all the same. */
    do rc = domctl(XEN_DOMCTL_destroydomain, p->id);
    while (rc == -XEN_EAGAIN || rc == -XEN_EBUSY);
    expect_eq(rc, 0);
}

void puppet_start(struct puppet *p, uint64_t what, uint64_t op, const uint64_t *arg) {
    p->mail->what = what;
    p->mail->op = op;
    for (unsigned int i = 0; i < 5; i++) p->mail->arg[i] = arg[i];
    p->mail->rounds = 0;
    mb();
    p->mail->go = 1;
}

static uint64_t finish_it(struct puppet *p) {
    uint64_t limit = now() + 60 * SECOND;

    while (READ_ONCE(p->mail->go)) {
        HV_sched_op(SCHEDOP_yield, NULL);
        if (now() > limit) die("the puppet does not answer");
    }
    return p->mail->result;
}

uint64_t puppet_do(struct puppet *p, uint64_t what, uint64_t a0, uint64_t a1) {
    puppet_start(p, what, 0, (uint64_t[5]){a0, a1});
    return finish_it(p);
}

long puppet_call(struct puppet *p, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2,
                 uint64_t a3) {
    puppet_start(p, DO_HYPERCALL, op, (uint64_t[5]){a0, a1, a2, a3});
    return (long)finish_it(p);
}

long puppet_call_arg(struct puppet *p, unsigned int op, uint64_t cmd, void *arg, size_t n,
                     uint64_t a2) {
    long rc;

    puppet_poke(p, PUPPET_ARG, 0, arg, n);
    rc = puppet_call(p, op, cmd, puppet_va(PUPPET_ARG), a2, 0);
    puppet_peek(p, PUPPET_ARG, 0, arg, n);
    return rc;
}
