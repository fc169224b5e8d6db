/* SPDX-License-Identifier: MIT */
/* Debug registers of guests: see x86/guest_regs.h. */
#include <hv/pcpu.h>
#include <x86/guest_regs.h>

#define DR6_DEFAULT    0xffff0ff0UL
#define DR6_KNOWN      0xe00fUL /* the rest reads as in DR6_DEFAULT */
#define DR7_DEFAULT    0x400UL
#define DR7_RESERVED   0xd800UL /* must be 0, read as 0 */
#define DR7_ENABLES    0xffUL
#define DR7_GD         (1UL << 13)
#define DR7_RTM        (1UL << 11)
#define DR7_TYPE_SHIFT 16
#define DR7_TYPE_IO    2

#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%db" #n : : "r"((uint64_t)(v)))

static void load_addresses(const struct vcpu *v) {
    WRITE_DR(0, v->arch.debugreg[0]);
    WRITE_DR(1, v->arch.debugreg[1]);
    WRITE_DR(2, v->arch.debugreg[2]);
    WRITE_DR(3, v->arch.debugreg[3]);
}

static bool active(const struct vcpu *v) { return v->arch.debugreg[7] & DR7_ENABLES; }

static int set_control(struct vcpu *v, uint64_t value) {
    uint32_t io = 0;

    if (value != (uint32_t)value) return -EINVAL;
    if (value & DR7_GD) return -EPERM;
    value = (value & ~DR7_RESERVED & ~DR7_RTM) | DR7_DEFAULT;
    for (unsigned int i = 0; i < 4 && (value & DR7_ENABLES); i++) {
        if (((value >> (DR7_TYPE_SHIFT + 4 * i)) & 3) != DR7_TYPE_IO) continue;
        if (!(v->arch.cr4 & CR4_DE)) return -EPERM;
        io |= value & (3UL << (2 * i));
    }
    v->arch.dr7_emul = io;
    v->arch.debugreg[7] = value & ~(uint64_t)io;
    if (v == current) {
        if (active(v)) load_addresses(v);
        WRITE_DR(7, v->arch.debugreg[7]);
    }
    return 0;
}

int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t value) {
    if ((reg == 4 || reg == 5) && (v->arch.cr4 & CR4_DE)) return -ENODEV;
    switch (reg) {
    case 0 ... 3:
        if (!guest_va_ok(value)) return -EPERM;
        v->arch.debugreg[reg] = value;
        if (v == current && active(v)) load_addresses(v);
        return 0;
    case 4:
    case 6:
        if (value != (uint32_t)value) return -EINVAL;
        v->arch.debugreg[6] = (value & DR6_KNOWN) | DR6_DEFAULT;
        return 0;
    case 5:
    case 7: return set_control(v, value);
    default: return -ENODEV;
    }
}

int debugreg_get(const struct vcpu *v, unsigned int reg, uint64_t *value) {
    if (reg > 7 || ((reg == 4 || reg == 5) && (v->arch.cr4 & CR4_DE))) return -ENODEV;
    if (reg == 4 || reg == 5) reg += 2;
    *value = v->arch.debugreg[reg];
    if (reg == 7) *value |= v->arch.dr7_emul;
    return 0;
}

void debugreg_reset(struct vcpu *v) {
    for (unsigned int i = 0; i < 6; i++) v->arch.debugreg[i] = 0;
    v->arch.debugreg[6] = DR6_DEFAULT;
    v->arch.debugreg[7] = DR7_DEFAULT;
    v->arch.dr7_emul = 0;
}

/* DR6 of a guest is kept in memory only; DR0-3 and DR7 are in memory as well as in hardware. */
void debugreg_save(struct vcpu *v) {
    if (unlikely(active(v))) WRITE_DR(7, DR7_DEFAULT);
}

void debugreg_load(const struct vcpu *v) {
    if (likely(!active(v))) return;
    load_addresses(v);
    WRITE_DR(7, v->arch.debugreg[7]);
}

void debugreg_trap(struct vcpu *v) {
    uint64_t now;

    __asm__ volatile("mov %%db6, %0" : "=r"(now));
    WRITE_DR(6, DR6_DEFAULT);
    /* The CPU reports breakpoints afresh each time, and never clears the other bits. */
    v->arch.debugreg[6] = (v->arch.debugreg[6] & ~15UL) | (now & DR6_KNOWN) | DR6_DEFAULT;
}

void debugreg_discard(void) { WRITE_DR(6, DR6_DEFAULT); }
