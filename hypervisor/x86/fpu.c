/* SPDX-License-Identifier: MIT */
/*
 * Floating point and vector state. Saved and restored at every switch; never lazily, so nothing of
 * one vcpu is ever in the registers while another runs. A vcpu's area is one page, in the standard
 * XSAVE format (FXSAVE where the CPU has no XSAVE).
 *
 * Restoring is done with XCR0 at the host's value, so that components which this vcpu never
 * enabled are put into their initial state rather than left as the previous vcpu's.
 */
#include <hv/pcpu.h>
#include <x86/extable.h>

#define XCR0_X87    (1UL << 0)
#define XCR0_SSE    (1UL << 1)
#define XCR0_AVX    (1UL << 2)
#define XCR0_AVX512 (7UL << 5)
/* What PV guests may have. Not PKRU, MPX: those need more than the registers. */
#define XCR0_GUEST (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

#define LEGACY_SIZE 512
#define FCW_DEFAULT 0x37f
#define MXCSR_MASK  0xffff

struct xsave_header {
    uint64_t xstate_bv, xcomp_bv, rsvd[6];
};

struct xsave_area {
    uint16_t fcw, fsw;
    uint8_t ftw, rsvd0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[LEGACY_SIZE - 32];
    struct xsave_header header;
};
_Static_assert(sizeof(struct xsave_area) == LEGACY_SIZE + 64, "by the manual");

uint64_t fpu_host_xcr0;

static void xsetbv(uint64_t v) {
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static void set_xcr0(uint64_t v) {
    struct arch_pcpu *p = &this_pcpu()->arch;

    if (p->xcr0 != v) {
        p->xcr0 = v;
        xsetbv(v);
    }
}

static void clts(void) { __asm__ volatile("clts"); }
static void stts(void) { write_cr0(read_cr0() | CR0_TS); }

void fpu_init(void) {
    if (!cpu_has.xsave) return;
    struct cpuid_regs r = cpuid(13, 0);
    fpu_host_xcr0 = (r.a | (uint64_t)r.d << 32) & XCR0_GUEST;
    if ((fpu_host_xcr0 & XCR0_AVX512) != XCR0_AVX512) fpu_host_xcr0 &= ~XCR0_AVX512;
    xsetbv(fpu_host_xcr0);
    BUG_ON(cpuid(13, 0).b > PAGE_SIZE);
}

void fpu_init_cpu(void) {
    clts();
    __asm__ volatile("fninit");
    if (fpu_host_xcr0) {
        xsetbv(fpu_host_xcr0);
        if (cpuid(13, 1).a & 8) wrmsr(MSR_XSS, 0); /* guests are told sizes that it adds to */
        this_pcpu()->arch.xcr0 = fpu_host_xcr0;
    }
}

static void reset_area(struct xsave_area *x) {
    memset(x, 0, PAGE_SIZE);
    x->fcw = FCW_DEFAULT;
    x->mxcsr = MXCSR_DEFAULT;
    x->header.xstate_bv = XCR0_X87 | XCR0_SSE;
}

int fpu_init_vcpu(struct vcpu *v) {
    v->arch.xsave = alloc_page_hv();
    if (!v->arch.xsave) return -ENOMEM;
    reset_area(v->arch.xsave);
    v->arch.xcr0 = v->arch.xcr0_accum = XCR0_X87 | XCR0_SSE;
    return 0;
}

void fpu_destroy_vcpu(struct vcpu *v) { free_page_hv(v->arch.xsave); }

void fpu_save(struct vcpu *v) {
    uint32_t lo = (uint32_t)v->arch.xcr0_accum, hi = (uint32_t)(v->arch.xcr0_accum >> 32);

    if (unlikely(v->arch.cr0 & CR0_TS)) clts();
    if (!fpu_host_xcr0) {
        __asm__ volatile("fxsaveq (%0)" : : "r"(v->arch.xsave) : "memory");
        return;
    }
    set_xcr0(v->arch.xcr0_accum);
    if (cpu_has.xsaveopt)
        __asm__ volatile("xsaveoptq (%0)" : : "r"(v->arch.xsave), "a"(lo), "d"(hi) : "memory");
    else
        __asm__ volatile("xsaveq (%0)" : : "r"(v->arch.xsave), "a"(lo), "d"(hi) : "memory");
}

/* Where the last x87 instruction was, and its operand, would stay the former vcpu's: they become
 * those of this load, whose effect the restoring undoes. Not needed with an exception pending,
 * which is not what ES says: the CPU makes that itself (XSA-52, XSA-172). */
static void forget_last_x87(void) {
    static const int32_t zero;

    __asm__ volatile("fnclex\n\tffree %%st(7)\n\tfildl %0" : : "m"(zero));
}

/* False: the CPU does not accept the area, whose x87 part is stale if that is initial. */
static bool restore_area(const struct xsave_area *area) {
    bool has_x87 = !fpu_host_xcr0 || (area->header.xstate_bv & XCR0_X87);

    if (cpu_has.x87_leaks && !(has_x87 && (area->fsw & ~area->fcw & 0x3f))) forget_last_x87();
    if (!fpu_host_xcr0) return ASM_OK("fxrstorq (%[area])", [area] "r"(area));
    return ASM_OK("xrstorq (%[area])", [area] "r"(area), "a"((uint32_t)fpu_host_xcr0),
                  "d"((uint32_t)(fpu_host_xcr0 >> 32)));
}

void fpu_restore(struct vcpu *v) {
    if (fpu_host_xcr0) set_xcr0(fpu_host_xcr0);
    if (unlikely(!restore_area(v->arch.xsave))) {
        reset_area(v->arch.xsave);
        BUG_ON(!restore_area(v->arch.xsave));
    }
    if (fpu_host_xcr0) set_xcr0(v->arch.xcr0);
    if (unlikely(v->arch.cr0 & CR0_TS)) stts();
}

void fpu_set_ts(struct vcpu *v, bool ts) {
    if (ts) {
        v->arch.cr0 |= CR0_TS;
        stts();
    } else {
        v->arch.cr0 &= ~CR0_TS;
        clts();
    }
}

static bool valid_xcr0(uint64_t x) {
    if (!(x & XCR0_X87) || (x & ~fpu_host_xcr0)) return false;
    if ((x & XCR0_AVX) && !(x & XCR0_SSE)) return false;
    return !(x & XCR0_AVX512) || ((x & XCR0_AVX512) == XCR0_AVX512 && (x & XCR0_AVX));
}

int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0) {
    if (!valid_xcr0(xcr0)) return -EINVAL;
    /* What becomes visible is in its initial state: fpu_restore() loaded all components. */
    v->arch.xcr0 = xcr0;
    v->arch.xcr0_accum |= xcr0;
    set_xcr0(xcr0);
    return 0;
}

void fpu_set_legacy(struct vcpu *v, const void *fxsave) {
    struct xsave_area *x = v->arch.xsave;

    reset_area(x);
    if (!fxsave) return;
    memcpy(x, fxsave, LEGACY_SIZE);
    x->mxcsr &= MXCSR_MASK;
}

void fpu_get_legacy(const struct vcpu *v, void *fxsave) {
    const struct xsave_area *x = v->arch.xsave;
    struct xsave_area out = *x;

    if (fpu_host_xcr0 && !(x->header.xstate_bv & XCR0_X87)) {
        /* XSAVE leaves components that are in their initial state unwritten. */
        memset(&out, 0, 24);
        out.fcw = FCW_DEFAULT;
        memset(out.registers, 0, 128);
    }
    if (fpu_host_xcr0 && !(x->header.xstate_bv & XCR0_SSE)) memset(out.registers + 128, 0, 256);
    memcpy(fxsave, &out, LEGACY_SIZE);
}
