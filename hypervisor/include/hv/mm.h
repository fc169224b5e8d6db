/* SPDX-License-Identifier: MIT */
/*
 * Frames, page types and page tables: what the rest of Hospes may ask of mm/. The type machine
 * itself is described at the top of mm/frame.c, the only file that changes a frame's type.
 */
#pragma once

#include <hv/mm_types.h>
#include <hv/types.h>

struct domain;
struct vcpu;
struct cpu_user_regs;

/* One per machine frame of RAM (and for holes in between). 32 bytes. */
struct frame {
    uint64_t count; /* FC_* flags and reference count; atomic */
    uint64_t type;  /* FT_* type, flags and type count; atomic */
    uint32_t owner; /* domid + 1; 0: none. Written only when count is 0 or by frame.c's owner moves */
    union {
        uint32_t tlb_stamp; /* while type count is 0: flush clock at the last drop */
        struct {
            uint16_t nr_validated; /* entries done, while validation is preempted */
            int16_t partial;
        };
    };
    uint32_t next, prev; /* domain's frame list, or the free list, by frame number */
};
_Static_assert(sizeof(struct frame) == 32, "DESIGN 2.3");

/* count */
#define FC_ALLOCATED (1UL << 63) /* owned: the owner holds one reference */
#define FC_HYPERVISOR (1UL << 62) /* Hospes's own frame, shared with its owner */
#define FC_BROKEN    (1UL << 61)
#define FC_COUNT_MASK ((1UL << 48) - 1)
/* type; the count is in the low bits */
#define FT_SHIFT     60
#define FT_NONE      (0UL << FT_SHIFT)
#define FT_L1        (1UL << FT_SHIFT)
#define FT_L2        (2UL << FT_SHIFT)
#define FT_L3        (3UL << FT_SHIFT)
#define FT_L4        (4UL << FT_SHIFT)
#define FT_SEGDESC   (5UL << FT_SHIFT)
#define FT_WRITABLE  (7UL << FT_SHIFT)
#define FT_TYPE_MASK (15UL << FT_SHIFT)
#define FT_PINNED    (1UL << 59)
#define FT_VALIDATED (1UL << 58)
#define FT_PARTIAL   (1UL << 57)
#define FT_LOCKED    (1UL << 56)
#define FT_COUNT_MASK ((1UL << 40) - 1)

extern struct frame *frame_table; /* at FRAMETABLE_START, sparse */
extern uint64_t max_frame;        /* one past the highest RAM frame */

bool mfn_valid(mfn_t m);          /* has a frame record (RAM that Hospes manages) */
struct frame *mfn_to_frame(mfn_t m);
mfn_t frame_to_mfn(const struct frame *f);

/* Hospes's own memory. Always in the direct map. Zeroed where said. */
void *alloc_pages_hv(unsigned int order);     /* 2^order pages, zeroed; NULL when none */
void free_pages_hv(void *p, unsigned int order);
static inline void *alloc_page_hv(void)
{
    return alloc_pages_hv(0);
}
static inline void free_page_hv(void *p)
{
    free_pages_hv(p, 0);
}
void *hv_alloc(size_t n);                     /* zeroed, 16-byte aligned; any size up to 4 MiB */
void hv_free(void *p);                        /* NULL is fine */
#define hv_new(type)          ((type *)hv_alloc(sizeof(type)))
#define hv_new_array(type, n) ((type *)hv_alloc(sizeof(type) * (size_t)(n)))

/* Direct map and private mappings. */
void *mfn_to_virt(mfn_t m);                   /* RAM only */
void *paddr_to_virt(paddr_t p);
mfn_t virt_to_mfn(const void *v);             /* direct map or Hospes image addresses */
paddr_t virt_to_paddr(const void *v);
/* Uncached mapping of device memory (any page attribute index in 'flags'); NULL when none. */
void *ioremap(paddr_t p, size_t n);
void *ioremap_wb(paddr_t p, size_t n);        /* firmware tables outside RAM */
void iounmap(void *v);

/* Boot: order of calls is in boot/main.c. */
void mm_boot_add_ram(paddr_t start, paddr_t end); /* usable, not holding anything */
void mm_init(void);                           /* frame table, direct map, M2P, allocator */
void mm_init_late(void);                      /* after all CPUs are up: frees boot-only memory */

/* Domain frames. */
#define ALLOC_LOW 1u /* below 4 GiB */
#define ALLOC_NO_REF_COUNT_CHECK 2u
/* 2^order contiguous frames owned by d (d NULL: nobody yet), each with the owner's reference;
 * bits: highest address bit + 1 allowed, 0 any. Counts against d's max_pages and claims. */
struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits,
                                  unsigned int flags);
void free_domain_frame(struct frame *f);      /* drops the owner's reference */

/* References. A 'frame reference' keeps the frame with its owner; a 'type reference' also keeps it
 * at that type. get functions return false / -errno and take nothing on failure. */
struct domain *frame_owner(const struct frame *f); /* no reference; NULL: none */
bool frame_get(struct frame *f, const struct domain *d);      /* d must own it */
void frame_put(struct frame *f);
int frame_get_type(struct frame *f, uint64_t type);           /* 0, -EINVAL, -ERESTART, -EINTR */
void frame_put_type(struct frame *f);
bool frame_get_writable(struct frame *f, struct domain *d);   /* both, writable */
void frame_put_writable(struct frame *f);
/* Gives a Hospes frame to d as shared: readable, or writable by its guest. */
void share_hv_frame(struct frame *f, struct domain *d, bool writable);
/* Takes it back; the caller frees it when the last reference goes (frame_put does). */
void unshare_hv_frame(struct frame *f);

/* Domain and vcpu parts. */
int mm_init_domain(struct domain *d);
int mm_init_vcpu(struct vcpu *v);
void mm_destroy_vcpu(struct vcpu *v);         /* drops base pointers, GDT, LDT, vcpu_info */
int mm_drop_vcpu_pagetables(struct vcpu *v);  /* preemptible */
int mm_relinquish_domain(struct domain *d);   /* all frames; preemptible: -ERESTART */
void mm_free_domain(struct domain *d);
void mm_fill_l4(struct domain *d, uint64_t *l4, mfn_t self); /* slots 256..271 */

/* vcpu context (setvcpucontext, VCPUOP_initialise): take the references for it. */
int mm_set_base(struct vcpu *v, mfn_t kernel_l4, mfn_t user_l4); /* typed L4; -EINVAL, -ERESTART */
int mm_set_gdt(struct vcpu *v, const uint64_t *frames, uint32_t entries);
void mm_drop_gdt(struct vcpu *v);
int mm_set_ldt(struct vcpu *v, uint64_t base, uint32_t entries);
/* Registers v->info in a guest frame: VCPUOP_register_vcpu_info. */
int mm_map_vcpu_info(struct vcpu *v, uint64_t gfn, uint32_t offset);
/* FIFO control blocks and event arrays: a writable, mapped guest frame. NULL with *err. */
void *mm_map_guest_frame(struct domain *d, uint64_t gfn, int *err);
void mm_unmap_guest_frame(void *va);          /* any address in it */

/* Context switch and faults. */
void mm_load_base(struct vcpu *v);            /* CR3 for v's current mode (kernel or user) */
void mm_load_idle_base(void);
void mm_window_set_cpu_gdt(struct vcpu *v);   /* page 14 of v's GDT window: this CPU's own */
/* A page fault taken in guest or on guest data. True: handled (spurious, writable page table,
 * lazy LDT); false: the guest's to see. */
bool mm_handle_fault(struct vcpu *v, uint64_t addr, uint32_t error_code,
                     struct cpu_user_regs *regs);

/* TLB. */
struct cpumask;
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);

/* Machine-to-physical table. */
void m2p_set(mfn_t m, uint64_t pfn);
uint64_t m2p_get(mfn_t m);

/* Statistics for sysctl. Pages. */
uint64_t mm_total_pages(void);
uint64_t mm_free_pages(void);
uint64_t mm_free_pages_between(unsigned int min_bits, unsigned int max_bits);
uint64_t mm_outstanding_claims(void);

/* dom0's view of the machine: the e820 given by the boot loader, in public e820 format. */
struct e820entry_hv {
    uint64_t addr, size;
    uint32_t type;
} __packed;
extern struct e820entry_hv machine_e820[128];
extern unsigned int machine_e820_nr;

/* Recount all references; prints differences, returns their number. All CPUs stopped. */
int mm_audit(void);
