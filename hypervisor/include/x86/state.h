/* SPDX-License-Identifier: MIT */
/* x86 state of a CPU, of a domain and of a vcpu: the 'arch' members of their structures. */
#pragma once

#include <hv/types.h>
#include <public/callback.h>

struct arch_pcpu {
    void *stack;   /* STACK_SIZE bytes */
    uint64_t *gdt; /* one page, mapped at page 14 of the running vcpu's GDT window */
    mfn_t gdt_mfn;
    struct entry_page *entry; /* x86/desc.h */
    uint64_t *root;           /* XPTI: the L4 that Hospes runs on for guests. x86/xpti.c */
    uint64_t ran; /* vcpu whose branches may be predicted here: its domain's incarnation, its id */
    uint32_t tlb_stamp; /* flush clock at this CPU's last full flush */
    uint32_t requests;  /* of other CPUs, REQ_*, not yet acknowledged; atomic. x86/smp.c */
    /* What the registers hold, so that equal values need no write. x86/context.c, x86/fpu.c */
    uint64_t cr4, xcr0;
    uint32_t tsc_aux;
};

struct arch_domain {
    struct cpu_policy *policy; /* x86/cpuid.h: leaves and MSRs that its vcpus see */
    uint64_t entry_slot;       /* XPTI: slot 261 of its L4s; 0: they show all of Hospes */
    /* L1TF: what an absent entry has in the mask is 0, or at least l1tf_end. Mask 0: no guard. */
    uint64_t l1tf_mask, l1tf_end;
    uint64_t dirty_cpus[4]; /* CPUs whose TLB may hold entries of this domain; atomic bits */
    uint32_t tsc_mode, tsc_incarnation; /* as the tools set them */
    bool msr_relaxed; /* MSRs that Hospes does not know and the CPU has: 0, writes are dropped */
    uint32_t pci_cf8;
    uint8_t cmos_index; /* of ports 0xcf8 and 0x70: what the domain wrote; entry/pio.c */
};

#define GUEST_TRAP_VECTORS 256

/* Live in registers while vcpu.is_running; saved here otherwise. */
struct arch_vcpu {
    struct cpu_user_regs regs;     /* general registers and selectors while not running */
    struct trap_info *traps;       /* GUEST_TRAP_VECTORS entries; own CPU or paused */
    uint64_t kernel_ss, kernel_sp; /* for entries from guest user mode (stack_switch) */
    uint64_t cr0, cr4;             /* guest-visible CR0.TS and CR4; entry/emulate.c */
    struct guest_callback {
        uint64_t address; /* canonical; 0: none */
        bool mask_events;
    } callback[CALLBACKTYPE_syscall32 + 1];
    bool kernel_mode; /* guest kernel (true) or guest user */
    uint8_t iopl;
    uint64_t iobmp; /* guest address of the I/O bitmap, 0: none */
    uint32_t iobmp_ports;
    /* Bases live in the CPU while it runs, but for the GS base of the mode that it is not in. */
    uint64_t fs_base, gs_base_kernel, gs_base_user;
    mfn_t guest_table;      /* kernel L4, typed reference; INVALID: none */
    mfn_t guest_table_user; /* user L4, likewise */
    uint32_t gdt_entries;
    uint64_t gdt_frames[16]; /* FT_SEGDESC references; the first DIV_ROUND_UP(entries,512) */
    uint64_t ldt_base;       /* guest address */
    uint32_t ldt_entries;
    uint64_t debugreg[8];
    uint32_t dr7_emul;         /* I/O breakpoint enables of DR7, never in hardware */
    uint64_t xcr0, xcr0_accum; /* now, and all that was ever enabled */
    void *xsave;               /* one page; see x86/fpu.c */
    bool nmi_pending;          /* atomic; deliver before the guest runs on */
    bool nmi_masked;           /* until the next iret */
    uint64_t msr_tsc_aux;
    struct multicall_entry *multicall; /* the entry being executed; NULL outside a multicall */
    uint32_t ran_on;                   /* CPU of the last barrier for it; with SPEC_IBPB */
    bool continued; /* hypercall_continue() was called; its -ERESTART is on its way */
};
