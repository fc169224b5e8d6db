/* SPDX-License-Identifier: MIT */
/*
 * Numbers and arguments. Every call draws from a generator that is seeded by the run's seed, the
 * vcpu and the call's number: what one call draws has no influence on the next.
 */
#include "fuzz.h"

uint64_t mix(uint64_t x) {
    x ^= x >> 31;
    x *= 0x7fb5d329728ea185;
    x ^= x >> 27;
    x *= 0x81dadef4bc2dd44d;
    return x ^ x >> 33;
}

uint64_t rnd(struct fuzzer *f) { return mix(f->random += 0x9e3779b97f4a7c15); }

uint64_t below(struct fuzzer *f, uint64_t n) { return n ? rnd(f) % n : 0; }

bool chance(struct fuzzer *f, unsigned int percent) { return below(f, 100) < percent; }

uint64_t odd(struct fuzzer *f) {
    static const uint64_t edges[] = {0,          1,          2,           3,          7,
                                     8,          0xff,       0x100,       0xfff,      0x1000,
                                     0x1001,     0xffff,     0x10000,     0x7fffffff, 0x80000000,
                                     0xfffffffe, 0xffffffff, 0x100000000, ~0ULL >> 1, 1ULL << 63,
                                     ~0ULL - 1,  ~0ULL};

    switch (below(f, 4)) {
    case 0: return rnd(f);
    case 1: return 1ULL << below(f, 64);
    default: return PICK(f, edges);
    }
}

void *arg_alloc(struct fuzzer *f, size_t n) {
    void *at;

    n = (n + 15) & ~15UL;
    if (f->used + n > ARENA_SIZE) f->used = 0;
    at = f->arena + f->used;
    f->used += (unsigned int)n;
    return memset(at, 0, n);
}

uint64_t bad_address(struct fuzzer *f) {
    switch (below(f, 7)) {
    case 0: return 0;
    case 1: return 0x0000800000000000 + below(f, 0x1000) - 0x800;
    case 2: return 0xffff800000000000 + below(f, 1ULL << 44); /* the hypervisor's */
    case 3: return (uint64_t)window + below(f, WINDOW_PAGES * PAGE_SIZE);
    case 4: return (uint64_t)pool_start + below(f, POOL_PAGES * PAGE_SIZE);
    case 5: return (uint64_t)pool_va((unsigned int)below(f, POOL_PAGES)) + PAGE_SIZE - 8;
    default: return odd(f);
    }
}

/* Where the fuzzer's own memory would be written by the hypervisor's answer, none is made up. */
static bool harmless(uint64_t at) {
    return at < (uint64_t)VIRT_BASE - PAGE_SIZE ||
           (at >= (uint64_t)pool_start && at < (uint64_t)pool_start + POOL_PAGES * PAGE_SIZE);
}

uint64_t arg_address(struct fuzzer *f, const void *arg) {
    uint64_t bad;

    if (!chance(f, 3)) return (uint64_t)arg;
    bad = bad_address(f);
    return harmless(bad) ? bad : 0;
}

uint64_t arg_or_fault(struct fuzzer *f, const void *arg) {
    return chance(f, 3) ? 0x0000800000000000 + below(f, 0x1000) - 4 : (uint64_t)arg;
}

uint16_t pick_domain(struct fuzzer *f) {
    static const uint16_t odd_ones[] = {
        0, 1, 2, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE};

    if (chance(f, 80)) return DOMID_SELF;
    switch (below(f, 4)) {
    case 0: return (uint16_t)own_domain;
    case 1: return (uint16_t)peer_domain;
    case 2: return PICK(f, odd_ones);
    default: return (uint16_t)rnd(f);
    }
}

unsigned int pick_vcpu(struct fuzzer *f) {
    return chance(f, 92) ? (unsigned int)below(f, all_vcpus) : (unsigned int)odd(f);
}
