/* SPDX-License-Identifier: MIT */
/* What a plugin is told, the same way for all of them: name=value each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of the three pointers says what the value is. */
struct argument {
    const char *name;
    uint64_t *number;  /* in hexadecimal */
    const char **text; /* a copy, which is kept */
    FILE **file;       /* opened for writing */
    bool optional;
};

static inline bool take_argument(const struct argument *argument, const char *value) {
    if (argument->number) *argument->number = strtoull(value, NULL, 16);
    if (argument->text) *argument->text = strdup(value);
    if (argument->file) *argument->file = fopen(value, "w");
    return !argument->file || *argument->file;
}

/* False if one that is wanted is missing, one is given that is not in the list or has no value, or
 * a file cannot be opened. Nobody gives one twice. */
static inline bool read_arguments(int argc, char **argv, const struct argument *arguments,
                                  size_t n) {
    size_t wanted = 0, taken = 0;

    for (size_t i = 0; i < n; i++) wanted += !arguments[i].optional;
    for (int arg = 0; arg < argc; arg++) {
        const char *value = strchr(argv[arg], '=');
        size_t i = 0, length = value ? (size_t)(value - argv[arg]) : 0;

        while (i < n && (strlen(arguments[i].name) != length ||
                         strncmp(arguments[i].name, argv[arg], length)))
            i++;
        if (!value || i == n || !take_argument(&arguments[i], value + 1)) return false;
        taken += !arguments[i].optional;
    }
    return taken == wanted;
}
