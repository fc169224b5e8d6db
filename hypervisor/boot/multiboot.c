/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's information to boot_info. Everything is copied, so that its memory is
 * ordinary RAM afterwards. Runs before the console: troubles are remembered, not printed.
 */
#include "boot.h"
#include "multiboot.h"
#include <hv/string.h>

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
    for (const char *p = s; *p && *p != ' ' && *p != '='; p++) {
        if (*p == '/') {
            while (*s && *s != ' ') s++;
            break;
        }
    }
    while (*s == ' ') s++;
    return s;
}

static __init void add_module(uint64_t start, uint64_t end, const char *cmdline) {
    struct boot_module *m = &boot_info.modules[boot_info.nr_modules];

    if (boot_info.nr_modules == BOOT_MAX_MODULES || end < start) return;
    m->start = start;
    m->size = end - start;
    m->cmdline = keep_text(skip_program_name(cmdline));
    boot_info.nr_modules++;
}

static __init void set_cmdline(const char *s) {
    strlcpy(boot_info.cmdline, skip_program_name(s), sizeof(boot_info.cmdline));
}

static __init void read_mb1(const struct mb1_info *i) {
    if (i->flags & MB1_HAS_CMDLINE) set_cmdline(boot_va(i->cmdline));
    if (i->flags & MB1_HAS_LOADER)
        strlcpy(boot_info.loader, boot_va(i->loader_name), sizeof(boot_info.loader));
    if (i->flags & MB1_HAS_MODULES) {
        const struct mb1_module *m = boot_va(i->mods_addr);

        for (uint32_t n = 0; n < i->mods_count; n++)
            add_module(m[n].start, m[n].end, m[n].cmdline ? boot_va(m[n].cmdline) : "");
    }
    if (i->flags & MB1_HAS_MMAP) {
        const char *p = boot_va(i->mmap_addr), *end = p + i->mmap_length;

        while (p + sizeof(struct mb1_mmap) <= end) {
            const struct mb1_mmap *e = (const void *)p;

            memmap_add_raw(e->addr, e->len, e->type);
            p += e->size + sizeof(e->size);
        }
    }
    boot_info.video =
        (struct boot_video){.type = VIDEO_TEXT, .addr = 0xb8000, .width = 80, .height = 25};
}

static __init void read_mb2_mmap(const struct mb2_mmap *t) {
    const char *p = (const char *)(t + 1), *end = (const char *)t + t->tag.size;

    if (t->entry_size < sizeof(struct mb2_mmap_entry)) return;
    for (; p + t->entry_size <= end; p += t->entry_size) {
        const struct mb2_mmap_entry *e = (const void *)p;

        memmap_add_raw(e->addr, e->len, e->type);
    }
}

static __init void read_mb2_efi_map(const struct mb2_efi_mmap *t) {
    const char *p = (const char *)(t + 1), *end = (const char *)t + t->tag.size;

    if (t->desc_size < sizeof(struct efi_memory_desc)) return;
    for (; p + t->desc_size <= end && boot_info.nr_efi_map < BOOT_MAX_RANGES; p += t->desc_size)
        memcpy(&boot_info.efi_map[boot_info.nr_efi_map++], p, sizeof(struct efi_memory_desc));
}

static __init void read_mb2_framebuffer(const struct mb2_framebuffer *t) {
    boot_info.video = (struct boot_video){
        .addr = t->addr, .pitch = t->pitch, .width = t->width, .height = t->height, .bpp = t->bpp};
    if (t->type == 2) {
        boot_info.video.type = VIDEO_TEXT;
    } else if (t->type == 1 && (t->bpp == 32 || t->bpp == 24 || t->bpp == 16)) {
        boot_info.video.type = VIDEO_FRAMEBUFFER;
        boot_info.video.red_pos = t->red_pos;
        boot_info.video.red_size = t->red_size;
        boot_info.video.green_pos = t->green_pos;
        boot_info.video.green_size = t->green_size;
        boot_info.video.blue_pos = t->blue_pos;
        boot_info.video.blue_size = t->blue_size;
    }
}

static __init void read_mb2_tag(const struct mb2_tag *t) {
    const char *body = (const char *)(t + 1);
    const struct mb2_module *m = (const void *)t;

    switch (t->type) {
    case MB2_CMDLINE: set_cmdline(body); break;
    case MB2_LOADER: strlcpy(boot_info.loader, body, sizeof(boot_info.loader)); break;
    case MB2_MODULE: add_module(m->start, m->end, m->cmdline); break;
    case MB2_MMAP: read_mb2_mmap((const void *)t); break;
    case MB2_FRAMEBUFFER: read_mb2_framebuffer((const void *)t); break;
    case MB2_EFI64_SYSTAB:
        memcpy(&boot_info.efi_systab, body, sizeof(boot_info.efi_systab));
        boot_info.efi = true;
        break;
    case MB2_EFI_MMAP:
        read_mb2_efi_map((const void *)t);
        boot_info.efi = true;
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
    uint32_t total = *(const uint32_t *)info;
    const char *p = info + 8, *end = info + total;

    while (p + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *t = (const void *)p;

        if (t->type == MB2_END || t->size < sizeof(*t)) break;
        read_mb2_tag(t);
        p += ROUND_UP((size_t)t->size, 8);
    }
    /* A BIOS loader that leaves text mode alone may say nothing about it. */
    if (boot_info.video.type == VIDEO_NONE && boot_info.video.addr == 0 && !boot_info.efi)
        boot_info.video =
            (struct boot_video){.type = VIDEO_TEXT, .addr = 0xb8000, .width = 80, .height = 25};
}

__init bool multiboot_read(uint32_t magic, paddr_t info) {
    if (magic == MB1_BOOT_MAGIC)
        read_mb1(boot_va(info));
    else if (magic == MB2_BOOT_MAGIC)
        read_mb2(boot_va(info));
    else
        return false;
    return true;
}
