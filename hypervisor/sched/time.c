/* SPDX-License-Identifier: MIT */
/*
 * System time from the TSC, and what guests get of it: vcpu_time_info (public/xen.h), its
 * registered copy, the wall clock in shared_info.
 *
 * One linear function of the TSC serves all CPUs and never changes, in the very form that guests
 * compute it in, so that host and guests agree to the nanosecond.
 */
#include <hv/guest_access.h>
#include <hv/pcpu.h>

uint32_t tsc_khz;

static uint64_t tsc_base;
static uint32_t tsc_mul;
static int8_t tsc_shift;
static uint64_t ns_to_tsc; /* ticks of the TSC in a nanosecond, 32.32 */
bool tsc_is_stable;

static spinlock_t wallclock_lock = SPINLOCK_INIT(ORDER_LEAF);
static uint64_t wc_sec; /* UTC when system time was 0 */
static uint32_t wc_nsec;

uint64_t rdtsc_ordered(void) {
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return ((uint64_t)hi << 32) | lo;
}

uint64_t now_ns(void) {
    uint64_t delta = rdtsc_ordered() - tsc_base;

    delta = tsc_shift < 0 ? delta >> -tsc_shift : delta << tsc_shift;
    return (uint64_t)(((unsigned __int128)delta * tsc_mul) >> 32);
}

uint64_t system_ns_to_tsc(uint64_t ns) {
    unsigned __int128 tsc = tsc_base + (((unsigned __int128)ns * ns_to_tsc) >> 32);

    /* Guests name any time: it must not wrap. */
    return tsc > UINT64_MAX ? UINT64_MAX : (uint64_t)tsc;
}

void time_scale_from_khz(uint64_t khz, uint32_t *mul, int8_t *shift) {
    uint64_t hz = khz * 1000, base = 1000000000UL;
    int8_t s = 0;

    while (hz > base * 2) {
        hz >>= 1;
        s--;
    }
    while (hz <= base) {
        hz <<= 1;
        s++;
    }
    /* now base < hz <= 2 * base, so base/hz as a 32-bit fraction loses nothing */
    *mul = (uint32_t)((base << 32) / hz);
    *shift = s;
}

void time_init(void) {
    time_scale_from_khz(tsc_khz, &tsc_mul, &tsc_shift);
    ns_to_tsc = ((uint64_t)tsc_khz << 32) / 1000000;
    tsc_base = rdtsc_ordered();
    printk("Detected %u.%03u MHz processor.\n", tsc_khz / 1000, tsc_khz % 1000);
}

/* A version that tells readers to retry: odd. The next one ends the update. */
static uint32_t update_version(uint32_t version) { return (version + 1) | 1; }

/* The registered copy, at a guest-kernel address: only while v's kernel tables are loaded. */
static void write_secondary(struct vcpu *v, struct vcpu_time_info t) {
    uint64_t ver_va = v->time_va + offsetof(struct vcpu_time_info, version);

    if (copy_from_guest(&t.version, ver_va, sizeof(t.version))) return;
    t.version = update_version(t.version);
    if (copy_to_guest(v->time_va, &t, sizeof(t))) return;
    t.version++;
    (void)!copy_to_guest(ver_va, &t.version, sizeof(t.version));
}

void time_update_vcpu(struct vcpu *v) {
    struct vcpu_time_info *u = &v->info->time;
    struct vcpu_time_info t = {
        .version = READ_ONCE(u->version),
        .tsc_timestamp = tsc_base,
        .tsc_to_system_mul = tsc_mul,
        .tsc_shift = tsc_shift,
        .flags = tsc_is_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
    };

    if (v->info == &dummy_vcpu_info || (!v->time_va && !memcmp(u, &t, sizeof(t)))) return;
    t.version = update_version(t.version);
    WRITE_ONCE(u->version, t.version);
    barrier();
    *u = t;
    barrier();
    WRITE_ONCE(u->version, t.version + 1);
    if (v->time_va && v == current && v->arch.kernel_mode) write_secondary(v, t);
}

void time_update_wallclock(struct domain *d) {
    struct shared_info *s = d->shared_info;
    uint64_t sec;
    uint32_t version;

    if (!s) return;
    SPIN_SCOPE(&wallclock_lock);
    sec = wc_sec + (uint64_t)d->time_offset_seconds;
    version = update_version(READ_ONCE(s->wc_version));
    WRITE_ONCE(s->wc_version, version);
    barrier();
    s->wc_sec = (uint32_t)sec;
    s->wc_sec_hi = (uint32_t)(sec >> 32);
    s->wc_nsec = wc_nsec;
    barrier();
    WRITE_ONCE(s->wc_version, version + 1);
}

void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t at) {
    struct domain *d;
    uint64_t ns = SECONDS(sec) + nsec - at;

    spin_lock(&wallclock_lock);
    wc_sec = ns / SECONDS(1);
    wc_nsec = (uint32_t)(ns % SECONDS(1));
    spin_unlock(&wallclock_lock);
    SPIN_SCOPE(&domain_list_lock);
    for_each_domain(d) time_update_wallclock(d);
}
