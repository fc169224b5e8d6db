/* SPDX-License-Identifier: MIT */
/*
 * Rings of requests and responses in one shared page, between a front end and a back end.
 *
 * Both kinds share the slots: a response goes where its request was, so at most nr_ents are on
 * their way. Indices run freely and are masked on use. The front end writes req_prod and rsp_event,
 * the back end rsp_prod and req_event; each keeps its own counters in private memory and only
 * publishes them in the page. "event" is the index at which its writer wants to be notified.
 *
 * The other end can write anything at any time: check a producer index with the OVERFLOW macros
 * before using it, copy a slot out (RING_COPY_*) before looking at it, and never read it twice.
 *
 * The includer provides xen_mb(), xen_rmb() and xen_wmb().
 *
 * Streams of bytes, in both directions over many pages, are at the end: XEN_FLEX_RING.
 */
#ifndef __XEN_PUBLIC_IO_RING_H__
#define __XEN_PUBLIC_IO_RING_H__

#include "../xen-compat.h"
#include <stddef.h>
#include <stdint.h>

typedef unsigned int RING_IDX;

/* Round down to a power of two, by halves. */
#define __RD2(_x) (((_x)&0x00000002) ? 0x2 : ((_x)&0x1))
#define __RD4(_x) (((_x)&0x0000000c) ? __RD2((_x) >> 2) << 2 : __RD2(_x))
#define __RD8(_x) (((_x)&0x000000f0) ? __RD4((_x) >> 4) << 4 : __RD4(_x))
#define __RD16(_x) (((_x)&0x0000ff00) ? __RD8((_x) >> 8) << 8 : __RD8(_x))
#define __RD32(_x) (((_x)&0xffff0000) ? __RD16((_x) >> 16) << 16 : __RD16(_x))

/* Slots in a ring of _sz bytes: by the ring's name, and by a pointer to it. */
#define __CONST_RING_SIZE(_s, _sz)                                                                 \
    (__RD32(((_sz)-offsetof(struct _s##_sring, ring)) / sizeof(((struct _s##_sring *)0)->ring[0])))
#define __RING_SIZE(_s, _sz)                                                                       \
    (__RD32(((_sz) - (long)(_s)->ring + (long)(_s)) / sizeof((_s)->ring[0])))

/*
 * Make the types of a ring: NAME_sring, the page; NAME_front_ring and NAME_back_ring, the private
 * ends of it. Indices take the first 16 bytes, slots begin at 64.
 */
#define DEFINE_RING_TYPES(__name, __req_t, __rsp_t)                                                \
    union __name##_sring_entry {                                                                   \
        __req_t req;                                                                               \
        __rsp_t rsp;                                                                               \
    };                                                                                             \
    struct __name##_sring {                                                                        \
        RING_IDX req_prod, req_event;                                                              \
        RING_IDX rsp_prod, rsp_event;                                                              \
        union {                                                                                    \
            struct {                                                                               \
                uint8_t smartpoll_active;                                                          \
            } netif;                                                                               \
            struct {                                                                               \
                uint8_t msg;                                                                       \
            } tapif_user;                                                                          \
            uint8_t pvt_pad[4];                                                                    \
        } pvt;                                                                                     \
        uint8_t __pad[44];                                                                         \
        union __name##_sring_entry ring[1];                                                        \
    };                                                                                             \
    struct __name##_front_ring {                                                                   \
        RING_IDX req_prod_pvt;                                                                     \
        RING_IDX rsp_cons;                                                                         \
        unsigned int nr_ents;                                                                      \
        struct __name##_sring *sring;                                                              \
    };                                                                                             \
    struct __name##_back_ring {                                                                    \
        RING_IDX rsp_prod_pvt;                                                                     \
        RING_IDX req_cons;                                                                         \
        unsigned int nr_ents;                                                                      \
        struct __name##_sring *sring;                                                              \
    };                                                                                             \
    typedef struct __name##_sring __name##_sring_t;                                                \
    typedef struct __name##_front_ring __name##_front_ring_t;                                      \
    typedef struct __name##_back_ring __name##_back_ring_t

/* Prepare a new page; done by the front end before the back end sees it. */
#define SHARED_RING_INIT(_s)                                                                       \
    do {                                                                                           \
        (_s)->req_prod = 0;                                                                        \
        (_s)->rsp_prod = 0;                                                                        \
        (_s)->req_event = 1;                                                                       \
        (_s)->rsp_event = 1;                                                                       \
        (void)__builtin_memset((_s)->pvt.pvt_pad, 0, sizeof((_s)->pvt.pvt_pad));                   \
        (void)__builtin_memset((_s)->__pad, 0, sizeof((_s)->__pad));                               \
    } while (0)

/* Take an end, at index _i when a ring in use is taken over. */
#define FRONT_RING_ATTACH(_r, _s, _i, __size)                                                      \
    do {                                                                                           \
        (_r)->sring = (_s);                                                                        \
        (_r)->nr_ents = __RING_SIZE(_s, __size);                                                   \
        (_r)->req_prod_pvt = (_i);                                                                 \
        (_r)->rsp_cons = (_i);                                                                     \
    } while (0)
#define FRONT_RING_INIT(_r, _s, __size) FRONT_RING_ATTACH(_r, _s, 0, __size)
#define XEN_FRONT_RING_INIT(r, s, size)                                                            \
    do {                                                                                           \
        SHARED_RING_INIT(s);                                                                       \
        FRONT_RING_INIT(r, s, size);                                                               \
    } while (0)

#define BACK_RING_ATTACH(_r, _s, _i, __size)                                                       \
    do {                                                                                           \
        (_r)->sring = (_s);                                                                        \
        (_r)->nr_ents = __RING_SIZE(_s, __size);                                                   \
        (_r)->rsp_prod_pvt = (_i);                                                                 \
        (_r)->req_cons = (_i);                                                                     \
    } while (0)
#define BACK_RING_INIT(_r, _s, __size) BACK_RING_ATTACH(_r, _s, 0, __size)

#define RING_SIZE(_r) ((_r)->nr_ents)

/* Front end: room for requests. */
#define RING_FREE_REQUESTS(_r) (RING_SIZE(_r) - ((_r)->req_prod_pvt - (_r)->rsp_cons))
#define RING_FULL(_r) (RING_FREE_REQUESTS(_r) == 0)

/* What waits to be consumed. Requests never count for more than there are free response slots. */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(_r) ((_r)->sring->rsp_prod - (_r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(_r)                                                        \
    (__extension__({                                                                               \
        unsigned int __avail = (_r)->sring->req_prod - (_r)->req_cons;                             \
        unsigned int __room = RING_SIZE(_r) - ((_r)->req_cons - (_r)->rsp_prod_pvt);               \
        __avail < __room ? __avail : __room;                                                       \
    }))

#ifdef XEN_RING_HAS_UNCONSUMED_IS_BOOL
#define RING_HAS_UNCONSUMED_RESPONSES(_r) (!!XEN_RING_NR_UNCONSUMED_RESPONSES(_r))
#define RING_HAS_UNCONSUMED_REQUESTS(_r) (!!XEN_RING_NR_UNCONSUMED_REQUESTS(_r))
#else
#define RING_HAS_UNCONSUMED_RESPONSES(_r) XEN_RING_NR_UNCONSUMED_RESPONSES(_r)
#define RING_HAS_UNCONSUMED_REQUESTS(_r) XEN_RING_NR_UNCONSUMED_REQUESTS(_r)
#endif

/* A slot in the page, for its writer to fill. */
#define RING_GET_REQUEST(_r, _idx) (&((_r)->sring->ring[((_idx) & (RING_SIZE(_r) - 1))].req))
#define RING_GET_RESPONSE(_r, _idx) (&((_r)->sring->ring[((_idx) & (RING_SIZE(_r) - 1))].rsp))

/* A private copy of a slot, for its reader; volatile, so that the page is read once. */
#define RING_COPY_(type, r, idx, dest)                                                             \
    do {                                                                                           \
        *(dest) = *(volatile __typeof__(dest))RING_GET_##type(r, idx);                             \
    } while (0)
#define RING_COPY_REQUEST(r, idx, req) RING_COPY_(REQUEST, r, idx, req)
#define RING_COPY_RESPONSE(r, idx, rsp) RING_COPY_(RESPONSE, r, idx, rsp)

/* The back end consumed as far as it may; the peer's producer index can not be true. */
#define RING_REQUEST_CONS_OVERFLOW(_r, _cons) (((_cons) - (_r)->rsp_prod_pvt) >= RING_SIZE(_r))
#define RING_REQUEST_PROD_OVERFLOW(_r, _prod) (((_prod) - (_r)->rsp_prod_pvt) > RING_SIZE(_r))
#define RING_RESPONSE_PROD_OVERFLOW(_r, _prod) (((_prod) - (_r)->rsp_cons) > RING_SIZE(_r))

/* Publish what was produced. The slots must be visible before the index. */
#define RING_PUSH_REQUESTS(_r)                                                                     \
    do {                                                                                           \
        xen_wmb();                                                                                 \
        (_r)->sring->req_prod = (_r)->req_prod_pvt;                                                \
    } while (0)
#define RING_PUSH_RESPONSES(_r)                                                                    \
    do {                                                                                           \
        xen_wmb();                                                                                 \
        (_r)->sring->rsp_prod = (_r)->rsp_prod_pvt;                                                \
    } while (0)

/*
 * The same, and learn whether the peer wants a notification: its event index is among those
 * published just now. The full barrier orders our index before the reading of its event, against
 * the FINAL_CHECK of the peer, which does it the other way round.
 */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(_r, _notify)                                           \
    do {                                                                                           \
        RING_IDX __was = (_r)->sring->req_prod;                                                    \
        RING_IDX __now = (_r)->req_prod_pvt;                                                       \
        xen_wmb();                                                                                 \
        (_r)->sring->req_prod = __now;                                                             \
        xen_mb();                                                                                  \
        (_notify) = (RING_IDX)(__now - (_r)->sring->req_event) < (RING_IDX)(__now - __was);        \
    } while (0)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(_r, _notify)                                          \
    do {                                                                                           \
        RING_IDX __was = (_r)->sring->rsp_prod;                                                    \
        RING_IDX __now = (_r)->rsp_prod_pvt;                                                       \
        xen_wmb();                                                                                 \
        (_r)->sring->rsp_prod = __now;                                                             \
        xen_mb();                                                                                  \
        (_notify) = (RING_IDX)(__now - (_r)->sring->rsp_event) < (RING_IDX)(__now - __was);        \
    } while (0)

/* Before going to sleep: ask to be notified of the next one, then look once more. */
#define RING_FINAL_CHECK_FOR_REQUESTS(_r, _work_to_do)                                             \
    do {                                                                                           \
        (_work_to_do) = RING_HAS_UNCONSUMED_REQUESTS(_r);                                          \
        if (_work_to_do) break;                                                                    \
        (_r)->sring->req_event = (_r)->req_cons + 1;                                               \
        xen_mb();                                                                                  \
        (_work_to_do) = RING_HAS_UNCONSUMED_REQUESTS(_r);                                          \
    } while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(_r, _work_to_do)                                            \
    do {                                                                                           \
        (_work_to_do) = RING_HAS_UNCONSUMED_RESPONSES(_r);                                         \
        if (_work_to_do) break;                                                                    \
        (_r)->sring->rsp_event = (_r)->rsp_cons + 1;                                               \
        xen_mb();                                                                                  \
        (_work_to_do) = RING_HAS_UNCONSUMED_RESPONSES(_r);                                         \
    } while (0)

/*
 * Streams of bytes: "flex" rings. An interface page, granted first, holds the indices and the
 * grants of the 2^ring_order data pages; the first half of the data is "in" (towards the front
 * end), the second "out". Setting up:
 *
 *  1. The front end allocates the data pages and the interface page, grants them to the back end,
 *     and writes ring_order and ref[] into the interface page.
 *  2. It writes the grant of the interface page and an event channel to its xenstore nodes.
 *  3. The back end reads ring_order once, checks it against its own limit, maps the page and the
 *     data pages.
 *
 * The sender writes its producer index after the data, the receiver its consumer index after it has
 * copied the data out; each notifies the other. Indices run freely. Each end reads the index of the
 * other once, and takes no NAME_queued above the ring's size for true.
 */
#ifndef XEN_PAGE_SHIFT
#define XEN_PAGE_SHIFT 12
#endif

/* Bytes in one direction. */
#define XEN_FLEX_RING_SIZE(order) (1UL << ((order) + XEN_PAGE_SHIFT - 1))

/*
 * The functions of a ring whose interface page is laid out elsewhere; ring_size is a power of two:
 *   NAME_mask          an index to a place in the data
 *   NAME_get_ring_ptr  the byte there
 *   NAME_read_packet   copy out, over the end to the start; moves the masked consumer index on
 *   NAME_write_packet  copy in; moves the masked producer index on
 *   NAME_queued        bytes between two free-running indices
 * The caller has made sure that so many bytes, or so much room, are there, and puts the barriers.
 */
#define DEFINE_XEN_FLEX_RING(name)                                                                 \
    static inline RING_IDX name##_mask(RING_IDX idx, RING_IDX ring_size) {                         \
        return idx & (ring_size - 1);                                                              \
    }                                                                                              \
    static inline unsigned char *name##_get_ring_ptr(unsigned char *buf, RING_IDX idx,             \
                                                     RING_IDX ring_size) {                         \
        return &buf[name##_mask(idx, ring_size)];                                                  \
    }                                                                                              \
    static inline void name##_read_packet(void *opaque, const unsigned char *buf, size_t size,     \
                                          RING_IDX masked_prod, RING_IDX *masked_cons,             \
                                          RING_IDX ring_size) {                                    \
        size_t to_end = ring_size - *masked_cons;                                                  \
        size_t first = *masked_cons < masked_prod || size < to_end ? size : to_end;                \
        (void)__builtin_memcpy(opaque, buf + *masked_cons, first);                                 \
        (void)__builtin_memcpy((unsigned char *)opaque + first, buf, size - first);                \
        *masked_cons = name##_mask((RING_IDX)(*masked_cons + size), ring_size);                    \
    }                                                                                              \
    static inline void name##_write_packet(unsigned char *buf, const void *opaque, size_t size,    \
                                           RING_IDX *masked_prod, RING_IDX masked_cons,            \
                                           RING_IDX ring_size) {                                   \
        size_t to_end = ring_size - *masked_prod;                                                  \
        size_t first = *masked_prod < masked_cons || size < to_end ? size : to_end;                \
        (void)__builtin_memcpy(buf + *masked_prod, opaque, first);                                 \
        (void)__builtin_memcpy(buf, (const unsigned char *)opaque + first, size - first);          \
        *masked_prod = name##_mask((RING_IDX)(*masked_prod + size), ring_size);                    \
    }                                                                                              \
    static inline RING_IDX name##_queued(RING_IDX prod, RING_IDX cons, RING_IDX ring_size) {       \
        RING_IDX rest = name##_mask(prod - cons, ring_size);                                       \
        return prod != cons && rest == 0 ? ring_size : rest;                                       \
    }                                                                                              \
    struct name##_data {                                                                           \
        unsigned char *in;                                                                         \
        unsigned char *out;                                                                        \
    }

/* The same, with the usual interface page: the receiver writes a cons, the sender a prod. */
#define DEFINE_XEN_FLEX_RING_AND_INTF(name)                                                        \
    struct name##_data_intf {                                                                      \
        RING_IDX in_cons, in_prod;                                                                 \
        uint8_t pad1[56];                                                                          \
        RING_IDX out_cons, out_prod;                                                               \
        uint8_t pad2[56];                                                                          \
        RING_IDX ring_order; /* pages of data are 2^ring_order */                                  \
        __extension__ grant_ref_t ref[];                                                           \
    };                                                                                             \
    DEFINE_XEN_FLEX_RING(name)

#endif /* __XEN_PUBLIC_IO_RING_H__ */
