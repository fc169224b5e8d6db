/* SPDX-License-Identifier: MIT */
/*
 * The program of all suites but micro, run in dom0 and in a guest, where it is init:
 *
 *   bench run [OPERATION]              how long operations of the kernel take (operations.c)
 *   bench xenstore SOCKET [OPERATION]  those of a xenstored (xenstore.c)
 *   bench peer                         the other end of a guest's connections (devices.c)
 *   bench mark PROGRAM ...             marks the place where `xl create` begins, and becomes it
 *   bench count PROGRAM ...            runs it as one sample of an operation; its exit status
 *   as init: [symbols] [run|io [OPERATION]]   marks the place, says that it is up, does that, and
 *                                      prints the kernel's symbols (profiles.py reads them)
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* As profiles.py has dom0's. */
static const char print_symbols[] =
    "b=/bin/busybox; echo 'bench: symbols'\n"
    "$b grep ' [tTwW] ' /proc/kallsyms | $b gzip -1c | $b base64\necho 'bench: end of symbols'\n";

bool shell(const char *script) {
    pid_t pid = fork();
    int status;

    if (!pid) {
        execl("/bin/busybox", "sh", "-c", script, NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static _Noreturn void be_init(int argc, char **argv) {
    bool symbols = argc > 1 && !strcmp(argv[1], "symbols");

    mark(MARK_INIT);
    /* What argv[0] is remains: the program's path. */
    if (symbols) memmove(&argv[1], &argv[2], (size_t)(--argc) * sizeof(*argv));
    mkdir("/tmp", 0777);
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) || mount("proc", "/proc", "proc", 0, NULL) ||
        mount("tmpfs", "/tmp", "tmpfs", 0, NULL))
        perror("bench: mount");
    puts("bench: up");
    if (argc > 1 && !strcmp(argv[1], "io"))
        run_devices(argc > 2 ? argv[2] : NULL);
    else if (argc > 1)
        run_operations(argc > 2 ? argv[2] : NULL, argv[0]);
    fflush(stdout);
    if (symbols && !shell(print_symbols)) die("symbols");
    puts("bench: end");
    fflush(stdout);
    for (;;) pause();
}

static int count(char **argv) {
    int status;
    pid_t pid;

    mark(MARK_START);
    pid = fork();
    if (!pid) {
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) die("count");
    mark(MARK_END);
    mark(MARK_REPORT);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
    if (getpid() == 1) be_init(argc, argv);
    if (argc == 2 && !strcmp(argv[1], "exit")) return 0;
    if (argc == 2 && !strcmp(argv[1], "peer")) return run_peer();
    if (argc >= 2 && !strcmp(argv[1], "run"))
        return run_operations(argc > 2 ? argv[2] : NULL, argv[0]);
    if (argc >= 3 && !strcmp(argv[1], "xenstore"))
        return run_xenstore(argv[2], argc > 3 ? argv[3] : NULL);
    if (argc >= 3 && !strcmp(argv[1], "count")) return count(argv + 2);
    if (argc >= 3 && !strcmp(argv[1], "mark")) {
        mark(MARK_CREATE);
        execvp(argv[2], argv + 2);
    }
    fprintf(stderr, "usage: bench run [OPERATION] | xenstore SOCKET [OPERATION] | peer |\n"
                    "             mark PROGRAM ... | count PROGRAM ...\n");
    return 1;
}
