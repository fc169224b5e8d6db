/* SPDX-License-Identifier: MIT */
/* The end: a panic's message, registers and backtrace with the other CPUs stopped; reboot, halt. */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/console.h>
#include <x86/apic.h>
#include <x86/desc.h>

CMDLINE_OPTION(noreboot);

#define MAX_FRAMES 32

static uint32_t panic_cpu; /* CPU number + 1 of the first that panicked; atomic */
static bool regs_shown;    /* of a trap in Hospes, whose handler panics next */

extern const char image_start[], image_text_end[];

static bool is_code(unsigned long addr) {
    return addr >= (unsigned long)image_start && addr < (unsigned long)image_text_end;
}

/* Walks frame pointers, staying inside the stack block that rsp is in. */
void show_backtrace(unsigned long rip, unsigned long rsp, unsigned long rbp) {
    unsigned long top = (rsp | (STACK_SIZE - 1)) + 1 - sizeof(struct cpu_info);

    printk("Xen call trace:\n");
    if (is_code(rip)) printk("   [<%016lx>] R %pS\n", rip, (void *)rip);
    for (unsigned int i = 0; i < MAX_FRAMES; i++) {
        const unsigned long *frame = (const unsigned long *)rbp;

        if (rbp < rsp || rbp + 16 > top || (rbp & 7)) break;
        if (!is_code(frame[1])) break;
        printk("   [<%016lx>] S %pS\n", frame[1], (void *)frame[1]);
        if (frame[0] <= rbp) break;
        rbp = frame[0];
    }
}

void show_regs(const struct cpu_user_regs *r) {
    printk("----[ Hospes  x86_64  debug=%c ]----\n", IS_DEBUG ? 'y' : 'n');
    if (cpu_info()->pcpu && current->domain && current->domain->id < DOMID_FIRST_RESERVED)
        printk("CPU:    %u (d%uv%u)\n", smp_cpu_id(), current->domain->id, current->id);
    else
        printk("CPU:    %u\n", smp_cpu_id());
    if (r->cs & 3)
        printk("RIP:    %04x:[<%016lx>]\n", r->cs, r->rip);
    else
        printk("RIP:    %04x:[<%016lx>] %pS\n", r->cs, r->rip, (void *)r->rip);
    printk("RFLAGS: %016lx   vector: %u   error code: %#x\n", r->rflags, r->entry_vector,
           r->error_code);
    printk("rax: %016lx   rbx: %016lx   rcx: %016lx\n", r->rax, r->rbx, r->rcx);
    printk("rdx: %016lx   rsi: %016lx   rdi: %016lx\n", r->rdx, r->rsi, r->rdi);
    printk("rbp: %016lx   rsp: %016lx   r8:  %016lx\n", r->rbp, r->rsp, r->r8);
    printk("r9:  %016lx   r10: %016lx   r11: %016lx\n", r->r9, r->r10, r->r11);
    printk("r12: %016lx   r13: %016lx   r14: %016lx\n", r->r12, r->r13, r->r14);
    printk("r15: %016lx   cr0: %016lx   cr4: %016lx\n", r->r15, read_cr0(), read_cr4());
    printk("cr3: %016lx   cr2: %016lx\n", read_cr3(), read_cr2());
    printk("ss: %04x   cs: %04x\n", r->ss, r->cs);
    if (!(r->cs & 3)) {
        regs_shown = true;
        show_backtrace(r->rip, r->rsp, r->rbp);
    }
}

/* Registers as they were when panic() was called. */
struct cpu_user_regs panic_regs;

void panic_with_regs(const char *fmt, ...) __attribute__((format(printf, 1, 2))) __noreturn;

#define SAVE(reg) "mov %%" #reg ", panic_regs + %c[" #reg "](%%rip)\n\t"
#define AT(reg)   [reg] "i"(offsetof(struct cpu_user_regs, reg))

/* C cannot see its caller's registers. */
__attribute__((naked)) void panic(const char *fmt __attribute__((unused)), ...) {
    __asm__(SAVE(rax) SAVE(rbx) SAVE(rcx) SAVE(rdx) SAVE(rsi) SAVE(rdi) SAVE(rbp) SAVE(r8) SAVE(r9)
                SAVE(r10) SAVE(r11) SAVE(r12) SAVE(r13) SAVE(r14) SAVE(r15) "jmp panic_with_regs"
            :
            : AT(rax), AT(rbx), AT(rcx), AT(rdx), AT(rsi), AT(rdi), AT(rbp), AT(r8), AT(r9),
              AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15));
}

/* panic() jumps here, so the return address and the arguments are those of its caller. */
__attribute__((used)) void panic_with_regs(const char *fmt, ...) {
    uint32_t none = 0, me = smp_cpu_id() + 1;
    struct cpu_user_regs regs = panic_regs;
    va_list ap;

    regs.rip = (unsigned long)__builtin_return_address(0);
    regs.rsp = (unsigned long)__builtin_frame_address(0) + 2 * sizeof(long);
    regs.rflags = __builtin_ia32_readeflags_u64();
    regs.cs = SEL_HV_CS;
    regs.ss = SEL_HV_DS;
    irq_disable();
    if (!__atomic_compare_exchange_n(&panic_cpu, &none, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        halt_forever(); /* a second CPU, or a fault while panicking: say no more */
    apic_stop_others();
    console_force();
    printk("\n****************************************\n");
    printk("Panic on CPU %u:\n", me - 1);
    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
    printk("\n****************************************\n");
    if (!regs_shown) show_regs(&regs);
    machine_give_up();
}

static void reset_by_acpi(void) {
    if (!acpi.has_reset) return;
    if (acpi.reset_space == 1) {
        outb((uint16_t)acpi.reset_addr, acpi.reset_value);
    } else if (acpi.reset_space == 0) {
        volatile uint8_t *p = devmap(acpi.reset_addr, 1, DEVMAP_UC);

        if (p) *p = acpi.reset_value;
    } else if (acpi.reset_space == 2) {
        uint8_t devfn = (uint8_t)((acpi.reset_addr >> 32 & 31) << 3 | (acpi.reset_addr >> 16 & 7));

        pci_conf_write(pci_sbdf(0, 0, devfn), acpi.reset_addr & 0xff, 1, acpi.reset_value);
    }
}

static void reset_by_keyboard_controller(void) {
    for (int i = 0; i < 10; i++) {
        for (int n = 0; n < 10000 && (inb(0x64) & 2); n++) cpu_relax();
        outb(0x64, 0xfe);
        delay_us(2000);
    }
}

static void reset_by_chipset(void) {
    outb(0xcf9, 0x02);
    delay_us(1000);
    outb(0xcf9, 0x06);
    delay_us(50000);
}

static void triple_fault(void) {
    const struct desc_ptr none = {0, 0};

    lidt(&none);
    __asm__ volatile("int3");
}

void machine_restart(void) {
    irq_disable();
    apic_stop_others();
    console_flush();
    reset_by_acpi();
    delay_us(50000);
    reset_by_chipset();
    reset_by_keyboard_controller();
    triple_fault();
    halt_forever();
}

void machine_halt(void) {
    irq_disable();
    apic_stop_others();
    console_flush();
    halt_forever();
}

void machine_give_up(void) {
    if (cmdline_bool("noreboot", false)) {
        printk("\nManual reset required ('noreboot' specified)\n");
        machine_halt();
    }
    printk("\nReboot in five seconds...\n");
    console_flush();
    delay_us(5000000);
    machine_restart();
}
