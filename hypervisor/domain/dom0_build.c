/* SPDX-License-Identifier: MIT */
/*
 * Builds dom0 from the kernel and initrd that the boot loader left in memory, with the tools' code
 * (dom0-tools/lib), for dom0 is laid out as any guest is; what differs is that frames are written
 * through the direct map, and that dom0 may touch hardware. The finished page tables go through the
 * same validation as a guest's.
 */
#include <hv/boot.h>
#include <hv/hypercall.h>
#include <public/features.h>

#include "../../dom0-tools/lib/builder/layout.h"
#include "dom0_build.h"

CMDLINE_OPTION(dom0_mem);
CMDLINE_OPTION(dom0_max_vcpus);

#define CHUNK_ORDER 9 /* dom0's frames are taken in pieces of 2 MiB while they last */
#define RESERVE_MIN (UINT64_C(64) << 20)

struct dom0_build {
    const struct boot_module *kernel, *initrd;
    struct image *image;
    struct layout layout;
    struct domain *d;
    uint64_t *p2m; /* nr_pages machine frame numbers */
    uint64_t nr_pages;
    struct err err;
};

/* Step 1: how much memory. dom0_mem=[min:]A[,max:B]: exactly A, or everything but a reserve. */
static uint64_t memory_wanted(uint64_t *max_pages) {
    uint64_t avail = mm_free_pages() << PAGE_SHIFT;
    uint64_t reserve = avail / 16 > RESERVE_MIN ? avail / 16 : RESERVE_MIN;
    uint64_t want = avail > reserve ? avail - reserve : 0, limit = 0, floor = 0;
    const char *list = cmdline_get("dom0_mem");
    char item[32];

    while (list && cmdline_list_next(&list, item, sizeof(item))) {
        bool is_max = !strncmp(item, "max:", 4), is_min = !strncmp(item, "min:", 4);
        const char *s = item + (is_max || is_min ? 4 : 0);

        *(is_max ? &limit : is_min ? &floor : &want) = parse_size(&s);
        if (*s) printk("WARNING: dom0_mem: '%s' is not a size\n", item);
    }
    if (want < floor) want = floor;
    if (limit && want > limit) want = limit;
    *max_pages = (limit ? limit : want) >> PAGE_SHIFT;
    return want >> PAGE_SHIFT;
}

static int read_image(struct dom0_build *b) {
    uint64_t max_pages;
    size_t refused;
    int rc;

    libc_shim_enter();
    rc = image_parse(&b->image, "dom0 kernel", paddr_to_virt(b->kernel->start), b->kernel->size,
                     &b->err);
    refused = libc_shim_leave();
    if (rc == -ENOMEM)
        return err_set(&b->err, rc,
                       "no memory to unpack the dom0 kernel: that takes %lu MiB more in one piece, "
                       "and dom0 %lu MiB later, but only %lu MiB are free",
                       (refused >> 20) + 1, memory_wanted(&max_pages) >> 8, mm_free_pages() >> 8);
    if (rc) return rc;
    if (b->image->paddr_start & 0xfff)
        return err_set(&b->err, -ENOEXEC, "dom0 kernel: not page-aligned");
    printk(" Dom0 kernel: 64-bit, %s %s, paddr %#lx -> %#lx\n", b->image->guest_os,
           b->image->guest_version, b->image->paddr_start, b->image->paddr_end);
    return 0;
}

/* Step 2: the domain and its vcpus. */
static int create_domain(struct dom0_build *b, uint64_t max_pages) {
    uint64_t vcpus = max(cmdline_uint("dom0_max_vcpus", nr_cpus), (uint64_t)1);
    struct xen_domctl_createdomain cfg = {
        .max_vcpus = (uint32_t)min(vcpus, (uint64_t)MAX_VCPUS),
        .max_evtchn_port = -1,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
    };
    int rc = domain_create(0, &cfg, true, &b->d);

    if (rc) return err_set(&b->err, rc, "cannot create dom0");
    dom0 = b->d;
    b->d->mm.max_pages = max_pages;
    for (uint32_t i = 0; !rc && i < cfg.max_vcpus; i++) rc = vcpu_create(b->d, i);
    return rc ? err_set(&b->err, rc, "no memory for dom0's %u vcpus", cfg.max_vcpus) : 0;
}

/* Step 3: its frames, in as large pieces as there are; fills the p2m and the M2P. Those that the
 * builder writes to are cleared first. */
static int populate(struct dom0_build *b) {
    unsigned int order = CHUNK_ORDER;

    b->p2m = hv_new_array(uint64_t, b->nr_pages);
    if (!b->p2m)
        return err_set(&b->err, -ENOMEM, "no memory for dom0's table of %lu frames", b->nr_pages);
    for (uint64_t pfn = 0; pfn < b->nr_pages;) {
        struct frame *f = NULL;

        while ((1UL << order) > b->nr_pages - pfn) order--;
        while (!(f = alloc_domain_frames(b->d, order, 0, pfn)) && order) order--;
        if (!f)
            return err_set(&b->err, -ENOMEM,
                           "only %lu of the %lu MiB for dom0 are free: lower dom0_mem", pfn >> 8,
                           b->nr_pages >> 8);
        for (uint64_t i = 0; i < 1UL << order; i++, pfn++) {
            b->p2m[pfn] = mfn_x(frame_to_mfn(f)) + i;
            if (pfn < b->layout.pages_needed) memset(mfn_to_virt(_mfn(b->p2m[pfn])), 0, PAGE_SIZE);
        }
    }
    return 0;
}

/* Copies to guest-physical memory, which is zero. */
static void write_phys(struct dom0_build *b, uint64_t paddr, const void *data, uint64_t n) {
    for (const uint8_t *src = data; n;) {
        uint64_t off = paddr & (PAGE_SIZE - 1), len = min(n, PAGE_SIZE - off);

        memcpy((uint8_t *)mfn_to_virt(_mfn(b->p2m[paddr >> PAGE_SHIFT])) + off, src, len);
        src += len;
        paddr += len;
        n -= len;
    }
}

/* Step 4: kernel, initrd, p2m, page tables. */
static void load(struct dom0_build *b) {
    const struct layout *l = &b->layout;

    for (unsigned int i = 0; i < b->image->segment_count; i++) {
        const struct image_segment *s = &b->image->segments[i];

        write_phys(b, s->paddr, s->data, s->file_size);
    }
    if (b->initrd)
        write_phys(b, l->ramdisk.pfn << PAGE_SHIFT, paddr_to_virt(b->initrd->start),
                   b->initrd->size);
    write_phys(b, l->p2m.pfn << PAGE_SHIFT, b->p2m, b->nr_pages * sizeof(*b->p2m));
    for (unsigned int i = 0; i < l->table_count; i++)
        layout_fill_table(l, b->p2m, i, mfn_to_virt(_mfn(b->p2m[l->table[i].pfn])));
}

/* Step 5: what the kernel is told. */
static void fill_start_info(struct dom0_build *b) {
    struct start_info *si = mfn_to_virt(_mfn(b->p2m[b->layout.start_info_pfn]));

    si->shared_info = mfn_to_paddr(b->d->shared_info_mfn);
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    layout_fill_start_info(&b->layout, si);
    strlcpy((char *)si->cmd_line, b->kernel->cmdline, sizeof(si->cmd_line));
    si->console.dom0.info_off = sizeof(*si);
    si->console.dom0.info_size = sizeof(struct dom0_vga_console_info);
    dom0_fill_video((struct dom0_vga_console_info *)(si + 1));
}

/* Step 6: hand over. From here the page tables are typed and dom0 holds them. */
static int start_vcpu(struct dom0_build *b) {
    struct vcpu *v = b->d->vcpu[0];
    struct vcpu_guest_context *c HV_FREE_AT_END = hv_new(struct vcpu_guest_context);
    mfn_t l4 = _mfn(b->p2m[b->layout.tables.pfn]);
    int rc;

    if (!c) return err_set(&b->err, -ENOMEM, "no memory for dom0's first context");
    layout_fill_context(&b->layout, b->image, b->p2m, c);
    /* Of no effect on a 64-bit guest, but it is among the features reported to the kernel. */
    if (b->image->supported & 1U << XENFEAT_pae_pgdir_above_4gb)
        c->vm_assist = 1UL << VMASST_TYPE_pae_extended_cr3;
    do rc = mm_pin_table(b->d, l4, 4);
    while (rc == -ERESTART || rc == -EINTR);
    if (!rc) {
        do rc = vcpu_set_context(v, c);
        while (rc == -ERESTART);
    }
    if (rc) return err_set(&b->err, rc, "dom0's page tables or first vcpu are not valid");
    for (uint32_t i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        b->d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    clear_bit(VPF_DOWN, &v->pause_flags);
    return 0;
}

static void report(const struct dom0_build *b) {
    const struct layout *l = &b->layout;

    printk(" Dom0 memory:   %lu MiB in %lu pages\n", b->nr_pages >> 8, b->nr_pages);
    printk(" Loaded kernel: %016lx->%016lx, entry %016lx\n",
           b->image->virt_base + b->image->paddr_start, b->image->virt_base + b->image->paddr_end,
           b->image->entry);
    printk(" Start info:    %016lx, page tables %016lx, mapped to %016lx\n",
           layout_va(l, l->start_info_pfn), layout_va(l, l->tables.pfn), l->virt_end);
}

static int build(struct dom0_build *b) {
    uint64_t max_pages;
    int rc;

    if ((rc = read_image(b))) return rc;
    b->nr_pages = memory_wanted(&max_pages); /* of what the image, which is held, leaves */
    if ((rc = layout_compute(&b->layout, b->image, b->initrd ? b->initrd->size : 0, b->nr_pages,
                             &b->err)) ||
        (rc = create_domain(b, max_pages)) || (rc = populate(b)))
        return rc;
    load(b);
    fill_start_info(b);
    report(b);
    if ((rc = dom0_grant_hardware(b->d)))
        return err_set(&b->err, rc, "no memory for dom0's hardware permissions");
    return start_vcpu(b);
}

int dom0_construct(const struct boot_module *kernel, const struct boot_module *initrd) {
    struct dom0_build b = {.kernel = kernel, .initrd = initrd};
    int rc;

    printk("*** Building a PV Dom0 ***\n");
    rc = build(&b);
    if (rc)
        printk(KERN_ERR "Building dom0 failed: %s\n",
               b.err.text[0] ? b.err.text : "no reason given");
    layout_free(&b.layout);
    image_free(b.image);
    hv_free(b.p2m);
    if (!rc) {
        b.d->state = DOM_LIVE;
        domain_put(b.d);
    }
    return rc;
}
