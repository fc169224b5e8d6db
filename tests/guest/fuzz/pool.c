/* SPDX-License-Identifier: MIT */
/*
 * The frames that are played with: what each was made, which of them would suit a call. The model
 * is a guess that races of the vcpus make wrong now and then; the hypervisor has the truth.
 */
#include "fuzz.h"

struct slot pool[POOL_PAGES];
uint64_t *pool_pte[POOL_PAGES], *window_pte, *grant_window_pte;
char *pool_start, *window, *grant_window;

/* Frames of the domain outside of the pool, by number. Not looked up in the M2P: the hypervisor
 * hides that at times, as under m2p_strict when the same L4 serves both modes. */
#define FRAMES (4UL << 30 >> PAGE_SHIFT)
static uint64_t vital[FRAMES / 64];

void *pool_va(unsigned int i) { return pool_start + i * PAGE_SIZE; }

static void note_vital(void) {
    uint64_t first = virt_to_pfn(pool_start);

    for (uint64_t pfn = 0; pfn < si->nr_pages; pfn++) {
        uint64_t mfn = pfn_to_mfn(pfn);

        if (pfn >= first && pfn < first + POOL_PAGES) continue;
        require(mfn < FRAMES);
        vital[mfn / 64] |= 1UL << mfn % 64;
    }
}

void pool_init(void) {
    pool_start = page_alloc();
    for (unsigned int i = 1; i < POOL_PAGES; i++) require_eq(page_alloc(), pool_va(i));
    for (unsigned int i = 0; i < POOL_PAGES; i++) {
        pool[i].mfn = virt_to_mfn(pool_va(i));
        pool_pte[i] = l1_entry(pool_va(i));
    }
    note_vital();
    window = window_alloc(WINDOW_PAGES);
    grant_window = window_alloc(WINDOW_PAGES);
    window_pte = l1_entry(window);
    grant_window_pte = l1_entry(grant_window);
}

bool mapped_writable(unsigned int i) {
    uint64_t pte = READ_ONCE(*pool_pte[i]);

    return (pte & (PTE_P | PTE_W)) == (PTE_P | PTE_W) && PTE_MFN(pte) == pool[i].mfn;
}

static bool suits(unsigned int i, enum slot_kind kind, unsigned int level) {
    const struct slot *s = &pool[i];

    if (level && s->level != level) return false;
    switch (kind) {
    case DATA: return s->mfn && !s->level;
    case WRITABLE: return s->mfn && !s->pinned && mapped_writable(i);
    case STAGED: return s->mfn && s->level && !s->pinned && mapped_writable(i);
    case FILLED: return s->mfn && s->level && !s->pinned && !mapped_writable(i);
    case TABLE: return s->mfn && s->pinned;
    case ABSENT: return !s->mfn;
    default: return true;
    }
}

unsigned int pick_slot(struct fuzzer *f, enum slot_kind kind, unsigned int level) {
    unsigned int i = (unsigned int)below(f, POOL_PAGES);

    if (chance(f, 3)) return i;
    for (unsigned int n = 0; n < POOL_PAGES; n++, i = (i + 1) % POOL_PAGES)
        if (suits(i, kind, level)) break;
    return i;
}

bool is_vital(uint64_t mfn) { return mfn < FRAMES && vital[mfn / 64] >> mfn % 64 & 1; }

uint64_t home_l4(void) { return virt_to_mfn((void *)si->pt_base); }

uint64_t pick_frame(struct fuzzer *f) {
    unsigned int i = (unsigned int)below(f, POOL_PAGES);
    uint64_t frame;

    if (chance(f, 80)) return pool[i].mfn;
    switch (below(f, 5)) {
    case 0: return virt_to_mfn(VIRT_BASE + below(f, si->nr_pages) * PAGE_SIZE);
    case 1: return PTE_MFN(*pool_pte[i]);
    case 2: return si->shared_info >> PAGE_SHIFT;
    /* dom0 has rights to frames that are not RAM. */
    case 3: frame = below(f, 1 << 17); return frame < 0x100 ? 0x100 : frame;
    default: return in_dom0() ? pool[i].mfn : odd(f) & (PTE_ADDR >> PAGE_SHIFT);
    }
}

uint64_t pick_table_frame(struct fuzzer *f, unsigned int level) {
    unsigned int i = pick_slot(f, chance(f, 80) ? TABLE : FILLED, level);

    return chance(f, 95) || level == 4 ? pool[i].mfn : pick_frame(f);
}

static uint64_t odd_flags(struct fuzzer *f) {
    static const uint64_t flags[] = {
        PTE_P,          PTE_RO | PTE_PS,    PTE_RW | PTE_G,    PTE_RW | PTE_NX,
        PTE_RO | 0x200, PTE_RO | 0xe00,     PTE_RW | 0x18,     PTE_RO | 0x10,
        PTE_W | PTE_U,  PTE_RO | 1UL << 52, PTE_RO | 1UL << 62};

    return PICK(f, flags);
}

static uint64_t leaf(struct fuzzer *f) {
    uint64_t mfn;

    if (chance(f, 55)) return MFN_PTE(pool[pick_slot(f, DATA, 0)].mfn, PTE_RW);
    if (chance(f, 50)) return MFN_PTE(pool[pick_slot(f, ANY, 0)].mfn, PTE_RO);
    mfn = pick_frame(f);
    if (is_vital(mfn)) return MFN_PTE(mfn, PTE_RO);
    return MFN_PTE(mfn, chance(f, 50) ? PTE_RW : odd_flags(f));
}

uint64_t pick_entry(struct fuzzer *f, unsigned int level) {
    uint64_t mfn;

    if (chance(f, 20)) return 0;
    if (level <= 1) return leaf(f);
    if (chance(f, 5)) return MFN_PTE(pool[pick_slot(f, TABLE, level)].mfn, PTE_RO); /* linear */
    mfn = pool[pick_slot(f, chance(f, 70) ? TABLE : FILLED, level - 1)].mfn;
    return MFN_PTE(mfn, chance(f, 92) ? PTE_TABLE : odd_flags(f));
}

/* An entry that can be validated, as far as the model knows. */
static uint64_t good_entry(struct fuzzer *f, unsigned int level) {
    unsigned int i;

    if (level == 1) {
        i = pick_slot(f, DATA, 0);
        return MFN_PTE(pool[i].mfn, mapped_writable(i) && !pool[i].level ? PTE_RW : PTE_RO);
    }
    if (chance(f, 4)) { /* linear */
        i = pick_slot(f, TABLE, level);
        return pool[i].pinned && pool[i].level == level ? MFN_PTE(pool[i].mfn, PTE_RO) : 0;
    }
    i = pick_slot(f, TABLE, level - 1);
    return pool[i].pinned && pool[i].level == level - 1 ? MFN_PTE(pool[i].mfn, PTE_TABLE) : 0;
}

static uint64_t descriptor(struct fuzzer *f) {
    static const uint64_t good[] = {
        0,
        0x00cffb000000ffff, /* code, 32 bits */
        0x00affb000000ffff, /* code, 64 bits */
        0x00cff3000000ffff, /* data */
        0x0040f20000000fff, /* data, small */
        0x00cf73000000ffff, /* not present */
        0x00cff7000000ffff, /* expand-down */
    };

    return PICK(f, good);
}

/* Makes the contents of a page that is mapped writable such as a table of the level may have. */
void fill_slot(struct fuzzer *f, unsigned int i, unsigned int level) {
    uint64_t *page = pool_va(i), *home = (uint64_t *)si->pt_base;
    unsigned int entries = (unsigned int)below(f, chance(f, 90) ? 12 : 300);

    if (try_write(page, 0)) return;
    for (unsigned int n = 1; n < 512; n++)
        if (try_write(page + n, level == DESCRIPTORS ? descriptor(f) : 0)) return;
    while (level != DESCRIPTORS && entries--)
        if (try_write(page + below(f, level == 4 ? 256 : 512),
                      chance(f, 98) ? good_entry(f, level) : pick_entry(f, level)))
            return;
    if (chance(f, 5) && try_write(page + below(f, 256), rnd(f))) return;
    if (chance(f, 3) && try_write(page + below(f, 256), MFN_PTE(pool[i].mfn, PTE_RO))) return;
    for (unsigned int n = 272; level == 4 && n < 512; n++)
        if (home[n] && try_write(page + n, home[n])) return;
    pool[i].level = (uint8_t)level;
}

/* Takes as much as can be back to ordinary pages, so that a tangle does not stay. */
void pool_sweep(struct fuzzer *f) {
    (void)f;
    mmuext(MMUEXT_NEW_BASEPTR, home_l4(), 0);
    mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
    for (unsigned int i = 0; i < WINDOW_PAGES; i++) map_pte(window + i * PAGE_SIZE, 0);
    for (unsigned int i = 0; i < POOL_PAGES; i++) {
        if (!pool[i].mfn || !pool[i].pinned) continue;
        mmuext(MMUEXT_UNPIN_TABLE, pool[i].mfn, 0);
        pool[i].pinned = 0;
    }
    for (unsigned int i = 0; i < POOL_PAGES; i++)
        if (pool[i].mfn && !map_mfn(pool_va(i), pool[i].mfn, PTE_RW)) pool[i].level = 0;
}
