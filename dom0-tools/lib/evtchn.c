/* SPDX-License-Identifier: MIT */
/* Event channels through /dev/xen/evtchn: see evtchn.h. */
#include "evtchn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVTCHN_IOC(nr, size)    _IOC(_IOC_NONE, 'E', nr, size)
#define EVTCHN_BIND_VIRQ        EVTCHN_IOC(0, sizeof(uint32_t))
#define EVTCHN_BIND_INTERDOMAIN EVTCHN_IOC(1, 2 * sizeof(uint32_t))
#define EVTCHN_BIND_UNBOUND     EVTCHN_IOC(2, sizeof(uint32_t))
#define EVTCHN_UNBIND           EVTCHN_IOC(3, sizeof(uint32_t))
#define EVTCHN_NOTIFY           EVTCHN_IOC(4, sizeof(uint32_t))

struct evtchn {
    int fd;
};

struct evtchn *evtchn_open(void) {
    struct evtchn *ev = malloc(sizeof(*ev));
    int saved;

    if (!ev) return NULL;
    ev->fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (ev->fd >= 0) return ev;
    saved = errno;
    free(ev);
    errno = saved;
    return NULL;
}

void evtchn_close(struct evtchn *ev) {
    if (!ev) return;
    close(ev->fd);
    free(ev);
}

int evtchn_fd(const struct evtchn *ev) { return ev->fd; }

static int evtchn_ioctl(struct evtchn *ev, unsigned long request, void *arg) {
    int ret = ioctl(ev->fd, request, arg);

    return ret < 0 ? -errno : ret;
}

int evtchn_bind_unbound(struct evtchn *ev, domid_t remote) {
    uint32_t arg = remote;

    return evtchn_ioctl(ev, EVTCHN_BIND_UNBOUND, &arg);
}

int evtchn_bind_interdomain(struct evtchn *ev, domid_t remote, uint32_t remote_port) {
    uint32_t arg[2] = {remote, remote_port};

    return evtchn_ioctl(ev, EVTCHN_BIND_INTERDOMAIN, arg);
}

int evtchn_bind_virq(struct evtchn *ev, unsigned int virq) {
    uint32_t arg = virq;

    return evtchn_ioctl(ev, EVTCHN_BIND_VIRQ, &arg);
}

int evtchn_unbind(struct evtchn *ev, uint32_t port) {
    return evtchn_ioctl(ev, EVTCHN_UNBIND, &port);
}

int evtchn_notify(struct evtchn *ev, uint32_t port) {
    return evtchn_ioctl(ev, EVTCHN_NOTIFY, &port);
}

int evtchn_pending(struct evtchn *ev) {
    uint32_t port;
    ssize_t got = read(ev->fd, &port, sizeof(port));

    if (got < 0) return -errno;
    return got == sizeof(port) ? (int)port : -EIO;
}

int evtchn_unmask(struct evtchn *ev, uint32_t port) {
    return write(ev->fd, &port, sizeof(port)) == sizeof(port) ? 0 : -errno;
}
