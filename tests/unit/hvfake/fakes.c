/* SPDX-License-Identifier: MIT */
#include "fakes.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>

#include <hv/guest_access.h>
#include <hv/irq.h>

#define NR_DOMAINS 32

static uint8_t memory[NR_FRAMES][PAGE_SIZE] __aligned(4096);
static struct frame frames[NR_FRAMES];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct domain *domains[NR_DOMAINS];
struct frame *frame_table = frames;
uint64_t max_frame = NR_FRAMES;
struct domain *dom0;
struct domain idle_domain = {.id = DOMID_IDLE};
struct vcpu_info dummy_vcpu_info = {.evtchn_upcall_mask = 1};
struct pcpu *pcpus[MAX_CPUS];
unsigned int nr_cpus = 4;
__thread struct pcpu *fake_pcpu;
__thread struct vcpu *fake_current;
__thread long preempt_at;
__thread uint64_t again[6];
unsigned int wakes, kicks, passed, failed;

void world_init(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned int i = 0; i < nr_cpus; i++) {
        pcpus[i] = calloc(1, sizeof(struct pcpu));
        pcpus[i]->id = i;
    }
    fake_pcpu = pcpus[0];
}

int report(void) {
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}

struct domain *make_domain(domid_t id, bool control, unsigned int vcpus) {
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->is_control = control;
    d->state = DOM_LIVE;
    d->refs = 1;
    d->max_vcpus = vcpus;
    d->vcpu = calloc(vcpus, sizeof(*d->vcpu));
    d->shared_info = alloc_page_hv();
    spin_lock_init(&d->lock, ORDER_DOMAIN);
    for (unsigned int i = 0; i < vcpus; i++) {
        d->vcpu[i] = calloc(1, sizeof(struct vcpu));
        d->vcpu[i]->id = i;
        d->vcpu[i]->domain = d;
        d->vcpu[i]->info =
            i < XEN_LEGACY_MAX_VCPUS ? &d->shared_info->vcpu_info[i] : &dummy_vcpu_info;
    }
    domains[id] = d;
    if (control) dom0 = d;
    return d;
}

void free_domain(struct domain *d) {
    CHECK_EQ(d->refs, 1);
    domains[d->id] = NULL;
    for (unsigned int i = 0; i < d->max_vcpus; i++) free(d->vcpu[i]);
    free_page_hv(d->shared_info);
    free(d->vcpu);
    free(d);
}

void run_as(struct domain *d, unsigned int vcpu, unsigned int cpu) {
    fake_current = d->vcpu[vcpu];
    fake_pcpu = pcpus[cpu];
}

struct list domain_list = LIST_INIT(domain_list);

struct domain *domain_get(domid_t id) {
    struct domain *d = id < NR_DOMAINS ? domains[id] : NULL;

    if (d) domain_ref(d);
    return d;
}

struct domain *domain_get_self_or(domid_t id) {
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

void domain_ref(struct domain *d) { __atomic_fetch_add(&d->refs, 1, __ATOMIC_SEQ_CST); }

void domain_put(struct domain *d) {
    BUG_ON(__atomic_sub_fetch(&d->refs, 1, __ATOMIC_SEQ_CST) == 0);
}

/* Frames. Frame 0 is never used. */

static uint64_t pool_take(uint32_t owner) {
    pthread_mutex_lock(&pool_lock);
    for (uint64_t m = 1; m < NR_FRAMES; m++)
        if (!frames[m].count) {
            frames[m] = (struct frame){.count = 1, .owner = owner};
            pthread_mutex_unlock(&pool_lock);
            memset(memory[m], 0, PAGE_SIZE);
            return m;
        }
    pthread_mutex_unlock(&pool_lock);
    return 0;
}

unsigned int frames_in_use(void) {
    unsigned int n = 0;

    for (uint64_t m = 1; m < NR_FRAMES; m++) n += frames[m].count != 0;
    return n;
}

uint64_t new_frame(struct domain *d) { return pool_take(d->id + 1u); }

void *frame_bytes(uint64_t mfn) { return memory[mfn]; }

uint64_t frame_refs(uint64_t mfn) { return frames[mfn].count; }

uint64_t frame_writers(uint64_t mfn) { return frames[mfn].type; }

void frame_is_table(uint64_t mfn, bool yes) { frames[mfn].next = yes; }

void *alloc_pages_hv(unsigned int order) {
    uint64_t m = order ? 0 : pool_take(0);

    return m ? memory[m] : NULL;
}

void free_pages_hv(void *p, unsigned int order) {
    (void)order;
    if (p) mfn_to_frame(virt_to_mfn(p))->count = 0;
}

void *hv_alloc(size_t n) { return calloc(1, n); }

void hv_free(void *p) { free(p); }

bool mfn_valid(mfn_t m) { return mfn_x(m) < NR_FRAMES; }

struct frame *mfn_to_frame(mfn_t m) {
    BUG_ON(mfn_x(m) >= NR_FRAMES);
    return &frames[mfn_x(m)];
}

mfn_t frame_to_mfn(const struct frame *f) { return _mfn((uint64_t)(f - frames)); }

void *mfn_to_virt(mfn_t m) { return memory[mfn_x(m)]; }

mfn_t virt_to_mfn(const void *v) {
    return _mfn((uint64_t)((const uint8_t *)v - memory[0]) / PAGE_SIZE);
}

bool frame_get(struct frame *f, const struct domain *d) {
    uint64_t n = __atomic_load_n(&f->count, __ATOMIC_SEQ_CST);

    while (n && f->owner == d->id + 1u)
        if (__atomic_compare_exchange_n(&f->count, &n, n + 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    return false;
}

void frame_put(struct frame *f) { BUG_ON(__atomic_fetch_sub(&f->count, 1, __ATOMIC_SEQ_CST) == 0); }

bool frame_get_writable(struct frame *f, const struct domain *d) {
    if (f->next || !frame_get(f, d)) return false;
    __atomic_fetch_add(&f->type, 1, __ATOMIC_SEQ_CST);
    return true;
}

void frame_put_writable(struct frame *f) {
    BUG_ON(__atomic_fetch_sub(&f->type, 1, __ATOMIC_SEQ_CST) == 0);
    frame_put(f);
}

void share_hv_frame(struct frame *f, struct domain *d, bool writable) {
    (void)writable;
    f->owner = d->id + 1u;
}

void unshare_hv_frame(struct frame *f) {
    f->owner = 0;
    frame_put(f);
}

void *mm_map_guest_frame(struct domain *d, uint64_t gfn) {
    return gfn < NR_FRAMES && frame_get_writable(&frames[gfn], d) ? memory[gfn] : NULL;
}

void mm_unmap_guest_frame(void *va) { frame_put_writable(mfn_to_frame(virt_to_mfn(va))); }

/* Guest memory is ours: all of it, or what guest_start and guest_size say. */

uint64_t guest_start, guest_size;

static bool mapped(uint64_t va, size_t n) {
    if (!guest_size) return va != BAD_VA;
    return va >= guest_start && n <= guest_size && va - guest_start <= guest_size - n;
}

bool guest_range_ok(uint64_t va, size_t n) {
    (void)va, (void)n;
    return true;
}

int copy_bytes_from_guest(void *dst, uint64_t va, size_t n) {
    if (!mapped(va, n)) return -EFAULT;
    memcpy(dst, (const void *)va, n);
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

long hypercall_continue(unsigned int n, ...) {
    va_list ap;

    va_start(ap, n);
    for (unsigned int i = 0; i < n; i++) again[i] = va_arg(ap, uint64_t);
    va_end(ap);
    return -ERESTART;
}

/* The scheduler and other CPUs. */

__attribute__((weak)) bool preempt_check(void) { return preempt_at && --preempt_at == 0; }

void __attribute__((weak)) vcpu_unblock(struct vcpu *v) {
    (void)v;
    __atomic_fetch_add(&wakes, 1, __ATOMIC_SEQ_CST);
}

void __attribute__((weak)) vcpu_kick(struct vcpu *v) {
    (void)v;
    __atomic_fetch_add(&kicks, 1, __ATOMIC_SEQ_CST);
}

void smp_poll(void) { sched_yield(); }

__thread void (*while_waiting)(void);

void spin_lock_slow(spinlock_t *l, uint16_t ticket) {
    void (*fn)(void) = while_waiting;

    while_waiting = NULL;
    if (fn) fn();
    while (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != ticket) sched_yield();
}

void panic(const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    puts("");
    abort();
}

void printk(const char *fmt, ...) { (void)fmt; }
