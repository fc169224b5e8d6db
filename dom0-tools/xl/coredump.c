/* SPDX-License-Identifier: MIT */
/*
 * Core dumps. The file is an ELF64 core without segments: sections hold the notes, the vcpus'
 * contexts, the shared info page, the list of (pfn, mfn), and the pages in that list's order.
 *
 * Which frames a PV guest has in which order only the guest knows: its p2m is found from its shared
 * info page, as a tree of frames. All that is read there is the guest's word: counts are bounded by
 * the size of the domain, and frames that are not its own do not map.
 */
#include "coredump.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <public/elfnote.h>
#include <public/xen.h>

#include "domctl.h"
#include "foreign.h"
#include "util.h"
#include "xenver.h"

#define PAGE           4096u
#define PER_PAGE       (PAGE / sizeof(uint64_t))
#define MAX_PFN        (UINT64_C(1) << 27) /* 512 GiB: what the tree can hold */
#define FOREIGN_BITS   (UINT64_C(3) << 62) /* Linux: foreign and identity entries, no own frames */
#define MAP_PAGES      256u
#define MAGIC_PV       0xf00febedu
#define ALIGN_UP(x, n) (((x) + (n)-1) / (n) * (n))

enum { SEC_NULL, SEC_NAMES, SEC_NOTE, SEC_PRSTATUS, SEC_SHARED, SEC_P2M, SEC_PAGES, NUM_SECS };

static const char names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_shared_info\0.xen_p2m\0"
                            ".xen_pages";

struct p2m_entry {
    uint64_t pfn, gmfn;
};

struct note {
    uint32_t namesz, descsz, type;
    char name[4];
};

/* The four notes, as they stand in the file. */
struct notes {
    struct note none;
    struct note header;
    struct {
        uint64_t magic, nr_vcpus, nr_pages, page_size;
    } header_desc;
    struct note version;
    struct {
        uint64_t major, minor;
        xen_extraversion_t extra;
        struct xen_compile_info compile;
        xen_capabilities_info_t capabilities;
        xen_changeset_info_t changeset;
        struct xen_platform_parameters platform;
        uint64_t pagesize;
    } version_desc;
    struct note format;
    uint64_t format_desc;
};

struct dump {
    struct hv *hv;
    domid_t domid;
    int fd;
    struct xen_domctl_getdomaininfo info;
    struct shared_info *shared;
    struct vcpu_guest_context *vcpus;
    unsigned num_vcpus;
    struct p2m_entry *p2m;
    uint64_t num_pages;
};

/* ---- what goes in ---- */

static int read_vcpus(struct dump *d, struct err *err) {
    unsigned n = d->info.max_vcpu_id + 1;

    d->vcpus = xcalloc(n, sizeof(*d->vcpus));
    for (unsigned i = 0; i < n; i++)
        if (hv_vcpu_get_context(d->hv, d->domid, i, &d->vcpus[d->num_vcpus]) >= 0)
            d->num_vcpus++; /* those never started have no context */
    return d->num_vcpus ? 0 : err_set(err, -EINVAL, "%s", hv_context(d->hv));
}

/* One level down: the entries of count frames, in a buffer of the caller's to free. */
static uint64_t *read_frames(struct dump *d, const uint64_t *mfns, size_t count, struct err *err) {
    uint64_t *out = malloc(count * PAGE);

    for (size_t i = 0; out && i < count; i++) {
        void *page = hv_map_foreign(d->hv, d->domid, (const xen_pfn_t *)&mfns[i], 1);

        if (!page) {
            err_set(err, -errno, "the guest's p2m: %s", hv_context(d->hv));
            free(out);
            return NULL;
        }
        memcpy(out + i * PER_PAGE, page, PAGE);
        hv_unmap(page, 1);
    }
    if (!out) err_set(err, -ENOMEM, "no memory for the guest's p2m of %zu pages", count);
    return out;
}

static int read_p2m(struct dump *d, struct err *err) {
    uint64_t max = d->shared->arch.max_pfn, root = d->shared->arch.pfn_to_mfn_frame_list_list;
    size_t leaves = ALIGN_UP(max, PER_PAGE) / PER_PAGE;
    size_t mids = ALIGN_UP(leaves, PER_PAGE) / PER_PAGE;
    uint64_t *top = NULL, *mid = NULL, *leaf = NULL;

    if (!max || max > MAX_PFN || !root || root == ~UINT64_C(0))
        return err_set(err, -EOPNOTSUPP,
                       "the guest has not told where its list of frames is "
                       "(it has not started yet, or it is no kernel that can be dumped)");
    if (max > 4 * (d->info.tot_pages + PER_PAGE * PER_PAGE))
        return err_set(err, -EINVAL, "the guest says it has %llu frames, but it owns %llu",
                       (unsigned long long)max, (unsigned long long)d->info.tot_pages);
    top = read_frames(d, &root, 1, err);
    mid = top ? read_frames(d, top, mids, err) : NULL;
    leaf = mid ? read_frames(d, mid, leaves, err) : NULL;
    free(top);
    free(mid);
    if (!leaf) return err ? err->code : -EIO;
    d->p2m = xcalloc(max, sizeof(*d->p2m));
    for (uint64_t pfn = 0; pfn < max && d->num_pages < d->info.tot_pages; pfn++)
        if (!(leaf[pfn] & FOREIGN_BITS))
            d->p2m[d->num_pages++] = (struct p2m_entry){pfn, leaf[pfn]};
    free(leaf);
    return 0;
}

static void fill_note(struct note *n, uint32_t type, size_t size) {
    *n = (struct note){.namesz = 4, .descsz = (uint32_t)size, .type = type, .name = "Xen"};
}

static int fill_notes(struct dump *d, struct notes *n, struct err *err) {
    struct hv *hv = d->hv;
    unsigned major, minor;
    uint64_t start;

    memset(n, 0, sizeof(*n));
    fill_note(&n->none, XEN_ELFNOTE_DUMPCORE_NONE, 0);
    fill_note(&n->header, XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n->header_desc));
    n->header_desc.magic = MAGIC_PV;
    n->header_desc.nr_vcpus = d->num_vcpus;
    n->header_desc.nr_pages = d->num_pages;
    n->header_desc.page_size = PAGE;
    fill_note(&n->version, XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(n->version_desc));
    if (hv_version(hv, &major, &minor) < 0 || hv_extraversion(hv, n->version_desc.extra) < 0 ||
        hv_compile_info(hv, &n->version_desc.compile) < 0 ||
        hv_capabilities(hv, n->version_desc.capabilities) < 0 ||
        hv_changeset(hv, n->version_desc.changeset) < 0 || hv_virt_start(hv, &start) < 0)
        return err_set(err, -EIO, "%s", hv_context(hv));
    n->version_desc.major = major;
    n->version_desc.minor = minor;
    n->version_desc.platform.virt_start = start;
    n->version_desc.pagesize = PAGE;
    fill_note(&n->format, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(n->format_desc));
    n->format_desc = 1; /* (0, 1) */
    return 0;
}

/* ---- the file ---- */

static void fill_sections(const struct dump *d, Elf64_Shdr s[NUM_SECS]) {
    const uint64_t size[NUM_SECS] = {
        [SEC_NAMES] = sizeof(names),
        [SEC_NOTE] = sizeof(struct notes),
        [SEC_PRSTATUS] = d->num_vcpus * sizeof(*d->vcpus),
        [SEC_SHARED] = PAGE,
        [SEC_P2M] = d->num_pages * sizeof(*d->p2m),
        [SEC_PAGES] = d->num_pages * PAGE,
    };
    static const uint64_t entry[NUM_SECS] = {
        [SEC_PRSTATUS] = sizeof(struct vcpu_guest_context),
        [SEC_SHARED] = PAGE,
        [SEC_P2M] = sizeof(struct p2m_entry),
        [SEC_PAGES] = PAGE,
    };
    uint64_t at = sizeof(Elf64_Ehdr) + NUM_SECS * sizeof(*s);
    const char *name = names;

    memset(s, 0, NUM_SECS * sizeof(*s));
    for (unsigned i = 1; i < NUM_SECS; i++) {
        name += strlen(name) + 1;
        at = ALIGN_UP(at, i == SEC_PAGES ? PAGE : 8);
        s[i].sh_name = (Elf64_Word)(name - names);
        s[i].sh_type = i == SEC_NAMES ? SHT_STRTAB : i == SEC_NOTE ? SHT_NOTE : SHT_PROGBITS;
        s[i].sh_offset = at;
        s[i].sh_size = size[i];
        s[i].sh_entsize = entry[i];
        s[i].sh_addralign = i == SEC_PAGES ? PAGE : i == SEC_NOTE ? 4 : i == SEC_NAMES ? 1 : 8;
        at += size[i];
    }
}

static bool put(const struct dump *d, const void *data, size_t size, uint64_t at) {
    while (size) {
        ssize_t n = pwrite(d->fd, data, size, (off_t)at);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            errno = n ? errno : EIO;
            return false;
        }
        data = (const char *)data + n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

/* A frame that went meanwhile, or was never the guest's, stays a hole of zeros in the file. */
static bool put_pages(const struct dump *d, uint64_t at) {
    for (uint64_t i = 0; i < d->num_pages; i += MAP_PAGES) {
        unsigned n = d->num_pages - i < MAP_PAGES ? (unsigned)(d->num_pages - i) : MAP_PAGES;
        xen_pfn_t mfns[MAP_PAGES];
        void *window;

        for (unsigned j = 0; j < n; j++) mfns[j] = d->p2m[i + j].gmfn;
        window = hv_map_foreign(d->hv, d->domid, mfns, n);
        if (window) {
            bool ok = put(d, window, (size_t)n * PAGE, at + i * PAGE);
            int code = errno;

            hv_unmap(window, n);
            errno = code;
            if (!ok) return false;
            continue;
        }
        for (unsigned j = 0; j < n; j++) {
            bool ok = !(window = hv_map_foreign(d->hv, d->domid, &mfns[j], 1)) ||
                      put(d, window, PAGE, at + (i + j) * PAGE);

            if (window) hv_unmap(window, 1);
            if (!ok) return false;
        }
    }
    return ftruncate(d->fd, (off_t)(at + d->num_pages * PAGE)) == 0;
}

static int write_file(const struct dump *d, const struct notes *notes, struct err *err) {
    Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
                    ELFOSABI_SYSV},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = sizeof(eh),
        .e_ehsize = sizeof(eh),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = NUM_SECS,
        .e_shstrndx = SEC_NAMES,
    };
    Elf64_Shdr s[NUM_SECS];

    fill_sections(d, s);
    if (put(d, &eh, sizeof(eh), 0) && put(d, s, sizeof(s), sizeof(eh)) &&
        put(d, names, sizeof(names), s[SEC_NAMES].sh_offset) &&
        put(d, notes, sizeof(*notes), s[SEC_NOTE].sh_offset) &&
        put(d, d->vcpus, s[SEC_PRSTATUS].sh_size, s[SEC_PRSTATUS].sh_offset) &&
        put(d, d->shared, PAGE, s[SEC_SHARED].sh_offset) &&
        put(d, d->p2m, s[SEC_P2M].sh_size, s[SEC_P2M].sh_offset) &&
        put_pages(d, s[SEC_PAGES].sh_offset))
        return 0;
    return err_set(err, -errno, "writing: %s", strerror(errno));
}

static int open_and_write(struct dump *d, const char *path, const struct notes *notes,
                          struct err *err) {
    int rc;

    unlink(path); /* an older dump may be open or linked elsewhere */
    d->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (d->fd < 0) return err_set(err, -errno, "%s: %s", path, strerror(errno));
    rc = write_file(d, notes, err);
    if (close(d->fd) && !rc) rc = err_set(err, -errno, "writing: %s", strerror(errno));
    if (rc) {
        err_prefix(err, "%s", path);
        unlink(path);
    }
    return rc;
}

int core_dump(struct xl *xl, domid_t domid, const char *path, struct err *err) {
    struct dump d = {.hv = xl->hv, .domid = domid};
    struct notes notes;
    xen_pfn_t mfn;
    int rc = hv_domain_info(xl->hv, domid, &d.info);

    if (rc < 0) return err_set(err, rc, "%s", hv_context(xl->hv));
    mfn = d.info.shared_info_frame;
    d.shared = hv_map_foreign(xl->hv, domid, &mfn, 1);
    if (!d.shared) return err_set(err, -errno, "%s", hv_context(xl->hv));
    rc = read_vcpus(&d, err);
    if (!rc) rc = read_p2m(&d, err);
    if (!rc) rc = fill_notes(&d, &notes, err);
    if (!rc) rc = open_and_write(&d, path, &notes, err);
    hv_unmap(d.shared, 1);
    free(d.vcpus);
    free(d.p2m);
    return rc;
}
