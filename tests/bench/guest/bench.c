/* SPDX-License-Identifier: MIT */
/*
 * The program of the suites boot and guest, run in dom0 and in a guest, where it is init:
 *
 *   bench run [OPERATION]        how long operations of the kernel take (operations.c)
 *   bench mark PROGRAM ...       marks the place where `xl create` begins, and becomes it
 *   as init: [run [OPERATION]]   marks the place, says that it is up, does that
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static _Noreturn void be_init(int argc, char **argv) {
    mark(MARK_INIT);
    mkdir("/tmp", 0777);
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) || mount("proc", "/proc", "proc", 0, NULL) ||
        mount("tmpfs", "/tmp", "tmpfs", 0, NULL))
        perror("bench: mount");
    puts("bench: up");
    if (argc > 1) run_operations(argc > 2 ? argv[2] : NULL, argv[0]);
    puts("bench: end");
    fflush(stdout);
    for (;;) pause();
}

int main(int argc, char **argv) {
    if (getpid() == 1) be_init(argc, argv);
    if (argc == 2 && !strcmp(argv[1], "exit")) return 0;
    if (argc >= 2 && !strcmp(argv[1], "run"))
        return run_operations(argc > 2 ? argv[2] : NULL, argv[0]);
    if (argc >= 3 && !strcmp(argv[1], "mark")) {
        mark(MARK_CREATE);
        execvp(argv[2], argv + 2);
    }
    fprintf(stderr, "usage: bench run [OPERATION] | mark PROGRAM ...\n");
    return 1;
}
