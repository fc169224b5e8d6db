/* SPDX-License-Identifier: MIT */
#include "check.h"

atomic_uint passed, failed;

static struct test_port *of(struct pv_port *port) { return (struct test_port *)port; }

static void notify(struct pv_port *port) { of(port)->notified++; }

static void wait(struct pv_port *port) {
    of(port)->waited++;
    if (of(port)->turn)
        of(port)->turn();
    else
        sched_yield();
}

struct test_port test_port(void (*turn)(void)) {
    return (struct test_port){.pv = {.notify = notify, .wait = wait}, .turn = turn};
}

int main(void) {
    test_stream();
    test_console();
    test_store();
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
