/* SPDX-License-Identifier: MIT */
/*
 * Events of an HVM guest for a program that watches it: a ring of requests and responses between
 * the hypervisor and the tools. PV guests have none; the layout is for programs that name it.
 *
 *  1. The tool has a ring made: XEN_DOMCTL_monitor_op (or vm_event_op with its mode) answers with a
 *     port; the ring's page is a frame of the guest whose number is an HVM parameter.
 *  2. Something that it asked for happens. The hypervisor fills a vm_event_st as a request: flags,
 *     reason, vcpu_id, the member of u that the reason names, and the registers; it pauses the vcpu
 *     if the event was to be waited for (VCPU_PAUSED), and notifies the port.
 *  3. The tool takes the request off the ring, and answers a paused one by a response with the same
 *     vcpu_id and reason, whose flags say what else is to be done; it notifies the port.
 *  4. The hypervisor takes the response, does what the flags say, and lets the vcpu go on.
 */
#ifndef _XEN_PUBLIC_VM_EVENT_H
#define _XEN_PUBLIC_VM_EVENT_H

#include "xen.h"

#define VM_EVENT_INTERFACE_VERSION 0x00000007

#if defined(__XEN__) || defined(__XEN_TOOLS__)

#include "io/ring.h"

/* flags of a request and of its response */
#define VM_EVENT_FLAG_VCPU_PAUSED (1 << 0) /* request: waits; response: echoed, let it go */
#define VM_EVENT_FLAG_ALTERNATE_P2M                                                                \
    (1 << 7) /* request: happened, response: go on, in altp2m_idx                                  \
              */

/* flags of a request */
#define VM_EVENT_FLAG_FOREIGN (1 << 1)     /* another domain's access caused it */
#define VM_EVENT_FLAG_NESTED_P2M (1 << 12) /* in a guest's guest; npt_base is valid */

/* flags of a response; those after the first three need a paused vcpu */
#define VM_EVENT_FLAG_EMULATE (1 << 2)            /* emulate the instruction */
#define VM_EVENT_FLAG_EMULATE_NOWRITE (1 << 3)    /* the same, its writes dropped */
#define VM_EVENT_FLAG_TOGGLE_SINGLESTEP (1 << 4)  /* on, or off */
#define VM_EVENT_FLAG_SET_EMUL_READ_DATA (1 << 5) /* emulate; it reads data.emul.read */
#define VM_EVENT_FLAG_DENY (1 << 6)               /* the register's write does not happen */
#define VM_EVENT_FLAG_SET_REGISTERS (1 << 8) /* general registers, rip, rflags from data.regs */
#define VM_EVENT_FLAG_SET_EMUL_INSN_DATA (1 << 9)  /* with EMULATE alone: it is data.emul.insn */
#define VM_EVENT_FLAG_GET_NEXT_INTERRUPT (1 << 10) /* one REASON_INTERRUPT for the next one */
#define VM_EVENT_FLAG_FAST_SINGLESTEP (1 << 11)    /* one step, then in fast_singlestep.p2midx */
#define VM_EVENT_FLAG_RESET_VMTRACE (1 << 13)      /* empty the trace buffer */
#define VM_EVENT_FLAG_RESET_FORK_STATE (1 << 14)   /* a fork gets its parent's vcpus again */
#define VM_EVENT_FLAG_RESET_FORK_MEMORY (1 << 15)  /* a fork gets its parent's memory again */

/* reason; after it the member of u */
#define VM_EVENT_REASON_UNKNOWN 0
#define VM_EVENT_REASON_MEM_ACCESS 1          /* mem_access: against xenmem_access_t */
#define VM_EVENT_REASON_MEM_SHARING 2         /* mem_sharing: no memory to unshare */
#define VM_EVENT_REASON_MEM_PAGING 3          /* mem_paging: the page is out */
#define VM_EVENT_REASON_WRITE_CTRLREG 4       /* write_ctrlreg */
#define VM_EVENT_REASON_MOV_TO_MSR 5          /* mov_to_msr */
#define VM_EVENT_REASON_SOFTWARE_BREAKPOINT 6 /* software_breakpoint */
#define VM_EVENT_REASON_SINGLESTEP 7          /* singlestep */
#define VM_EVENT_REASON_GUEST_REQUEST 8       /* none: the guest asked for it */
#define VM_EVENT_REASON_DEBUG_EXCEPTION 9     /* debug_exception */
#define VM_EVENT_REASON_CPUID 10              /* cpuid */
#define VM_EVENT_REASON_PRIVILEGED_CALL 11    /* none: not on x86 */
#define VM_EVENT_REASON_INTERRUPT 12          /* interrupt */
#define VM_EVENT_REASON_DESCRIPTOR_ACCESS 13  /* desc_access */
#define VM_EVENT_REASON_EMUL_UNIMPLEMENTED 14 /* none: the emulator does not know it */
#define VM_EVENT_REASON_VMEXIT 15             /* vmexit */

/* write_ctrlreg.index */
#define VM_EVENT_X86_CR0 0
#define VM_EVENT_X86_CR3 1
#define VM_EVENT_X86_CR4 2
#define VM_EVENT_X86_XCR0 3

/* A segment: its limit, in pages if the granularity bit of ar is set, and its attributes. */
struct vm_event_x86_selector_reg {
    uint32_t limit : 20;
    uint32_t ar : 12;
};

struct vm_event_regs_x86 {
    uint64_t rax;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t rbx;
    uint64_t rsp;
    uint64_t rbp;
    uint64_t rsi;
    uint64_t rdi;
    uint64_t r8;
    uint64_t r9;
    uint64_t r10;
    uint64_t r11;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rflags;
    uint64_t dr6;
    uint64_t dr7;
    uint64_t rip;
    uint64_t cr0;
    uint64_t cr2;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t sysenter_cs;
    uint64_t sysenter_esp;
    uint64_t sysenter_eip;
    uint64_t msr_efer;
    uint64_t msr_star;
    uint64_t msr_lstar;
    uint64_t gdtr_base;
    uint64_t npt_base;    /* the nested guest's page tables, in its hypervisor's memory */
    uint64_t vmtrace_pos; /* where the trace has got to; all ones if there is none */
    uint32_t cs_base;
    uint32_t ss_base;
    uint32_t ds_base;
    uint32_t es_base;
    uint64_t fs_base;
    uint64_t gs_base;
    struct vm_event_x86_selector_reg cs;
    struct vm_event_x86_selector_reg ss;
    struct vm_event_x86_selector_reg ds;
    struct vm_event_x86_selector_reg es;
    struct vm_event_x86_selector_reg fs;
    struct vm_event_x86_selector_reg gs;
    uint64_t shadow_gs;
    uint16_t gdtr_limit;
    uint16_t cs_sel;
    uint16_t ss_sel;
    uint16_t ds_sel;
    uint16_t es_sel;
    uint16_t fs_sel;
    uint16_t gs_sel;
    uint16_t _pad;
};

/* Not on x86; here because it is in the union below. */
struct vm_event_regs_arm {
    uint64_t ttbr0;
    uint64_t ttbr1;
    uint64_t ttbcr;
    uint64_t pc;
    uint64_t cpsr;
};

/* mem_access.flags: what the access was, and what is known of its address. */
#define MEM_ACCESS_R (1 << 0)
#define MEM_ACCESS_W (1 << 1)
#define MEM_ACCESS_X (1 << 2)
#define MEM_ACCESS_RWX (MEM_ACCESS_R | MEM_ACCESS_W | MEM_ACCESS_X)
#define MEM_ACCESS_RW (MEM_ACCESS_R | MEM_ACCESS_W)
#define MEM_ACCESS_RX (MEM_ACCESS_R | MEM_ACCESS_X)
#define MEM_ACCESS_WX (MEM_ACCESS_W | MEM_ACCESS_X)
#define MEM_ACCESS_GLA_VALID (1 << 3)
#define MEM_ACCESS_FAULT_WITH_GLA (1 << 4) /* the access itself was at gla */
#define MEM_ACCESS_FAULT_IN_GPT (1 << 5)   /* the walk of the tables for gla was */
struct vm_event_mem_access {
    uint64_t gfn;
    uint64_t offset;
    uint64_t gla; /* linear address, if flags say so */
    uint32_t flags;
    uint32_t _pad;
};

struct vm_event_write_ctrlreg {
    uint32_t index; /* VM_EVENT_X86_* */
    uint32_t _pad;
    uint64_t new_value;
    uint64_t old_value;
};

struct vm_event_singlestep {
    uint64_t gfn; /* of rip */
};

struct vm_event_fast_singlestep {
    uint16_t p2midx; /* in a response */
};

struct vm_event_debug {
    uint64_t gfn;         /* of rip */
    uint64_t pending_dbg; /* debug_exception: the bits that DR6 gets */
    uint32_t insn_length;
    uint8_t type; /* of the event, as in the VMCS */
    uint8_t _pad[3];
};

struct vm_event_mov_to_msr {
    uint64_t msr;
    uint64_t new_value;
    uint64_t old_value;
};

#define VM_EVENT_DESC_IDTR 1
#define VM_EVENT_DESC_GDTR 2
#define VM_EVENT_DESC_LDTR 3
#define VM_EVENT_DESC_TR 4
struct vm_event_desc_access {
    union {
        struct {
            uint32_t instr_info;
            uint32_t _pad1;
            uint64_t exit_qualification;
        } vmx;
    } arch;
    uint8_t descriptor; /* VM_EVENT_DESC_* */
    uint8_t is_write;
    uint8_t _pad[6];
};

struct vm_event_cpuid {
    uint32_t insn_length;
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t _pad;
};

struct vm_event_interrupt_x86 {
    uint32_t vector;
    uint32_t type;
    uint32_t error_code;
    uint32_t _pad;
    uint64_t cr2;
};

/* mem_paging.flags, in a request */
#define MEM_PAGING_DROP_PAGE (1 << 0)  /* the guest gave the page up: forget it */
#define MEM_PAGING_EVICT_FAIL (1 << 1) /* it could not be put out */
struct vm_event_paging {
    uint64_t gfn;
    uint32_t p2mt;
    uint32_t flags;
};

struct vm_event_sharing {
    uint64_t gfn;
    uint32_t p2mt;
    uint32_t _pad;
};

struct vm_event_emul_read_data {
    uint32_t size;
    uint8_t data[sizeof(struct vm_event_regs_x86) - sizeof(uint32_t)];
};

struct vm_event_emul_insn_data {
    uint8_t data[16]; /* more than an instruction can be long */
};

struct vm_event_vmexit {
    struct {
        struct {
            uint64_t reason;
            uint64_t qualification;
        } vmx;
    } arch;
};

typedef struct vm_event_st {
    uint32_t version; /* VM_EVENT_INTERFACE_VERSION, by the sender of each direction */
    uint32_t flags;   /* VM_EVENT_FLAG_* */
    uint32_t reason;  /* VM_EVENT_REASON_* */
    uint32_t vcpu_id;
    uint16_t altp2m_idx;
    uint16_t _pad[3];
    union {
        struct vm_event_paging mem_paging;
        struct vm_event_sharing mem_sharing;
        struct vm_event_mem_access mem_access;
        struct vm_event_write_ctrlreg write_ctrlreg;
        struct vm_event_mov_to_msr mov_to_msr;
        struct vm_event_desc_access desc_access;
        struct vm_event_singlestep singlestep;
        struct vm_event_fast_singlestep fast_singlestep;
        struct vm_event_debug software_breakpoint;
        struct vm_event_debug debug_exception;
        struct vm_event_cpuid cpuid;
        struct vm_event_vmexit vmexit;
        union {
            struct vm_event_interrupt_x86 x86;
        } interrupt;
    } u;
    union {
        union {
            struct vm_event_regs_x86 x86;
            struct vm_event_regs_arm arm;
        } regs; /* request; response with SET_REGISTERS */
        union {
            struct vm_event_emul_read_data read;
            struct vm_event_emul_insn_data insn;
        } emul; /* response with SET_EMUL_READ_DATA, SET_EMUL_INSN_DATA */
    } data;
} vm_event_request_t, vm_event_response_t;

DEFINE_RING_TYPES(vm_event, vm_event_request_t, vm_event_response_t);

#endif /* __XEN__ || __XEN_TOOLS__ */

#endif /* _XEN_PUBLIC_VM_EVENT_H */
