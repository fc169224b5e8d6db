/* SPDX-License-Identifier: MIT */
/* Makes small kernel images in memory, right by default, to be bent by each test. */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <public/elfnote.h>

#define GEN_SIZE     0x4000u
#define GEN_BASE     UINT64_C(0xffffffff80000000)
#define GEN_PADDR    UINT64_C(0x1000000)
#define GEN_NOTES_AT 0x800u
#define GEN_SEG0_AT  0x1000u
#define GEN_SEG1_AT  0x2000u

struct gen {
    uint8_t bytes[GEN_SIZE];
    size_t notes_size;
};

static inline Elf64_Ehdr *gen_ehdr(struct gen *g) { return (Elf64_Ehdr *)g->bytes; }

/* Program headers 0 and 1 are loadable, 2 is the notes. */
static inline Elf64_Phdr *gen_phdr(struct gen *g, unsigned int n) {
    return (Elf64_Phdr *)(g->bytes + sizeof(Elf64_Ehdr)) + n;
}

static inline void gen_note(struct gen *g, uint32_t type, const void *desc, uint32_t size) {
    uint8_t *p = g->bytes + GEN_NOTES_AT + g->notes_size;
    uint32_t head[3] = {4, size, type};

    memcpy(p, head, sizeof(head));
    memcpy(p + 12, "Xen", 4);
    memset(p + 16, 0, (size + 3) & ~3u);
    memcpy(p + 16, desc, size);
    g->notes_size += 16 + ((size + 3) & ~3u);
    gen_phdr(g, 2)->p_filesz = g->notes_size;
}

static inline void gen_note_u64(struct gen *g, uint32_t type, uint64_t value) {
    gen_note(g, type, &value, sizeof(value));
}

static inline void gen_note_text(struct gen *g, uint32_t type, const char *text) {
    gen_note(g, type, text, (uint32_t)strlen(text) + 1);
}

static inline void gen_elf(struct gen *g) {
    Elf64_Ehdr *eh = gen_ehdr(g);

    memset(g, 0, sizeof(*g));
    memcpy(eh->e_ident, ELFMAG, SELFMAG);
    eh->e_ident[EI_CLASS] = ELFCLASS64;
    eh->e_ident[EI_DATA] = ELFDATA2LSB;
    eh->e_ident[EI_VERSION] = EV_CURRENT;
    eh->e_type = ET_EXEC;
    eh->e_machine = EM_X86_64;
    eh->e_phoff = sizeof(*eh);
    eh->e_phentsize = sizeof(Elf64_Phdr);
    eh->e_phnum = 3;
    *gen_phdr(g, 0) = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_offset = GEN_SEG0_AT,
                                   .p_paddr = GEN_PADDR,
                                   .p_filesz = 0x1000,
                                   .p_memsz = 0x1000};
    *gen_phdr(g, 1) = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_offset = GEN_SEG1_AT,
                                   .p_paddr = GEN_PADDR + 0x2000,
                                   .p_filesz = 0x800,
                                   .p_memsz = 0x3000};
    *gen_phdr(g, 2) = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = GEN_NOTES_AT};
    memset(g->bytes + GEN_SEG0_AT, 0x5a, 0x1000);
}

/* The notes of a usual kernel, without those that single tests add. */
static inline void gen_notes(struct gen *g) {
    gen_note_text(g, XEN_ELFNOTE_GUEST_OS, "linux");
    gen_note_text(g, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    gen_note_u64(g, XEN_ELFNOTE_VIRT_BASE, GEN_BASE);
    gen_note_u64(g, XEN_ELFNOTE_ENTRY, GEN_BASE + GEN_PADDR + 0x40);
    gen_note_u64(g, XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000000));
    gen_note(g, XEN_ELFNOTE_MOD_START_PFN, "\1\0\0\0", 4);
    gen_note_text(g, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
    gen_note_text(g, XEN_ELFNOTE_LOADER, "generic");
}

static inline void gen_kernel(struct gen *g) {
    gen_elf(g);
    gen_notes(g);
}

#define GEN_BZ_START 0x400u

/* A bzImage around a payload; malloc'ed. */
static inline uint8_t *gen_bzimage(const uint8_t *payload, size_t size, size_t *total) {
    uint8_t *bz = calloc(1, GEN_BZ_START + size);
    uint32_t offset = 0, length = (uint32_t)size;
    uint16_t flag = 0xaa55, version = 0x020f;

    bz[0x1f1] = 1;
    memcpy(bz + 0x1fe, &flag, 2);
    memcpy(bz + 0x202, "HdrS", 4);
    memcpy(bz + 0x206, &version, 2);
    memcpy(bz + 0x248, &offset, 4);
    memcpy(bz + 0x24c, &length, 4);
    memcpy(bz + GEN_BZ_START, payload, size);
    *total = GEN_BZ_START + size;
    return bz;
}
