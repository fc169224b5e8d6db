/* SPDX-License-Identifier: MIT */
/* The ELF and note reader: what it takes, what it refuses and with which words, and noise. */
#include "image/image.h"

#include <errno.h>
#include <public/features.h>

#include "check.h"
#include "kernelgen.h"

static int parse(struct gen *g, struct image **image, struct err *err) {
    return image_parse(image, "k", g->bytes, sizeof(g->bytes), err);
}

static void good_kernel(void) {
    struct err err = {0, ""};
    struct image *image;
    struct gen g;

    gen_kernel(&g);
    gen_note_u64(&g, XEN_ELFNOTE_HYPERCALL_PAGE, GEN_BASE + GEN_PADDR + 0x3000);
    gen_note(&g, XEN_ELFNOTE_SUPPORTED_FEATURES, "\1\x88\0\0", 4);
    if (!CHECK(!parse(&g, &image, &err))) {
        printf("  %s\n", err.text);
        return;
    }
    CHECK(image->segment_count == 2);
    CHECK(image->segments[0].paddr == GEN_PADDR && image->segments[0].data[0] == 0x5a);
    CHECK(image->segments[1].mem_size == 0x3000 && image->segments[1].file_size == 0x800);
    CHECK(image->paddr_start == GEN_PADDR && image->paddr_end == GEN_PADDR + 0x5000);
    CHECK(image->virt_base == GEN_BASE && image->entry == GEN_BASE + GEN_PADDR + 0x40);
    CHECK(image->has_init_p2m && image->init_p2m == UINT64_C(0x8000000000));
    CHECK(image->has_hypercall_page && image->mod_start_pfn);
    CHECK(!strcmp(image->guest_os, "linux") && !strcmp(image->loader, "generic"));
    CHECK(image->required == 1u << XENFEAT_writable_page_tables);
    CHECK(image->supported == (0x8801u | 1u << XENFEAT_pae_pgdir_above_4gb));
    image_free(image);
}

static void unsorted_segments(void) {
    struct err err = {0, ""};
    struct image *image;
    Elf64_Phdr swap;
    struct gen g;

    gen_kernel(&g);
    swap = *gen_phdr(&g, 0);
    *gen_phdr(&g, 0) = *gen_phdr(&g, 1);
    *gen_phdr(&g, 1) = swap;
    if (!CHECK(!parse(&g, &image, &err))) return;
    CHECK(image->segments[0].paddr < image->segments[1].paddr);
    image_free(image);
}

static void paddr_offset(void) {
    struct err err = {0, ""};
    struct image *image;
    struct gen g;

    gen_kernel(&g);
    gen_phdr(&g, 0)->p_paddr += GEN_BASE;
    gen_phdr(&g, 1)->p_paddr += GEN_BASE;
    gen_note_u64(&g, XEN_ELFNOTE_PADDR_OFFSET, GEN_BASE);
    if (!CHECK(!parse(&g, &image, &err))) return;
    CHECK(image->paddr_start == GEN_PADDR && image->segments[1].paddr == GEN_PADDR + 0x2000);
    image_free(image);
}

/* Section headers at 0x3000: null, the blob, the names. */
static void add_sections(struct gen *g, uint32_t type, const char *name, uint64_t at,
                         uint64_t size) {
    Elf64_Shdr *sh = (Elf64_Shdr *)(g->bytes + 0x3000);
    char *names = (char *)g->bytes + 0x3800;

    strcpy(names + 1, name);
    sh[1] = (Elf64_Shdr){.sh_name = 1, .sh_type = type, .sh_offset = at, .sh_size = size};
    sh[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = 0x3800, .sh_size = 64};
    gen_ehdr(g)->e_shoff = 0x3000;
    gen_ehdr(g)->e_shentsize = sizeof(*sh);
    gen_ehdr(g)->e_shnum = 3;
    gen_ehdr(g)->e_shstrndx = 2;
}

static void notes_in_section(void) {
    struct err err = {0, ""};
    struct image *image;
    struct gen g;

    gen_kernel(&g);
    gen_phdr(&g, 2)->p_type = PT_NULL;
    add_sections(&g, SHT_NOTE, ".note.Xen", GEN_NOTES_AT, g.notes_size);
    if (CHECK(!parse(&g, &image, &err))) CHECK(image->virt_base == GEN_BASE);
    image_free(image);
}

static void legacy_section(void) {
    static const char text[] = "GUEST_OS=old,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,"
                               "ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x1003,LOADER=generic,"
                               "VIRT_ENTRY=0xffffffff81000010,FEATURES=pae_pgdir_above_4gb|junk";
    struct err err = {0, ""};
    struct image *image;
    struct gen g;

    gen_elf(&g);
    strcpy((char *)g.bytes + 0x3c00, text);
    add_sections(&g, SHT_PROGBITS, "__xen_guest", 0x3c00, sizeof(text));
    if (!CHECK(!parse(&g, &image, &err))) {
        printf("  %s\n", err.text);
        return;
    }
    CHECK(!strcmp(image->guest_os, "old"));
    CHECK(image->entry == UINT64_C(0xffffffff81000010));
    CHECK(image->hypercall_page == UINT64_C(0xffffffff81003000));
    CHECK(!image->has_init_p2m && !image->mod_start_pfn);
    image_free(image);
}

/* One way to spoil a kernel, and the words that must come back. */
struct bad {
    void (*bend)(struct gen *g);
    const char *words;
};

static void no_magic(struct gen *g) { g->bytes[1] = 'X'; }
static void class32(struct gen *g) { gen_ehdr(g)->e_ident[EI_CLASS] = ELFCLASS32; }
static void big_endian(struct gen *g) { gen_ehdr(g)->e_ident[EI_DATA] = ELFDATA2MSB; }
static void arm(struct gen *g) { gen_ehdr(g)->e_machine = EM_AARCH64; }
static void no_phdrs(struct gen *g) { gen_ehdr(g)->e_phnum = 0; }
static void odd_phdrs(struct gen *g) { gen_ehdr(g)->e_phentsize = 8; }
static void far_phdrs(struct gen *g) { gen_ehdr(g)->e_phoff = UINT64_MAX - 8; }
static void outside(struct gen *g) { gen_phdr(g, 0)->p_offset = GEN_SIZE - 1; }
static void far_offset(struct gen *g) { gen_phdr(g, 0)->p_offset = UINT64_MAX; }
static void file_gt_mem(struct gen *g) { gen_phdr(g, 0)->p_memsz = 0x10; }
static void wraps(struct gen *g) { gen_phdr(g, 1)->p_paddr = UINT64_MAX - 0x10; }
static void overlap(struct gen *g) { gen_phdr(g, 1)->p_paddr = GEN_PADDR + 0xfff; }
static void huge(struct gen *g) { gen_phdr(g, 1)->p_memsz = UINT64_C(1) << 40; }
static void no_load(struct gen *g) { gen_phdr(g, 0)->p_type = gen_phdr(g, 1)->p_type = PT_NULL; }
static void no_notes(struct gen *g) { gen_phdr(g, 2)->p_type = PT_NULL; }
static void far_notes(struct gen *g) { gen_phdr(g, 2)->p_offset = UINT64_MAX - 2; }

static void only_pvh(struct gen *g) {
    g->notes_size = 0;
    gen_note_u64(g, XEN_ELFNOTE_PHYS32_ENTRY, 0x1000000);
}

static void entry_outside(struct gen *g) { gen_note_u64(g, XEN_ELFNOTE_ENTRY, GEN_BASE); }
static void entry_low(struct gen *g) { gen_note_u64(g, XEN_ELFNOTE_ENTRY, 0x1000); }
static void base_odd(struct gen *g) { gen_note_u64(g, XEN_ELFNOTE_VIRT_BASE, GEN_BASE + 1); }

static void base_hole(struct gen *g) {
    gen_note_u64(g, XEN_ELFNOTE_VIRT_BASE, UINT64_C(0x1000000000000));
}

static void base_top(struct gen *g) {
    gen_note_u64(g, XEN_ELFNOTE_VIRT_BASE, UINT64_C(0xfffffffffffff000));
}

static void page_outside(struct gen *g) {
    gen_note_u64(g, XEN_ELFNOTE_HYPERCALL_PAGE, GEN_BASE + GEN_PADDR + 0x5000);
}

static void page_odd(struct gen *g) {
    gen_note_u64(g, XEN_ELFNOTE_HYPERCALL_PAGE, GEN_BASE + GEN_PADDR + 8);
}

static void p2m_odd(struct gen *g) { gen_note_u64(g, XEN_ELFNOTE_INIT_P2M, 0x8000000001); }
static void offset_high(struct gen *g) { gen_note_u64(g, XEN_ELFNOTE_PADDR_OFFSET, GEN_BASE); }
static void loader(struct gen *g) { gen_note_text(g, XEN_ELFNOTE_LOADER, "strange\x1b[2J"); }
static void version(struct gen *g) { gen_note_text(g, XEN_ELFNOTE_XEN_VERSION, "xen-2.0"); }
static void feature(struct gen *g) { gen_note_text(g, XEN_ELFNOTE_FEATURES, "a|!flying|b"); }
static void dom0(struct gen *g) { gen_note_text(g, XEN_ELFNOTE_FEATURES, "!dom0"); }

static void many_segments(struct gen *g) {
    unsigned int i;

    gen_ehdr(g)->e_phoff = 0x3000;
    gen_ehdr(g)->e_phnum = 40;
    for (i = 0; i < 40; i++) {
        Elf64_Phdr ph = {.p_type = PT_LOAD, .p_paddr = GEN_PADDR + i * 0x1000, .p_memsz = 0x10};

        memcpy(g->bytes + 0x3000 + i * sizeof(ph), &ph, sizeof(ph));
    }
}

static const struct bad bad_kernels[] = {
    {no_magic, "neither bzImage nor ELF"},
    {class32, "32-bit kernel"},
    {big_endian, "ELF header is damaged"},
    {arm, "machine 183, not x86-64"},
    {no_phdrs, "0 program headers"},
    {odd_phdrs, "headers of 8 bytes"},
    {far_phdrs, "headers lie outside the file"},
    {outside, "segment 0 lies outside the file"},
    {far_offset, "segment 0 lies outside the file"},
    {file_gt_mem, "larger in the file than in memory"},
    {wraps, "wraps around"},
    {overlap, "overlap at physical address 0x1000fff"},
    {huge, "MiB of memory, more than"},
    {no_load, "no loadable segment"},
    {many_segments, "more than 32 loadable"},
    {no_notes, "no Xen notes"},
    {far_notes, "no Xen notes"},
    {only_pvh, "no PV entry point"},
    {entry_outside, "entry point 0xffffffff80000000 is outside"},
    {entry_low, "entry point 0x1000 is outside"},
    {base_odd, "VIRT_BASE 0xffffffff80000001"},
    {base_hole, "VIRT_BASE 0x1000000000000"},
    {base_top, "VIRT_BASE 0xfffffffffffff000"},
    {page_outside, "hypercall page 0xffffffff81005000"},
    {page_odd, "hypercall page 0xffffffff81000008"},
    {p2m_odd, "INIT_P2M address 0x8000000001"},
    {offset_high, "PADDR_OFFSET"},
    {loader, "loader 'strange?[2J'"},
    {version, "interface 'xen-2.0'"},
    {feature, "unknown Xen feature 'flying'"},
    {dom0, "requires the Xen feature 'dom0'"},
};

static void bad_ones(void) {
    struct image *image;
    struct gen g;
    size_t i;

    for (i = 0; i < sizeof(bad_kernels) / sizeof(bad_kernels[0]); i++) {
        struct err err = {0, ""};

        gen_kernel(&g);
        bad_kernels[i].bend(&g);
        CHECK(parse(&g, &image, &err) < 0 && !image);
        CHECK_TEXT(err.text, bad_kernels[i].words);
        CHECK(!strncmp(err.text, "k: ", 3));
    }
}

/* Every length of a good file, in a block of exactly that size so that ASan sees each overrun. */
static void truncated(void) {
    struct image *image;
    struct gen g;
    size_t len;

    gen_kernel(&g);
    for (len = 0; len < GEN_SEG1_AT + 0x800; len += len < 0x900 ? 1 : 61) {
        uint8_t *copy = malloc(len ? len : 1);
        struct err err = {0, ""};

        memcpy(copy, g.bytes, len);
        if (image_parse(&image, "k", copy, len, &err) == 0) CHECK(!"a cut file was taken");
        image_free(image);
        free(copy);
    }
    CHECK(len > GEN_SEG1_AT);
}

static uint32_t noise(void) {
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* Whatever is taken must be consistent; the sanitizers watch the rest. */
static void check_consistent(const struct image *image) {
    unsigned int i;

    for (i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];

        if (s->file_size > s->mem_size || s->paddr < image->paddr_start ||
            s->paddr + s->mem_size > image->paddr_end || s->data < image->elf ||
            s->data + s->file_size > image->elf + image->elf_size)
            CHECK(!"inconsistent image was taken");
    }
}

static void random_damage(void) {
    static const uint8_t nasty[] = {0, 1, 0x7f, 0x80, 0xff};
    unsigned int round, n, taken = 0;
    struct image *image;
    struct gen g;

    for (round = 0; round < 20000; round++) {
        gen_kernel(&g);
        for (n = noise() % 6 + 1; n; n--) {
            size_t at = noise() % 3 ? GEN_NOTES_AT + noise() % g.notes_size : noise() % 0xe8;

            g.bytes[at] = noise() & 1 ? nasty[noise() % sizeof(nasty)] : (uint8_t)noise();
        }
        if (!parse(&g, &image, NULL)) {
            check_consistent(image);
            taken++;
        }
        image_free(image);
    }
    CHECK(taken > 0 && taken < round);
}

/* Notes behind a long one: looked at within the first MiB of a blob only, for a file may have
 * hundreds of blobs that all are its whole length. */
static void notes_far_away(void) {
    const size_t at = GEN_SIZE, sizes[] = {1 << 19, 1 << 20};
    struct err err = {0, ""};
    struct image *image;
    struct gen g;

    for (unsigned int i = 0; i < 2; i++) {
        uint32_t head[4] = {4, (uint32_t)sizes[i], 1, 0x5a5a5a};
        size_t notes = at + sizeof(head) + sizes[i], size;
        uint8_t *file;

        gen_kernel(&g);
        size = notes + g.notes_size;
        gen_phdr(&g, 2)->p_offset = at;
        gen_phdr(&g, 2)->p_filesz = size - at;
        file = calloc(1, size);
        memcpy(file, g.bytes, GEN_SIZE);
        memcpy(file + at, head, sizeof(head));
        memcpy(file + notes, g.bytes + GEN_NOTES_AT, g.notes_size);
        CHECK(image_parse(&image, "k", file, size, &err) == (i ? -ENOEXEC : 0));
        if (i) CHECK_TEXT(err.text, "k: kernel has no Xen notes");
        image_free(image);
        free(file);
    }
}

static void files(void) {
    struct err err = {0, ""};
    struct image *image;

    CHECK(image_load(&image, "/nonexistent/vmlinuz", &err) == -ENOENT);
    CHECK_TEXT(err.text, "/nonexistent/vmlinuz: cannot open: No such file");
    CHECK(image_load(&image, "/tmp", &err) == -EINVAL);
    CHECK_TEXT(err.text, "/tmp: not a regular file");
    CHECK(image_load(&image, "/dev/null", &err) == -EINVAL);
}

void test_image(void) {
    good_kernel();
    unsorted_segments();
    paddr_offset();
    notes_in_section();
    legacy_section();
    bad_ones();
    truncated();
    notes_far_away();
    random_damage();
    files();
}

void test_kernel(const char *path) {
    struct err err = {0, ""};
    struct image *image;

    if (!CHECK(!image_load(&image, path, &err))) {
        printf("  %s\n", err.text);
        return;
    }
    CHECK(!strcmp(image->guest_os, "linux") && image->mod_start_pfn && image->has_init_p2m);
    CHECK(image->virt_base == UINT64_C(0xffffffff80000000) && image->paddr_start == 0x1000000);
    image_free(image);
}
