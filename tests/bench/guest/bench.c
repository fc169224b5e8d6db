/* SPDX-License-Identifier: MIT */
/*
 * The program of the suites boot and guest, run in dom0 and in a guest, where it is init:
 *
 *   bench run [OPERATION]        how long operations of the kernel take (operations.c)
 *   bench mark PROGRAM ...       marks the place where `xl create` begins, and becomes it
 *   bench count PROGRAM ...      marks the beginning and the end of a program that must succeed
 *   bench store                  how long requests to xenstored take (store.c)
 *   as init: [run [OPERATION]]   marks the place, says that it is up, does that
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static int count(char **program) {
    int status;
    pid_t child;

    mark(MARK_START);
    child = fork();
    if (!child) {
        execvp(program[0], program);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return 1;
    mark(MARK_END);
    mark(MARK_REPORT);
    return status != 0;
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
    if (argc >= 3 && !strcmp(argv[1], "count")) return count(argv + 2);
    if (argc == 2 && !strcmp(argv[1], "store")) return run_store();
    fprintf(stderr,
            "usage: bench run [OPERATION] | mark PROGRAM ... | count PROGRAM ... | store\n");
    return 1;
}
