/* SPDX-License-Identifier: MIT */
/*
 * Exercise the macros that are code rather than constants, and print what they do. compare.py
 * builds this with either tree of headers and wants the same output. A long random walk of both
 * ends of a ring passes through wrap-around, full and empty rings, and indices that lie.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define xen_mb() __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()

#include <public/xen.h>
#include <public/arch-x86/xen-mca.h>
#include <public/grant_table.h>
#include <public/io/blkif.h>
#include <public/io/fbif.h>
#include <public/io/kbdif.h>
#include <public/io/xs_wire.h>
#include <public/memory.h>
#include <public/trace.h>
#include <public/vcpu.h>

static unsigned long state = 88172645463325252UL;

static unsigned int roll(unsigned int bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned int)(state >> 33) % bound;
}

static void show_ring(const char *what, const blkif_front_ring_t *f, const blkif_back_ring_t *b)
{
    printf("%s %x %x %x %x | %x %x | %x %x | %u %u\n", what, f->sring->req_prod,
           f->sring->req_event, f->sring->rsp_prod, f->sring->rsp_event, f->req_prod_pvt,
           f->rsp_cons, b->rsp_prod_pvt, b->req_cons, f->nr_ents, b->nr_ents);
}

static void produce_requests(blkif_front_ring_t *f)
{
    int notify = 0;
    unsigned int n = roll(RING_FREE_REQUESTS(f) + 1);

    while (n--) {
        RING_GET_REQUEST(f, f->req_prod_pvt)->id = f->req_prod_pvt;
        f->req_prod_pvt++;
    }
    if (roll(4))
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(f, notify);
    else
        RING_PUSH_REQUESTS(f);
    printf("front notify %d full %d free %u\n", notify, RING_FULL(f), RING_FREE_REQUESTS(f));
}

static void answer_requests(blkif_back_ring_t *b)
{
    blkif_request_t req;
    int more, notify = 0;
    unsigned int n = roll(XEN_RING_NR_UNCONSUMED_REQUESTS(b) + 1);

    while (n--) {
        RING_COPY_REQUEST(b, b->req_cons, &req);
        b->req_cons++;
        RING_GET_RESPONSE(b, b->rsp_prod_pvt)->id = req.id;
        b->rsp_prod_pvt++;
    }
    if (roll(4))
        RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(b, notify);
    else
        RING_PUSH_RESPONSES(b);
    RING_FINAL_CHECK_FOR_REQUESTS(b, more);
    printf("back notify %d more %d wait %u\n", notify, !!more,
           (unsigned)RING_HAS_UNCONSUMED_REQUESTS(b));
}

static void consume_responses(blkif_front_ring_t *f)
{
    blkif_response_t rsp;
    int more;
    unsigned int n = roll(XEN_RING_NR_UNCONSUMED_RESPONSES(f) + 1);
    uint64_t sum = 0;

    while (n--) {
        RING_COPY_RESPONSE(f, f->rsp_cons, &rsp);
        f->rsp_cons++;
        sum += rsp.id;
    }
    RING_FINAL_CHECK_FOR_RESPONSES(f, more);
    printf("sum %llu more %d wait %u\n", (unsigned long long)sum, !!more,
           (unsigned)RING_HAS_UNCONSUMED_RESPONSES(f));
}

static void walk_ring(void)
{
    static union {
        blkif_sring_t ring;
        unsigned char bytes[4096];
    } page;
    blkif_front_ring_t f;
    blkif_back_ring_t b;

    memset(&page, 0xa5, sizeof(page));
    SHARED_RING_INIT(&page.ring);
    FRONT_RING_INIT(&f, &page.ring, 4096);
    BACK_RING_INIT(&b, &page.ring, 4096);
    show_ring("init", &f, &b);
    for (size_t i = 0; i < sizeof(page); i++)
        if (page.bytes[i] != 0xa5)
            printf("%zu=%02x ", i, page.bytes[i]);
    printf("\n");

    page.ring.req_prod = page.ring.rsp_prod = 0xffffff00u;
    page.ring.req_event = page.ring.rsp_event = 0xffffff01u;
    FRONT_RING_ATTACH(&f, &page.ring, 0xffffff00u, 4096);
    BACK_RING_ATTACH(&b, &page.ring, 0xffffff00u, 4096);
    for (int i = 0; i < 2000; i++) {
        unsigned int lie = roll(0xffffffffu);

        produce_requests(&f);
        answer_requests(&b);
        consume_responses(&f);
        show_ring("step", &f, &b);
        printf("lies %d %d %d %d\n", RING_REQUEST_CONS_OVERFLOW(&b, b.req_cons),
               RING_REQUEST_CONS_OVERFLOW(&b, lie), RING_REQUEST_PROD_OVERFLOW(&b, lie),
               RING_RESPONSE_PROD_OVERFLOW(&f, lie));
    }
    page.ring.req_prod = b.req_cons + 0x1234;
    printf("lying producer: %u\n", (unsigned)XEN_RING_NR_UNCONSUMED_REQUESTS(&b));
}

DEFINE_XEN_FLEX_RING_AND_INTF(walked);
DEFINE_XEN_FLEX_RING(bare);

/* A stream of bytes through a ring of 64: packets of every length, indices that wrap at 2^32. */
static void walk_flex_ring(void)
{
    enum { SIZE = 64 };
    unsigned char data[SIZE] = {0}, sent[SIZE], got[SIZE];
    struct walked_data_intf page = {.in_prod = 0xffffff80u, .in_cons = 0xffffff80u};
    struct bare_data ends = {.in = data, .out = data};

    for (int i = 0; i < 2000; i++) {
        RING_IDX queued = walked_queued(page.in_prod, page.in_cons, SIZE);
        RING_IDX n = roll(SIZE - queued + 1), lie = roll(0xffffffffu);
        RING_IDX prod = walked_mask(page.in_prod, SIZE), cons = walked_mask(page.in_cons, SIZE);

        for (RING_IDX k = 0; k < n; k++)
            sent[k] = (unsigned char)roll(256);
        walked_write_packet(data, sent, n, &prod, cons, SIZE);
        page.in_prod += n;
        queued = walked_queued(page.in_prod, page.in_cons, SIZE);
        n = roll(queued + 1);
        walked_read_packet(got, data, n, prod, &cons, SIZE);
        page.in_cons += n;
        printf("%u of %u: %u %u %u %u:", n, queued, prod, cons,
               bare_queued(lie, page.in_cons, SIZE),
               (unsigned)(bare_get_ring_ptr(ends.in, lie, SIZE) - ends.out));
        for (RING_IDX k = 0; k < n; k++)
            printf(" %02x", got[k]);
        printf("\n");
    }
}

/* Records of random types and lengths, one behind another. */
static void look_up_records(void)
{
    static struct mc_info info;

    for (int i = 0; i < 200; i++) {
        char *at = (char *)info.mi_data;

        info.mi_nentries = roll(9);
        for (uint32_t k = 0; k < info.mi_nentries; k++) {
            struct mcinfo_common *record = (struct mcinfo_common *)at;

            record->type = (uint16_t)roll(5);
            record->size = (uint16_t)(8 + 8 * roll(8));
            at += record->size;
        }
        for (unsigned int type = 0; type < 6; type++) {
            struct mc_info *of = roll(10) ? &info : NULL;
            struct mcinfo_common *match; /* not "found" or "i": names inside libxen-dev's macro */

            x86_mcinfo_lookup(match, of, type);
            printf("%td ", match ? (char *)match - (char *)info.mi_data : -1);
        }
        printf("\n");
    }
}

static void show_sizes(void)
{
    printf("%d %d %d\n", (int)__CONST_RING_SIZE(blkif, 4096), (int)__CONST_RING_SIZE(blkif, 65536),
           (int)__RD32(0x80000001u));
    for (int i = 0; i < 200; i++) {
        unsigned int x = roll(0xffffffffu);

        printf("%x %x %x %x %d\n", XENMEMF_node(x % 256), XENMEMF_get_node(x),
               XENMEMF_get_address_bits(x), XENMEMF_exact_node(x % 256), (int)TRC_HD_EXTRA(x));
        printf("%x %x\n", (unsigned)__RD32(x), (unsigned)TRC_SCHED_CLASS_EVT(CSCHED2, x % 512));
    }
}

static void show_others(void)
{
    static const xen_uuid_t made = XEN_DEFINE_UUID_(0x00112233, 0x4455, 0x6677, 0x8899, 0xaa, 0xbb,
                                                    0xcc, 0xdd, 0xee, 0xff);
    xen_uuid_t again = XEN_DEFINE_UUID(0xfedcba98, 0x7654, 0x3210, 0xf0e1, 1, 2, 3, 4, 5, 6);
    struct trap_info trap = {0};
    static unsigned char page[4096];
    char text[8];
    XEN_GUEST_HANDLE(char) handle;

    for (int i = 0; i < 16; i++)
        printf("%02x%02x", made.a[i], again.a[i]);
    TI_SET_DPL(&trap, 3);
    TI_SET_IF(&trap, 2);
    set_xen_guest_handle(handle, text);
    printf("\n%x %d %d %d\n", trap.flags, TI_GET_DPL(&trap), TI_GET_IF(&trap), handle.p == text);
    for (unsigned int i = 0; i < 120; i++)
        printf("%td %td %td %td\n", (unsigned char *)&XENFB_IN_RING_REF(page, i) - page,
               (unsigned char *)&XENFB_OUT_RING_REF(page, i) - page,
               (unsigned char *)&XENKBD_IN_RING_REF(page, i) - page,
               (unsigned char *)&XENKBD_OUT_RING_REF(page, i) - page);
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        printf("%d %s\n", xsd_errors[i].errnum, xsd_errors[i].errstring);
    printf("%lx %lx %x\n", xen_pfn_to_cr3(0x123456789UL), xen_cr3_to_pfn(0x123456789abcUL),
           xen_vcpu_physid_to_x86_acpiid(0x1234567890UL));
}

int main(void)
{
    walk_ring();
    walk_flex_ring();
    look_up_records();
    show_sizes();
    show_others();
    return 0;
}
