/* SPDX-License-Identifier: MIT */
/*
 * Sets of numbers as sorted, disjoint, non-adjacent inclusive ranges on a list. Sets are small
 * (I/O ports, interrupts, device memory of a domain), so a list is enough. Memory that a change
 * may need is taken before the lock: the lock is a leaf.
 */
#include <hv/domain.h>

struct range {
    struct list list;
    uint64_t s, e;
};

struct rangeset {
    spinlock_t lock;
    struct list ranges; /* ascending; lock */
};

struct rangeset *rangeset_new(void) {
    struct rangeset *r = hv_new(struct rangeset);

    if (r) {
        spin_lock_init(&r->lock, ORDER_LEAF);
        list_init(&r->ranges);
    }
    return r;
}

static void free_list(struct list *dead) {
    struct range *x, *tmp;

    list_for_each_safe(x, tmp, dead, list) {
        list_del(&x->list);
        hv_free(x);
    }
}

void rangeset_free(struct rangeset *r) {
    if (r) free_list(&r->ranges);
    hv_free(r);
}

int rangeset_add(struct rangeset *r, uint64_t s, uint64_t e) {
    struct range *fresh, *x, *tmp;
    struct list dead = LIST_INIT(dead), *before;

    if (s > e) return -EINVAL;
    fresh = hv_new(struct range);
    if (!fresh) return -ENOMEM;
    spin_lock(&r->lock);
    before = &r->ranges;
    list_for_each_safe(x, tmp, &r->ranges, list) {
        /* Adjacent ranges merge too; the "+ 1"s cannot wrap where they are compared. */
        if (x->e < s && x->e + 1 < s) continue;
        if (x->s > e && x->s - 1 > e) {
            before = &x->list;
            break;
        }
        s = min(s, x->s);
        e = max(e, x->e);
        list_del(&x->list);
        list_add_tail(&x->list, &dead);
    }
    fresh->s = s;
    fresh->e = e;
    list_add_tail(&fresh->list, before);
    spin_unlock(&r->lock);
    free_list(&dead);
    return 0;
}

int rangeset_remove(struct rangeset *r, uint64_t s, uint64_t e) {
    struct range *spare, *x, *tmp;
    struct list dead = LIST_INIT(dead);
    int rc = 0;

    if (s > e) return -EINVAL;
    spare = hv_new(struct range); /* only for a range that falls into two */
    spin_lock(&r->lock);
    list_for_each_safe(x, tmp, &r->ranges, list) {
        if (x->e < s || x->s > e) continue;
        if (x->s < s && x->e > e) {
            if (!spare) {
                rc = -ENOMEM;
                break;
            }
            spare->s = e + 1;
            spare->e = x->e;
            x->e = s - 1;
            list_add(&spare->list, &x->list);
            spare = NULL;
            break;
        }
        if (x->s < s) {
            x->e = s - 1;
        } else if (x->e > e) {
            x->s = e + 1;
        } else {
            list_del(&x->list);
            list_add_tail(&x->list, &dead);
        }
    }
    spin_unlock(&r->lock);
    free_list(&dead);
    hv_free(spare);
    return rc;
}

static bool find(struct rangeset *r, uint64_t s, uint64_t e, bool whole) {
    struct range *x;

    if (!r || s > e) return false;
    SPIN_SCOPE(&r->lock);
    list_for_each(x, &r->ranges, list)
        if (whole ? x->s <= s && x->e >= e : x->s <= e && x->e >= s) return true;
    return false;
}

bool rangeset_contains(struct rangeset *r, uint64_t s, uint64_t e) { return find(r, s, e, true); }
bool rangeset_overlaps(struct rangeset *r, uint64_t s, uint64_t e) { return find(r, s, e, false); }
bool rangeset_is_empty(struct rangeset *r) { return !r || list_empty(&r->ranges); } /* one read */
