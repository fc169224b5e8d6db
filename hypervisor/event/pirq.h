/* SPDX-License-Identifier: MIT */
/* Physical interrupts of a domain, as domain/physdev.c uses them. event/pirq.c */
#pragma once

#include "port.h"

struct irq_desc;

bool pirq_is_valid(const struct domain *d, uint32_t n);
/* Gives desc the number wanted, or a free one if negative. The number, or -EEXIST, -EINVAL,
 * -ENOSPC. */
int pirq_map(struct domain *d, int wanted, struct irq_desc *desc, bool msi);
int pirq_unmap(struct domain *d, uint32_t n); /* -EINVAL: not mapped. Frees MSI vectors */
int pirq_reserve(struct domain *d, bool msi); /* a free number for a later pirq_map */
int pirq_eoi(struct domain *d, uint32_t n);   /* -EINVAL */
/* The guest's frame of needs-EOI bits: -EINVAL, -EBUSY. */
int pirq_set_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask);
