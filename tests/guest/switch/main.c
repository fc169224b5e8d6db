/* SPDX-License-Identifier: MIT */
/*
 * switch: registers survive being switched away and back. Every vcpu fills its general, vector,
 * segment base and debug registers with values of its own, spins, and looks at them again, for a
 * while and from kernel and user mode, with more vcpus than CPUs; a new vcpu finds nothing in them.
 * Run with: --cmdline dom0_max_vcpus=4
 */
#include "mm.h"
#include "vcpu.h"

#define RUN_MS     1500
#define SPIN       20000
#define MAX_TESTED 4
#define MIN_ROUNDS 10

static volatile bool go;
static volatile unsigned int finished, rounds[MAX_VCPUS];
static unsigned int tested;

struct pattern {
    uint64_t gpr[8];
    uint64_t xmm[2];
};

/* Loads rbx, rbp, r12..r15, rsi, r8 and xmm0..15, spins, and returns how many are changed. */
static unsigned int spin_general(struct pattern *p) {
    uint64_t bad = 0, count = SPIN;

    asm volatile("push %%rbp\n\t"
                 "movdqu 64(%[p]), %%xmm0\n\t"
                 "movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm15\n\t"
                 "mov 0(%[p]), %%rbx; mov 8(%[p]), %%rbp; mov 16(%[p]), %%r12\n\t"
                 "mov 24(%[p]), %%r13; mov 32(%[p]), %%r14; mov 40(%[p]), %%r15\n\t"
                 "mov 48(%[p]), %%rsi; mov 56(%[p]), %%r8\n\t"
                 "1: dec %[count]; jnz 1b\n\t"
                 "cmp 0(%[p]), %%rbx; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 8(%[p]), %%rbp; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 16(%[p]), %%r12; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 24(%[p]), %%r13; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 32(%[p]), %%r14; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 40(%[p]), %%r15; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 48(%[p]), %%rsi; setne %b[bad]; add %[bad], %[count]\n\t"
                 "cmp 56(%[p]), %%r8; setne %b[bad]; add %[bad], %[count]\n\t"
                 "pcmpeqb %%xmm0, %%xmm15; pcmpeqb %%xmm0, %%xmm7; pand %%xmm7, %%xmm15\n\t"
                 "pcmpeqb %%xmm0, %%xmm1; pand %%xmm1, %%xmm15\n\t"
                 "movdqu 64(%[p]), %%xmm1; pcmpeqb %%xmm0, %%xmm1; pand %%xmm1, %%xmm15\n\t"
                 "pmovmskb %%xmm15, %k[bad]; cmp $0xffff, %k[bad]; mov $0, %k[bad]\n\t"
                 "setne %b[bad]; add %[bad], %[count]\n\t"
                 "pop %%rbp\n\t"
                 : [bad] "+&a"(bad), [count] "+&c"(count)
                 : [p] "d"(p)
                 : "rbx", "r12", "r13", "r14", "r15", "rsi", "r8", "memory", "cc");
    return (unsigned int)count;
}

static void fill_words(uint64_t *w, unsigned int n, uint64_t seed) {
    for (unsigned int i = 0; i < n; i++)
        w[i] = seed = seed * 6364136223846793005UL + 1442695040888963407UL;
}

static void fill(struct pattern *p, uint64_t seed) {
    fill_words((uint64_t *)p, sizeof(*p) / 8, seed);
}

static bool avx;

/* Repeats what follows, until .endr, for each register. */
#define EACH ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"

/* Loads ymm0..15, spins, and tells whether they are as they were. */
static bool spin_wide(uint64_t seed) {
    uint64_t in[16 * 4], out[16 * 4], count = SPIN;

    fill_words(in, ARRAY_SIZE(in), seed);
    asm volatile(EACH "vmovdqu 32 * \\i(%[in]), %%ymm\\i\n\t.endr\n\t"
                      "1: dec %[count]; jnz 1b\n\t" EACH
                      "vmovdqu %%ymm\\i, 32 * \\i(%[out])\n\t.endr"
                 : [count] "+r"(count)
                 : [in] "r"(in), [out] "r"(out)
                 : "memory", "cc");
    return memcmp(in, out, sizeof(in)) == 0;
}

static uint64_t fs_base(void) {
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000100));
    return (uint64_t)high << 32 | low;
}

static uint64_t gs_base(void) {
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000101));
    return (uint64_t)high << 32 | low;
}

static uint16_t ds_selector(void) {
    uint16_t sel;

    asm volatile("mov %%ds, %0" : "=r"(sel));
    return sel;
}

static uint64_t spin_user(uint64_t seed) {
    struct pattern p;

    fill(&p, seed);
    return spin_general(&p) + (avx && !spin_wide(seed));
}

/* AVX, where there is some, for the running vcpu, which has nothing in its registers yet. */
static void wide_on(void) {
    uint32_t leaf = 1, c;
    uint64_t cr4, got[16 * 4];

    asm volatile(XEN_CPUID : "+a"(leaf), "=c"(c) : : "rbx", "rdx");
    avx = c & 1U << 28;
    if (!avx) return;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    require_eq(TRY_IO("mov %1, %%cr4", (), ("r"(cr4 | 1UL << 18)), ("memory")), 0);
    require_eq(TRY_IO("xsetbv", (), ("a"(7), "d"(0), "c"(0)), ("memory")), 0);
    asm volatile(EACH "vmovdqu %%ymm\\i, 32 * \\i(%[out])\n\t.endr" : : [out] "r"(got) : "memory");
    for (unsigned int i = 0; i < ARRAY_SIZE(got); i++) expect_eq(got[i], 0);
}

static void check_special(unsigned int id, uint64_t mine) {
    expect_eq(fs_base(), mine);
    expect_eq(gs_base(), mine + 8);
    expect_eq(ds_selector(), id & 1 ? FLAT_RING3_DS32 : 0);
    expect_eq(HV_get_debugreg(id & 3), mine & ~7UL);
    expect_eq(HV_get_debugreg(6), 0xffff0ff0 | id);
}

/* The machine may be busy and a vcpu get little of it: all go on until each had its share. With
 * "endless" on the command line they go on for ever, for who looks from outside. */
static bool enough(void) {
    if (strstr((const char *)si->cmd_line, "endless")) return false;
    for (unsigned int id = 0; id < tested; id++)
        if (rounds[id] <= MIN_ROUNDS) return false;
    return true;
}

static void work(void) {
    unsigned int id = this_vcpu()->id;
    uint64_t mine = 0x7f0000000000UL + id * 0x123450UL, end;
    struct pattern p;

    if (id) wide_on();
    while (!go) relax();
    require_eq(HV_set_segment_base(SEGBASE_FS, mine), 0);
    require_eq(HV_set_segment_base(SEGBASE_GS_KERNEL, mine + 8), 0);
    require_eq(HV_set_debugreg(id & 3, mine & ~7UL), 0);
    require_eq(HV_set_debugreg(6, id), 0);
    if (id & 1) asm volatile("mov %0, %%ds" : : "r"(FLAT_RING3_DS32));
    end = now() + RUN_MS * MS;
    while (now() < end || !enough()) {
        fill(&p, mine + rounds[id]);
        expect_eq(spin_general(&p), 0);
        if (avx) expect(spin_wide(~mine - rounds[id]));
        if (rounds[id] % 16 == 0) expect_eq(run_user(spin_user, mine ^ rounds[id]), 0);
        check_special(id, mine);
        rounds[id]++;
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

void test_main(void) {
    unsigned int n = nr_vcpus() < MAX_TESTED ? nr_vcpus() : MAX_TESTED;

    tested = n;
    if (n < 2) skip("one vcpu: boot with dom0_max_vcpus=4");
    user_prepare();
    wide_on();
    /* What the others must not find. */
    if (avx) expect(spin_wide(1));
    for (unsigned int id = 1; id < n; id++) require_eq(vcpu_start(id, work), 0);
    go = true;
    work();
    expect(wait_for(finished == n, 120000));
    for (unsigned int id = 0; id < n; id++) {
        printk("vcpu %u: %u rounds\n", id, rounds[id]);
        expect(rounds[id] > MIN_ROUNDS);
    }
}
