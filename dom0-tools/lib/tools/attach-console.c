/* SPDX-License-Identifier: MIT */
/* attach-console DOMID: joins this terminal to a guest's console, for use without xl. */
#include <stdio.h>
#include <stdlib.h>

#include "../console.h"

int main(int argc, char **argv) {
    struct console_params params = {.ready_fd = -1};
    struct err err = {0, ""};

    if (argc != 2) {
        fprintf(stderr, "usage: attach-console DOMID\n");
        return 2;
    }
    params.domid = (domid_t)atoi(argv[1]);
    if (!console_attach(&params, &err)) return 0;
    fprintf(stderr, "attach-console: %s\n", err.text);
    return 1;
}
