/* SPDX-License-Identifier: MIT */
/*
 * ELF64 headers: loadable segments, note segments, sections.
 *
 * Headers are copied out of the file (which may be unaligned) after their place was checked. A
 * damaged section table is not an error, it only means that nothing is found in it: program
 * headers alone make a kernel loadable.
 */
#include "internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define MAX_HEADERS 256u /* program or section headers looked at */

static int check_header(const struct image *image, Elf64_Ehdr *eh, struct err *err) {
    const char *name = image->name;

    if (image->elf_size < sizeof(*eh) || memcmp(image->elf, ELFMAG, SELFMAG))
        return err_set(err, -ENOEXEC, "%s: not a kernel: neither bzImage nor ELF", name);
    memcpy(eh, image->elf, sizeof(*eh));
    if (eh->e_ident[EI_CLASS] == ELFCLASS32)
        return err_set(err, -ENOEXEC, "%s: 32-bit kernel; only x86-64 guests are supported", name);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        eh->e_ident[EI_VERSION] != EV_CURRENT)
        return err_set(err, -ENOEXEC, "%s: ELF header is damaged", name);
    if (eh->e_machine != EM_X86_64)
        return err_set(err, -ENOEXEC, "%s: kernel is for ELF machine %u, not x86-64", name,
                       eh->e_machine);
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum || eh->e_phnum > MAX_HEADERS)
        return err_set(err, -ENOEXEC, "%s: ELF has %u program headers of %u bytes", name,
                       eh->e_phnum, eh->e_phentsize);
    if (!in_range(eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr), image->elf_size))
        return err_set(err, -ENOEXEC, "%s: ELF program headers lie outside the file", name);
    return 0;
}

static int add_segment(struct image *image, const Elf64_Phdr *ph, unsigned int n, struct err *err) {
    const char *name = image->name;
    struct image_segment *seg;

    if (ph->p_filesz > ph->p_memsz)
        return err_set(err, -ENOEXEC, "%s: ELF segment %u is larger in the file than in memory",
                       name, n);
    if (!in_range(ph->p_offset, ph->p_filesz, image->elf_size))
        return err_set(err, -ENOEXEC, "%s: ELF segment %u lies outside the file (cut short?)", name,
                       n);
    if (ph->p_paddr + ph->p_memsz < ph->p_paddr)
        return err_set(err, -ENOEXEC, "%s: ELF segment %u wraps around the address space", name, n);
    if (image->segment_count == IMAGE_MAX_SEGMENTS)
        return err_set(err, -ENOEXEC, "%s: ELF has more than %u loadable segments", name,
                       IMAGE_MAX_SEGMENTS);
    seg = &image->segments[image->segment_count++];
    seg->paddr = ph->p_paddr;
    seg->file_size = ph->p_filesz;
    seg->mem_size = ph->p_memsz;
    seg->data = image->elf + ph->p_offset;
    return 0;
}

/* Few, and nearly always sorted already. */
static void sort_segments(struct image_segment *seg, unsigned int count) {
    struct image_segment moved;
    unsigned int i, j;

    for (i = 1; i < count; i++) {
        moved = seg[i];
        for (j = i; j && seg[j - 1].paddr > moved.paddr; j--) seg[j] = seg[j - 1];
        seg[j] = moved;
    }
}

static int check_span(struct image *image, struct err *err) {
    const struct image_segment *seg = image->segments;
    unsigned int i, count = image->segment_count;

    if (!count) return err_set(err, -ENOEXEC, "%s: ELF has no loadable segment", image->name);
    sort_segments(image->segments, count);
    for (i = 1; i < count; i++)
        if (seg[i - 1].paddr + seg[i - 1].mem_size > seg[i].paddr)
            return err_set(err, -ENOEXEC, "%s: ELF segments overlap at physical address %#llx",
                           image->name, (unsigned long long)seg[i].paddr);
    image->paddr_start = seg[0].paddr;
    image->paddr_end = seg[count - 1].paddr + seg[count - 1].mem_size;
    if (image->paddr_end - image->paddr_start > IMAGE_MAX_KERNEL)
        return err_set(err, -EFBIG, "%s: kernel spans %llu MiB of memory, more than %zu",
                       image->name,
                       (unsigned long long)((image->paddr_end - image->paddr_start) >> 20),
                       IMAGE_MAX_KERNEL >> 20);
    return 0;
}

static void get_phdr(const struct image *image, const Elf64_Ehdr *eh, unsigned int n,
                     Elf64_Phdr *ph) {
    memcpy(ph, image->elf + eh->e_phoff + n * sizeof(*ph), sizeof(*ph));
}

int image_parse_elf(struct image *image, struct err *err) {
    Elf64_Ehdr eh;
    Elf64_Phdr ph;
    unsigned int i;
    int ret;

    ret = check_header(image, &eh, err);
    for (i = 0; !ret && i < eh.e_phnum; i++) {
        get_phdr(image, &eh, i, &ph);
        if (ph.p_type == PT_LOAD && ph.p_memsz) ret = add_segment(image, &ph, i, err);
    }
    if (ret) return ret;
    image->entry = eh.e_entry;
    return check_span(image, err);
}

static bool note_segment(const struct image *image, const Elf64_Ehdr *eh, unsigned int n,
                         struct image_blob *blob) {
    unsigned int i;
    Elf64_Phdr ph;

    for (i = 0; i < eh->e_phnum; i++) {
        get_phdr(image, eh, i, &ph);
        if (ph.p_type != PT_NOTE || !in_range(ph.p_offset, ph.p_filesz, image->elf_size)) continue;
        if (!n--) {
            *blob = (struct image_blob){image->elf + ph.p_offset, ph.p_filesz};
            return true;
        }
    }
    return false;
}

/* Section header n, if the table and the section's bytes are in the file. */
static bool get_section(const struct image *image, const Elf64_Ehdr *eh, unsigned int n,
                        Elf64_Shdr *sh) {
    if (n >= eh->e_shnum || n >= MAX_HEADERS || eh->e_shentsize != sizeof(*sh) ||
        !in_range(eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(*sh), image->elf_size))
        return false;
    memcpy(sh, image->elf + eh->e_shoff + n * sizeof(*sh), sizeof(*sh));
    return sh->sh_type != SHT_NOBITS && in_range(sh->sh_offset, sh->sh_size, image->elf_size);
}

static bool section_named(const struct image *image, const Elf64_Ehdr *eh, const Elf64_Shdr *sh,
                          const char *name) {
    size_t len = strlen(name) + 1;
    Elf64_Shdr strings;

    return get_section(image, eh, eh->e_shstrndx, &strings) &&
           in_range(sh->sh_name, len, strings.sh_size) &&
           !memcmp(image->elf + strings.sh_offset + sh->sh_name, name, len);
}

static bool find_section(const struct image *image, const Elf64_Ehdr *eh, enum image_blob_kind kind,
                         unsigned int n, struct image_blob *blob) {
    unsigned int i;
    Elf64_Shdr sh;

    for (i = 0; i < eh->e_shnum && i < MAX_HEADERS; i++) {
        if (!get_section(image, eh, i, &sh)) continue;
        if (kind == IMAGE_NOTE_SECTION ? sh.sh_type != SHT_NOTE
                                       : !section_named(image, eh, &sh, "__xen_guest"))
            continue;
        if (!n--) {
            *blob = (struct image_blob){image->elf + sh.sh_offset, sh.sh_size};
            return true;
        }
    }
    return false;
}

bool image_find_blob(const struct image *image, enum image_blob_kind kind, unsigned int n,
                     struct image_blob *blob) {
    Elf64_Ehdr eh;

    memcpy(&eh, image->elf, sizeof(eh));
    if (kind == IMAGE_NOTE_SEGMENT) return note_segment(image, &eh, n, blob);
    return find_section(image, &eh, kind, n, blob);
}
