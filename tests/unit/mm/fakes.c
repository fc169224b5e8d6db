/* SPDX-License-Identifier: MIT */
#include "fakes.h"

#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/guest_access.h>
#include <sched.h>
#include <sys/mman.h>
#include <x86/cpu.h>

struct frame *frame_table;
uint64_t max_frame = NR_FRAMES;
static uint64_t m2p[NR_FRAMES];
uint64_t *fake_l4_page;
uint64_t boot_l4[512];
struct boot_info boot_info;
struct acpi_info acpi;
struct cpu_features cpu_has;
struct e820entry_hv machine_e820[128];
unsigned int machine_e820_nr;
char image_start[1];
struct domain *dom0;
struct domain idle_domain = {.id = DOMID_IDLE}, dom_xen = {.id = DOMID_XEN},
              dom_io = {.id = DOMID_IO};
struct vcpu_info dummy_vcpu_info;
spinlock_t domain_list_lock = SPINLOCK_INIT(ORDER_DOMLIST);
struct list domain_list = LIST_INIT(domain_list);
unsigned int nr_cpus = 4;
struct pcpu *pcpus[MAX_CPUS];
__thread struct pcpu *fake_pcpu;
__thread struct vcpu *fake_current;
__thread long preempt_at, preempts_asked;
uint32_t tlb_flush_clock = 1;
unsigned int flushes, passed, failed;
bool foreign_in_tables;

__thread void (*at_preempt_check)(void);

bool preempt_check(void) {
    void (*hook)(void) = at_preempt_check;

    preempts_asked++;
    at_preempt_check = NULL;
    if (hook) {
        hook();
        return false;
    }
    if (preempt_at < 0) return true;
    return preempt_at && --preempt_at == 0;
}

void smp_poll(void) { sched_yield(); }

void spin_lock_slow(spinlock_t *l, uint16_t ticket) {
    while (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != ticket) sched_yield();
}

/* Flushing a fake CPU is to say that it did. */
void smp_flush_tlb(cpumask_t *m, uint64_t va) {
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (test_bit(i, m->bits) && va == FLUSH_ALL_VA) {
            __atomic_fetch_add(&flushes, 1, __ATOMIC_RELAXED);
            __atomic_store_n(&pcpus[i]->arch.tlb_stamp,
                             __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST),
                             __ATOMIC_SEQ_CST);
        }
}

void tlb_filter(cpumask_t *m, uint32_t stamp) {
    for (unsigned int i = 0; i < nr_cpus; i++)
        if ((int32_t)(__atomic_load_n(&pcpus[i]->arch.tlb_stamp, __ATOMIC_SEQ_CST) - stamp) > 0)
            __clear_bit(i, m->bits);
}

void tlb_load_cr3(uint64_t cr3) {
    (void)cr3;
    fake_pcpu->arch.tlb_stamp = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);
}

void tlb_flush_local(void) { tlb_load_cr3(0); }

void tlb_flush_page_local(uint64_t va) { (void)va; }

void smp_call_others(void (*fn)(void *), void *data) { (void)fn, (void)data; }

void *mfn_to_virt(mfn_t m) { return mfn_virt(mfn_x(m)); }

void *paddr_to_virt(paddr_t p) { return (void *)(DIRECTMAP_START + p); }

paddr_t virt_to_paddr(const void *v) {
    return (uint64_t)v - DIRECTMAP_START < (uint64_t)NR_FRAMES << PAGE_SHIFT
               ? (uint64_t)v - DIRECTMAP_START
               : 0;
}

mfn_t virt_to_mfn(const void *v) { return paddr_to_mfn(virt_to_paddr(v)); }

struct frame *mfn_to_frame(mfn_t m) {
    return &frame_table[mfn_x(m)];
}

mfn_t frame_to_mfn(const struct frame *f) { return _mfn(frame_nr(f)); }

bool mfn_valid(mfn_t m) { return mfn_x(m) < max_frame && frame_table[mfn_x(m)].owner != OWNER_IO; }

/* Whoever sets an entry has the frame: one that only its owner holds may be freed by another vcpu,
 * and be somebody else's, before the entry is written. */
void m2p_set(mfn_t m, uint64_t pfn) {
    uint64_t count = frame_table[mfn_x(m)].count;

    CHECK(!(count & FC_ALLOCATED) || (count & FC_COUNT_MASK) > 1);
    m2p[mfn_x(m)] = pfn;
}

uint64_t m2p_get(mfn_t m) { return m2p[mfn_x(m)]; }

/* A set of one range is enough here: pages 16 to 31 may be mapped by dom0. */
struct rangeset {
    uint64_t s, e;
};
static struct rangeset dom0_io = {16, 31}, nothing = {1, 0};

bool rangeset_contains(struct rangeset *r, uint64_t s, uint64_t e) {
    return r && s >= r->s && e <= r->e;
}

bool rangeset_overlaps(struct rangeset *r, uint64_t s, uint64_t e) {
    return r && s <= r->e && e >= r->s;
}

bool rangeset_is_empty(struct rangeset *r) { return !r || r->s > r->e; }

int policy_check(const struct domain *s, const struct domain *o, enum policy_op op, uint32_t sub) {
    (void)o, (void)op, (void)sub;
    return s->is_control ? 0 : -EPERM;
}

struct domain *domain_by_id(uint32_t id) {
    struct domain *d;

    list_for_each(d, &domain_list, list)
        if (d->id == id) return d;
    return NULL;
}

struct domain *domain_get(domid_t id) {
    struct domain *d = domain_by_id(id);

    if (d) domain_ref(d);
    return d;
}

struct domain *domain_get_self_or(domid_t id) {
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

void domain_ref(struct domain *d) { __atomic_fetch_add(&d->refs, 1, __ATOMIC_SEQ_CST); }

void domain_put(struct domain *d) { __atomic_fetch_sub(&d->refs, 1, __ATOMIC_SEQ_CST); }

long domain_get_checked(domid_t id, enum policy_op op, uint32_t sub, struct domain **d) {
    *d = domain_get_self_or(id);
    if (!*d) return -ESRCH;
    if (*d == current->domain || !policy_check(current->domain, *d, op, sub)) return 0;
    domain_put(*d);
    return -EPERM;
}

void domain_crash(struct domain *d, const char *fmt, ...) { (void)d, (void)fmt; }

void vcpu_mark_events_pending(struct vcpu *v) { (void)v; }

void grant_held_frames(const struct domain *d, void (*hold)(uint64_t mfn, bool writable)) {
    (void)d;
    (void)hold;
}

int grant_acquire_resource(struct domain *d, uint32_t id, uint64_t frame, uint32_t nr,
                           uint64_t *m) {
    (void)d, (void)id, (void)frame, (void)nr, (void)m;
    return -EINVAL;
}

int grant_resource_max_frames(struct domain *d, uint32_t id) {
    (void)d, (void)id;
    return 0;
}

uint64_t m2p_chunk(uint64_t i) { return i; }

void panic(const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    abort();
}

__thread bool quiet;

void printk(const char *fmt, ...) {
    va_list ap;

    if (quiet) return;
    va_start(ap, fmt);
    vprintf(fmt + (fmt[0] == 1 ? 2 : 0), ap);
    va_end(ap);
}

/* Guest memory is ours: all of it but address 13, or what guest_start and guest_size say. */

uint64_t guest_start, guest_size;

static bool mapped(uint64_t va, size_t n) {
    if (!guest_size) return va != 13;
    return va >= guest_start && n <= guest_size && va - guest_start <= guest_size - n;
}

int copy_bytes_from_guest(void *dst, uint64_t va, size_t n) {
    if (!mapped(va, n)) return -EFAULT;
    if (n) memcpy(dst, (void *)va, n);
    return 0;
}

int copy_bytes_to_guest(uint64_t va, const void *src, size_t n) {
    if (!mapped(va, n)) return -EFAULT;
    memcpy((void *)va, src, n);
    return 0;
}

int copy_words_from_guest(void *dst, uint64_t va, uint32_t n) {
    return copy_bytes_from_guest(dst, va, n * 8UL);
}

int copy_u32_from_guest(void *dst, uint64_t va) { return copy_bytes_from_guest(dst, va, 4); }

int copy_words_to_guest(uint64_t va, const void *src, uint32_t n) {
    return copy_bytes_to_guest(va, src, n * 8UL);
}

bool guest_range_ok(uint64_t va, size_t n) {
    (void)va, (void)n;
    return true;
}

__thread uint64_t again[6];

long hypercall_continue(unsigned int n, ...) {
    va_list ap;

    va_start(ap, n);
    for (unsigned int i = 0; i < n; i++) again[i] = va_arg(ap, uint64_t);
    va_end(ap);
    return -ERESTART;
}

long mmu_update_as(uint64_t ptr, uint64_t val, uint32_t foreigndom) {
    struct mmu_update u = {ptr, val};
    uint32_t done = 99;
    long rc = do_mmu_update((uint64_t)&u, 1, (uint64_t)&done, foreigndom);

    while (rc == -ERESTART)
        rc = do_mmu_update(again[0], (uint32_t)again[1], again[2], (uint32_t)again[3]);
    CHECK(!rc == (done == 1));
    return rc;
}

long mmu_update(uint64_t ptr, uint64_t val) { return mmu_update_as(ptr, val, DOMID_SELF); }

long mmuext_as(unsigned int cmd, uint64_t arg, uint32_t foreigndom) {
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = arg};
    uint32_t done = 99;
    long rc = do_mmuext_op((uint64_t)&op, 1, (uint64_t)&done, foreigndom);

    while (rc == -ERESTART)
        rc = do_mmuext_op(again[0], (uint32_t)again[1], again[2], (uint32_t)again[3]);
    CHECK(!rc == (done == 1));
    return rc;
}

long mmuext(unsigned int cmd, uint64_t arg) { return mmuext_as(cmd, arg, DOMID_SELF); }

long memory_op(uint64_t cmd, void *arg) {
    long rc = do_memory_op(cmd, (uint64_t)arg);

    while (rc == -ERESTART) rc = do_memory_op(again[0], again[1]);
    return rc;
}

void world_init(void) {
    void *m = mmap((void *)DIRECTMAP_START, (size_t)NR_FRAMES << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (m != (void *)DIRECTMAP_START) panic("no direct map");
    frame_table = aligned_alloc(64, NR_FRAMES * sizeof(struct frame));
    memset(frame_table, 0, NR_FRAMES * sizeof(struct frame));
    for (unsigned int i = 0; i < nr_cpus; i++) {
        pcpus[i] = calloc(1, sizeof(struct pcpu));
        pcpus[i]->id = i;
    }
    for (unsigned int i = 0; i < 32; i++) frame_table[i].owner = OWNER_IO;
    for (unsigned int i = 32; i < NR_FRAMES; i++) frame_table[i].count = FC_DIRTY;
    memset(mfn_virt(32), 0x5a, (size_t)(NR_FRAMES - 32) << PAGE_SHIFT);
    for (unsigned int i = 256; i < 272; i++) boot_l4[i] = 0xabc000 | PTE_P;
    fake_pcpu = pcpus[0];
    for (unsigned int i = 32; i < NR_FRAMES; i++) heap_free(&frame_table[i], 0);
    heap_init(NR_FRAMES);
    mmio_ro_ranges = &nothing;
}

struct domain *make_domain(domid_t id, bool control) {
    struct domain *d = calloc(1, sizeof(*d));
    struct vcpu *v = calloc(1, sizeof(*v));

    d->id = id;
    d->is_control = control;
    d->refs = 1;
    d->max_vcpus = 1;
    d->vcpu = calloc(1, sizeof(v));
    d->vcpu[0] = v;
    d->iomem_caps = control ? &dom0_io : &nothing;
    d->ioport_caps = &nothing;
    d->mm.max_pages = NR_FRAMES;
    v->domain = d;
    v->info = &dummy_vcpu_info;
    v->arch.kernel_mode = true;
    CHECK_EQ(mm_init_domain(d), 0);
    CHECK_EQ(mm_init_vcpu(v), 0);
    list_add_tail(&d->list, &domain_list);
    return d;
}

void run_as(struct domain *d, unsigned int cpu) {
    fake_pcpu = pcpus[cpu];
    fake_current = d->vcpu[0];
}

/* Its vcpus are paused: every CPU has loaded something else since. */
static void leave_cpus(void) {
    struct pcpu *me = fake_pcpu;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        fake_pcpu = pcpus[i];
        mm_load_idle_base();
    }
    fake_pcpu = me;
}

bool free_shell(struct domain *d) {
    if (d->refs != 1) return false;
    mm_free_domain(d);
    list_del(&d->list);
    free(d->vcpu[0]);
    free(d->vcpu);
    free(d);
    return true;
}

unsigned int destroy_domain(struct domain *d) {
    unsigned int n = 0;

    leave_cpus();
    d->state = DOM_DYING;
    while (mm_drop_vcpu_pagetables(d->vcpu[0])) n++;
    mm_destroy_vcpu(d->vcpu[0]);
    while (mm_relinquish_domain(d)) n++;
    d->state = DOM_DEAD;
    (void)free_shell(d);
    return n;
}

uint64_t *page(uint64_t mfn) { return mfn_virt(mfn); }

uint64_t new_frame(struct domain *d) {
    struct frame *f = alloc_domain_frames(d, 0, 0, INVALID_M2P);

    if (!f) panic("test is out of memory");
    return frame_nr(f);
}

struct tables make_tables(struct domain *d) {
    struct tables t = {new_frame(d), new_frame(d), new_frame(d), new_frame(d), {0}};
    uint64_t tables[] = {t.l4, t.l3, t.l2, t.l1};

    for (unsigned int i = 0; i < 4; i++) memset(page(tables[i]), 0, PAGE_SIZE);
    page(t.l4)[0] = pte(t.l3, RWP);
    page(t.l3)[0] = pte(t.l2, RWP);
    page(t.l2)[0] = pte(t.l1, RWP);
    for (unsigned int i = 0; i < 8; i++) {
        t.data[i] = new_frame(d);
        page(t.l1)[i] = pte(t.data[i], RWP);
    }
    return t;
}

static unsigned int live_entries(const struct frame *f) {
    if (!(f->type & FT_COUNT_MASK)) return 0;
    return f->type & FT_VALIDATED ? 512 : f->type & FT_PARTIAL ? f->nr_validated : 0;
}

static bool bad_entry(const struct frame *table, uint64_t level, uint64_t e) {
    const struct frame *f = &frame_table[pte_mfn(e)];
    uint64_t type = f->type & FT_TYPE_MASK;

    if (f->owner == OWNER_IO) return table->owner != owner_tag(dom0);
    if (!(f->count & FC_COUNT_MASK)) return true; /* freed */
    if (f->owner != table->owner && table->owner != owner_tag(dom0) && !(f->count & FC_FOREIGN) &&
        (!foreign_in_tables || (e & PTE_RW)))
        return true;
    if (level == 1) return (e & PTE_RW) && (type != FT_WRITABLE || !(f->type & FT_COUNT_MASK));
    if (e & PTE_PSE) return true;
    if (type == level << FT_SHIFT) return e & PTE_RW; /* linear */
    return type != (level - 1) << FT_SHIFT || !(f->type & FT_COUNT_MASK);
}

unsigned int theorem_violations(void) {
    unsigned int bad = 0;

    for (unsigned int m = 0; m < NR_FRAMES; m++) {
        const struct frame *f = &frame_table[m];
        uint64_t level = (f->type & FT_TYPE_MASK) >> FT_SHIFT;

        if (level < 1 || level > 4) continue;
        for (unsigned int i = 0; i < live_entries(f); i++)
            if ((page(m)[i] & PTE_P) && !(level == 4 && L4_SLOT_OURS(i)))
                bad += bad_entry(f, level, page(m)[i]);
    }
    return bad;
}

void expect_sound(const char *where, int line) {
    unsigned int before = failed;

    CHECK_EQ(theorem_violations(), 0);
    quiet = true;
    if (mm_audit()) {
        quiet = false;
        CHECK(mm_audit() == 0);
    } else {
        CHECK(true);
    }
    quiet = false;
    if (failed != before) printf("  ... at %s:%d\n", where, line);
}
