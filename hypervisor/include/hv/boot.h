/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader and the command line told us. Written by boot/ on the boot CPU before any
 * other CPU runs; read-only from then on.
 */
#pragma once

#include <hv/types.h>

struct boot_module {
    paddr_t start;
    size_t size;
    const char *cmdline; /* without the name that GRUB may put first; never NULL */
};

#define BOOT_MAX_MODULES 8
#define BOOT_MAX_RANGES  256

enum video_type { VIDEO_NONE, VIDEO_TEXT, VIDEO_FRAMEBUFFER };

struct pixel_format {
    uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_video {
    enum video_type type;
    paddr_t addr;
    uint32_t pitch, width, height, bpp;
    struct pixel_format format;
};

/* An EFI memory descriptor, as the firmware lays it out (the stride may be larger). */
struct efi_memory_desc {
    uint32_t type, pad;
    uint64_t phys, virt, pages, attribute;
};

struct boot_info {
    paddr_t image_paddr; /* where the image's first byte lies */
    size_t image_size;   /* with .bss */
    char loader[64];
    char cmdline[2048]; /* ours, without the program's name: XENVER_commandline */
    struct boot_module modules[BOOT_MAX_MODULES];
    unsigned int nr_modules;
    struct boot_video video;
    bool efi;            /* started by UEFI firmware */
    uint64_t efi_systab; /* EFI system table (64-bit), 0: none */
    struct efi_memory_desc efi_map[BOOT_MAX_RANGES];
    unsigned int nr_efi_map;
    uint8_t rsdp[36]; /* copy given by the loader or found in memory, all 0: none */
};

extern struct boot_info boot_info;

/* Root of the page tables that idle CPUs use; every L4 shares its entries 256..271. boot/head.S
 * makes entries 261 (image) and 262 (first 4 GiB of the direct map). */
extern uint64_t boot_l4[512];

/* Command line: name=value or a bare name, separated by spaces. The last of several counts. Options
 * are declared where they are used (CMDLINE_OPTION), so that boot can warn of unknown ones. */
const char *cmdline_get(const char *name);      /* NULL: not given; "" for a bare name */
bool cmdline_bool(const char *name, bool dflt); /* name, no-name, noname, =yes/no/on/off/1/0 */
uint64_t cmdline_uint(const char *name, uint64_t dflt);
uint64_t cmdline_size(const char *name, uint64_t dflt); /* suffix B K M G T; none: KiB, as Xen */
int parse_bool(const char *v, int dflt);                /* 0 or 1; dflt: something else */
/* A size at *s; moves *s behind it. */
uint64_t parse_size(const char **s);
/* Item of a comma-separated list "a,b:c,..."; copies it; false at the end. */
bool cmdline_list_next(const char **list, char *item, size_t size);
/* An item that is name, no-name or name=yes: 0 or 1; -1: something else. */
int cmdline_item_bool(const char *item, const char *name);

/* Names an option that this file reads; anywhere at file scope. */
#define CMDLINE_OPTION(...)     CMDLINE_OPTION1(__COUNTER__, #__VA_ARGS__)
#define CMDLINE_OPTION1(n, txt) CMDLINE_OPTION2(n, txt)
#define CMDLINE_OPTION2(n, txt)                                                                    \
    static const char cmdline_name_##n[]                                                           \
        __attribute__((used, section(".cmdline_names"), aligned(1))) = txt

/* Gives the modules' frames to the allocator. Once, when dom0 has been built. */
void boot_release_modules(void);
/* True if the physical range overlaps memory that boot keeps (image, modules, low memory). */
bool boot_range_reserved(paddr_t start, paddr_t end);

/* dom0 builder (domain/dom0_build.c). 0 or -Exxx after a message that names the trouble. */
int dom0_construct(const struct boot_module *kernel, const struct boot_module *initrd);

/* For XENVER_* and the banner; the build id's length. domain/version.c */
extern const char hv_compiler[];
size_t hv_build_id(const uint8_t **id);

/* The machine leaves: reboot or power off by the best means there is. Interrupts off; no return. */
void machine_restart(void) __noreturn;
void machine_halt(void) __noreturn;
void machine_give_up(void) __noreturn; /* after a failure: reboots soon, or halts (noreboot) */
