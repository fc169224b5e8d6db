/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's information, as the two Multiboot specifications lay it out, to boot_info.
 * Everything is copied, so that its memory is ordinary RAM afterwards. Runs before the console; all
 * of it lies below 4 GiB, in the direct map that head.S made.
 */
#include "boot.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289

#define MB1_HAS_CMDLINE (1u << 2)
#define MB1_HAS_MODULES (1u << 3)
#define MB1_HAS_MMAP    (1u << 6)
#define MB1_HAS_LOADER  (1u << 9)

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
    uint32_t syms[4], mmap_length, mmap_addr, drives[2], config_table, loader_name;
};

struct mb1_module {
    uint32_t start, end, cmdline, reserved;
};

/* Types of tags. */
enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_LOADER = 2, MB2_MODULE = 3, MB2_MMAP = 6 };
enum { MB2_FRAMEBUFFER = 8, MB2_EFI64_SYSTAB = 12, MB2_EFI_MMAP = 17 };
enum { MB2_RSDP_OLD = 14, MB2_RSDP_NEW = 15 };

struct mb2_tag {
    uint32_t type, size; /* size without the padding to 8 */
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char cmdline[];
};

/* Of the memory map and of EFI's. */
struct mb2_table {
    struct mb2_tag tag;
    uint32_t stride, version;
    char entries[];
};

struct mb2_framebuffer {
    struct mb2_tag tag;
    uint64_t addr;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
    uint16_t reserved;
    struct pixel_format format;
};

#define MB2_PIXELS_END (offsetof(struct mb2_framebuffer, format) + sizeof(struct pixel_format))

struct boot_info boot_info;

static char module_text[4096] __initdata;
static size_t module_text_used __initdata;

/* A module's own arguments: GRUB 2 passes what stands after the file name, QEMU the name too. */
static __init const char *keep_text(const char *s) {
    char *p = module_text + module_text_used;
    size_t room = sizeof(module_text) - module_text_used, len;

    if (room < 2) return "";
    len = strlcpy(p, s, room);
    module_text_used += min(len, room - 1) + 1;
    return p;
}

static __init const char *skip_program_name(const char *s) {
    while (*s == ' ') s++;
    /* An option never holds a slash before its '='. */
    for (const char *p = s; *p && *p != ' ' && *p != '='; p++)
        if (*p == '/') {
            while (*s && *s != ' ') s++;
            break;
        }
    while (*s == ' ') s++;
    return s;
}

static __init void add_module(uint64_t start, uint64_t end, const char *cmdline) {
    if (boot_info.nr_modules == BOOT_MAX_MODULES || end < start) return;
    boot_info.modules[boot_info.nr_modules++] =
        (struct boot_module){start, end - start, keep_text(skip_program_name(cmdline))};
}

static __init void set_cmdline(const char *s) {
    strlcpy(boot_info.cmdline, skip_program_name(s), sizeof(boot_info.cmdline));
}

static __init void add_efi_memory(const void *entry) {
    if (boot_info.nr_efi_map < BOOT_MAX_RANGES)
        memcpy(&boot_info.efi_map[boot_info.nr_efi_map++], entry, sizeof(struct efi_memory_desc));
}

static __init void read_mb1(const struct mb1_info *i) {
    const struct mb1_module *m = paddr_to_virt(i->mods_addr);
    char *p = paddr_to_virt(i->mmap_addr);
    char *end = paddr_to_virt(min((uint64_t)i->mmap_addr + i->mmap_length, 4UL << 30));

    if (i->flags & MB1_HAS_CMDLINE) set_cmdline(paddr_to_virt(i->cmdline));
    if (i->flags & MB1_HAS_LOADER)
        strlcpy(boot_info.loader, paddr_to_virt(i->loader_name), sizeof(boot_info.loader));
    for (uint32_t n = 0;
         (i->flags & MB1_HAS_MODULES) && n < min(i->mods_count, (uint32_t)BOOT_MAX_MODULES); n++)
        add_module(m[n].start, m[n].end, m[n].cmdline ? paddr_to_virt(m[n].cmdline) : "");
    if (!(i->flags & MB1_HAS_MMAP)) return;
    /* Before each entry stands how long it is. One more than can be kept tells of the loss. */
    for (unsigned int n = 0; n <= BOOT_MAX_RANGES; n++, p += sizeof(uint32_t) + *(uint32_t *)p) {
        if (p + sizeof(uint32_t) + sizeof(struct e820entry_hv) > end) break;
        if (*(uint32_t *)p < sizeof(struct e820entry_hv)) break;
        memmap_add_raw(p + sizeof(uint32_t));
    }
}

static __init void read_mb2_table(const struct mb2_table *t, size_t size,
                                  void (*add)(const void *entry)) {
    const char *p = t->entries, *end = (const char *)t + t->tag.size;

    for (; t->stride >= size && p + t->stride <= end; p += t->stride) add(p);
}

static __init void read_mb2_framebuffer(const struct mb2_framebuffer *t) {
    bool pixels = t->type == 1 && t->tag.size >= MB2_PIXELS_END &&
                  (t->bpp == 32 || t->bpp == 24 || t->bpp == 16);
    enum video_type type = pixels ? VIDEO_FRAMEBUFFER : t->type == 2 ? VIDEO_TEXT : VIDEO_NONE;

    boot_info.video =
        (struct boot_video){type, t->addr, t->pitch, t->width, t->height, t->bpp, {0}};
    if (pixels) boot_info.video.format = t->format;
}

/* Whether a tag has all its fields, and its text an end. */
static __init bool is_whole(const struct mb2_tag *t) {
    static const uint8_t fields[] = {
        [MB2_CMDLINE] = sizeof(*t),
        [MB2_LOADER] = sizeof(*t),
        [MB2_MODULE] = sizeof(struct mb2_module),
        [MB2_MMAP] = sizeof(struct mb2_table),
        [MB2_FRAMEBUFFER] = offsetof(struct mb2_framebuffer, format),
        [MB2_EFI64_SYSTAB] = sizeof(*t) + 8,
        [MB2_EFI_MMAP] = sizeof(struct mb2_table),
    };
    uint8_t n = t->type < ARRAY_SIZE(fields) ? fields[t->type] : 0;

    if (t->size < n) return false;
    return t->type == MB2_END || t->type > MB2_MODULE ||
           memchr((const char *)t + n, 0, t->size - n);
}

static __init void read_mb2_tag(const struct mb2_tag *t) {
    const char *body = (const char *)(t + 1);
    const struct mb2_module *m = (const void *)t;

    switch (t->type) {
    case MB2_CMDLINE: set_cmdline(body); break;
    case MB2_LOADER: strlcpy(boot_info.loader, body, sizeof(boot_info.loader)); break;
    case MB2_MODULE: add_module(m->start, m->end, m->cmdline); break;
    case MB2_MMAP:
        read_mb2_table((const void *)t, sizeof(struct e820entry_hv), memmap_add_raw);
        break;
    case MB2_FRAMEBUFFER: read_mb2_framebuffer((const void *)t); break;
    case MB2_EFI64_SYSTAB: memcpy(&boot_info.efi_systab, body, 8); break;
    case MB2_EFI_MMAP:
        read_mb2_table((const void *)t, sizeof(struct efi_memory_desc), add_efi_memory);
        break;
    case MB2_RSDP_NEW:
        memcpy(boot_info.rsdp, body, min(sizeof(boot_info.rsdp), t->size - sizeof(*t)));
        break;
    case MB2_RSDP_OLD:
        if (boot_info.rsdp[0] == 0)
            memcpy(boot_info.rsdp, body, min((size_t)20, t->size - sizeof(*t)));
        break;
    default: break;
    }
}

static __init void read_mb2(const char *info) {
    const char *p = info + 8, *end = info + *(const uint32_t *)info;

    while (p + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *t = (const void *)p;

        if (t->type == MB2_END || t->size < sizeof(*t) || t->size > end - p) break;
        boot_info.efi |= t->type == MB2_EFI64_SYSTAB || t->type == MB2_EFI_MMAP;
        if (is_whole(t)) read_mb2_tag(t);
        p += ROUND_UP((size_t)t->size, 8);
    }
}

__init bool multiboot_read(uint32_t magic, paddr_t info) {
    struct boot_video *v = &boot_info.video;

    if (magic == MB1_BOOT_MAGIC)
        read_mb1(paddr_to_virt(info));
    else if (magic == MB2_BOOT_MAGIC)
        read_mb2(paddr_to_virt(info));
    /* A BIOS loader that leaves text mode alone may say nothing about it. */
    if (v->type == VIDEO_NONE && v->addr == 0 && !boot_info.efi)
        *v = (struct boot_video){.type = VIDEO_TEXT, .addr = 0xb8000, .width = 80, .height = 25};
    return magic == MB1_BOOT_MAGIC || magic == MB2_BOOT_MAGIC;
}
