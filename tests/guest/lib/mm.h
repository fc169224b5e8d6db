/* SPDX-License-Identifier: MIT */
/*
 * Memory. The image, its heap and all the domain builder made are mapped linearly at VIRT_BASE;
 * page tables are mapped read-only there, so entries are read directly and written by hypercall.
 */
#pragma once

#include <public/xen.h>
#include "lib.h"

extern char VIRT_BASE[];

#define PTE_P               0x001UL
#define PTE_W               0x002UL
#define PTE_U               0x004UL
#define PTE_A               0x020UL
#define PTE_D               0x040UL
#define PTE_PS              0x080UL
#define PTE_G               0x100UL
#define PTE_NX              (1UL << 63)
#define PTE_RW              (PTE_P | PTE_W | PTE_A | PTE_D | PTE_U)
#define PTE_RO              (PTE_P | PTE_A | PTE_D | PTE_U)
#define PTE_TABLE           (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define PTE_ADDR            0x000ffffffffff000UL
#define PTE_MFN(pte)        (((pte)&PTE_ADDR) >> PAGE_SHIFT)
#define MFN_PTE(mfn, flags) ((uint64_t)(mfn) << PAGE_SHIFT | (flags))

#define L1_INDEX(va) ((uint64_t)(va) >> 12 & 511)
#define L2_INDEX(va) ((uint64_t)(va) >> 21 & 511)
#define L3_INDEX(va) ((uint64_t)(va) >> 30 & 511)
#define L4_INDEX(va) ((uint64_t)(va) >> 39 & 511)

/* A region of its own L4 slot (274), free for tests; window_alloc() hands out pieces of it. */
#define WINDOW_START 0xffff890000000000UL

void mm_init(void);
void *page_alloc(void); /* zeroed, writable; ends the test if there is none */
void page_free(void *page);
unsigned long pages_free(void);

static inline uint64_t virt_to_pfn(const void *va) {
    return ((uint64_t)va - (uint64_t)VIRT_BASE) >> PAGE_SHIFT;
}

static inline void *pfn_to_virt(uint64_t pfn) { return VIRT_BASE + (pfn << PAGE_SHIFT); }

uint64_t pfn_to_mfn(uint64_t pfn);
void set_pfn_to_mfn(uint64_t pfn, uint64_t mfn);
uint64_t mfn_to_pfn(uint64_t mfn);
uint64_t virt_to_mfn(const void *va);
void *mfn_to_virt(uint64_t mfn);

/* Tables of the running L4. The address of an entry, or NULL when a table above it is missing. */
uint64_t *l4_table(void);
uint64_t *l4_entry(const void *va);
uint64_t *l3_entry(const void *va);
uint64_t *l2_entry(const void *va);
uint64_t *l1_entry(const void *va);
/* The machine address of something in linearly mapped memory. */
uint64_t machine_address(const void *va);

long mmu_update(uint64_t ptr, uint64_t value);
long mmu_update_dom(uint64_t ptr, uint64_t value, uint32_t domains);
/* Writes a table entry that lies in linear memory. */
long write_entry(uint64_t *entry, uint64_t value);
long mmuext(unsigned int cmd, uint64_t arg1, uint64_t arg2);
long mmuext_dom(unsigned int cmd, uint64_t arg1, uint64_t arg2, uint32_t domain);
/* Maps by update_va_mapping with a local INVLPG. */
long map_pte(const void *va, uint64_t pte);
long map_mfn(const void *va, uint64_t mfn, uint64_t flags);
long set_readonly(const void *va);
long set_writable(const void *va);

/* A piece of the window with its tables made but nothing mapped; never given back. */
void *window_alloc(unsigned int pages);
/*
 * A page that is writable where the result points, and seen read-only at *readonly, behind which
 * nothing is mapped: for arguments that can be read and not written, or only in part.
 */
void *page_at_edge(char **readonly);
/* A page made read-only and given to be a table; and back to an ordinary page. */
uint64_t *table_alloc(void);
/* Another L4 with the running one's entries, pinned; its mfn. */
uint64_t l4_copy(void);
/* Maps the first frame of this domain's grant table at a window's page. */
void map_grant_table(void *window);
void table_free(uint64_t *table);
