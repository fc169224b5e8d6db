/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. A faulting instruction inside a TRY* resumes behind itself with the fault's
 * description in r12; every other unexpected trap ends the test. A test can hook any vector.
 * All of it works in user mode too, where the kernel's handler does the same for user code.
 */
#pragma once

#include "lib.h"

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip;
    uint16_t cs, cs_pad;
    uint8_t saved_upcall_mask, mask_pad[3]; /* the mask at the time of the trap */
    uint64_t rflags, rsp, ss;
};

struct iret_frame {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

enum {
    DE = 0,
    DB = 1,
    BP = 3,
    OF = 4,
    BR = 5,
    UD = 6,
    NM = 7,
    DF = 8,
    TS = 10,
    NP = 11,
    SS = 12,
    GP = 13,
    PF = 14,
    MF = 16,
    AC = 17,
    XM = 19
};
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RESERVED = 8, PF_FETCH = 16 };

/* What TRY* give: 0 for no fault, else FAULT(vector, error code). */
typedef uint64_t fault_t;
#define FAULT(vector, error) (1ULL << 63 | (uint64_t)(vector) << 32 | (error))
#define FAULT_VECTOR(f)      ((unsigned int)((f) >> 32 & 0xffff))
#define FAULT_ERROR(f)       ((uint32_t)(f))

/* Marks the instruction at label 1 with the way out at label 2, and r12 for the description. */
#define EX_TABLE ".pushsection .ex_table,\"a\"\n.quad 1b, 2b\n.popsection\n"
fault_t try_read(const volatile void *at, uint64_t *value);
fault_t try_write(volatile void *at, uint64_t value);
#define TRY(instruction)                                                                           \
    ({                                                                                             \
        register fault_t r12_ asm("r12") = 0;                                                      \
        asm volatile("1: " instruction "\n2:\n" EX_TABLE : "+r"(r12_) : : "memory", "cc", "rax");  \
        (fault_t) r12_;                                                                            \
    })
/*
 * The same, with lists in parentheses: outputs each preceded by a comma (they begin at %1), inputs,
 * clobbers. The instruction must not use r12.
 */
#define TRY_IO(instruction, out, in, clobber)                                                      \
    ({                                                                                             \
        register fault_t r12_ asm("r12") = 0;                                                      \
        asm volatile("1: " instruction "\n2:\n" EX_TABLE                                           \
                     : "+r"(r12_)TRY_UNPACK out                                                    \
                     : TRY_UNPACK in                                                               \
                     : TRY_UNPACK clobber);                                                        \
        (fault_t) r12_;                                                                            \
    })
#define TRY_UNPACK(...) __VA_ARGS__

/* A hook gets the trap first; true means it is dealt with. */
typedef bool trap_hook_t(struct regs *regs);
extern trap_hook_t *trap_hooks[VEC_FAILSAFE + 1];
/* Gets what neither a hook nor a TRY took, before the test ends because of it. */
extern trap_hook_t *trap_unexpected;
/* The last trap that any vcpu took, for tests that look closer, and the mask it was taken with. */
extern struct regs last_trap;
extern uint64_t last_cr2;
extern uint8_t last_upcall_mask;
extern unsigned int trap_count;
extern uint64_t failsafe_selectors[4]; /* ds, es, fs, gs */

void trap_init(void);
void trap(struct regs *regs);
struct trap_info;
/* Every vector has its stub; software may raise int3, into, int 0x40 and int 0x80; #PF masks. */
void trap_fill_table(struct trap_info to[256]);
extern char trap_stubs[];
extern char entry_syscall[], entry_event[], entry_nmi[], entry_failsafe[];

struct context {
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
uint64_t context_save(struct context *to) __attribute__((returns_twice));
void context_load(const struct context *from, uint64_t value) __attribute__((noreturn));
void iret_to(const struct iret_frame *frame) __attribute__((noreturn));

/*
 * Runs fn(arg) in user mode and returns its result. User mode sees the kernel's image (all memory
 * below the L4 is shared) through its own L4. Events stay masked. printk() and the checks work
 * there. user_prepare() makes the tables,
 * user_load() loads them.
 */
typedef uint64_t user_fn_t(uint64_t arg);
void user_prepare(void);
void user_load(void);
extern uint64_t user_l4_mfn;
uint64_t run_user(user_fn_t *fn, uint64_t arg);
extern char user_start[];
