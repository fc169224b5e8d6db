/* SPDX-License-Identifier: MIT */
/* A guest's console against a daemon that is slow, one that is quick, and one that lies. */
#include "check.h"
#include "console/front.h"

static struct xencons_interface page;
static char seen[100000];
static size_t nr_seen;

static void slow_daemon(void) {
    for (int i = 0; i < 100 && page.out_cons != page.out_prod; i++)
        seen[nr_seen++] = page.out[page.out_cons++ & (sizeof(page.out) - 1)];
}

static void lying_daemon(void) { page.out_cons = page.out_prod + 1; }

void test_console(void) {
    static char text[20000], typed[16];
    struct test_port port = test_port(slow_daemon);
    struct console_front console;

    for (size_t i = 0; i < sizeof(text); i++) text[i] = (char)('a' + i % 23);
    page.out_cons = page.out_prod = page.in_cons = page.in_prod = UINT32_MAX - 5;
    console_front_init(&console, &page, &port.pv);
    CHECK(console_front_write(&console, text, sizeof(text)) == (long)sizeof(text));
    CHECK(port.waited && port.notified > port.waited);
    while (page.out_cons != page.out_prod) slow_daemon();
    CHECK(nr_seen == sizeof(text) && !memcmp(seen, text, sizeof(text)));

    CHECK(console_front_read(&console, typed, sizeof(typed)) == 0);
    for (const char *c = "over the edge"; *c; c++)
        page.in[page.in_prod++ & (sizeof(page.in) - 1)] = *c;
    port.notified = 0;
    CHECK(console_front_read(&console, typed, 5) == 5 && !memcmp(typed, "over ", 5));
    CHECK(console_front_read(&console, typed, sizeof(typed)) == 8 && !memcmp(typed, "the edge", 8));
    CHECK(port.notified == 2 && page.in_cons == page.in_prod);

    port.turn = lying_daemon;
    CHECK(console_front_write(&console, text, sizeof(text)) == -XEN_EIO);
    page.in_prod = page.in_cons + sizeof(page.in) + 1;
    CHECK(console_front_read(&console, typed, sizeof(typed)) == -XEN_EIO);
}
