/* SPDX-License-Identifier: MIT */
/*
 * The core of the guest ABI: hypercall numbers, virtual interrupts, page-table operations, the
 * pages shared with a domain (shared_info, vcpu_info) and the page it starts from (start_info).
 *
 * Everything here is binary interface: names, values and layouts are fixed for ever and checked
 * by tests/abi. The file may be included from assembly with __ASSEMBLY__ defined.
 */
#ifndef __XEN_PUBLIC_XEN_H__
#define __XEN_PUBLIC_XEN_H__

#include "xen-compat.h"

#ifndef __ASSEMBLY__
#include <stdint.h>
#endif

#if defined(__x86_64__)
#include "arch-x86/xen.h"
#else
#error "only x86-64 is provided"
#endif

#ifndef __ASSEMBLY__

/* Dimension of a trailing array whose length is known at run time only. */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define XEN_FLEX_ARRAY_DIM
#elif defined(__GNUC__)
#define XEN_FLEX_ARRAY_DIM 0
#else
#define XEN_FLEX_ARRAY_DIM 1
#endif

/* Handles to basic types; __DEFINE_... also makes the const_ variant. */
DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);

/* Give a bare number the suffix of its C type. */
#define __xen_mk_uint(x) x##U
#define __xen_mk_ulong(x) x##UL
#ifndef __xen_mk_ullong
#define __xen_mk_ullong(x) x##ULL
#endif
#define xen_mk_uint(x) __xen_mk_uint(x)
#define xen_mk_ulong(x) __xen_mk_ulong(x)
#define xen_mk_ullong(x) __xen_mk_ullong(x)

#else /* __ASSEMBLY__: the assembler knows no suffixes */

#define xen_mk_uint(x) x
#define xen_mk_ulong(x) x
#define xen_mk_ullong(x) x

#endif /* __ASSEMBLY__ */

/*
 * Hypercall numbers. The caller puts the number in RAX and up to five arguments in RDI, RSI, RDX,
 * R10 and R8; the result (zero or a count, or a negative errno) comes back in RAX.
 */
#define __HYPERVISOR_set_trap_table 0
#define __HYPERVISOR_mmu_update 1
#define __HYPERVISOR_set_gdt 2
#define __HYPERVISOR_stack_switch 3
#define __HYPERVISOR_set_callbacks 4
#define __HYPERVISOR_fpu_taskswitch 5
#define __HYPERVISOR_sched_op_compat 6 /* old form, superseded by 29 */
#define __HYPERVISOR_platform_op 7
#define __HYPERVISOR_set_debugreg 8
#define __HYPERVISOR_get_debugreg 9
#define __HYPERVISOR_update_descriptor 10
#define __HYPERVISOR_memory_op 12
#define __HYPERVISOR_multicall 13
#define __HYPERVISOR_update_va_mapping 14
#define __HYPERVISOR_set_timer_op 15
#define __HYPERVISOR_event_channel_op_compat 16 /* old form, superseded by 32 */
#define __HYPERVISOR_xen_version 17
#define __HYPERVISOR_console_io 18
#define __HYPERVISOR_physdev_op_compat 19 /* old form, superseded by 33 */
#define __HYPERVISOR_grant_table_op 20
#define __HYPERVISOR_vm_assist 21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret 23
#define __HYPERVISOR_vcpu_op 24
#define __HYPERVISOR_set_segment_base 25
#define __HYPERVISOR_mmuext_op 26
#define __HYPERVISOR_xsm_op 27
#define __HYPERVISOR_nmi_op 28
#define __HYPERVISOR_sched_op 29
#define __HYPERVISOR_callback_op 30
#define __HYPERVISOR_xenoprof_op 31
#define __HYPERVISOR_event_channel_op 32
#define __HYPERVISOR_physdev_op 33
#define __HYPERVISOR_hvm_op 34
#define __HYPERVISOR_sysctl 35
#define __HYPERVISOR_domctl 36
#define __HYPERVISOR_kexec_op 37
#define __HYPERVISOR_tmem_op 38
#define __HYPERVISOR_argo_op 39
#define __HYPERVISOR_xenpmu_op 40
#define __HYPERVISOR_dm_op 41
#define __HYPERVISOR_hypfs_op 42

#define __HYPERVISOR_arch_0 48 /* x86: machine-check interface, see arch-x86/xen-mca.h */
#define __HYPERVISOR_arch_1 49
#define __HYPERVISOR_arch_2 50
#define __HYPERVISOR_arch_3 51
#define __HYPERVISOR_arch_4 52
#define __HYPERVISOR_arch_5 53
#define __HYPERVISOR_arch_6 54
#define __HYPERVISOR_arch_7 55

/*
 * Virtual interrupts, bound to a port by EVTCHNOP_bind_virq. Per-vcpu ones are bound once on each
 * vcpu and stay there. Global ones are bound once in a domain, on vcpu 0, and may be moved later;
 * those marked 'dom0' go to the control domain unless XEN_DOMCTL_set_virq_handler says otherwise.
 */
#define VIRQ_TIMER 0      /* per vcpu: a timer set by the guest has expired, or time was stepped */
#define VIRQ_DEBUG 1      /* per vcpu: print your state, please */
#define VIRQ_CONSOLE 2    /* global, dom0: input on the hypervisor's serial console */
#define VIRQ_DOM_EXC 3    /* global, dom0: a domain shut down, crashed or died */
#define VIRQ_TBUF 4       /* global, dom0: trace buffers want emptying */
#define VIRQ_DEBUGGER 6   /* global, dom0: a domain stopped for its debugger */
#define VIRQ_XENOPROF 7   /* per vcpu: a profiling sample is there */
#define VIRQ_CON_RING 8   /* global, dom0: the hypervisor's message ring has grown */
#define VIRQ_PCPU_STATE 9 /* global, dom0: a physical CPU came or went */
#define VIRQ_MEM_EVENT 10 /* global, dom0: memory event */
#define VIRQ_ARGO 11      /* global: argo message */
#define VIRQ_ENOMEM 12    /* global, dom0: hypervisor memory runs low */
#define VIRQ_XENPMU 13    /* per vcpu: performance counter interrupt */

#define VIRQ_ARCH_0 16
#define VIRQ_ARCH_1 17
#define VIRQ_ARCH_2 18
#define VIRQ_ARCH_3 19
#define VIRQ_ARCH_4 20
#define VIRQ_ARCH_5 21
#define VIRQ_ARCH_6 22
#define VIRQ_ARCH_7 23

#define NR_VIRQS 24

/*
 * mmu_update(reqs, count, done, foreigndom): an array of {ptr, val} pairs, the command in the two
 * low bits of ptr. 'done' receives how many were carried out, whatever the result. The low half of
 * foreigndom names the owner of the frames that entries point to; the high half, if not zero, is
 * one more than the owner of the page tables themselves.
 *
 * For the page-table commands ptr (low bits cleared) is the machine address of the entry, which
 * must lie in a frame that is in use as a page table; val is the entry in hardware format with a
 * machine frame number. The frame that val points to gets the type that its place demands, or the
 * update fails: a frame can not be a page table and writable at the same time.
 *
 * MACHPHYS: ptr is any machine address in the frame; val is its new machine-to-physical value.
 */
#define MMU_NORMAL_PT_UPDATE 0       /* write val */
#define MMU_MACHPHYS_UPDATE 1        /* set the M2P entry of the frame */
#define MMU_PT_UPDATE_PRESERVE_AD 2  /* write val, keeping accessed and dirty as they stand */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* write val, never translating its frame number */

/*
 * mmuext_op(ops, count, done, foreigndom): an array of struct mmuext_op.
 *   PIN_Ln         arg1.mfn: validate the frame as a level-n table and hold it so
 *   UNPIN          arg1.mfn: drop that hold
 *   NEW_BASEPTR    arg1.mfn: the L4 for kernel mode (also used for user mode until set apart)
 *   NEW_USER_BASEPTR  arg1.mfn: the L4 for user mode; 0 means none
 *   TLB_FLUSH_*, INVLPG_*  LOCAL: this vcpu; MULTI: the vcpus set in the bitmap arg2.vcpumask;
 *                  ALL: every vcpu of the domain. INVLPG takes the page in arg1.linear_addr
 *   FLUSH_CACHE, FLUSH_CACHE_GLOBAL  write back and invalidate caches, here or everywhere
 *   SET_LDT        arg1.linear_addr, arg2.nr_ents: page-aligned table, at most 8192 entries
 *   CLEAR_PAGE     arg1.mfn is filled with zeros
 *   COPY_PAGE      arg1.mfn receives the contents of arg2.src_mfn
 *   [UN]MARK_SUPER arg1.mfn: 2 MiB frames, where the hypervisor allows them to PV guests
 */
#define MMUEXT_PIN_L1_TABLE 0
#define MMUEXT_PIN_L2_TABLE 1
#define MMUEXT_PIN_L3_TABLE 2
#define MMUEXT_PIN_L4_TABLE 3
#define MMUEXT_UNPIN_TABLE 4
#define MMUEXT_NEW_BASEPTR 5
#define MMUEXT_TLB_FLUSH_LOCAL 6
#define MMUEXT_INVLPG_LOCAL 7
#define MMUEXT_TLB_FLUSH_MULTI 8
#define MMUEXT_INVLPG_MULTI 9
#define MMUEXT_TLB_FLUSH_ALL 10
#define MMUEXT_INVLPG_ALL 11
#define MMUEXT_FLUSH_CACHE 12
#define MMUEXT_SET_LDT 13
#define MMUEXT_NEW_USER_BASEPTR 15
#define MMUEXT_CLEAR_PAGE 16
#define MMUEXT_COPY_PAGE 17
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER 19
#define MMUEXT_UNMARK_SUPER 20

#ifndef __ASSEMBLY__
struct mmuext_op {
    unsigned int cmd; /* IN: MMUEXT_* */
    union {
        xen_pfn_t mfn;
        unsigned long linear_addr;
    } arg1;
    union {
        unsigned int nr_ents;
        XEN_GUEST_HANDLE(const_void) vcpumask;
        xen_pfn_t src_mfn;
    } arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);
#endif

/*
 * update_va_mapping(va, entry, flags): write the L1 entry that maps va in the current tables.
 * flags is a flush kind, and for it either a scope or the address of a vcpu bitmap (at least
 * 8-byte aligned, so that the three low bits stay free).
 */
#define UVMF_NONE (xen_mk_ulong(0) << 0)           /* flush nothing */
#define UVMF_TLB_FLUSH (xen_mk_ulong(1) << 0)      /* flush the whole TLB */
#define UVMF_INVLPG (xen_mk_ulong(2) << 0)         /* flush the one page */
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI (xen_mk_ulong(0) << 2)          /* scope: the bitmap's vcpus */
#define UVMF_LOCAL (xen_mk_ulong(0) << 2)          /* scope: this vcpu */
#define UVMF_ALL (xen_mk_ulong(1) << 2)            /* scope: all vcpus */

/* console_io(cmd, count, buffer): the hypervisor's console; read returns the bytes delivered. */
#define CONSOLEIO_write 0
#define CONSOLEIO_read 1

/* vm_assist(cmd, type): switch a help for the guest on or off, for the whole domain. */
#define VMASST_CMD_enable 0
#define VMASST_CMD_disable 1

#define VMASST_TYPE_4gb_segments 0        /* 32-bit: emulate accesses through 4 GiB segments */
#define VMASST_TYPE_4gb_segments_notify 1 /* 32-bit: and trap to the guest when doing so */
#define VMASST_TYPE_writable_pagetables 2 /* emulate writes to read-only page tables */
#define VMASST_TYPE_pae_extended_cr3 3    /* 32-bit: L3 tables anywhere in memory */
#define VMASST_TYPE_architectural_iopl 4  /* IOPL is kept in the guest's flags as on hardware */
#define VMASST_TYPE_runstate_update_flag 5 /* mark runstate areas while writing them */
#define VMASST_TYPE_m2p_strict 32         /* M2P not reachable from user mode */

/* Reserved domain ids: names for the caller and for owners that are no domain. */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF xen_mk_uint(0x7FF0)    /* whoever calls */
#define DOMID_IO xen_mk_uint(0x7FF1)      /* frames that are not RAM, at the caller's privilege */
#define DOMID_XEN xen_mk_uint(0x7FF2)     /* the hypervisor's own shareable frames */
#define DOMID_COW xen_mk_uint(0x7FF3)     /* frames shared copy-on-write */
#define DOMID_INVALID xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE xen_mk_uint(0x7FFF)    /* the idle vcpus */
#define DOMID_MASK xen_mk_uint(0x7FFF)

#ifndef __ASSEMBLY__

typedef uint16_t domid_t;

struct mmu_update {
    uint64_t ptr; /* IN: machine address, MMU_* command in bits 1:0 */
    uint64_t val; /* IN: new contents */
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

/*
 * multicall(calls, nr_calls): hypercalls done one after another. Each entry's result is written
 * back; a failing entry does not stop the rest. A multicall inside a multicall is refused.
 */
struct multicall_entry {
    xen_ulong_t op;      /* IN: __HYPERVISOR_* */
    xen_ulong_t result;  /* OUT */
    xen_ulong_t args[6]; /* IN */
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

/*
 * How a vcpu turns its time-stamp counter into system time (nanoseconds since boot):
 *     delta = tsc - tsc_timestamp; shift it by tsc_shift (left if positive, right if negative);
 *     ns = system_time + ((delta * tsc_to_system_mul) >> 32)
 * Written by the hypervisor only. It makes version odd before and even after a change, so a reader
 * repeats while version is odd or differs from before.
 */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;     /* counter value at the last update */
    uint64_t system_time;       /* nanoseconds at that moment */
    uint32_t tsc_to_system_mul; /* binary fraction, 32 bits behind the point */
    int8_t tsc_shift;
    uint8_t flags; /* XEN_PVCLOCK_* */
    uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* readings of all vcpus may be compared */
#define XEN_PVCLOCK_GUEST_STOPPED (1 << 1)  /* the guest was halted from outside for a while */

/*
 * The part of the shared page that belongs to one vcpu.
 *
 * An upcall is made when evtchn_upcall_pending is set while evtchn_upcall_mask is clear. The
 * hypervisor sets pending (and, when it delivers, mask); the guest clears both. Bit i of
 * evtchn_pending_sel says that word i of shared_info.evtchn_pending holds an unmasked event: the
 * hypervisor sets it, the guest swaps it with zero before looking at the words.
 */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
#ifdef XEN_HAVE_PV_UPCALL_MASK
    uint8_t evtchn_upcall_mask;
#else
    uint8_t pad0;
#endif
    xen_ulong_t evtchn_pending_sel;
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
}; /* 64 bytes */
#ifndef __XEN__
typedef struct vcpu_info vcpu_info_t;
#endif

/*
 * The page shared by the hypervisor and all of a domain. Only the first XEN_LEGACY_MAX_VCPUS vcpus
 * find their vcpu_info here; others register one with VCPUOP_register_vcpu_info.
 *
 * 2-level event channels: bit p of evtchn_pending is set by the hypervisor and cleared by the
 * guest; bit p of evtchn_mask belongs to the guest. A port that becomes pending while masked makes
 * no upcall: whoever unmasks has to look at pending (or use EVTCHNOP_unmask).
 *
 * Wall clock: the time of day at system time zero, under its own version counter, which is used
 * like the one in vcpu_time_info.
 */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8];
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    uint32_t wc_sec_hi; /* upper half of the seconds */
#define xen_wc_sec_hi wc_sec_hi
    struct arch_shared_info arch;
};
#ifndef __XEN__
typedef struct shared_info shared_info_t;
#endif

/*
 * What a PV kernel finds at its start, its address in RSI.
 *
 * The builder (the hypervisor for dom0, the tools for others) lays out, from virt_base upwards and
 * each page-aligned: the kernel; the initrd, unless it is only named by frame number; the p2m list
 * of frame numbers, unless the kernel asked for it elsewhere (XEN_ELFNOTE_INIT_P2M); start_info;
 * for a domU the xenstore and console pages; the page tables; one page of stack (RSP). All are
 * mapped writable except the page tables; the mapped region ends at a 4 MiB boundary and leaves at
 * least 512 KiB free behind the last part. Pseudo-physical frames run in the same order.
 *
 * The first half is written anew on resume; the rest is only valid at boot.
 */
struct start_info {
    char magic[32];            /* "xen-<major>.<minor>-x86_64" */
    unsigned long nr_pages;    /* pages the domain owns */
    unsigned long shared_info; /* machine address of the shared page */
    uint32_t flags;            /* SIF_* */
    xen_pfn_t store_mfn;       /* machine frame of the xenstore ring */
    uint32_t store_evtchn;     /* its local port; 0 in dom0 */
    union {
        struct {
            xen_pfn_t mfn;   /* machine frame of the console ring */
            uint32_t evtchn; /* its local port */
        } domU;
        struct {
            uint32_t info_off;  /* offset of dom0_vga_console_info in this page */
            uint32_t info_size; /* its size; 0 if there is no screen */
        } dom0;
    } console;
    unsigned long pt_base;      /* virtual address of the L4 */
    unsigned long nr_pt_frames; /* frames the initial page tables take */
    unsigned long mfn_list;     /* virtual address of the p2m list */
    unsigned long mod_start;    /* initrd: virtual address, or frame if SIF_MOD_START_PFN */
    unsigned long mod_len;      /* its length in bytes */
#define MAX_GUEST_CMDLINE 1024
    int8_t cmd_line[MAX_GUEST_CMDLINE]; /* NUL-terminated */
    unsigned long first_p2m_pfn;        /* frames of the p2m list, if it is mapped apart */
    unsigned long nr_p2m_frames;
};
typedef struct start_info start_info_t;

#endif /* !__ASSEMBLY__ */

/* start_info.flags */
#define SIF_PRIVILEGED (1 << 0)      /* may use privileged hypercalls */
#define SIF_INITDOMAIN (1 << 1)      /* is dom0 */
#define SIF_MULTIBOOT_MOD (1 << 2)   /* mod_start is a list of xen_multiboot_mod_list */
#define SIF_MOD_START_PFN (1 << 3)   /* mod_start is a frame number, the initrd is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4) /* tools can read a p2m by virtual address (p2m_vaddr) */
#define SIF_PM_MASK (0xFF << 8)      /* power management hints for dom0 */

#ifndef __ASSEMBLY__

/*
 * With SIF_MULTIBOOT_MOD: an array at mod_start, ended by an entry whose mod_start is 0.
 * Addresses count from the beginning of the array.
 */
struct xen_multiboot_mod_list {
    uint32_t mod_start; /* first byte */
    uint32_t mod_end;   /* last byte */
    uint32_t cmdline;   /* NUL-terminated */
    uint32_t pad;       /* 0 */
};

/* The screen that dom0 takes over, as the firmware or boot loader left it. */
typedef struct dom0_vga_console_info {
    uint8_t video_type; /* XEN_VGATYPE_*, tells which member of u */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB 0x23
#define XEN_VGATYPE_EFI_LFB 0x70
    union {
        struct {
            uint16_t font_height;        /* pixels */
            uint16_t cursor_x, cursor_y; /* column, row */
            uint16_t rows, columns;      /* characters */
        } text_mode_3;
        struct {
            uint16_t width, height;  /* pixels */
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base; /* physical address of the framebuffer, low half */
            uint32_t lfb_size; /* in units of 64 KiB */
            uint8_t red_pos, red_size;
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps;   /* VBE: capabilities of the controller */
            uint16_t mode_attrs; /* VBE: attributes of the mode */
            uint16_t pad;
#if __XEN_INTERFACE_VERSION__ >= 0x00040d00
            uint32_t ext_lfb_base; /* upper half of the address */
#endif
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

typedef uint8_t xen_domain_handle_t[16]; /* a domain's UUID */

typedef struct {
    uint8_t a[16];
} xen_uuid_t;

/* A UUID from its printed parts, all bytes in printed order (big-endian throughout). */
#define XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)                                       \
    {                                                                                              \
        {                                                                                          \
            ((a) >> 24) & 0xFF, ((a) >> 16) & 0xFF, ((a) >> 8) & 0xFF, (a)&0xFF,                   \
            ((b) >> 8) & 0xFF, (b)&0xFF, ((c) >> 8) & 0xFF, (c)&0xFF,                              \
            ((d) >> 8) & 0xFF, (d)&0xFF, e1, e2, e3, e4, e5, e6                                    \
        }                                                                                          \
    }
#if defined(__STDC_VERSION__) ? __STDC_VERSION__ >= 199901L : defined(__GNUC__)
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6)                                        \
    ((xen_uuid_t)XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6))
#else
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6)                                        \
    XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)
#endif

#endif /* !__ASSEMBLY__ */

/* The control interfaces use types of one size for callers of every width. */
#if defined(__XEN__) || defined(__XEN_TOOLS__)

#ifndef int64_aligned_t
#define int64_aligned_t int64_t
#endif
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif
#ifndef XEN_GUEST_HANDLE_64
#define XEN_GUEST_HANDLE_64(name) XEN_GUEST_HANDLE(name)
#endif

#ifndef __ASSEMBLY__
/* A caller's bitmap: bit n is bit n%8 of byte n/8. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap;
    uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;
#endif

#endif /* __XEN__ || __XEN_TOOLS__ */

#endif /* __XEN_PUBLIC_XEN_H__ */
