/* SPDX-License-Identifier: MIT */
/* A guest's console: see front.h. */
#include "front.h"

void console_front_init(struct console_front *c, struct xencons_interface *page,
                        struct pv_port *port) {
    *c = (struct console_front){
        .port = port,
        .out = {.data = page->out,
                .size = sizeof(page->out),
                .cons = &page->out_cons,
                .prod = &page->out_prod},
        .in = {.data = page->in,
               .size = sizeof(page->in),
               .prod = &page->in_prod,
               .cons = &page->in_cons},
    };
    stream_out_attach(&c->out);
    stream_in_attach(&c->in);
}

long console_front_write(struct console_front *c, const char *text, size_t n) {
    size_t done = 0;

    while (done < n) {
        long now = stream_put(&c->out, text + done, n - done);

        if (now < 0) return now;
        done += (size_t)now;
        c->port->notify(c->port);
        if (done < n) c->port->wait(c->port);
    }
    return (long)n;
}

long console_front_read(struct console_front *c, char *to, size_t max) {
    long n = stream_take(&c->in, to, max);

    if (n > 0) c->port->notify(c->port);
    return n;
}
