/* SPDX-License-Identifier: MIT */
/*
 * Start-up, read aloud: boot_main() is called by head.S on the boot CPU's stack, interrupts off,
 * with head.S's page tables. Until the line marked below a failure means panic or halt; from there
 * on dom0 exists and errors are somebody's own.
 */
#include "boot.h"
#include <hv/console.h>
#include <x86/apic.h>
#include <x86/cpuid.h>
#include <x86/desc.h>
#include <x86/spec.h>

void boot_main(uint32_t magic, paddr_t info, paddr_t image) __noreturn;

static struct entry_page boot_entry __attribute__((section(".bss.page_aligned")));
static uint64_t boot_gdt_page[512] __attribute__((section(".bss.page_aligned"), aligned(4096)));
static struct pcpu boot_pcpu = {
    .online = true,
    .curr = &boot_pcpu.idle,
    .idle.domain = &idle_domain,
    .arch = {.stack = boot_stack, .entry = &boot_entry, .gdt = boot_gdt_page}};

static __init void init_boot_pcpu(void) {
    cpu_info()->pcpu = pcpus[0] = &boot_pcpu;
    boot_pcpu.arch.gdt_mfn = virt_to_mfn(boot_gdt_page);
    nr_cpus = 1;
}

static __init void banner(void) {
    const struct boot_video *v = &boot_info.video;
    const uint8_t *id;
    size_t n = hv_build_id(&id);

    printk("Hospes (Xen 4.17 ABI) (%s) debug=%c\n", hv_compiler, IS_DEBUG ? 'y' : 'n');
    printk("build-id: ");
    for (size_t i = 0; i < n; i++) printk("%02x", id[i]);
    printk("\n");
    printk("Bootloader: %s\n", boot_info.loader[0] ? boot_info.loader : "unknown");
    printk("Command line: %s\n", boot_info.cmdline);
    printk("Image load base address: %#lx\n", boot_info.image_paddr);
    if (v->type == VIDEO_FRAMEBUFFER)
        printk("Video information: framebuffer at %#lx, %ux%u, %u bpp\n", v->addr, v->width,
               v->height, v->bpp);
    else
        printk("Video information: %s\n",
               v->type == VIDEO_TEXT ? "VGA is text mode 80x25, font 8x16" : "none");
    if (boot_info.efi)
        printk("EFI: system table at %#lx, %u memory descriptors\n", boot_info.efi_systab,
               boot_info.nr_efi_map);
    printk("CPU Vendor: %s, Family %u (%#x), Model %u (%#x), Stepping %u (raw %08x)\n",
           cpu_has.amd     ? "AMD"
           : cpu_has.intel ? "Intel"
                           : cpu_has.vendor,
           cpu_has.family, cpu_has.family, cpu_has.model, cpu_has.model, cpu_has.stepping,
           cpu_has.signature);
}

/* A wrong machine or set-up is not a bug of ours: a message and the end, no backtrace. */
static __init void __noreturn boot_failed(const char *why) {
    static const char stars[] = "****************************************";

    printk("\n%s\nHospes cannot start: %s\n%s\n", stars, why, stars);
    machine_give_up();
}

static __init void init_machine(uint32_t magic, paddr_t info, paddr_t image) {
    bool known;

    boot_info.image_paddr = image;
    boot_info.image_size = (size_t)(image_end - image_start);
    pic_disable();
    init_boot_pcpu();
    desc_init_cpu();
    idt_init();
    known = multiboot_read(magic, info);
    cmdline_parse();
    cpu_identify();
    cpu_init();
    boot_protect_image();
    console_init_early();
    banner();
    if (!known) boot_failed("the boot loader speaks neither Multiboot 1 nor 2");
}

static __init void init_services(void) {
    memmap_finish();
    memmap_give_ram();
    mm_init();
    acpi_init();
    apic_init();
    tsc_calibrate();
    time_init();
    apic_timer_calibrate();
    tsc_is_stable = cpu_has.tsc_invariant;
    time_set_wallclock(rtc_read_seconds(), 0, now_ns());
    irq_init();
    fpu_init();
    cpu_policy_init();
    spec_init();
    domain_init();
    sched_init_cpu(0);
    console_init_late();
    register_key('i', irq_dump, "dump interrupt bindings");
    domain_register_keys();
    cmdline_warn_unknown();
    smp_boot_aps();
    efi_init();
    printk(KERN_INFO "Memory: %lu of %lu MiB free\n", mm_free_pages() >> 8, mm_total_pages() >> 8);
}

static __init void build_dom0(void) {
    const struct boot_module *m = boot_info.modules;
    int rc;

    if (boot_info.nr_modules == 0) boot_failed("no dom0 kernel: the boot loader passed no module");
    if (m[0].size == 0) boot_failed("the dom0 kernel (first module) is empty");
    rc = dom0_construct(&m[0], boot_info.nr_modules > 1 ? &m[1] : NULL);
    if (rc) {
        char why[64];

        snprintf(why, sizeof(why), "dom0 could not be built (error %d, see above)", rc);
        boot_failed(why);
    }
}

void boot_main(uint32_t magic, paddr_t info, paddr_t image) {
    init_machine(magic, info, image);
    init_services();
    build_dom0();

    /* ---- Point of no return: dom0 is there; boot's memory goes. ---- */

    boot_release_modules();
    console_end_boot();
    domain_unpause_by_tools(dom0);
    exit_to_guest();
}
