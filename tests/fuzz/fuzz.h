/* SPDX-License-Identifier: MIT */
/*
 * What the targets share: the fuzzer's bytes as a source of numbers that never runs dry (zeros come
 * after the last byte), and a check that stops the run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
    const uint8_t *p;
    size_t left;
};

static inline void take(struct input *in, void *to, size_t n) {
    size_t have = n < in->left ? n : in->left;

    memset(to, 0, n);
    if (have) memcpy(to, in->p, have);
    in->p += have;
    in->left -= have;
}

static inline uint8_t take8(struct input *in) {
    uint8_t v;

    take(in, &v, sizeof(v));
    return v;
}

static inline uint16_t take16(struct input *in) {
    uint16_t v;

    take(in, &v, sizeof(v));
    return v;
}

static inline uint32_t take32(struct input *in) {
    uint32_t v;

    take(in, &v, sizeof(v));
    return v;
}

static inline uint64_t take64(struct input *in) {
    uint64_t v;

    take(in, &v, sizeof(v));
    return v;
}
