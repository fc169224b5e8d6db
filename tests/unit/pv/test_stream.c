/* SPDX-License-Identifier: MIT */
/* Byte streams: an honest other end in a thread of its own, and one that writes anything. */
#include "check.h"
#include "stream/stream.h"

#define RING  256u
#define BYTES 2000000u

static char ring[RING];
static uint32_t prod, cons;

static struct stream_out writer(void) {
    struct stream_out s = {.data = ring, .size = RING, .cons = &cons, .prod = &prod};

    stream_out_attach(&s);
    return s;
}

static struct stream_in reader(void) {
    struct stream_in s = {.data = ring, .size = RING, .prod = &prod, .cons = &cons};

    stream_in_attach(&s);
    return s;
}

static char byte_at(uint32_t n) { return (char)(n * 2654435761u >> 13); }

static void *write_all(void *unused) {
    struct stream_out s = writer();
    uint64_t seed = 1;
    char piece[RING + 50];
    uint32_t done = 0;

    while (done < BYTES) {
        uint32_t n = 1 + random32(&seed) % (uint32_t)sizeof(piece);
        long put;

        if (n > BYTES - done) n = BYTES - done;
        for (uint32_t i = 0; i < n; i++) piece[i] = byte_at(done + i);
        put = stream_put(&s, piece, n);
        if (put < 0 || put > (long)n) {
            CHECK(!"a sound ring refused");
            break;
        }
        done += (uint32_t)put;
        if (!put) sched_yield();
    }
    return unused;
}

/* The indices start just below their wrap, so both pass it. */
static void both_honest(void) {
    struct stream_in s;
    pthread_t thread;
    uint64_t seed = 2;
    char piece[RING + 50];
    uint32_t done = 0, wrong = 0;

    prod = cons = UINT32_MAX - 1000;
    s = reader();
    pthread_create(&thread, NULL, write_all, NULL);
    while (done < BYTES) {
        long n = stream_take(&s, piece, 1 + random32(&seed) % sizeof(piece));

        if (n < 0) break;
        for (long i = 0; i < n; i++) wrong += piece[i] != byte_at(done + (uint32_t)i);
        done += (uint32_t)n;
        if (!n) sched_yield();
    }
    pthread_join(thread, NULL);
    CHECK(done == BYTES && !wrong);
    CHECK(prod == cons && prod == UINT32_MAX - 1000 + BYTES);
}

static void edges(void) {
    struct stream_out out;
    struct stream_in in;
    char big[RING + 1] = "", back[RING + 1];

    prod = cons = 7;
    out = writer();
    in = reader();
    CHECK(stream_take(&in, back, sizeof(back)) == 0 && stream_put(&out, big, 0) == 0);
    CHECK(stream_room(&out) == RING && stream_put(&out, big, sizeof(big)) == RING);
    CHECK(stream_room(&out) == 0 && stream_put(&out, big, 1) == 0);
    CHECK(stream_take(&in, back, 0) == 0 && stream_take(&in, back, sizeof(back)) == RING);
    CHECK(stream_room(&out) == RING && cons == 7 + RING);
}

/* An index is believed only as far as the ring reaches; our own is never read back. */
static void one_lies(void) {
    struct stream_out out;
    struct stream_in in;
    char back[RING];
    uint64_t seed = 3;

    prod = cons = 100;
    out = writer();
    in = reader();
    prod = 100 + RING + 1;
    CHECK(stream_take(&in, back, sizeof(back)) == -XEN_EIO && cons == 100);
    prod = 99;
    CHECK(stream_take(&in, back, sizeof(back)) == -XEN_EIO);
    stream_skip(&in);
    CHECK(cons == 99 && stream_take(&in, back, sizeof(back)) == 0);
    cons = 101;
    CHECK(stream_room(&out) == -XEN_EIO && stream_put(&out, "x", 1) == -XEN_EIO);
    cons = 100;
    prod = 4711; /* ours: what stands in the page does not matter to us */
    CHECK(stream_put(&out, "abc", 3) == 3 && prod == 103);
    in.at = 100;
    cons = 12;
    CHECK(stream_take(&in, back, 2) == 2 && !memcmp(back, "ab", 2) && cons == 102);
    for (int i = 0; i < 200000; i++) {
        long n;

        prod = random32(&seed);
        cons = random32(&seed);
        if (i & 1) prod = in.at + random32(&seed) % (RING + 3) - 1;
        if (i & 2) cons = out.at - random32(&seed) % (RING + 3) + 1;
        n = stream_take(&in, back, sizeof(back));
        if (n < -XEN_EIO || n > RING) CHECK(!"took more than there can be");
        n = stream_put(&out, back, random32(&seed) % sizeof(back));
        if (n < -XEN_EIO || n > RING) CHECK(!"put more than there can be");
    }
}

void test_stream(void) {
    both_honest();
    edges();
    one_lies();
}
