/* SPDX-License-Identifier: MIT */
/*
 * Operations of a kernel. Processes stay alone: what an operation needs of others is done by
 * children that wait in between.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PAGE 4096
/* Linux maps up to 16 pages of a file around the one that faulted. */
#define FAULT_PAGES 16
#define FILE_PAGES  (FAULT_PAGES * (MOST + 1))

static const char *self;
static char *pages, *file_pages;
static int zero, file, to_child[2], from_child[2];
static pid_t child;

static void null_syscall(unsigned int at) {
    (void)at;
    syscall(SYS_getppid);
}

static void open_zero(void) {
    zero = open("/dev/zero", O_RDONLY);
    if (zero < 0) die("/dev/zero");
}

static void read_byte(unsigned int at) {
    char byte;

    (void)at;
    if (read(zero, &byte, 1) != 1) die("read");
}

static void close_zero(void) { close(zero); }

static void ignore(int signal) { (void)signal; }

static void set_handler(void) { signal(SIGUSR1, ignore); }

static void send_signal(unsigned int at) {
    (void)at;
    kill(getpid(), SIGUSR1);
}

static char *anonymous(size_t size) {
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) die("mmap");
    return at;
}

static void map_unmap(unsigned int at) {
    (void)at;
    munmap(anonymous(16 * PAGE), 16 * PAGE);
}

static void map_touch_unmap(unsigned int at) {
    char *to = anonymous(16 * PAGE);

    (void)at;
    for (unsigned int i = 0; i < 16; i++) ((volatile char *)to)[i * PAGE] = 1;
    munmap(to, 16 * PAGE);
}

/* A table of their own that is there already: what faults is a page, nothing above it. */
static void map_pages(void) {
    pages = anonymous(2 * MOST * PAGE);
    for (unsigned int i = 0; i < MOST; i++) ((volatile char *)pages)[(2 * i + 1) * PAGE] = 1;
}

static void touch_page(unsigned int at) { ((volatile char *)pages)[2 * at * PAGE] = 1; }

static void unmap_pages(void) { munmap(pages, 2 * MOST * PAGE); }

static void open_file(void) {
    static const char zeros[PAGE];

    file = open("/tmp/bench-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) die("/tmp/bench-file");
    for (unsigned int i = 0; i < FILE_PAGES; i++)
        if (write(file, zeros, PAGE) != PAGE) die("write");
    file_pages = mmap(NULL, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (file_pages == MAP_FAILED) die("mmap");
}

static void read_file_page(unsigned int at) {
    (void)((volatile char *)file_pages)[(at + 1) * FAULT_PAGES * PAGE];
}

static void open_and_read_file(void) {
    open_file();
    for (unsigned int i = 0; i < MOST; i++) read_file_page(i);
}

static void write_file_page(unsigned int at) {
    ((volatile char *)file_pages)[(at + 1) * FAULT_PAGES * PAGE] = 1;
}

static void close_file(void) {
    munmap(file_pages, FILE_PAGES * PAGE);
    close(file);
    unlink("/tmp/bench-file");
}

/* Anonymous pages shared with a child that only waits. */
static void share_pages(void) {
    map_pages();
    for (unsigned int i = 0; i < MOST; i++) touch_page(i);
    child = fork();
    if (child < 0) die("fork");
    if (!child)
        for (;;) pause();
}

static void end_child(void) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void unshare_pages(void) {
    end_child();
    unmap_pages();
}

static void start_echo(void) {
    char byte;

    if (pipe(to_child) || pipe(from_child)) die("pipe");
    child = fork();
    if (child < 0) die("fork");
    while (!child)
        if (read(to_child[0], &byte, 1) != 1 || write(from_child[1], &byte, 1) != 1) _exit(1);
}

static void round_trip(unsigned int at) {
    char byte = (char)at;

    if (write(to_child[1], &byte, 1) != 1 || read(from_child[0], &byte, 1) != 1) die("pipe");
}

static void end_echo(void) {
    end_child();
    for (unsigned int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(from_child[i]);
    }
}

static void wait_for(pid_t pid) {
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status) die("child");
}

static void fork_exit(unsigned int at) {
    pid_t pid = fork();

    (void)at;
    if (!pid) _exit(0);
    wait_for(pid);
}

static void fork_exec(unsigned int at) {
    pid_t pid = fork();

    (void)at;
    if (!pid) {
        execl(self, self, "exit", NULL);
        _exit(1);
    }
    wait_for(pid);
}

/* What builds are made of: a shell, many short processes, text through pipes, files. */
static const char load[] =
    "cd /tmp || exit 1; b=/bin/busybox\n"
    "for unit in a b c d; do\n"
    "  $b seq 1 60 | $b awk -v u=$unit '{ print \"int \" u $1 \"(int x) { return x * \" $1 \"; }\" "
    "}'"
    " > bench-$unit.c || exit 1\n"
    "  $b sed -e 's/return/RET/' -e 's/[(){};]/ & /g' bench-$unit.c | $b tr -s ' ' '\\n' |"
    " $b sort | $b uniq -c > bench-$unit.i || exit 1\n"
    "  $b awk '{ n[$2] += $1; t = t $2 } END { for (w in n) print w, n[w]; print length(t) }'"
    " bench-$unit.i > bench-$unit.s && $b gzip -c bench-$unit.s > bench-$unit.o || exit 1\n"
    "  [ -s bench-$unit.o ] && $b grep -q RET bench-$unit.i || exit 1\n"
    "done\n"
    "$b cat bench-?.o | $b md5sum > bench-out && $b rm -f bench-?.? bench-out\n";

static void build(unsigned int at) {
    pid_t pid = fork();

    (void)at;
    if (!pid) {
        execl("/bin/busybox", "sh", "-c", load, NULL);
        _exit(1);
    }
    wait_for(pid);
}

static const struct operation operations[] = {
    NO_OPERATION,
    {"null system call", MOST, NULL, null_syscall, NULL},
    {"read of a byte", MOST, open_zero, read_byte, close_zero},
    {"signal to oneself, handled", MOST, set_handler, send_signal, NULL},
    {"mmap and munmap, 16 pages", MOST, NULL, map_unmap, NULL},
    {"the same, all 16 written to", MOST, NULL, map_touch_unmap, NULL},
    {"page fault, anonymous", MOST, map_pages, touch_page, unmap_pages},
    {"page fault, file, 16 pages mapped", MOST, open_file, read_file_page, close_file},
    {"page fault, copy of a file's page", MOST, open_and_read_file, write_file_page, close_file},
    {"page fault, copy on write after fork", MOST, share_pages, touch_page, unshare_pages},
    {"pipe round trip, 2 context switches", MOST, start_echo, round_trip, end_echo},
    {"fork, exit, wait", 33, NULL, fork_exit, NULL},
    {"fork, exec, exit, wait", 33, NULL, fork_exec, NULL},
    {"shell and compiler-like load", 3, NULL, build, NULL},
};

int run_operations(const char *only, const char *program) {
    self = program;
    measure_all(operations, sizeof(operations) / sizeof(*operations), only);
    return 0;
}
