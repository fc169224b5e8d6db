/* SPDX-License-Identifier: MIT */
/* x86 state of a vcpu. Live in registers while vcpu.is_running; saved here otherwise. */
#pragma once

#include <hv/types.h>
#include <public/xen.h>

#define GUEST_TRAP_VECTORS 256

struct arch_vcpu {
    struct cpu_user_regs regs;      /* general registers while not running */
    struct trap_info *traps;        /* GUEST_TRAP_VECTORS entries; own CPU or paused */
    uint64_t kernel_ss, kernel_sp;  /* for entries from guest user mode (stack_switch) */
    uint64_t cr0, cr2_unused, cr4;  /* what the guest believes; see entry/emul_cr.c */
    uint64_t event_callback, failsafe_callback, syscall_callback;
    uint64_t syscall32_callback, sysenter_callback, nmi_callback;
    uint16_t syscall32_cs, sysenter_cs;
    bool failsafe_disables_events, syscall32_disables_events, sysenter_disables_events,
        syscall_disables_events;
    bool kernel_mode;               /* guest kernel (true) or guest user */
    uint8_t iopl;
    uint64_t iobmp;                 /* guest address of the I/O bitmap, 0: none */
    uint32_t iobmp_ports;
    uint64_t fs_base, gs_base_kernel, gs_base_user; /* saved at deschedule */
    uint16_t ds, es, fs, gs;
    mfn_t guest_table;              /* kernel L4, typed reference; INVALID: none */
    mfn_t guest_table_user;         /* user L4, likewise */
    uint64_t cr3;                   /* what to load now */
    uint32_t gdt_entries;
    uint64_t gdt_frames[16];        /* FT_SEGDESC references; the first DIV_ROUND_UP(entries,512) */
    uint64_t ldt_base;              /* guest address */
    uint32_t ldt_entries;
    uint64_t debugreg[8];
    uint64_t xcr0;
    void *xsave;                    /* 64-byte aligned area; see x86/fpu.c */
    bool nmi_pending, nmi_masked;   /* bits of async events, see entry/bounce.c */
    bool mce_pending, mce_masked;
    uint64_t pending_cr2;
    uint64_t msr_tsc_aux;
    struct {                        /* exception queued for delivery before the guest runs */
        uint8_t vector;
        bool valid, has_error_code;
        uint32_t error_code;
    } trap;
};
