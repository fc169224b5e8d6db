/* SPDX-License-Identifier: MIT */
/*
 * Frame references and types: the state machine on which isolation rests. This is the only file
 * that changes frame.type.
 *
 * Theorem. No frame that a CPU may read as a page table or descriptor table is writable by a guest;
 * no guest maps a frame that it neither owns nor was granted; a frame passes from one type to
 * another, or to another owner, only after every CPU that may hold a stale translation flushed.
 *
 * References. 'count' counts reasons not to free a frame; every type reference goes with a frame
 * reference of the same holder. 'owner' is constant while count is above 0. Holders are: the owner
 * (FC_ALLOCATED), L1 entries, table entries, pins, base pointers, GDT and LDT windows, vcpu_info
 * and other mapped frames, grants, a PARTIAL state, and operations under way.
 *
 * Types. While the type count is above 0 the type does not change; so whoever holds a type
 * reference knows what the frame is. The states of (type, count, flags):
 *
 *   idle       count 0. Type is the last one it had, FT_NONE if none since it was allocated. For
 *              FT_WRITABLE, VALIDATED may still be set.
 *   busy       count 1, neither VALIDATED nor PARTIAL: one CPU flushes, validates or tears down.
 *              Exclusive. Others that want the same type wait, those that want another fail.
 *   valid      count n > 0, VALIDATED: n holders.
 *   partial    count 1, PARTIAL: validation or teardown was preempted. The type reference and one
 *              frame reference belong to the state itself, to no holder. Anyone may adopt it:
 *              a get of that type goes on validating, frame_finish_partial() goes on tearing down.
 *
 *   idle    -> busy     get (an idle VALIDATED writable frame goes straight to valid)
 *   busy    -> valid    validation succeeded
 *   busy    -> partial  preempted
 *   partial -> busy     adopted
 *   valid   -> busy     the last put
 *   busy    -> idle     torn down, or validation failed and was undone
 *
 * What a table entry refers to is held as long as the entry is in a valid table. In a busy or
 * partial table exactly the entries below nr_validated hold references; entry nr_validated may
 * name a table that was left partial on our behalf (f->partial), which a teardown helps first. It
 * may as well name any frame, so help goes a level down each time, or once to a linear table.
 * Because a partial table owns its references, nothing is counted twice when the operation that
 * was preempted is never taken up again (XSA-299, 310).
 *
 * Tables have no lock. To change an entry one holds a type reference on the table
 * (table_hold), takes the references for the new entry, exchanges the entry atomically and puts
 * what the old one held. A teardown can not run at the same time, as the type count is not 0.
 *
 * Waiting. A busy frame is waited for with smp_poll(); the holder waits in turn only for tables of
 * a lower level, or for flushes, so waiting ends. Waiting for a table that may take long (L2 and
 * up) gives up with -ERESTART when this CPU has something better to do.
 *
 * Flushes. tlb_stamp takes the flush clock while the frame is busy for the last time before it is
 * idle, so later than every put, and whoever removed a mapping did so before its put. (Taken before
 * the last put, it could be older than a mapping that came and went in between.) A frame that
 * leaves type A for type B is flushed for after it has become busy with type B, so that no new
 * mapping of type A can be made meanwhile (XSA-401), and before its contents are read or it becomes
 * valid. CPUs that flushed after the stamp are left out. The owner's dirty_cpus suffice, unless a
 * foreign domain mapped the frame (FC_FOREIGN).
 *
 * Linear entries: an entry of a level n table may name a level n table (read-only), which makes
 * tables appear as data, one level down. An entry that names its own table is not counted. For
 * others, both sides count (FT_LINEAR_*), and a table is never both user and used, so that
 * teardown does not recurse without bound (XSA-240).
 *
 * Exceptions to the theorem, all for privileged domains: frames outside RAM in iomem_caps; foreign
 * mappings by a domain with the privilege (they hold references like all others); cache attributes
 * of what dom0 maps. The M2P is readable by every guest.
 */
#include "mm_local.h"

static bool is_table(uint64_t type) {
    return (type & FT_TYPE_MASK) >= FT_L1 && (type & FT_TYPE_MASK) <= FT_L4;
}

bool frame_get(struct frame *f, const struct domain *d) { return frame_try_get(f, owner_tag(d)); }
void frame_put(struct frame *f) { frame_drop(f); }

void frame_last_put(struct frame *f) {
    frame_forget_type(f);
    domain_frame_release(f);
}

void frame_forget_type(struct frame *f) {
    BUG_ON(f->type & (FT_COUNT_MASK | FT_PINNED | FT_PARTIAL));
    f->type = FT_NONE;
}

/* busy -> idle. The store publishes the stamp. */
static void set_idle(struct frame *f, uint64_t type) {
    f->tlb_stamp = __atomic_load_n(&tlb_flush_clock, __ATOMIC_SEQ_CST);
    __atomic_store_n(&f->type, type, __ATOMIC_RELEASE);
}

/* busy -> partial. adopted: the state's frame reference exists already. */
static void set_partial(struct frame *f, bool adopted) {
    if (!adopted) frame_ref(f);
    __atomic_fetch_or(&f->type, FT_PARTIAL, __ATOMIC_SEQ_CST);
}

/*
 * Nobody may use an old translation for what the frame becomes. Busy frames only.
 *
 * FC_FOREIGN ends with the flush. A foreign mapping that is writable has a type reference, so none
 * exists now, and one that comes later sets the flag anew before its entry is written; the stale
 * ones are what is flushed for. A foreign mapping that is read-only may exist and outlive the flag.
 * All that its CPU can do by it, then or stale, is to read the frame, whatever its type, which it
 * was allowed to; and nothing is read by it after the frame changed owners, since for that all CPUs
 * flush (alloc.c). The flag stays with a frame that leaves its owner for a while (exchange.c).
 */
static void flush_for_new_type(struct frame *f) {
    bool everywhere = READ_ONCE(f->count) & FC_FOREIGN;

    flush_since(everywhere ? NULL : owner_domain(f->owner), f->tlb_stamp);
    if (everywhere) __atomic_fetch_and(&f->count, ~FC_FOREIGN, __ATOMIC_SEQ_CST);
}

/* What a get makes of an idle frame: busy, or valid where there is nothing to check or flush. */
static uint64_t from_idle(uint64_t x, uint64_t type) {
    if (type == FT_WRITABLE && ((x & FT_TYPE_MASK) == FT_NONE ||
                                (x & (FT_TYPE_MASK | FT_VALIDATED)) == (type | FT_VALIDATED)))
        return type | FT_VALIDATED | 1;
    return type | 1;
}

/* To busy or valid with one more reference. *before is what it was. -EINVAL: another type;
 * -ERESTART: waited long enough. */
static int type_acquire(struct frame *f, uint64_t type, uint64_t *before, uint64_t *after) {
    uint64_t x = READ_ONCE(f->type), n;

    for (;;) {
        if (!(x & FT_COUNT_MASK))
            n = from_idle(x, type);
        else if ((x & FT_TYPE_MASK) != type)
            return -EINVAL;
        else if (x & FT_VALIDATED)
            n = x + 1;
        else if (x & FT_PARTIAL)
            n = x & ~FT_PARTIAL;
        else {
            if (type >= FT_L2 && type <= FT_L4 && preempt_check()) return -ERESTART;
            smp_poll();
            __builtin_ia32_pause();
            x = READ_ONCE(f->type);
            continue;
        }
        if (cas64(&f->type, &x, n)) break;
    }
    *before = x;
    *after = n;
    return 0;
}

/* Validation of a busy frame ended with rc. */
static int validated(struct frame *f, uint64_t type, int rc, bool adopted) {
    if (rc && rc != -ERESTART && is_table(type) && table_devalidate(f, type, type)) rc = -EINTR;
    if (rc == -ERESTART || rc == -EINTR) {
        set_partial(f, adopted);
        return rc;
    }
    if (rc)
        set_idle(f, type);
    else /* linear counts may have been set while busy */
        __atomic_fetch_or(&f->type, FT_VALIDATED, __ATOMIC_SEQ_CST);
    if (adopted) frame_drop(f); /* not the last: the caller has one */
    return rc;
}

int type_get(struct frame *f, uint64_t type) {
    uint64_t before, after, old_type;
    int rc = type_acquire(f, type, &before, &after);

    if (rc || (after & FT_VALIDATED)) return rc;
    old_type = before & FT_TYPE_MASK;
    if (!(before & FT_PARTIAL)) {
        if (old_type != FT_NONE && old_type != type) flush_for_new_type(f);
        f->nr_validated = 0;
        f->partial = 0;
    }
    if (is_table(type))
        rc = table_validate(f, type);
    else if (type == FT_SEGDESC)
        rc = segdesc_validate(f);
    return validated(f, type, rc, before & FT_PARTIAL);
}

int type_get_now(struct frame *f, uint64_t type) {
    int rc = type_get(f, type);

    if (likely(rc != -EINTR)) return rc;
    frame_ref(f);
    pending_add(f);
    return -EINVAL;
}

/* Tears a busy frame down. adopted: it was partial before, and had a frame reference for that. */
static int tear_down(struct frame *f, uint64_t type, bool adopted, uint64_t most) {
    if (is_table(type) && table_devalidate(f, type, most)) {
        set_partial(f, adopted);
        return -ERESTART;
    }
    set_idle(f, type);
    if (adopted) frame_drop(f);
    return 0;
}

int type_put(struct frame *f, uint64_t sub) {
    uint64_t x = READ_ONCE(f->type), n, type;

    for (;;) {
        n = x - sub;
        type = x & FT_TYPE_MASK;
        if (n & FT_COUNT_MASK) {
            if (likely(cas64(&f->type, &x, n))) return 0;
        } else if (cas64(&f->type, &x, (n + 1) & ~FT_VALIDATED)) {
            break;
        }
    }
    if (type == FT_WRITABLE) {
        set_idle(f, type | FT_VALIDATED);
        return 0;
    }
    f->nr_validated = PT_ENTRIES;
    f->partial = 0;
    return tear_down(f, type, false, type);
}

void frame_drop_writable_type(struct frame *f) {
    uint64_t x = READ_ONCE(f->type);
    bool last;

    do {
        last = (x & FT_COUNT_MASK) == 1;
    } while (unlikely(!cas64(&f->type, &x, last ? x & ~FT_VALIDATED : x - 1)));
    if (last) set_idle(f, FT_WRITABLE | FT_VALIDATED);
}

int frame_finish_partial(struct frame *f, uint64_t most) {
    uint64_t x = READ_ONCE(f->type), type;

    do {
        type = x & FT_TYPE_MASK;
        if (!(x & FT_PARTIAL) || type > most) return 0;
    } while (!cas64(&f->type, &x, x & ~FT_PARTIAL));
    return tear_down(f, type, true, min(type, most - BIT(FT_SHIFT - 1))); /* half a level */
}

bool frame_get_writable(struct frame *f, const struct domain *d) {
    if (!frame_get(f, d)) return false;
    if (!type_get_more(f, FT_WRITABLE)) return true;
    frame_drop(f);
    return false;
}

void frame_put_writable(struct frame *f) {
    frame_drop_writable_type(f);
    frame_drop(f);
}

uint64_t table_hold(const struct domain *d, struct frame *f) {
    uint64_t x;

    if (unlikely(!frame_try_get(f, owner_tag(d)))) return FT_NONE;
    x = READ_ONCE(f->type);
    do {
        if (unlikely(!(x & FT_VALIDATED) || !(x & FT_COUNT_MASK) || !is_table(x))) {
            frame_drop(f);
            return FT_NONE;
        }
    } while (unlikely(!cas64(&f->type, &x, x + 1)));
    return x & FT_TYPE_MASK;
}

bool frame_pin(struct frame *f) {
    return !(__atomic_fetch_or(&f->type, FT_PINNED, __ATOMIC_SEQ_CST) & FT_PINNED);
}

bool frame_unpin(struct frame *f) {
    return __atomic_fetch_and(&f->type, ~FT_PINNED, __ATOMIC_SEQ_CST) & FT_PINNED;
}

/* One more (or less) linear entry of user's; false: user is used by others, or too many. */
static bool linear_user_get(struct frame *user) {
    uint64_t x = READ_ONCE(user->type);

    do {
        if ((x & FT_LINEAR_MASK) && !(x & FT_LINEAR_USER)) return false;
        if ((x & FT_LINEAR_MASK) == FT_LINEAR_MASK) return false;
    } while (!cas64(&user->type, &x, (x | FT_LINEAR_USER) + FT_LINEAR_ONE));
    return true;
}

static void linear_user_put(struct frame *user) {
    uint64_t x = READ_ONCE(user->type), n;

    do {
        n = x - FT_LINEAR_ONE;
        if (!(n & FT_LINEAR_MASK)) n &= ~FT_LINEAR_USER;
    } while (!cas64(&user->type, &x, n));
}

int frame_linear_get(struct frame *user, struct frame *used, uint64_t type) {
    uint64_t x;

    if (!linear_user_get(user)) return -EINVAL;
    x = READ_ONCE(used->type);
    do {
        if ((x & (FT_TYPE_MASK | FT_VALIDATED)) != (type | FT_VALIDATED) || !(x & FT_COUNT_MASK) ||
            (x & FT_LINEAR_USER) || (x & FT_LINEAR_MASK) == FT_LINEAR_MASK) {
            linear_user_put(user);
            return -EINVAL;
        }
    } while (!cas64(&used->type, &x, x + FT_LINEAR_ONE + 1));
    return 0;
}

int frame_linear_put(struct frame *user, struct frame *used) {
    linear_user_put(user);
    return type_put(used, 1 + FT_LINEAR_ONE);
}

/* At boot nobody would come back for it. A vcpu has one already when another vcpu gave up a table
 * that an operation still held: that could take as long as a guest likes, so it stays PARTIAL,
 * until somebody wants that type again or its domain is destroyed. */
void pending_add(struct frame *f) {
    struct vcpu *v = current;

    if (v->domain == &idle_domain) {
        while (frame_finish_partial(f, FT_TYPE_MASK))
            ;
    } else if (!v->mm.pending) {
        v->mm.pending = f;
        return;
    }
    frame_drop(f);
}

int mm_finish_pending(struct vcpu *v) {
    struct frame *f = v->mm.pending;

    if (likely(!f)) return 0;
    if (frame_finish_partial(f, FT_TYPE_MASK)) return -ERESTART;
    v->mm.pending = NULL;
    frame_drop(f);
    return 0;
}

void share_hv_frame(struct frame *f, struct domain *d, bool writable) {
    f->owner = owner_tag(d);
    f->type = (writable ? FT_WRITABLE : FT_NONE) | FT_VALIDATED | 1;
    __atomic_store_n(&f->count, FC_HYPERVISOR | FC_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

/* The domain may be gone before others that mapped the frame are: from now on it is dom_xen's. The
 * owner changes while references exist, which is sound for our frames because nobody who holds one
 * looks at its owner again, and a get that races fails or comes before. */
void unshare_hv_frame(struct frame *f) {
    uint64_t x;

    WRITE_ONCE(f->owner, DOMID_XEN + 1u);
    x = __atomic_fetch_and(&f->count, ~FC_ALLOCATED, __ATOMIC_SEQ_CST);
    BUG_ON(!(x & FC_ALLOCATED) || !(x & FC_HYPERVISOR));
    if ((f->type & FT_TYPE_MASK) == FT_WRITABLE)
        frame_drop_writable_type(f);
    else
        f->type = FT_NONE; /* the one reference that kept it from being writable */
    frame_drop(f);
}
