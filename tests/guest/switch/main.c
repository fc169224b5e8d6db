/* SPDX-License-Identifier: MIT */
/*
 * switch: registers survive being switched away and back. Every vcpu fills its general, vector,
 * segment base and debug registers with values of its own, spins, and looks at them again, for a
 * while and from kernel and user mode, with more vcpus than CPUs; a new vcpu finds nothing in them.
 * And vcpus that come back to, or begin with, what the CPU does not load: segments whose descriptor
 * is gone, MXCSR with reserved bits.
 * Run with: --cmdline dom0_max_vcpus=4
 */
#include <public/sched.h>
#include <public/vcpu.h>
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

/* Selectors of ds, es, fs, gs: what a vcpu has loaded, and what a failsafe callback finds there. */
static uint16_t given[4], found[4];
static volatile unsigned int failsafes;
static bool from_user;

static bool failsafe_hook(struct regs *r) {
    asm volatile("mov %%ds, %0\n mov %%es, %1\n mov %%fs, %2\n mov %%gs, %3"
                 : "=r"(found[0]), "=r"(found[1]), "=r"(found[2]), "=r"(found[3]));
    from_user = r->cs & 3;
    failsafes++;
    return true;
}

/* Which of them, by bits, were not there to be loaded. */
static void expect_lost(unsigned int which) {
    expect_eq(failsafes, 1);
    for (unsigned int i = 0; i < 4; i++) {
        expect_eq(failsafe_selectors[i], given[i]);
        expect_eq(found[i], which >> i & 1 ? 0 : given[i]);
    }
}

static void load_selectors(const uint16_t s[4]) {
    asm volatile("mov %0, %%ds\n mov %1, %%es\n mov %2, %%fs\n mov %3, %%gs"
                 :
                 : "r"(s[0]), "r"(s[1]), "r"(s[2]), "r"(s[3])
                 : "memory");
}

static void stay_on(int cpu) {
    struct sched_pin_override op = {.pcpu = cpu};

    require_eq(HV_sched_op(SCHEDOP_pin_override, &op), 0);
}

/* Other vcpus of this CPU run until then. */
#define yield_until(cond)                                                                          \
    do {                                                                                           \
        uint64_t end_ = now() + 60 * SECOND;                                                       \
        while (!(cond) && now() < end_) HV_sched_op(SCHEDOP_yield, NULL);                          \
        require(cond);                                                                             \
    } while (0)

static uint64_t *descriptors; /* the second one is good, or gone */
static volatile bool loaded;
static bool by_user;

static uint64_t spin_until_lost(uint64_t end) {
    load_selectors(given);
    loaded = true;
    while (!failsafes && now() < end) relax();
    return 0;
}

static const uint16_t none[4];

/* Kernel code leaves the CPU by itself, user code when its time there is over. */
static void lose_segments(void) {
    uint64_t frames[1] = {virt_to_mfn(descriptors)};

    require_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)descriptors, 512), 0);
    require_eq(HV_set_gdt(frames, 512), 0);
    stay_on(0);
    if (by_user) {
        run_user(spin_until_lost, now() + 60 * SECOND);
    } else {
        load_selectors(given);
        loaded = true;
        yield_until(failsafes);
    }
    load_selectors(none);
    stay_on(-1);
    require_eq(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    require_eq(HV_set_gdt(NULL, 0), 0);
}

static void lose(unsigned int which, uint16_t sel) {
    uint64_t at = machine_address(descriptors + 1), good = descriptors[1];

    for (unsigned int i = 0; i < 4; i++) given[i] = which >> i & 1 ? sel : FLAT_RING3_DS32;
    failsafes = 0;
    loaded = false;
    require_eq(vcpu_start(1, lose_segments), 0);
    yield_until(loaded);
    require_eq(HV_update_descriptor(at, 0), 0);
    yield_until(HV_vcpu_op(VCPUOP_is_up, 1, NULL) == 0);
    expect_lost(which);
    expect_eq(from_user, by_user);
    require_eq(HV_update_descriptor(at, good), 0);
}

/* The descriptor goes while the vcpu is not on the CPU. Its kernel is told what it had, and finds
 * null there, not what the vcpu before it had. */
static void lost_segments(void) {
    static const uint16_t ours[4] = {FLAT_RING3_DS32, FLAT_RING3_DS32, FLAT_RING3_DS32,
                                     FLAT_RING3_DS32};

    descriptors = page_alloc();
    descriptors[1] = 0x00cff3000000ffff; /* data */
    require_eq(set_readonly(descriptors), 0);
    load_selectors(ours);
    stay_on(0);
    for (unsigned int which = 1; which < 16; which++)
        for (unsigned int way = 0; way < 4; way++) {
            by_user = way & 1;
            lose(which, 1 << 3 | 3 | (way & 2 ? 4 : 0));
        }
    stay_on(-1);
    load_selectors(none);
    require_eq(set_writable(descriptors), 0);
    page_free(descriptors);
}

static uint32_t mxcsr;
static uint16_t fcw;

static void look(void) { asm volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(fcw)); }

static void begin_with(unsigned int id, struct vcpu_guest_context *c) {
    failsafes = 0;
    vcpus[id].fn = look;
    require_eq(HV_vcpu_op(VCPUOP_initialise, id, c), 0);
    require_eq(HV_vcpu_op(VCPUOP_up, id, NULL), 0);
    vcpu_wait_down(id);
}

static void odd_beginnings(void) {
    static const uint16_t odd[4] = {0x1233, FLAT_RING3_DS32, 0xffff, 7};
    static struct vcpu_guest_context c;

    vcpu_fill_context(&c, 2);
    c.user_regs.ds = odd[0];
    c.user_regs.es = odd[1];
    c.user_regs.fs = odd[2];
    c.user_regs.gs = odd[3];
    memcpy(given, odd, sizeof(given));
    begin_with(2, &c);
    expect_lost(13);
    expect_eq(mxcsr, 0x1f80);
    expect_eq(fcw, 0x37f);

    vcpu_fill_context(&c, 3);
    c.flags |= VGCF_I387_VALID;
    *(uint16_t *)(c.fpu_ctxt.x) = 0x127f;
    *(uint32_t *)(c.fpu_ctxt.x + 24) = ~0U;
    begin_with(3, &c);
    expect_eq(failsafes, 0);
    expect_eq(fcw, 0x127f);
    expect_eq(mxcsr & 0xffff, 0xffff);
    /* Stock Xen mends it once the CPU has refused it, which QEMU 7.2 does not. */
    if (!on_stock_xen()) expect_eq(mxcsr >> 16, 0);
}

void test_main(void) {
    unsigned int n = nr_vcpus() < MAX_TESTED ? nr_vcpus() : MAX_TESTED;

    tested = n;
    if (n < 2) skip("one vcpu: boot with dom0_max_vcpus=4");
    user_prepare();
    wide_on();
    /* What the others must not find. */
    if (avx) expect(spin_wide(1));
    trap_hooks[VEC_FAILSAFE] = failsafe_hook;
    lost_segments();
    if (n > 3) odd_beginnings();
    trap_hooks[VEC_FAILSAFE] = NULL;
    for (unsigned int id = 1; id < n; id++) require_eq(vcpu_start(id, work), 0);
    go = true;
    work();
    expect(wait_for(finished == n, 120000));
    for (unsigned int id = 0; id < n; id++) {
        printk("vcpu %u: %u rounds\n", id, rounds[id]);
        expect(rounds[id] > MIN_ROUNDS);
    }
}
