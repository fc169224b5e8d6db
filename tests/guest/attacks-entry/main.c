/* SPDX-License-Identifier: MIT */
/*
 * attacks-entry: the ways into the hypervisor and out of it with what a guest should not have (XSA
 * numbers). Returns to addresses that are not canonical (7); every flag, with SYSENTER, SYSCALL of
 * 32-bit code, software interrupts and iret (44, 171, 339); every selector, and descriptors of all
 * kinds (42, 298); breakpoints on what the hypervisor reads, writes or enters by (156, 260, 308);
 * registers after hypercalls and traps; iret between other hypercalls (213). It is enough that the
 * guest is told, and goes on in ring 3.
 */
#include <public/callback.h>
#include <public/event_channel.h>
#include <public/physdev.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "mm.h"
#include "record.h"
#include "trap.h"
#include "vcpu.h"

#define FLAG_TF   0x100UL
#define FLAG_IF   0x200UL
#define FLAG_DF   0x400UL
#define FLAG_IOPL 0x3000UL
#define FLAG_NT   0x4000UL
#define FLAG_RF   0x10000UL
#define FLAG_VM   0x20000UL
#define FLAG_AC   0x40000UL

#define IN_SYSCALL 0x100 /* of an iret frame's flags: rcx and r11 do not matter */
#define HOLE       0x0000800000000000UL

/* The next trap, wherever it comes from, ends the attempt. */
static struct context after;
static struct regs seen;

static bool end_hook(struct regs *r) {
    seen = *r;
    context_load(&after, 1);
}

static const uint8_t faults[] = {DB, BP, OF, UD, DF, TS, NP, SS, GP, PF, AC};

static void hook_all(trap_hook_t *hook) {
    for (unsigned int i = 0; i < sizeof(faults); i++) trap_hooks[faults[i]] = hook;
}

/* Vector of the trap that iret with this frame ends in. */
static unsigned int iret_ends_in(const struct iret_frame *frame) {
    hook_all(end_hook);
    if (!context_save(&after)) iret_to(frame);
    hook_all(NULL);
    return (unsigned int)seen.vector;
}

/* Where frames lead: tells how it is there, and traps. */
extern char landing[], sysenter_here[];
asm(".pushsection .text\n"
    "sysenter_here: sysenter\n ud2\n"
    "landing: mov %cs, %eax\n pushf\n pop %rbx\n ud2\n"
    ".popsection\n");

/* A trap of the kernel stays on the stack that it came from. */
static char landing_stack[STACK_SIZE] __attribute__((aligned(STACK_SIZE)));

static struct iret_frame to_landing(void) {
    return (struct iret_frame){.rip = (uint64_t)landing,
                               .cs = FLAT_KERNEL_CS & ~3UL,
                               .rflags = 0x2,
                               .rsp = (uint64_t)landing_stack + STACK_SIZE - 64,
                               .ss = FLAT_KERNEL_SS};
}

static void every_flag(void) {
    for (unsigned int bit = 0; bit < 66; bit++) {
        struct iret_frame f = to_landing();

        f.rflags = bit == 64 ? ~(FLAG_TF | FLAG_AC) : bit == 65 ? ~0UL : 1UL << bit;
        if (bit & 1) f.flags = IN_SYSCALL;
        expect_eq(iret_ends_in(&f), f.rflags & FLAG_TF ? DB : UD);
        if (seen.vector != UD) continue;
        expect_eq(seen.rax & 3, 3);
        expect_eq(seen.rbx & (FLAG_IF | FLAG_IOPL | FLAG_VM), FLAG_IF);
        expect_eq(seen.rflags & (FLAG_IOPL | FLAG_VM), 0);
        /* Nor has the handler got what belongs to the code that trapped. */
        asm volatile("pushf\n pop %0" : "=r"(f.rflags));
        expect_eq(f.rflags & (FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC), 0);
        asm volatile("cld");
    }
}

/* iret to where no code can be, to kernel and to user mode, by each of the two ways out. */
static void far_away(void) {
    static const uint64_t places[] = {HOLE, HOLE + 0x1000, 0xffff7fffffffffff, 1UL << 63};

    for (unsigned int i = 0; i < ARRAY_SIZE(places); i++)
        for (unsigned int way = 0; way < 4; way++) {
            struct iret_frame f = to_landing();

            f.rip = places[i];
            f.flags = way & 1 ? IN_SYSCALL : 0;
            if (way & 2) f.cs |= 3;
            expect_eq(iret_ends_in(&f), GP);
            expect_eq(seen.rip, places[i]);
            expect_eq(seen.rsp, f.rsp);
            expect_eq(seen.cs & 3, way & 2 ? 3 : 0);
        }
    /* A stack pointer can be anything until it is used. */
    for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
        struct iret_frame f = to_landing();

        f.rsp = places[i];
        f.flags = i & 1 ? IN_SYSCALL : 0;
        f.cs |= 3;
        expect(iret_ends_in(&f) == GP || seen.vector == SS || seen.vector == PF);
    }
}

/* Tables for one page at va in an L4 slot that is empty; its L1 entry. */
static void map_alone(uint64_t va, uint64_t mfn) {
    uint64_t *l3 = table_alloc(), *l2 = table_alloc(), *l1 = table_alloc();

    require_eq(write_entry(l1 + L1_INDEX(va), MFN_PTE(mfn, PTE_RW)), 0);
    require_eq(write_entry(l2 + L2_INDEX(va), MFN_PTE(virt_to_mfn(l1), PTE_TABLE)), 0);
    require_eq(write_entry(l3 + L3_INDEX(va), MFN_PTE(virt_to_mfn(l2), PTE_TABLE)), 0);
    require_eq(write_entry(l4_table() + L4_INDEX(va), MFN_PTE(virt_to_mfn(l3), PTE_TABLE)), 0);
}

/* `syscall` as the last two bytes below the hole: a hypercall that would return into the hole. */
static void hypercall_at_the_edge(void) {
    uint8_t *page = page_alloc();
    static const struct {
        uint64_t nr, rdi, rsi;
        long want;
    } calls[] = {{__HYPERVISOR_xen_version, XENVER_version, 0, 4 << 16 | 17},
                 {__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0},
                 {200, 0, 0, -XEN_ENOSYS}};

    map_alone(HOLE - PAGE_SIZE, virt_to_mfn(page));
    page[PAGE_SIZE - 2] = 0x0f;
    page[PAGE_SIZE - 1] = 0x05;
    for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
        hook_all(end_hook);
        if (!context_save(&after))
            asm volatile("jmp *%0"
                         :
                         : "r"(HOLE - 2), "a"(calls[i].nr), "D"(calls[i].rdi), "S"(calls[i].rsi)
                         : "memory");
        hook_all(NULL);
        expect_eq(seen.vector, GP);
        expect_eq(seen.rip, HOLE);
        expect_eq(seen.rax, calls[i].want);
    }
}

/* 32-bit code of user mode, in a page below 4 GiB. */
#define LOW_CODE 0x10000UL
static uint8_t *low_code;

static void map_low(void) {
    uint64_t *l4 = page_alloc();

    low_code = page_alloc();
    map_alone(LOW_CODE, virt_to_mfn(low_code));
    memcpy(l4, l4_table(), PAGE_SIZE);
    memset(l4 + 256, 0, 16 * 8);
    require_eq(set_readonly(l4), 0);
    require_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4), 0), 0);
    require_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(l4), 0), 0);
}

static unsigned int run_32bit(const uint8_t *code, size_t n, uint64_t rflags) {
    struct iret_frame f = to_landing();

    memset(low_code, 0xcc, PAGE_SIZE);
    memcpy(low_code, code, n);
    f.rip = LOW_CODE;
    f.rsp = LOW_CODE + PAGE_SIZE - 64;
    f.cs = FLAT_RING3_CS32;
    f.ss = FLAT_RING3_SS32;
    f.rflags = rflags;
    return iret_ends_in(&f);
}

/* SYSCALL of 32-bit code leads to its own handler, with what the code may have and no more. */
static void handled_syscall32(void) {
    static const uint8_t syscall[] = {0x0f, 0x05};
    const uint64_t flags = 0x2 | FLAG_IF | FLAG_DF | FLAG_AC;
    struct callback_register handler = {.type = CALLBACKTYPE_syscall32,
                                        .address = (uint64_t)entry_syscall};

    require_eq(HV_callback_op(CALLBACKOP_register, &handler), 0);
    trap_hooks[VEC_SYSCALL] = end_hook;
    expect_eq(run_32bit(syscall, sizeof(syscall), flags | FLAG_IOPL), VEC_SYSCALL);
    trap_hooks[VEC_SYSCALL] = NULL;
    expect_eq(seen.rip, LOW_CODE + 2);
    expect_eq(seen.rcx, seen.rip);
    expect_eq(seen.rsp, LOW_CODE + PAGE_SIZE - 64);
    expect_eq(seen.cs, FLAT_RING3_CS32);
    expect_eq(seen.ss, FLAT_RING3_SS32);
    expect_eq(seen.rflags, flags);
    handler.address = 0; /* none again */
    expect_eq(HV_callback_op(CALLBACKOP_register, &handler), 0);
}

/* No handler is registered for any of these: they are faults, and the guest's. */
static void old_system_calls(void) {
    static const uint8_t syscall[] = {0x0f, 0x05}, sysenter[] = {0x0f, 0x34}, int3[] = {0xcc},
                         into[] = {0xb0, 0x80, 0x04, 0x80, 0xce}, popf_nt[] = {0x9c, 0x58, 0xcc};
    static const uint64_t flags[] = {0x2, 0x2 | FLAG_NT, 0x2 | FLAG_DF, 0x2 | FLAG_AC,
                                     0x2 | FLAG_NT | FLAG_DF | FLAG_AC | FLAG_IOPL | FLAG_VM};

    map_low();
    handled_syscall32();
    for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
        uint64_t f = flags[i];

        /* CPUs differ in whether they have it; nothing else may come of it. */
        expect_eq(run_32bit(syscall, sizeof(syscall), f), UD);
        expect_eq(seen.rip, LOW_CODE);
        expect(run_32bit(sysenter, sizeof(sysenter), f) == UD || seen.vector == GP);
        expect_eq(run_32bit(int3, sizeof(int3), f), BP);
        expect_eq(run_32bit(into, sizeof(into), f), OF);
        expect_eq(run_32bit(popf_nt, sizeof(popf_nt), f), BP);
        expect_eq(seen.rax & (FLAG_IF | FLAG_IOPL | FLAG_VM), FLAG_IF);
    }
    /* The same out of 64-bit code, single-stepped on the way in. */
    for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
        struct iret_frame f = to_landing();

        f.rip = (uint64_t)sysenter_here;
        f.cs |= 3;
        f.rflags = flags[i] | FLAG_TF;
        expect(iret_ends_in(&f) == DB || seen.vector == UD || seen.vector == GP);
        asm volatile("pushf\n pop %0" : "=r"(f.rflags));
        expect_eq(f.rflags & (FLAG_TF | FLAG_NT), 0);
    }
}

/* 32-bit user code to which its kernel gave the ports: none of it is more, or less, than 64-bit
 * code's. In the second, the bytes of a REX prefix are an instruction. */
static void ports_of_32bit_code(void) {
    static const uint8_t imm[] = {0xe4, 0x80, 0xcc}, rex[] = {0x48, 0xe4, 0x80, 0xcc},
                         dx[] = {0x66, 0xba, 0x80, 0, 0xee, 0x66, 0xed, 0xcc},
                         cpuid[] = {0x31, 0xc0, 0x0f, 0xa2, 0xcc}, cli[] = {0xfa, 0xfb, 0xcc},
                         rdmsr[] = {0x0f, 0x32, 0xcc}, clts[] = {0x0f, 0x06, 0xcc};

    for (unsigned int iopl = 0; iopl < 4; iopl += 3) {
        struct physdev_set_iopl op = {.iopl = iopl};
        unsigned int want = iopl == 3 ? BP : GP;

        require_eq(HV_physdev_op(PHYSDEVOP_set_iopl, &op), 0);
        expect_eq(run_32bit(imm, sizeof(imm), 2), want);
        expect_eq(seen.rip - LOW_CODE, iopl == 3 ? sizeof(imm) : 0);
        expect_eq(run_32bit(rex, sizeof(rex), 2), want);
        expect_eq(run_32bit(dx, sizeof(dx), 2), want);
        expect_eq(run_32bit(cli, sizeof(cli), 2), want);
        expect_eq(run_32bit(cpuid, sizeof(cpuid), 2), BP);
        expect_eq(run_32bit(rdmsr, sizeof(rdmsr), 2), GP);
        expect_eq(run_32bit(clts, sizeof(clts), 2), GP);
    }
}

/* Where each selector leads as code and as stack segment of user mode. */
static void every_selector(void) {
    for (unsigned int as_ss = 0; as_ss < 2; as_ss++) {
        unsigned int good = 0, bad = 0;

        for (uint64_t sel = 3; sel < 0x10000; sel += 4) {
            struct iret_frame f = to_landing();

            f.cs |= 3;
            *(as_ss ? &f.ss : &f.cs) = sel;
            if (iret_ends_in(&f) == UD) {
                good++;
                if ((seen.rax & 3) != 3 || (seen.rax | 3) != ((as_ss ? FLAT_KERNEL_CS : sel) | 3))
                    failure("selector %lx: cs is %lx", sel, seen.rax);
            } else if (seen.vector != GP && seen.vector != NP && seen.vector != SS &&
                       seen.vector != PF) {
                bad++;
            }
        }
        expect_eq(good, 1);
        expect_eq(bad, 0);
    }
}

/* The same by a far jump. */
static __attribute__((noinline)) unsigned int far_jump_ends_in(uint16_t sel) {
    struct {
        uint64_t at;
        uint16_t sel;
    } __attribute__((packed)) far = {(uint64_t)landing, sel};

    hook_all(end_hook);
    if (!context_save(&after)) asm volatile(".byte 0x48\n\tljmpl *%0" : : "m"(far) : "memory");
    hook_all(NULL);
    return (unsigned int)seen.vector;
}

/* All sorts of descriptors: into a table by the hypercall, and in one that becomes a GDT. */
static void every_descriptor(void) {
    uint64_t *table = page_alloc(), frames[1] = {virt_to_mfn(table)};

    require_eq(set_readonly(table), 0);
    require_eq(HV_set_gdt(frames, 512), 0);
    for (uint64_t type = 0; type < 32; type++)
        for (uint64_t dpl = 0; dpl < 4; dpl++) {
            /* Long-mode code, base 0; for a gate: the hypervisor's code segment. */
            uint64_t d = 0x0020800000000000 | type << 40 | dpl << 45 | 0xe008UL << 16;
            long rc;

            d &= type & 16 ? ~0UL : ~(0x20UL << 48);
            rc = HV_update_descriptor(machine_address(table + 2), d);
            /* A call gate is refused, or made useless. */
            if (type != 12) expect_eq(rc, (type & 16) || type == 0 ? 0 : -XEN_EINVAL);
            if (rc) continue;
            for (unsigned int way = 0; way < 2; way++) {
                struct iret_frame f = to_landing();
                unsigned int vector;

                f.cs = 2 << 3;
                vector = way ? far_jump_ends_in(2 << 3 | 3) : iret_ends_in(&f);
                if (vector == UD) expect_eq(seen.rax & 3, 3);
                expect(vector == UD || vector == GP || vector == NP);
                if (!(type & 16)) expect(vector != UD);
            }
        }
    require_eq(HV_set_gdt(NULL, 0), 0);
    /* The same in a page before it becomes a table. */
    for (uint64_t type = 1; type < 16; type++) {
        require_eq(set_writable(table), 0);
        table[2] = 0x0000e00000000000 | type << 40 | 0xe008UL << 16;
        require_eq(set_readonly(table), 0);
        if (type != 12)
            expect_eq(HV_set_gdt(frames, 512), -XEN_EINVAL);
        else if (!HV_set_gdt(frames, 512))
            require_eq(HV_set_gdt(NULL, 0), 0);
    }
    require_eq(set_writable(table), 0);
    page_free(table);
}

/* The first to touch a page of the LDT is the hypervisor's own return to a segment in it. */
static void iret_by_untouched_ldt(void) {
    uint64_t *table = page_alloc();

    table[1] = 0x00affb000000ffff; /* long-mode code */
    require_eq(set_readonly(table), 0);
    for (uint64_t rpl = 0; rpl < 4; rpl += 3) {
        struct iret_frame f = to_landing();

        require_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)table, 512), 0);
        f.cs = 1 << 3 | 4 | rpl;
        f.r11 = 0x1111111111111111;
        f.rcx = 0x2222222222222222;
        expect_eq(iret_ends_in(&f), UD);
        expect_eq(seen.rip, landing + 4);
        expect_eq(seen.rax & 0xffff, 1 << 3 | 7);
        expect_eq(seen.r11, f.r11);
        expect_eq(seen.rcx, f.rcx);
        expect_eq(seen.rsp, f.rsp);
        require_eq(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    }
    require_eq(set_writable(table), 0);
    page_free(table);
}

static unsigned int breaks;

static bool break_hook(struct regs *r) {
    breaks++;
    /* Of ours: never somewhere in the hypervisor. */
    expect(r->rip >= (uint64_t)VIRT_BASE);
    r->rflags = (r->rflags | FLAG_RF) & ~FLAG_TF;
    return true;
}

/* 8 bytes at the address: written (1), or read and written (3). */
static void watch(unsigned int n, const volatile void *at, unsigned int how) {
    require_eq(HV_set_debugreg(n, at), 0);
    require_eq(HV_set_debugreg(7, HV_get_debugreg(7) | 1UL << (2 * n) |
                                      (uint64_t)(how | 8) << (16 + 4 * n)),
               0);
}

static void watched(void) {
    static uint64_t text[8] __attribute__((aligned(64)));
    static struct multicall_entry call __attribute__((aligned(64)));
    static struct { uint64_t ss; } operand = {FLAT_KERNEL_SS};
    bool was_recording = recording;
    uint64_t rc;

    trap_hooks[DB] = break_hook;
    /* What a hypercall writes and reads. The record of calls (lib/record.c) reads it as well. */
    recording = false;
    watch(0, text, 1);
    watch(1, &call, 3);
    call = (struct multicall_entry){.op = __HYPERVISOR_xen_version,
                                    .args = {XENVER_extraversion, (uint64_t)text}};
    breaks = 0;
    expect_eq(HV_multicall(&call, 1), 0);
    expect_eq(HV_xen_version(XENVER_extraversion, text), 0);
    expect_eq(breaks, 0);
    text[0] = 1;
    barrier();
    expect_eq(breaks, 1);
    recording = was_recording;
    /* The operand of a load of SS, whose trap the CPU puts off to the next instruction. */
    watch(0, &operand, 3);
    expect_eq(TRY_IO("mov %1, %%ss\n int3", (), ("m"(*(uint16_t *)&operand)), ("memory")),
              FAULT(BP, 0));
    TRY_IO("mov %1, %%ss\n int $0x80", (), ("m"(*(uint16_t *)&operand)), ("memory"));
    asm volatile("mov %1, %%ss\n syscall"
                 : "=a"(rc)
                 : "m"(*(uint16_t *)&operand), "0"((uint64_t)__HYPERVISOR_xen_version), "D"(0),
                   "S"(0)
                 : "rcx", "r11", "memory");
    expect_eq(rc, 4 << 16 | 17);
    require_eq(HV_set_debugreg(7, 0), 0);
    /* Single-stepped into each of the entries. */
    breaks = 0;
    asm volatile("pushf\n orl $0x100, (%%rsp)\n popf\n syscall"
                 : "=a"(rc)
                 : "0"((uint64_t)__HYPERVISOR_xen_version), "D"(0), "S"(0)
                 : "rcx", "r11", "memory", "cc");
    expect_eq(rc, 4 << 16 | 17);
    asm volatile("nop\n nop");
    expect(breaks >= 1);
    trap_hooks[DB] = NULL;
}

/* The registers of a hypercall, and those that come back. */
struct all {
    uint64_t rbx, rbp, r12, r13, r14, r15, rdi, rsi, rdx, r10, r8, r9, rcx, r11, rax;
};
void call_with(struct all *in_out);
asm(".pushsection .text\n"
    "call_with: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdi\n"
    "mov 0(%rdi), %rbx\n mov 8(%rdi), %rbp\n mov 16(%rdi), %r12\n mov 24(%rdi), %r13\n"
    "mov 32(%rdi), %r14\n mov 40(%rdi), %r15\n mov 56(%rdi), %rsi\n mov 64(%rdi), %rdx\n"
    "mov 72(%rdi), %r10\n mov 80(%rdi), %r8\n mov 88(%rdi), %r9\n mov 112(%rdi), %rax\n"
    "mov 48(%rdi), %rdi\n syscall\n call_returns:\n push %rdi\n mov 8(%rsp), %rdi\n"
    "mov %rbx, 0(%rdi)\n mov %rbp, 8(%rdi)\n mov %r12, 16(%rdi)\n mov %r13, 24(%rdi)\n"
    "mov %r14, 32(%rdi)\n mov %r15, 40(%rdi)\n mov %rsi, 56(%rdi)\n mov %rdx, 64(%rdi)\n"
    "mov %r10, 72(%rdi)\n mov %r8, 80(%rdi)\n mov %r9, 88(%rdi)\n mov %rcx, 96(%rdi)\n"
    "mov %r11, 104(%rdi)\n mov %rax, 112(%rdi)\n pop 48(%rdi)\n pop %rdi\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
    ".popsection\n");
extern char call_returns[];

static void registers_come_back(void) {
    static uint64_t buffer[512];
    const uint64_t calls[][5] = {
        {__HYPERVISOR_xen_version, XENVER_extraversion, (uint64_t)buffer},
        {__HYPERVISOR_xen_version, XENVER_extraversion, 0xffff830000000000},
        {__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (uint64_t)buffer},
        {__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 77, (uint64_t)buffer},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_send, 0x1234},
        {__HYPERVISOR_sched_op, SCHEDOP_yield, 0},
        {__HYPERVISOR_mmu_update, (uint64_t)buffer, 1, 0, DOMID_SELF},
        {__HYPERVISOR_mmuext_op, 0x8000000000000000, 1, 0, DOMID_SELF},
        {__HYPERVISOR_set_trap_table, 0x8000000000000000},
        {__HYPERVISOR_grant_table_op, 99, (uint64_t)buffer, 1},
        {__HYPERVISOR_memory_op, 99, (uint64_t)buffer},
        {__HYPERVISOR_update_descriptor, 1, 1},
        {200},
        {~0UL},
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
        struct all in, out;

        for (unsigned int k = 0; k < sizeof(in) / 8; k++)
            ((uint64_t *)&in)[k] = 0x1111111111111111UL * (k + 1);
        in.rax = calls[i][0];
        in.rdi = calls[i][1];
        in.rsi = calls[i][2];
        in.rdx = calls[i][3];
        in.r10 = calls[i][4];
        out = in;
        call_with(&out);
        expect_eq(memcmp(&in, &out, offsetof(struct all, rcx)), 0);
        expect_eq(out.rcx, call_returns);
        expect_eq(out.r11 & ~0x8d5UL, 0x202);
    }
}

/* A multicall ends with an iret in it: what follows would be done for the wrong mode. */
static void iret_in_a_multicall(void) {
    static struct multicall_entry calls[3];
    struct iret_frame f = to_landing();

    f.cs |= 3;
    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .result = 1};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = 2};
    calls[2] =
        (struct multicall_entry){.op = __HYPERVISOR_fpu_taskswitch, .args = {1}, .result = 3};
    hook_all(end_hook);
    if (!context_save(&after))
        asm volatile("mov %0, %%rsp\n syscall\n ud2"
                     :
                     : "r"(&f), "a"((uint64_t)__HYPERVISOR_multicall), "D"(calls), "S"(3UL)
                     : "memory");
    hook_all(NULL);
    expect_eq(seen.vector, UD);
    expect_eq(seen.rip, landing + 4);
    expect_eq(seen.cs & 3, 3);
    expect_eq(calls[0].result, 4 << 16 | 17);
    expect_eq(calls[2].result, 3);
}

static uint64_t user_nothing(uint64_t arg) { return arg; }

void test_main(void) {
    run_user(user_nothing, 0); /* user mode has its tables now */
    *(struct vcpu **)landing_stack = this_vcpu();
    every_flag();
    far_away();
    hypercall_at_the_edge();
    old_system_calls();
    ports_of_32bit_code();
    every_selector();
    every_descriptor();
    iret_by_untouched_ldt();
    watched();
    registers_come_back();
    iret_in_a_multicall();
}
