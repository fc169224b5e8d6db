/* SPDX-License-Identifier: MIT */
/* Doubly linked circular lists. A head and an unlinked node both point to themselves. */
#pragma once

#include <hv/types.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    { &(name), &(name) }

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void list_add_between(struct list *n, struct list *prev, struct list *next) {
    n->next = next;
    n->prev = prev;
    prev->next = n;
    next->prev = n;
}

static inline void list_add(struct list *n, struct list *head) {
    list_add_between(n, head, head->next);
}

static inline void list_add_tail(struct list *n, struct list *head) {
    list_add_between(n, head->prev, head);
}

static inline void list_del(struct list *n) {
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#define list_entry(ptr, type, member)  container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_for_each(pos, head, member)                                                           \
    for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);         \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_safe(pos, tmp, head, member)                                                 \
    for (pos = list_entry((head)->next, __typeof__(*pos), member),                                 \
        tmp = list_entry(pos->member.next, __typeof__(*pos), member);                              \
         &pos->member != (head);                                                                   \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))
