/* SPDX-License-Identifier: MIT */
/*
 * xen.h by Linux's devices: event channels from /dev/xen/evtchn, domains' pages from
 * /dev/xen/gntdev (the grant reserved for xenstore; by frame through /dev/xen/privcmd if the
 * domain has none), dom0's own page from /dev/xen/xenbus_backend or xenfs, and the state of
 * domains by a domctl through /dev/xen/privcmd.
 */
#include "xen.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <public/xen.h>
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/io/xs_wire.h>

#define PAGE 4096u

/* Linux's ioctls, from include/uapi/xen. */
struct ioc_bind_virq {
    uint32_t virq;
};

struct ioc_bind_interdomain {
    uint32_t remote_domain, remote_port;
};

struct ioc_port {
    uint32_t port;
};

struct gntdev_map {
    uint32_t count, pad;
    uint64_t index; /* out: the offset for mmap */
    uint32_t domid, ref;
};

struct gntdev_unmap {
    uint64_t index;
    uint32_t count, pad;
};

struct gntdev_offset {
    uint64_t vaddr, offset; /* offset, count: out */
    uint32_t count, pad;
};

struct gntdev_max {
    uint32_t count;
};

struct privcmd_call {
    uint64_t op, arg[5];
};

struct privcmd_batch {
    uint32_t num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *frames;
    int *err;
};

#define EVTCHN_BIND_VIRQ        _IOC(_IOC_NONE, 'E', 0, sizeof(struct ioc_bind_virq))
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct ioc_bind_interdomain))
#define EVTCHN_UNBIND           _IOC(_IOC_NONE, 'E', 3, sizeof(struct ioc_port))
#define EVTCHN_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct ioc_port))
#define GNTDEV_MAP              _IOC(_IOC_NONE, 'G', 0, sizeof(struct gntdev_map))
#define GNTDEV_UNMAP            _IOC(_IOC_NONE, 'G', 1, sizeof(struct gntdev_unmap))
#define GNTDEV_OFFSET           _IOC(_IOC_NONE, 'G', 2, sizeof(struct gntdev_offset))
#define GNTDEV_SET_MAX          _IOC(_IOC_NONE, 'G', 3, sizeof(struct gntdev_max))
#define PRIVCMD_CALL            _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_call))
#define PRIVCMD_MMAPBATCH       _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_batch))
#define XENBUS_BACKEND_PORT     _IOC(_IOC_NONE, 'B', 0, 0)

static int evtchn_fd = -1, gntdev_fd = -1, privcmd_fd = -1;
static uint32_t virq_port;
/* Locked and never moved while a hypercall uses it: what the hypervisor reads and writes. */
static struct xen_domctl *domctl;

static int open_device(const char *path, int *fd) {
    int err;

    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd >= 0) return 0;
    err = -errno;
    xlog(LOG_ERR, "cannot open %s: %s", path, strerror(-err));
    return err;
}

static int domain_state(uint32_t domid, struct xen_domain_state *st) {
    struct privcmd_call call = {.op = __HYPERVISOR_domctl};
    int err;

    memset(domctl, 0, sizeof(*domctl));
    domctl->cmd = XEN_DOMCTL_getdomaininfo;
    domctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl->domain = (domid_t)domid;
    call.arg[0] = (uint64_t)(uintptr_t)domctl;
    err = ioctl(privcmd_fd, PRIVCMD_CALL, &call);
    if (err < 0 && errno != ESRCH) {
        /* Not knowing is not death: a domain taken for dead would lose all its nodes. */
        xlog(LOG_ERR, "cannot ask for the state of domain %u: %s", domid, strerror(errno));
        return 0;
    }
    /* The hypervisor answers with the first domain from that number on. */
    if (err < 0 || domctl->u.getdomaininfo.domain != domid) return -ESRCH;
    st->shutdown = domctl->u.getdomaininfo.flags & XEN_DOMINF_shutdown;
    st->dying = domctl->u.getdomaininfo.flags & XEN_DOMINF_dying;
    return 0;
}

static struct xenstore_domain_interface *map_at(int fd, uint64_t offset) {
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

    return p == MAP_FAILED ? NULL : p;
}

static struct xenstore_domain_interface *map_dom0(void) {
    static const char *const paths[] = {"/dev/xen/xenbus_backend", "/proc/xen/xsd_kva"};
    struct xenstore_domain_interface *page = NULL;

    for (size_t i = 0; !page && i < ARRAY_SIZE(paths); i++) {
        int fd = open(paths[i], O_RDWR | O_CLOEXEC);

        if (fd < 0) continue;
        page = map_at(fd, 0);
        close(fd);
    }
    return page;
}

static struct xenstore_domain_interface *map_grant(uint32_t domid) {
    struct gntdev_map m = {.count = 1, .domid = domid, .ref = GNTTAB_RESERVED_XENSTORE};
    struct gntdev_unmap u = {.count = 1};
    struct xenstore_domain_interface *page;
    int err;

    if (ioctl(gntdev_fd, GNTDEV_MAP, &m)) return NULL;
    page = map_at(gntdev_fd, m.index);
    if (page) return page;
    err = errno;
    u.index = m.index;
    ioctl(gntdev_fd, GNTDEV_UNMAP, &u);
    errno = err;
    return NULL;
}

static struct xenstore_domain_interface *map_frame(uint32_t domid, uint64_t gfn) {
    struct xenstore_domain_interface *page = map_at(privcmd_fd, 0);
    int frame_err = 0, err;
    struct privcmd_batch b = {.num = 1,
                              .dom = (uint16_t)domid,
                              .addr = (uintptr_t)page,
                              .frames = &gfn,
                              .err = &frame_err};

    if (!page) return NULL;
    if (!ioctl(privcmd_fd, PRIVCMD_MMAPBATCH, &b) && !frame_err) return page;
    err = frame_err ? -frame_err : errno;
    munmap(page, PAGE);
    errno = err;
    return NULL;
}

static struct xenstore_domain_interface *map_page(uint32_t domid, uint64_t gfn) {
    struct xenstore_domain_interface *page;

    if (domid == 0) return map_dom0();
    page = map_grant(domid);
    return page ? page : map_frame(domid, gfn);
}

static void unmap_page(uint32_t domid, struct xenstore_domain_interface *page) {
    struct gntdev_offset o = {.vaddr = (uintptr_t)page};
    struct gntdev_unmap u = {.count = 1};
    bool granted = domid != 0 && !ioctl(gntdev_fd, GNTDEV_OFFSET, &o) && o.count == 1;

    munmap(page, PAGE);
    u.index = o.offset;
    if (granted && ioctl(gntdev_fd, GNTDEV_UNMAP, &u))
        xlog(LOG_WARNING, "cannot unmap the page of domain %u: %s", domid, strerror(errno));
}

static int bind_port(uint32_t domid, uint32_t remote_port) {
    struct ioc_bind_interdomain b = {domid, remote_port};
    int port = ioctl(evtchn_fd, EVTCHN_BIND_INTERDOMAIN, &b);

    return port < 0 ? -errno : port;
}

static void unbind_port(uint32_t port) {
    struct ioc_port p = {port};

    if (ioctl(evtchn_fd, EVTCHN_UNBIND, &p))
        xlog(LOG_WARNING, "cannot unbind event channel %u: %s", port, strerror(errno));
}

/* Fails only for a port whose other end is gone, which VIRQ_DOM_EXC will tell. */
static void notify_port(uint32_t port) {
    struct ioc_port p = {port};

    ioctl(evtchn_fd, EVTCHN_NOTIFY, &p);
}

static const struct xen_ops linux_ops = {
    .domain_state = domain_state,
    .map = map_page,
    .unmap = unmap_page,
    .bind = bind_port,
    .unbind = unbind_port,
    .notify = notify_port,
};

static int hypercall_page(void) {
    int fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    void *p;

    if (fd >= 0) {
        p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    } else {
        p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    }
    if (p == MAP_FAILED) return -errno;
    domctl = p;
    return 0;
}

static int dom0_port_from_xenfs(uint32_t *port) {
    FILE *f = fopen("/proc/xen/xsd_port", "re");
    int n;

    if (!f) return -errno;
    n = fscanf(f, "%u", port);
    fclose(f);
    return n == 1 ? 0 : -EIO;
}

static int dom0_port_of_kernel(uint32_t *port) {
    int fd = open("/dev/xen/xenbus_backend", O_RDWR | O_CLOEXEC), ret;

    if (fd < 0) return dom0_port_from_xenfs(port);
    ret = ioctl(fd, XENBUS_BACKEND_PORT);
    close(fd);
    if (ret <= 0) return dom0_port_from_xenfs(port);
    *port = (uint32_t)ret;
    return 0;
}

int xen_linux_init(int *fd, uint32_t *dom0_port) {
    struct ioc_bind_virq v = {VIRQ_DOM_EXC};
    struct gntdev_max max = {DOMID_FIRST_RESERVED};
    int err, ret;

    err = open_device("/dev/xen/privcmd", &privcmd_fd);
    if (!err) err = open_device("/dev/xen/gntdev", &gntdev_fd);
    if (!err) err = open_device("/dev/xen/evtchn", &evtchn_fd);
    if (!err) err = hypercall_page();
    if (err) return err;
    ioctl(gntdev_fd, GNTDEV_SET_MAX, &max); /* newer kernels have no limit to set */
    err = dom0_port_of_kernel(dom0_port);
    if (err) {
        xlog(LOG_ERR,
             "cannot learn the event channel of dom0's kernel: %s (is this dom0, and "
             "is xenfs mounted on /proc/xen?)",
             strerror(-err));
        return err;
    }
    ret = ioctl(evtchn_fd, EVTCHN_BIND_VIRQ, &v);
    if (ret < 0) {
        err = -errno;
        xlog(LOG_ERR, "cannot bind VIRQ_DOM_EXC: %s (does another xenstored run?)",
             strerror(errno));
        return err;
    }
    virq_port = (uint32_t)ret;
    fcntl(evtchn_fd, F_SETFL, O_NONBLOCK);
    *fd = evtchn_fd;
    xen = &linux_ops;
    return 0;
}

void xen_linux_events(void (*exc)(void), void (*event)(uint32_t port)) {
    uint32_t ports[64];
    ssize_t n = read(evtchn_fd, ports, sizeof(ports));

    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            xlog(LOG_ERR, "cannot read event channels: %s", strerror(errno));
        return;
    }
    /* Unmasked before anybody looks at the rings, so no later event is lost. */
    if (write(evtchn_fd, ports, (size_t)n) != n)
        xlog(LOG_ERR, "cannot unmask event channels: %s", strerror(errno));
    for (size_t i = 0; i < (size_t)n / sizeof(ports[0]); i++) {
        if (ports[i] == virq_port)
            exc();
        else
            event(ports[i]);
    }
}
