/* SPDX-License-Identifier: MIT */
/* xenconsoled's ring against an honest and a lying guest, and its backlog against a model. */
#include "ring.h"

#include <stdlib.h>

#include "check.h"

static struct xencons_interface page;

static void guest_says(const char *text) {
    for (; *text; text++) page.out[page.out_prod++ & (RING_OUT_SIZE - 1)] = *text;
}

static void honest_guest(void) {
    uint8_t buf[RING_OUT_SIZE];
    struct ring ring;
    unsigned int i;
    bool bad;

    memset(&page, 0, sizeof(page));
    page.out_prod = page.out_cons = page.in_prod = page.in_cons = UINT32_MAX - 3;
    ring_attach(&ring, &page);
    guest_says("over the edge");
    CHECK(ring_take(&ring, buf, &bad) == 13 && !bad && !memcmp(buf, "over the edge", 13));
    CHECK(page.out_cons == page.out_prod);
    CHECK(ring_take(&ring, buf, &bad) == 0 && !bad);
    for (i = 0; i < RING_OUT_SIZE; i++) guest_says("x");
    CHECK(ring_take(&ring, buf, &bad) == RING_OUT_SIZE && !bad);
    CHECK(ring_room(&ring) == RING_IN_SIZE);
    ring_put(&ring, (const uint8_t *)"abcdefgh", 8);
    CHECK(page.in_prod - page.in_cons == 8 && page.in[(page.in_cons + 7) & 1023] == 'h');
    CHECK(ring_room(&ring) == RING_IN_SIZE - 8);
    page.in_cons = page.in_prod;
    CHECK(ring_room(&ring) == RING_IN_SIZE);
}

static void lying_guest(void) {
    uint8_t buf[RING_OUT_SIZE];
    struct ring ring;
    unsigned int i;
    bool bad;

    memset(&page, 0, sizeof(page));
    ring_attach(&ring, &page);
    page.out_prod = RING_OUT_SIZE + 1;
    CHECK(ring_take(&ring, buf, &bad) == 0 && bad);
    guest_says("ok"); /* it goes on from where the guest is now */
    CHECK(ring_take(&ring, buf, &bad) == 2 && !bad && !memcmp(buf, "ok", 2));
    page.out_cons = 12345; /* ours; writing it changes nothing */
    guest_says("fine");
    CHECK(ring_take(&ring, buf, &bad) == 4 && !memcmp(buf, "fine", 4));
    page.in_cons = ring.in.at + 1;
    CHECK(ring_room(&ring) == 0);
    page.in_cons = ring.in.at - (uint32_t)RING_IN_SIZE;
    CHECK(ring_room(&ring) == 0);
    srand(1);
    for (i = 0; i < 100000; i++) {
        page.out_prod = (uint32_t)rand() * 3u;
        page.in_cons = (uint32_t)rand() * 5u;
        if (ring_take(&ring, buf, &bad) > RING_OUT_SIZE || ring_room(&ring) > RING_IN_SIZE)
            CHECK(!"ring went out of its bounds");
    }
}

/* The model: everything ever added; the backlog must be its tail. */
static void backlog_model(void) {
    static uint8_t history[400000];
    struct backlog log = {.max = 5000};
    size_t end = 0, taken = 0, n, i;
    uint8_t piece[6000];

    srand(2);
    while (end < sizeof(history) - sizeof(piece)) {
        n = (size_t)rand() % (rand() % 8 ? 300 : sizeof(piece));
        for (i = 0; i < n; i++) piece[i] = history[end + i] = (uint8_t)rand();
        backlog_add(&log, piece, n);
        end += n;
        if (end - taken > log.max) taken = end - log.max;
        if (rand() % 3 == 0) {
            n = (size_t)rand() % (log.len + 1);
            backlog_drop(&log, n);
            taken += n;
        }
        if (log.len != end - taken ||
            (log.len && memcmp(backlog_head(&log), history + taken, log.len))) {
            CHECK(!"backlog differs from its model");
            break;
        }
    }
    CHECK(log.cap <= 2 * log.max);
    backlog_free(&log);
}

void test_ring(void) {
    honest_guest();
    lying_guest();
    backlog_model();
}
