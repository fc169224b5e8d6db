/* SPDX-License-Identifier: MIT */
/* Runs all tests; arguments are real kernel files to read as well. */
#include "check.h"

unsigned int checks_passed, checks_failed;

int main(int argc, char **argv) {
    int i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    test_image();
    test_unpack();
    test_layout();
    test_ring();
    test_logfile();
    test_cache();
    for (i = 1; i < argc; i++) {
        test_kernel(argv[i]);
        test_cached_kernel(argv[i]);
    }
    printf("toolslib: %u passed, %u failed (%d real kernels)\n", checks_passed, checks_failed,
           argc - 1);
    return checks_failed != 0;
}
