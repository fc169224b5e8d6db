/* SPDX-License-Identifier: MIT */
/* Instructions that trap: privileged ones that are emulated or refused, exceptions, user mode. */
#include <public/physdev.h>
#include <public/version.h>
#include "fuzz.h"
#include "parts.h"

/* Channel 2 of the timer chip and its gate, the clock chip, configuration space: dom0 has the real
 * ones, but for what would change them under the hypervisor. */
static uint16_t pick_port(struct fuzzer *f, bool *read_only) {
    static const uint16_t ports[] = {0x20,  0x40,  0x42,  0x42,  0x43,  0x43,  0x61,
                                     0x61,  0x70,  0x71,  0x80,  0xcf8, 0xcfa, 0xcfc,
                                     0xcfe, 0x3f8, 0x3fd, 0x1f7, 0x402};
    static const uint16_t of_dom0[] = {0x42, 0x42, 0x43,  0x61,  0x70,
                                       0x71, 0x80, 0xcf8, 0xcfc, 0xcff};
    uint16_t port = in_dom0()       ? PICK(f, of_dom0)
                    : chance(f, 80) ? PICK(f, ports)
                                    : (uint16_t)rnd(f);

    *read_only = in_dom0() && (port == 0x71 || port == 0x70 || port >= 0xcfc);
    return port;
}

/* What goes to the timer chip is a command for channel 2, of each mode and access. */
static uint32_t port_value(struct fuzzer *f, uint16_t port) {
    if (port == 0x43) return (chance(f, 90) ? 0x80 : 0xc8) | (uint32_t)below(f, 64);
    if (port == 0xcf8) return 1U << 31 | ((uint32_t)below(f, 1 << 12) & ~3U);
    return (uint32_t)(port == 0x61 ? below(f, 4) : rnd(f));
}

static unsigned int act_port(struct fuzzer *f) {
    static char buffer[512];
    bool read_only;
    uint16_t port = pick_port(f, &read_only);
    uint32_t value = port_value(f, port);
    uint64_t at = (uint64_t)buffer, n = below(f, 100);

    if (chance(f, 20)) at = (uint64_t)window + below(f, WINDOW_PAGES) * PAGE_SIZE - 8;
    if (chance(f, 5)) at = 0x00007ffffffffffe;
    switch (f->detail = below(f, read_only ? 6 : 12)) {
    case 0: return fault_outcome(TRY_IO("inb %w2, %b1", (, "+a"(value)), ("d"(port)), ("memory")));
    case 1: return fault_outcome(TRY_IO("inw %w2, %w1", (, "+a"(value)), ("d"(port)), ("memory")));
    case 2: return fault_outcome(TRY_IO("inl %w2, %1", (, "+a"(value)), ("d"(port)), ("memory")));
    case 3: return fault_outcome(TRY_IO("insb", (, "+D"(at)), ("d"(port)), ("memory")));
    case 4:
        return fault_outcome(
            TRY_IO("rep insb", (, "+D"(at), "+c"(n)), ("d"(port)), ("memory", "cc")));
    case 5: return fault_outcome(TRY_IO("inb $0x61, %b1", (, "+a"(value)), (), ("memory")));
    case 6: return fault_outcome(TRY_IO("outb %b1, %w2", (), ("a"(value), "d"(port)), ("memory")));
    case 7: return fault_outcome(TRY_IO("outl %1, %w2", (), ("a"(value), "d"(port)), ("memory")));
    case 8: return fault_outcome(TRY_IO("outsw", (, "+S"(at)), ("d"(0x80)), ("memory")));
    case 9:
        return fault_outcome(
            TRY_IO("rep outsb", (, "+S"(at), "+c"(n)), ("d"(0x80)), ("memory", "cc")));
    case 10:
        HV_set_segment_base(SEGBASE_FS, 0x1000);
        at -= 0x1000;
        return fault_outcome(TRY_IO("fs outsl", (, "+S"(at)), ("d"(0x80)), ("memory")));
    default: return fault_outcome(TRY_IO("outb %b1, $0x80", (), ("a"(value)), ("memory")));
    }
}

static uint32_t pick_msr(struct fuzzer *f) {
    static const uint32_t msrs[] = {
        0x10,       0x1b,       0x3a,       0x48,       0x49,       0x8b,       0xc1,
        0xce,       0x10a,      0x140,      0x174,      0x175,      0x176,      0x179,
        0x17a,      0x186,      0x19b,      0x1a0,      0x1d9,      0x200,      0x277,
        0x2ff,      0x400,      0x800,      0x802,      0xc0000080, 0xc0000081, 0xc0000082,
        0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010010, 0xc0010015,
        0xc001001f, 0xc0011022, 0xc0011027, 0x40000000, 0x40000001, 0x4b564d00};

    if (chance(f, 70)) return PICK(f, msrs);
    return (uint32_t)(chance(f, 50) ? below(f, 0x2000) : 0xc0000000 + below(f, 0x20000));
}

static unsigned int act_msr(struct fuzzer *f) {
    uint32_t msr = pick_msr(f), low = 0, high = 0;
    uint64_t value = odd(f);

    f->detail = msr;
    if (chance(f, 60))
        return fault_outcome(TRY_IO("rdmsr", (, "=a"(low), "=d"(high)), ("c"(msr)), ("memory")));
    if (in_dom0()) msr = 0xc0000100 + msr % 3;
    return fault_outcome(TRY_IO(
        "wrmsr", (), ("a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr)), ("memory")));
}

static unsigned int act_cpuid(struct fuzzer *f) {
    static const uint32_t bases[] = {0, 0x40000000, 0x40000100, 0x80000000};
    uint32_t leaf = PICK(f, bases) + (uint32_t)below(f, 40), a = leaf, c = (uint32_t)below(f, 70);

    if (chance(f, 5)) a = (uint32_t)odd(f);
    return fault_outcome(
        TRY_IO("ud2; .ascii \"xen\"; cpuid", (, "+a"(a), "+c"(c)), (), ("rbx", "rdx", "memory")));
}

#define LITTLE(n, text)                                                                            \
    case n:                                                                                        \
        return fault_outcome(                                                                      \
            TRY_IO(text, (, "+r"(value)), ("r"(at)), ("memory", "cc", "rax", "rcx", "rdx")))

static unsigned int act_privileged(struct fuzzer *f) {
    uint64_t value = odd(f), at = (uint64_t)arg_alloc(f, 64);

    switch (f->detail = below(f, 40)) {
        LITTLE(0, "cli");
        LITTLE(1, "sti");
        LITTLE(2, "clts");
        LITTLE(3, "mov %%cr0, %1");
        LITTLE(4, "mov %1, %%cr0");
        LITTLE(5, "mov %%cr2, %1");
        LITTLE(6, "mov %1, %%cr2");
        LITTLE(7, "mov %%cr3, %1");
        LITTLE(8, "mov %%cr4, %1");
        LITTLE(9, "mov %1, %%cr4");
        LITTLE(10, "mov %1, %%cr8");
        LITTLE(11, "mov %%dr0, %1");
        LITTLE(12, "mov %1, %%dr7");
        LITTLE(13, "mov %1, %%dr3");
        LITTLE(14, "invlpg (%2)");
        LITTLE(15, "wbinvd");
        LITTLE(16, "lgdt (%2)");
        LITTLE(17, "lidt (%2)");
        LITTLE(18, "ltr %w1");
        LITTLE(19, "lldt %w1");
        LITTLE(20, "swapgs");
        LITTLE(21, "rdtscp");
        LITTLE(22, "rdpmc");
        LITTLE(23, "sgdt (%2)");
        LITTLE(24, "smsw %1");
        LITTLE(25, "lmsw %w1");
        LITTLE(26, "xor %%ecx, %%ecx; xsetbv");
        LITTLE(27, "xor %%ecx, %%ecx; xgetbv");
        LITTLE(28, "wrfsbase %1");
        LITTLE(29, "rdgsbase %1");
        LITTLE(30, "invd");
        LITTLE(31, "monitor");
        LITTLE(32, "vmcall");
        LITTLE(33, "rdtsc");
        LITTLE(34, "mov $7, %%eax; xor %%edx, %%edx; xor %%ecx, %%ecx; 1: xsetbv");
        LITTLE(35, "mov $3, %%eax; xor %%edx, %%edx; xor %%ecx, %%ecx; 1: xsetbv");
        LITTLE(36, "mov $0xc0000080, %%ecx; 1: rdmsr");
        /* OSXSAVE, debugging extensions, no time stamps for user mode */
        LITTLE(37, "mov $0x4000c, %%eax; 1: mov %%rax, %%cr4");
        LITTLE(38, "mov %%dr6, %1");
    default: /* as with block: something is due */
        WRITE_ONCE(f->v->info->evtchn_upcall_pending, 1);
        return fault_outcome(TRY("hlt"));
    }
}

/* Undefined ones and such that raise each exception; prefixes that a decoder may trip over. */
static unsigned int act_exception(struct fuzzer *f) {
    uint64_t value = odd(f), at = bad_address(f);

    switch (f->detail = below(f, 18)) {
        LITTLE(0, "int3");
        LITTLE(1, "int $0x40");
        LITTLE(2, "int $0x81");
        LITTLE(3, "int $0x20");
        LITTLE(4, ".byte 0xf1"); /* icebp */
        LITTLE(5, "ud2");
        LITTLE(6, ".byte 0x06");
        LITTLE(7, "xor %%ecx, %%ecx; div %%ecx");
        LITTLE(8, ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, "
                  "0x66, 0x66, 0x66, 0x90");
        LITTLE(9, ".byte 0xf0, 0x90");
        LITTLE(10, "mov (%2), %1");
        LITTLE(11, ".byte 0xea");
        LITTLE(12, "sysretq");
        LITTLE(13, "rep; .byte 0x64, 0x67, 0x48; wrmsr");
        LITTLE(14, "clc; .byte 0xd6");
        LITTLE(15, "xsaves (%2)");
        LITTLE(16, "push %%rax; popf");
    default: /* where nothing of the fuzzer's can be executed */
        at = chance(f, 50) ? 0xffff800000000000 + below(f, 1ULL << 44) : below(f, 1 << 30);
        return fault_outcome(TRY_IO("call *%1", (), ("r"(at)), ("memory", "rax", "rcx", "rdx")));
    }
}

static uint64_t in_user(uint64_t what) {
    uint64_t low = what & 0xffffffff;

    switch (what >> 60) {
    case 0: asm volatile("hlt"); break;
    case 1: asm volatile("cli"); break;
    case 2: asm volatile("int3"); break;
    case 3: asm volatile("int $0x80"); break;
    case 4: asm volatile("wrmsr" : : "a"(0), "d"(0), "c"(0xc0000102)); break;
    case 5: asm volatile("mov (%0), %%rax" : : "r"(0xffff800000000000 + low) : "rax"); break;
    case 6:
        asm volatile("mov %%rax, (%0)" : : "r"(pool_start + low % (POOL_PAGES * PAGE_SIZE)));
        break;
    case 7: asm volatile("inb $0x80, %%al" : : : "rax"); break;
    case 8: asm volatile("syscall" : : "a"(low) : "rcx", "r11"); break;
    case 9: asm volatile("sysenter" : : "a"(low)); break;
    case 10: asm volatile("int $0x82" : : "a"(low)); break;
    case 11: asm volatile("pushq %0\npushq $0x1000\nlretq" : : "r"((low & 0xfff8) | 3)); break;
    case 12: asm volatile("mov %0, %%ds" : : "r"((uint32_t)low & 0xffff)); break;
    case 13:
        asm volatile("mov %%rsp, %%rcx\nmov %0, %%rsp\npush %%rax\nmov %%rcx, %%rsp"
                     :
                     : "r"(low << 32)
                     : "rcx");
        break;
    case 14: asm volatile("rdtsc\nrdtscp\nsti" : : : "rax", "rcx", "rdx"); break;
    default: break;
    }
    return what;
}

static unsigned int act_user(struct fuzzer *f) {
    f->detail = rnd(f);
    /* user mode may then use the ports that the bitmap allows */
    if (chance(f, 20)) HV_physdev_op(PHYSDEVOP_set_iopl, &(struct physdev_set_iopl){.iopl = 1});
    run_user(in_user, f->detail);
    return 0;
}

#define STEP "pushf; orl $0x100, (%%rsp); popf; "

/* With breakpoints and single steps on instructions that are emulated: what is due after them. */
static unsigned int act_stepped(struct fuzzer *f) {
    uint64_t value = rnd(f), at = 0;

    switch (f->detail = below(f, 5)) {
        LITTLE(0, STEP "mov %%cr0, %1; nop");
    case 1:
        return fault_outcome(TRY_IO(STEP "ud2; .ascii \"xen\"; cpuid; nop", (), (),
                                    ("memory", "rax", "rbx", "rcx", "rdx")));
    case 2: /* a number that nobody has */
        return fault_outcome(TRY_IO("mov $63, %%eax; " STEP "syscall; nop", (), (),
                                    ("memory", "rax", "rcx", "r11")));
    case 3: /* on a port, which takes CR4.DE */
        TRY("mov $8, %%eax; 1: mov %%rax, %%cr4");
        HV_set_debugreg(0, 0x80);
        HV_set_debugreg(7, 0x20401 | below(f, 4) << 18);
        return fault_outcome(TRY_IO("outb %%al, $0x80", (), ("a"(value)), ("memory")));
    default: /* on memory that the hypervisor reads and writes for the guest */
        at = (uint64_t)arg_alloc(f, 64);
        HV_set_debugreg(1, at);
        HV_set_debugreg(7, 0xf00404);
        HV_xen_version(XENVER_extraversion, at);
        HV_set_debugreg(7, 0);
        return 0;
    }
}

const struct generator debug_acts[] = {{"(stepped)", 6, NULL, act_stepped}};
const unsigned int nr_debug_acts = ARRAY_SIZE(debug_acts);

/* Code of 32 bits, which user mode has below 4 GiB: each piece ends in a trap. */
#define LOW 0x10000UL
static const uint8_t low_code[][8] = {
    {0x0f, 0x05, 0x0f, 0x0b}, /* syscall */
    {0x0f, 0x34, 0x0f, 0x0b}, /* sysenter */
    {0xcd, 0x80, 0x0f, 0x0b}, /* int $0x80 */
    {0xe4, 0x80, 0x0f, 0x0b}, /* in $0x80, %al */
    {0xf4},                   /* hlt */
};

void low_prepare(void) {
    uint64_t *l4 = mfn_to_virt(user_l4_mfn), *l3 = table_alloc(), *l2 = table_alloc();
    uint64_t *l1 = table_alloc();
    void *page = page_alloc();

    memcpy(page, low_code, sizeof(low_code));
    require_eq(write_entry(l1 + (LOW >> PAGE_SHIFT), MFN_PTE(virt_to_mfn(page), PTE_RO)), 0);
    require_eq(write_entry(l2, MFN_PTE(virt_to_mfn(l1), PTE_TABLE)), 0);
    require_eq(write_entry(l3, MFN_PTE(virt_to_mfn(l2), PTE_TABLE)), 0);
    require_eq(write_entry(l4, MFN_PTE(virt_to_mfn(l3), PTE_TABLE)), 0);
}

static unsigned int act_low(struct fuzzer *f) {
    struct iret_frame frame = {.cs = FLAT_USER_CS32, .rflags = 2, .ss = FLAT_USER_SS};

    f->detail = below(f, ARRAY_SIZE(low_code));
    frame.rip = LOW + f->detail * sizeof(low_code[0]);
    frame.rsp = LOW + PAGE_SIZE - 16;
    user_load();
    f->v->in_user = true;
    iret_to(&frame);
}

const struct generator instruction_acts[] = {
    {"(port)", 20, NULL, act_port},           {"(msr)", 25, NULL, act_msr},
    {"(cpuid)", 10, NULL, act_cpuid},         {"(privileged)", 40, NULL, act_privileged},
    {"(exception)", 30, NULL, act_exception}, {"(user mode)", 15, NULL, act_user},
    {"(32-bit code)", 4, NULL, act_low},
};
const unsigned int nr_instruction_acts = ARRAY_SIZE(instruction_acts);
