/* SPDX-License-Identifier: MIT */
/*
 * Frames, page types and page tables: what the rest of Hospes may ask of mm/. The type machine
 * itself is described at the top of mm/frame.c, the only file that changes a frame's type.
 */
#pragma once

#include <hv/spinlock.h>

struct domain;
struct vcpu;
struct cpu_user_regs;

/*
 * One per machine frame below max_frame. Frames that are not RAM have a read-only record with
 * owner DOMID_IO and count 0.
 */
struct frame {
    uint64_t count; /* FC_* flags and reference count; atomic */
    uint64_t type;  /* FT_* type, flags, linear count and type count; atomic */
    uint32_t owner; /* domid + 1; 0: none. Constant while count is above 0 */
    union {
        uint32_t tlb_stamp;        /* type count 0, or free: flush clock of the drop */
        struct {                   /* while a table is validated or torn down; see mm/frame.c */
            uint16_t nr_validated; /* entries below it hold references */
            uint16_t partial;      /* the table behind entry nr_validated may be PARTIAL for us */
        };
    };
    uint32_t next, prev; /* domain's frame list, or the free list, by frame number; 0: end */
};
_Static_assert(sizeof(struct frame) == 32, "DESIGN 2.3");

/* count */
#define FC_ALLOCATED   (1UL << 63) /* the owner holds one reference */
#define FC_HYPERVISOR  (1UL << 62) /* Hospes's own frame, shared with its owner */
#define FC_FOREIGN     (1UL << 61) /* CPUs outside its owner's set may hold a translation */
#define FC_FREE        (1UL << 60) /* first frame of a block on the free list; order in bits 48.. */
#define FC_DIRTY       (1UL << 59) /* free, and not known to be zero */
#define FC_ORDER_SHIFT 48
#define FC_MAPPED_ONE  (1UL << 48) /* one of Hospes's mappings, counted for the audit */
#define FC_MAPPED(c)   ((c) >> 48 & 0x7ff)
#define FC_COUNT_MASK  ((1UL << 48) - 1)
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
/* Linear entries of tables to others of the same level: this one has some, or is used by some. */
#define FT_LINEAR_USER (1UL << 55)
#define FT_LINEAR_ONE  (1UL << 40)
#define FT_LINEAR_MASK (0x7fffUL << 40)
#define FT_COUNT_MASK  ((1UL << 40) - 1)

/* Page-table entries, all levels. */
#define PTE_P            (1UL << 0)
#define PTE_RW           (1UL << 1)
#define PTE_USER         (1UL << 2)
#define PTE_PWT          (1UL << 3)
#define PTE_PCD          (1UL << 4)
#define PTE_A            (1UL << 5)
#define PTE_D            (1UL << 6)
#define PTE_PSE          (1UL << 7) /* L2 and up */
#define PTE_PAT          (1UL << 7) /* L1 */
#define PTE_G            (1UL << 8)
#define PTE_AVAIL        (7UL << 9)
#define PTE_AVAIL_HIGH   (0x7ffUL << 52)
#define PTE_GUEST_KERNEL (1UL << 52) /* set by us in L1 entries that lacked USER */
#define PTE_NX           (1UL << 63)
#define PTE_ADDR         0x000ffffffffff000UL
/* In tables of our own. */
#define TABLE_PTE (PTE_P | PTE_RW | PTE_A)
#define DATA_PTE  (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)

extern struct frame *frame_table; /* at FRAMETABLE_START, sparse */
extern uint64_t max_frame;        /* one past the highest RAM frame */
/* Frames outside RAM that no guest may map writable (MSI-X tables, ...); writes are dropped. */
extern struct rangeset *mmio_ro_ranges;
extern bool mm_linear_seen; /* some domain has linear_slots; checked on every guest access */

/* The e820 given by the boot loader, in public e820 format. */
struct e820entry_hv {
    uint64_t addr, size;
    uint32_t type;
} __packed;
extern struct e820entry_hv machine_e820[128];
extern unsigned int machine_e820_nr;
#define for_each_ram(e)                                                                            \
    for (const struct e820entry_hv *e = machine_e820; e < machine_e820 + machine_e820_nr; e++)     \
        if (e->type == 1)

/* Embedded in domains and vcpus. */
struct mm_domain {
    spinlock_t lock;                 /* frame list, counts, memory map; ORDER_PAGE_ALLOC */
    uint32_t first_frame;            /* list of owned frames through frame records; 0: empty */
    uint64_t tot_pages;              /* frames owned */
    uint64_t max_pages;              /* limit */
    uint64_t outstanding_claim;      /* heap lock */
    mfn_t perdomain_l3;              /* table for L4 slot 260 */
    uint64_t *perdomain_l2;          /* its one L2: covers the windows of all vcpus */
    struct e820entry_hv *memory_map; /* set by XENMEM_set_memory_map */
    uint32_t memory_map_nr;
    uint64_t linear_slots[8]; /* L4 slots that ever named an L4, see mm_linear_seen; atomic bits */
};

struct mm_vcpu {
    uint64_t *window_l1e;  /* 32 entries: 16 GDT pages, 16 LDT pages; see x86/layout.h */
    uint16_t ldt_mapped;   /* LDT pages in the window, by bit: FT_SEGDESC references */
    struct frame *pending; /* PARTIAL table, with a frame reference, that v must tear down */
    struct frame *l1;      /* within a batch of grants: table held for the next entry; or NULL */
    uint64_t l1_for;       /* the addresses that it serves; mm/l1.c */
};

/* Hospes's own memory. Always in the direct map. Zeroed. */
void *alloc_pages_hv(unsigned int order); /* 2^order pages; NULL when none */
void free_pages_hv(void *p, unsigned int order);
static inline void *alloc_page_hv(void) { return alloc_pages_hv(0); }
static inline void free_page_hv(void *p) { free_pages_hv(p, 0); }
void *hv_alloc(size_t n); /* 16-byte aligned; any size up to 1 GiB */
void hv_free(void *p);    /* NULL is fine */
/* A pointer that is given to hv_free() where the block ends. */
#define HV_FREE_AT_END __attribute__((cleanup(hv_free_end)))
static inline void hv_free_end(void *p) { hv_free(*(void **)p); }
#define hv_new(type)          ((type *)hv_alloc(sizeof(type)))
#define hv_new_array(type, n) ((type *)hv_alloc(sizeof(type) * (size_t)(n)))

/* Direct map and private mappings. */
bool mfn_valid(mfn_t m); /* is RAM that Hospes manages */
struct frame *mfn_to_frame(mfn_t m);
mfn_t frame_to_mfn(const struct frame *f);
void *mfn_to_virt(mfn_t m); /* RAM only */
void *paddr_to_virt(paddr_t p);
mfn_t virt_to_mfn(const void *v); /* direct map or Hospes image addresses */
paddr_t virt_to_paddr(const void *v);
void *ioremap(paddr_t p, size_t n);    /* device memory, uncached; NULL when none */
void *ioremap_wb(paddr_t p, size_t n); /* firmware tables outside RAM */
/* Copies n bytes of the firmware's, wherever they lie. -ENOMEM: they cannot be mapped. */
int copy_phys(void *dst, paddr_t p, size_t n);
/* Lasting mappings of Hospes's own devices, in the image's part of the address space, from the
 * first C function on. NULL: the space for it is used up. boot/pagetables.c */
enum devmap_type { DEVMAP_UC, DEVMAP_WC };
void *devmap(paddr_t p, size_t n, enum devmap_type type);
void iounmap(void *v);
/* The entry for va at this level of tables of Hospes's own below l4. make: tables that are missing
 * are made; NULL: there is none. */
uint64_t *own_entry(uint64_t *l4, uint64_t va, unsigned int level, bool make);

/* Boot: order of calls is in boot/main.c. */
void mm_boot_add_ram(paddr_t start, paddr_t end); /* usable, not holding anything */
void mm_init(void);                               /* frame table, direct map, M2P, allocator */

/* 2^order contiguous frames owned by d, each with the owner's reference; bits: highest address
 * bit + 1 allowed, 0 any. Counts against d's max_pages and claims. The M2P gets pfn and those that
 * follow, or INVALID_M2P, before d has the frames: afterwards they may be somebody else's. */
struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits,
                                  uint64_t pfn);

/* References. A 'frame reference' keeps the frame with its owner; a 'type reference' also keeps it
 * at that type. get functions return false and take nothing on failure. */
bool frame_get(struct frame *f, const struct domain *d); /* d must own it */
void frame_put(struct frame *f);
bool frame_get_writable(struct frame *f, const struct domain *d); /* both, writable */
void frame_put_writable(struct frame *f);
/* Hypercalls that change tables call this first: tears down what an earlier one of v left
 * unfinished. 0, or -ERESTART: continue the hypercall with unchanged arguments. */
int mm_finish_pending(struct vcpu *v);
/* Gives a Hospes frame to d as shared: readable, or writable by its guest. */
void share_hv_frame(struct frame *f, struct domain *d, bool writable);
/* Takes it back; it is freed when the last reference goes. */
void unshare_hv_frame(struct frame *f);

/* Domain and vcpu parts. */
int mm_init_domain(struct domain *d);
int mm_init_vcpu(struct vcpu *v);
void mm_destroy_vcpu(struct vcpu *v);        /* drops GDT, LDT, vcpu_info */
int mm_drop_vcpu_pagetables(struct vcpu *v); /* preemptible */
int mm_relinquish_domain(struct domain *d);  /* all frames; preemptible: -ERESTART */
void mm_free_domain(struct domain *d);
/* Slots 256..271; not 'whole': with XPTI only what a CPU in a guest needs. */
void mm_fill_l4(struct domain *d, uint64_t *l4, bool whole);

/* MMUEXT_PIN_Ln_TABLE, for the dom0 builder. -ERESTART: call again. */
int mm_pin_table(struct domain *d, mfn_t table, unsigned int level);

/* vcpu context (setvcpucontext, VCPUOP_initialise): take the references for it. */
int mm_set_base(struct vcpu *v, mfn_t kernel_l4, mfn_t user_l4); /* typed L4; -EINVAL, -ERESTART */
int mm_set_gdt(struct vcpu *v, const uint64_t *frames, uint32_t entries);
void mm_drop_gdt(struct vcpu *v);
int mm_set_ldt(struct vcpu *v, uint64_t base, uint32_t entries);
void mm_load_ldt(const struct vcpu *v); /* for v, whose GDT window is in use on this CPU */
int mm_map_vcpu_info(struct vcpu *v, uint64_t gfn, uint32_t offset); /* register_vcpu_info */
/* FIFO control blocks and event arrays: a writable, mapped guest frame. NULL: it cannot be. */
void *mm_map_guest_frame(struct domain *d, uint64_t gfn);
void mm_unmap_guest_frame(void *va); /* any address in it */

/* Context switch and faults. */
void mm_load_base(struct vcpu *v); /* CR3 for v's current mode; without tables: the idle ones */
/* NEW_BASEPTR for v, which is current, after mm_finish_pending(): 0, -EINVAL, -ERESTART. */
int new_base(struct vcpu *v, uint64_t mfn);
void mm_load_idle_base(void);
void mm_window_set_cpu_gdt(struct vcpu *v); /* page 14 of v's GDT window: this CPU's own */
/* A page fault taken in guest or on guest data. True: handled (spurious, writable page table,
 * lazy LDT); false: the guest's to see. */
bool mm_handle_fault(struct vcpu *v, uint64_t addr, uint32_t error_code,
                     struct cpu_user_regs *regs);

/*
 * Mappings for the grant table, in the tables of current's domain. addr is a virtual address, or
 * with contains_pte the machine address of the entry. flags are bits of the entry (PTE_RW if
 * writable). On success the caller's references on mfn (frame, and writable type if PTE_RW) belong
 * to the entry; mm_unmap_grant gives them back to the caller, and puts 0 or, if new_addr is not 0,
 * the entry that maps new_addr (moved, not copied) in its place. -EINVAL: addr is no entry of ours,
 * or (unmap) does not hold mfn so, or new_addr with contains_pte. The table stays held for more.
 */
int mm_map_grant(uint64_t addr, bool contains_pte, mfn_t mfn, uint64_t flags);
int mm_unmap_grant(uint64_t addr, bool contains_pte, mfn_t mfn, bool writable, uint64_t new_addr);
void mm_release_l1(struct vcpu *v); /* current */

/* On every CPU that runs a vcpu of d: va, or FLUSH_ALL_VA (hv/irq.h). */
void flush_domain(struct domain *d, uint64_t va);
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);
/* Machine-to-physical table. The caller has a reference on the frame, or it has no owner. */
#define INVALID_M2P (~0UL)
void m2p_set(mfn_t m, uint64_t pfn);

/* Statistics for sysctl. Pages. */
uint64_t mm_total_pages(void);
uint64_t mm_free_pages(void);
uint64_t mm_free_pages_between(unsigned int min_bits, unsigned int max_bits);
uint64_t mm_outstanding_claims(void);

void inject_register_keys(void); /* mm/inject.c, with DEBUG=1 */
/* Recounts all references; prints differences, returns their number. All other CPUs stopped. */
int mm_audit(void);
