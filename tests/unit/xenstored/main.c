/* SPDX-License-Identifier: MIT */
/* Runs the tests of xenstored.  Argument: the daemon's executable, for the client library's. */
#include "harness.h"

#include "util.h"

#include <unistd.h>

int main(int argc, char *argv[]) {
    /* What the daemon logs about hostile clients is expected here. */
    log_use_syslog(true);
    test_tree();
    test_ops();
    test_list();
    test_perms();
    test_txn();
    test_serial();
    test_watch();
    test_quota();
    test_wire();
    test_domain();
    if (argc > 1) test_client(argv[1]);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
