/* SPDX-License-Identifier: MIT */
/* Log files: appending, rotation, time stamps, names that try to leave the directory. */
#include "logfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char dir[] = "/tmp/toolslib-log-XXXXXX";

static size_t contents(const char *name, char *buf, size_t size) {
    char path[128];
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_RDONLY);
    if (fd < 0) return SIZE_MAX;
    got = read(fd, buf, size - 1);
    close(fd);
    buf[got > 0 ? got : 0] = '\0';
    return (size_t)got;
}

static void say(struct logfile *log, const char *text) {
    logfile_write(log, (const uint8_t *)text, strlen(text));
}

static void rotation(void) {
    struct log_policy policy = {dir, 10, 2};
    struct logfile log;
    char buf[64];

    CHECK(!logfile_open(&log, &policy, "a.log", false));
    say(&log, "1111111");
    say(&log, "222");
    CHECK(contents("a.log", buf, sizeof(buf)) == 10);
    say(&log, "3");
    CHECK(contents("a.log", buf, sizeof(buf)) == 1);
    CHECK(contents("a.log.1", buf, sizeof(buf)) == 10);
    say(&log, "444444444444444");
    say(&log, "5");
    CHECK(contents("a.log", buf, sizeof(buf)) == 1 && buf[0] == '5');
    CHECK(contents("a.log.1", buf, sizeof(buf)) == 15);
    CHECK(contents("a.log.2", buf, sizeof(buf)) == 1 && buf[0] == '3');
    CHECK(contents("a.log.3", buf, sizeof(buf)) == SIZE_MAX);
    logfile_close(&log);
    CHECK(!logfile_open(&log, &policy, "a.log", false)); /* goes on where it was */
    say(&log, "6");
    CHECK(contents("a.log", buf, sizeof(buf)) == 2 && !strcmp(buf, "56"));
    logfile_close(&log);
}

static void stamps(void) {
    struct log_policy policy = {dir, 0, 2};
    struct logfile log;
    char buf[256];

    CHECK(!logfile_open(&log, &policy, "b.log", true));
    say(&log, "one\nt");
    say(&log, "wo\n\n");
    CHECK(contents("b.log", buf, sizeof(buf)) == 3 * 22 + 9);
    CHECK(buf[0] == '[' && !strncmp(buf + 22, "one\n[", 5));
    CHECK_TEXT(buf, "] two\n[");
    logfile_close(&log);
}

static void hostile_names(void) {
    struct log_policy policy = {dir, 0, 2};
    struct logfile log;
    char path[128], buf[8];

    CHECK(!logfile_open(&log, &policy, "guest-../../etc/x.log", false));
    say(&log, "hi");
    CHECK(contents("guest-.._.._etc_x.log", buf, sizeof(buf)) == 2);
    logfile_close(&log);
    snprintf(path, sizeof(path), "%s/link.log", dir);
    CHECK(!symlink("/tmp/toolslib-must-not-appear", path));
    CHECK(logfile_open(&log, &policy, "link.log", false) < 0);
    say(&log, "hi"); /* to a log that could not be opened: nothing happens */
    CHECK(access("/tmp/toolslib-must-not-appear", F_OK) != 0);
    logfile_close(&log);
}

void test_logfile(void) {
    char command[64];

    if (!CHECK(mkdtemp(dir) != NULL)) return;
    rotation();
    stamps();
    hostile_names();
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    CHECK(system(command) == 0);
}
