/* SPDX-License-Identifier: MIT */
/*
 * A kernel's block is told by its address, for a kernel that boots without KASLR, as PV kernels do,
 * is where its symbols say. A program's is not: addresses are random and each process has its own.
 * It is told by the bytes of its page and the place in it: the page of a program's text is the same
 * in every process, and the same as in the file. Each such page is written to PREFIX.pages once.
 *
 * A line of a profile: whose it is (enum whose), address or place, instructions; the place in the
 * file of pages, if it is a program's.
 *
 * Which of two kernels with the same addresses runs is told by machine addresses: dom0's memory is
 * one range, as it is the first domain and the heap gives out the highest memory first. What is
 * executed until dom0's init runs is dom0's, and so is all that comes later until a kernel's image
 * is executed outside the range so far: that is the first guest's, and the range is known.
 */
#include "blocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE         4096u
#define BUCKETS      (1u << 18)
#define PER_CHUNK    4096u
#define CHUNKS       4096u
#define CHUNK_OF_RAM (2ul << 20) /* dom0's memory is taken in such pieces, see dom0_build.c */

enum whose { HYPERVISOR = 'h', DOM0 = 'k', GUEST = 'g', DOM0_PROGRAM = 'u', GUEST_PROGRAM = 'v' };

struct block {
    struct block *next;
    uint64_t at;
    enum whose whose;
    uint64_t count, at_start, least;
};

struct page {
    struct page *next;
    uint64_t hash, number;
};

/* In chunks, for QEMU holds pointers to the counters. */
static struct block *chunks[CHUNKS], *blocks[BUCKETS];
static struct page *pages[BUCKETS];
static size_t nr_blocks, nr_pages;
static const char *files;
static FILE *pages_file;

static struct {
    uintptr_t first, last;
    bool known;
} dom0;

static FILE *file_named(const char *name) {
    char path[1024];

    snprintf(path, sizeof(path), "%s.%s", files, name);
    return fopen(path, "w");
}

bool blocks_start(const char *prefix) {
    files = prefix;
    dom0.first = UINTPTR_MAX;
    pages_file = file_named("pages");
    return pages_file;
}

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static bool is_dom0s(uint64_t at, const uint8_t *code, enum stage stage) {
    uintptr_t piece = (uintptr_t)code & ~(CHUNK_OF_RAM - 1);
    bool inside = piece >= dom0.first && piece <= dom0.last;

    if (inside || dom0.known) return inside;
    if (stage == DOM0_USER && at >= KERNEL_START && at < KERNEL_END) {
        dom0.known = true;
        return false;
    }
    if (piece < dom0.first) dom0.first = piece;
    if (piece > dom0.last) dom0.last = piece;
    return true;
}

/* FNV's way of mixing, on words. */
static uint64_t hash_of(const uint8_t *page) {
    uint64_t hash = 0xcbf29ce484222325, word;

    for (unsigned int i = 0; i < PAGE; i += sizeof(word)) {
        memcpy(&word, page + i, sizeof(word));
        hash = (hash ^ word) * 0x100000001b3;
        hash ^= hash >> 29;
    }
    return hash;
}

/* The number of the page with these bytes. */
static uint64_t page_number(const uint8_t *page) {
    uint64_t hash = hash_of(page);
    struct page **bucket = &pages[hash % BUCKETS], *p;

    for (p = *bucket; p; p = p->next)
        if (p->hash == hash) return p->number;
    p = must(malloc(sizeof(*p)));
    *p = (struct page){*bucket, hash, nr_pages++};
    *bucket = p;
    fwrite(page, PAGE, 1, pages_file);
    return p->number;
}

static struct block *new_block(void) {
    struct block **chunk = &chunks[nr_blocks / PER_CHUNK];

    if (nr_blocks == CHUNKS * PER_CHUNK) abort();
    if (!*chunk) *chunk = must(calloc(PER_CHUNK, sizeof(**chunk)));
    return &(*chunk)[nr_blocks++ % PER_CHUNK];
}

static struct block *block_of(enum whose whose, uint64_t at) {
    uint64_t hash = (at ^ (uint64_t)whose << 56) * 0x9e3779b97f4a7c15;
    struct block **bucket = &blocks[hash >> 40 & (BUCKETS - 1)], *b;

    for (b = *bucket; b; b = b->next)
        if (b->at == at && b->whose == whose) return b;
    b = new_block();
    *b = (struct block){.next = *bucket, .at = at, .whose = whose};
    *bucket = b;
    return b;
}

uint64_t *block_counter(const struct qemu_plugin_tb *tb, enum stage stage) {
    const uint8_t *code = qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)), *page;
    uint64_t at = qemu_plugin_tb_vaddr(tb);
    bool own;

    if (stage == BEFORE_DOM0 || (at >= HYPERVISOR_START && at < HYPERVISOR_END))
        return &block_of(HYPERVISOR, at)->count;
    own = is_dom0s(at, code, stage);
    if (at >= USER_END) return &block_of(own ? DOM0 : GUEST, at)->count;
    page = (const uint8_t *)((uintptr_t)code & ~(uintptr_t)(PAGE - 1));
    return &block_of(own ? DOM0_PROGRAM : GUEST_PROGRAM, page_number(page) * PAGE + at % PAGE)
                ->count;
}

static struct block *nth(size_t i) { return &chunks[i / PER_CHUNK][i % PER_CHUNK]; }

void blocks_sample_start(void) {
    for (size_t i = 0; i < nr_blocks; i++) nth(i)->at_start = nth(i)->count;
}

void blocks_sample_is_least(void) {
    for (size_t i = 0; i < nr_blocks; i++) nth(i)->least = nth(i)->count - nth(i)->at_start;
}

static void write_profile(const char *name, bool least) {
    FILE *to = file_named(name);

    if (!to) abort();
    for (size_t i = 0; i < nr_blocks; i++) {
        const struct block *b = nth(i);
        uint64_t instructions = least ? b->least : b->count;

        if (instructions)
            fprintf(to, "%c %" PRIx64 " %" PRIu64 "\n", b->whose, b->at, instructions);
    }
    fclose(to);
    fflush(pages_file);
}

void blocks_write_all(const char *name) { write_profile(name, false); }

void blocks_write_least(const char *name) {
    write_profile(name, true);
    for (size_t i = 0; i < nr_blocks; i++) nth(i)->least = 0;
}
