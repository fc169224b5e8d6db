/* SPDX-License-Identifier: MIT */
/*
 * Write rate of domains.  A domain that changes nodes fast enough could make every transaction of
 * the tools end in EAGAIN; so, while others have transactions open, its writes cost credit, and
 * with none left its ring is not read for a while.  All domains share RATE_PER_SECOND, each may
 * save up RATE_BURST.
 */
#pragma once

#include <stdint.h>

#define RATE_PER_SECOND 200
#define RATE_BURST      10

struct domain;

void rate_new_domain(struct domain *d);
/* A change is made outside a transaction, or a transaction is committed. */
void rate_debit(struct domain *d);
/* 0: may go on; else the ms to wait. */
int rate_wait_ms(struct domain *d);
