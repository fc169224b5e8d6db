/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's console ring into hypervisor.log. VIRQ_CON_RING says that there is more; the
 * index makes each reading go on where the last one stopped.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "daemon.h"
#include "sysctl.h"

#define PIECE 16384u

int hvlog_start(struct daemon *d, struct err *err) {
    int ret = logfile_open(&d->hv_log, &d->opt.log, "hypervisor.log", d->opt.stamp_hv);

    if (ret)
        return err_set(err, ret, "cannot open %s/hypervisor.log: %s", d->opt.log.dir,
                       strerror(-ret));
    d->hv_port = evtchn_bind_virq(d->ev, VIRQ_CON_RING);
    if (d->hv_port < 0)
        return err_set(err, d->hv_port, "cannot bind the console virq: %s", strerror(-d->hv_port));
    hvlog_read(d);
    return 0;
}

void hvlog_read(struct daemon *d) {
    char buf[PIECE];
    int got;

    do {
        got = hv_console_read(d->hv, buf, sizeof(buf), false, true, &d->hv_index);
        if (got > 0) logfile_write(&d->hv_log, (const uint8_t *)buf, (size_t)got);
    } while (got == (int)sizeof(buf));
    if (got < 0) syslog(LOG_ERR, "hypervisor log: %s", hv_context(d->hv));
    evtchn_unmask(d->ev, (uint32_t)d->hv_port);
}
