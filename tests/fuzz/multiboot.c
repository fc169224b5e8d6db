/* SPDX-License-Identifier: MIT */
/*
 * What a boot loader hands over, by either Multiboot specification, to boot_info, the memory map
 * and the command line. Of Multiboot2 all addresses are the input's own, and nothing behind the
 * total size may be read. Of Multiboot1 addresses point anywhere below 4 GiB, as loaders' do.
 *
 * Input: a byte that chooses the specification and the CPU, then the information.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sanitizer/asan_interface.h>

#include "fuzz.h"

/* Their state is static and is cleared between runs. */
#include "../../hypervisor/boot/memmap.c"
#include "../../hypervisor/boot/multiboot.c"

#define INFO_AT   0x10000UL
#define INFO_ROOM 0x2000UL
#define LOW_4GIB  (4UL << 30)

/* What the linker script makes of the options' names. */
__asm__(".pushsection .rodata\n"
        ".globl cmdline_names_start, cmdline_names_end\n"
        "cmdline_names_start: .asciz \"dom0_mem\", \"com1\"\n"
        "cmdline_names_end: .byte 0\n"
        ".popsection");

struct cpu_features cpu_has;
static jmp_buf given_up;

void panic(const char *fmt, ...) {
    (void)fmt;
    longjmp(given_up, 1);
}

void printk(const char *fmt, ...) {
    char line[4096];
    va_list ap;

    va_start(ap, fmt);
    MUST(vsnprintf(line, sizeof(line), fmt, ap) >= 0); /* reads every string */
    va_end(ap);
}

void *paddr_to_virt(paddr_t p) { return (void *)(DIRECTMAP_START + p); }

void free_pages_hv(void *p, unsigned int order) {
    paddr_t at = (uint64_t)p - DIRECTMAP_START;

    MUST(at && order == 0 && in_usable(at, at + PAGE_SIZE));
}

/* Memory that is given to the allocator is usable by the map, and in nobody's way. */
void mm_boot_add_ram(paddr_t start, paddr_t end) {
    MUST(start < end && !(start & ~PAGE_MASK) && !(end & ~PAGE_MASK));
    MUST(in_usable(start, end) && !boot_range_reserved(start, end));
}

static void read_options(void) {
    static const char *const names[] = {"dom0_mem", "com1", "x", ""};
    char item[16];

    cmdline_parse();
    cmdline_warn_unknown();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *list = cmdline_get(names[i]);

        (void)cmdline_bool(names[i], true);
        (void)cmdline_uint(names[i], 3);
        (void)cmdline_size(names[i], 4096);
        while (cmdline_list_next(&list, item, sizeof(item))) MUST(strlen(item) < sizeof(item));
    }
}

static void check_map(void) {
    for (unsigned int i = 1; i < machine_e820_nr; i++)
        MUST(machine_e820[i].addr >= machine_e820[i - 1].addr + machine_e820[i - 1].size);
    for (unsigned int i = 0; i < machine_e820_nr; i++)
        MUST(machine_e820[i].size &&
             machine_e820[i].addr + machine_e820[i].size - 1 >= machine_e820[i].addr);
}

static void use(uint32_t magic) {
    struct boot_info *b = &boot_info;

    MUST(multiboot_read(magic, INFO_AT));
    MUST(b->nr_modules <= BOOT_MAX_MODULES && b->nr_efi_map <= BOOT_MAX_RANGES);
    MUST(strlen(b->cmdline) < sizeof(b->cmdline) && strlen(b->loader) < sizeof(b->loader));
    for (unsigned int i = 0; i < b->nr_modules; i++)
        MUST(strlen(b->modules[i].cmdline) < sizeof(module_text));
    read_options();
    if (setjmp(given_up)) return;
    memmap_finish();
    check_map();
    memmap_give_ram();
    (void)memmap_low_page();
    for (unsigned int i = 0; i < b->nr_modules; i++)
        if (b->modules[i].size > 16u << 20) return; /* page by page it would take long */
    boot_release_modules();
}

static void clear_state(void) {
    memset(&boot_info, 0, sizeof(boot_info));
    boot_info.image_paddr = 0x200000;
    boot_info.image_size = 0x180000;
    memset(module_text, 0, sizeof(module_text));
    memset(machine_e820, 0, sizeof(machine_e820));
    module_text_used = 0;
    raw_nr = machine_e820_nr = 0;
    overflow = false;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    void *p = mmap(paddr_to_virt(0), LOW_4GIB + INFO_ROOM, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    (void)argc, (void)argv;
    MUST(p == paddr_to_virt(0));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *info = paddr_to_virt(INFO_AT);
    bool mb2 = size && (data[0] & 1);

    if (size < 1 + sizeof(struct mb1_info) || size - 1 > INFO_ROOM) return 0;
    clear_state();
    size--;
    cpu_has.hangs_at_1g = data[0] & 2;
    memcpy(info, data + 1, size);
    if (mb2) {
        *(uint32_t *)info = (uint32_t)size;
        ASAN_POISON_MEMORY_REGION(info + size, INFO_ROOM - size);
    }
    use(mb2 ? MB2_BOOT_MAGIC : MB1_BOOT_MAGIC);
    ASAN_UNPOISON_MEMORY_REGION(info, INFO_ROOM);
    memset(info, 0, size);
    return 0;
}
