/* SPDX-License-Identifier: MIT */
/* Token bucket for each domain. */
#include "rate.h"

#include "domain.h"
#include "util.h"

#define ONE_WRITE 1000 /* units of credit */

static unsigned int sharers(void) {
    unsigned int n = 0;

    for (struct list *l = domains.next; l != &domains; l = l->next)
        n += list_entry(l, struct domain, all)->introduced;
    return n ? n : 1;
}

void rate_new_domain(struct domain *d) {
    d->credit = RATE_BURST * ONE_WRITE;
    d->credit_ms = now_ms();
}

static void refill(struct domain *d, unsigned int n) {
    uint64_t now = now_ms(), passed = now - d->credit_ms;
    int64_t gain;

    if (passed > 1000 * 1000) passed = 1000 * 1000;
    gain = (int64_t)(passed * RATE_PER_SECOND * ONE_WRITE / 1000 / n);
    if (!gain) return; /* keep the old stamp, or frequent calls would round all credit away */
    d->credit += gain;
    if (d->credit > RATE_BURST * ONE_WRITE) d->credit = RATE_BURST * ONE_WRITE;
    d->credit_ms = now;
}

void rate_debit(struct domain *d) {
    if (!d || d->domid == 0) return;
    refill(d, sharers());
    d->credit -= ONE_WRITE;
}

int rate_wait_ms(struct domain *d) {
    unsigned int n;

    if (d->domid == 0 || d->credit >= 0) return 0;
    n = sharers();
    refill(d, n);
    if (d->credit >= 0) return 0;
    return (int)(-d->credit * n * 1000 / (RATE_PER_SECOND * ONE_WRITE)) + 1;
}
