/* SPDX-License-Identifier: MIT */
/* xl dmesg, debug-keys: the hypervisor's console. */
#include <stdlib.h>

#include "commands.h"
#include "xl.h"

#define CHUNK 16384

static int dmesg_run(struct xl *xl, int argc, char **argv) {
    static const struct option longs[] = {
        {"clear", 0, NULL, 'c'},
        {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char *buf = xcalloc(1, CHUNK);
    bool clear = false;
    uint32_t index = 0;
    int opt, n;

    while ((opt = xl_getopt(xl, argc, argv, "hc", longs, 0)) != -1) clear |= opt == 'c';
    while ((n = hv_console_read(xl->hv, buf, CHUNK, clear, true, &index)) > 0)
        fwrite(buf, 1, (size_t)n, stdout);
    free(buf);
    if (n < 0) fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
    return n < 0;
}

const struct command command_dmesg = {
    .name = "dmesg",
    .summary = "Read and/or clear dmesg buffer",
    .usage = "[-c]",
    .options = "  -c                        Clear dmesg buffer as well as printing it",
    .run = dmesg_run,
};

static int debug_keys_run(struct xl *xl, int argc, char **argv) {
    while (xl_getopt(xl, argc, argv, "h", NULL, 1) != -1)
        ;
    if (hv_debug_keys(xl->hv, argv[optind]) < 0) {
        fprintf(stderr, "cannot send debug keys: %s\nxl: %s\n", argv[optind], hv_context(xl->hv));
        return EXIT_FAILURE;
    }
    return 0;
}

const struct command command_debug_keys = {
    .name = "debug-keys",
    .summary = "Send debug keys to Xen",
    .usage = "<Keys>",
    .flags = CMD_MODIFIES,
    .run = debug_keys_run,
};
