/* SPDX-License-Identifier: MIT */
/*
 * The way into the hypervisor: privcmd handle, buffers that stay mapped, raw calls.
 *
 * Invariant: memory that a hypercall refers to is never swapped, migrated or shared
 * copy-on-write with a child. /dev/xen/hypercall gives such memory; older kernels lack it, and
 * then locked anonymous pages that fork does not pass on are used.
 */
#include "privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <public/event_channel.h>
#include <public/sched.h>

#define PRIVCMD_PATH "/dev/xen/privcmd"
#define BUFFER_PATH  "/dev/xen/hypercall"

static size_t page_round(size_t size) {
    return (size + HV_PAGE_SIZE - 1) & ~(size_t)(HV_PAGE_SIZE - 1);
}

struct hv *hv_open(struct err *err) {
    struct hv *hv = calloc(1, sizeof(*hv));
    int code;

    if (!hv) {
        err_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    hv->fd = open(PRIVCMD_PATH, O_RDWR | O_CLOEXEC);
    if (hv->fd < 0) {
        code = -errno;
        err_set(err, code,
                "cannot open " PRIVCMD_PATH ": %s (is this the control domain, and are "
                "you root?)",
                strerror(-code));
        goto fail_handle;
    }
    hv->buf_fd = open(BUFFER_PATH, O_RDWR | O_CLOEXEC);
    hv->op = hv_buf_alloc(hv, HV_PAGE_SIZE);
    if (!hv->op) {
        err_set(err, -ENOMEM, "no memory for hypercall buffers");
        goto fail_fds;
    }
    return hv;

fail_fds:
    if (hv->buf_fd >= 0) close(hv->buf_fd);
    close(hv->fd);
fail_handle:
    free(hv);
    return NULL;
}

void hv_close(struct hv *hv) {
    if (!hv) return;
    hv_buf_free(hv, hv->op, HV_PAGE_SIZE);
    if (hv->buf_fd >= 0) close(hv->buf_fd);
    close(hv->fd);
    free(hv);
}

int hv_fd(const struct hv *hv) { return hv->fd; }

int64_t hv_call(struct hv *hv, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                uint64_t a4) {
    struct privcmd_hypercall call = {op, {a0, a1, a2, a3, a4}};
    long ret;

    /* Not ioctl(): it returns an int, and some operations return frame numbers. */
    ret = syscall(SYS_ioctl, hv->fd, IOCTL_PRIVCMD_HYPERCALL, &call);
    return ret == -1 ? -errno : ret;
}

static void *locked_pages(size_t size) {
    void *buf =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

    if (buf == MAP_FAILED) return NULL;
    if (madvise(buf, size, MADV_DONTFORK) || mlock(buf, size)) {
        munmap(buf, size);
        return NULL;
    }
    memset(buf, 0, size);
    return buf;
}

void *hv_buf_alloc(struct hv *hv, size_t size) {
    void *buf;

    size = page_round(size);
    if (hv->buf_fd < 0) return locked_pages(size);
    buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, hv->buf_fd, 0);
    if (buf == MAP_FAILED) return NULL;
    memset(buf, 0, size);
    return buf;
}

void hv_buf_free(struct hv *hv, void *buf, size_t size) {
    (void)hv;
    if (buf) munmap(buf, page_round(size));
}

void *hv_op_block(struct hv *hv, size_t size) { return memset(hv->op, 0, size); }

int hv_bounce_in(struct hv *hv, void **buf, const void *src, size_t size) {
    *buf = NULL;
    if (!size) return 0;
    *buf = hv_buf_alloc(hv, size);
    if (!*buf) return -ENOMEM;
    if (src) memcpy(*buf, src, size);
    return 0;
}

void hv_bounce_out(struct hv *hv, void *dst, void *buf, size_t size) {
    if (dst && buf) memcpy(dst, buf, size);
    hv_buf_free(hv, buf, size);
}

const char *hv_context(const struct hv *hv) {
    return hv->context[0] ? hv->context : "no hypercall has failed";
}

int hv_note(struct hv *hv, int64_t ret, const char *fmt, ...) {
    va_list ap;
    int used;

    if (ret >= 0) return (int)ret;
    va_start(ap, fmt);
    used = vsnprintf(hv->context, sizeof(hv->context), fmt, ap);
    va_end(ap);
    if (used >= 0 && (size_t)used < sizeof(hv->context))
        snprintf(hv->context + used, sizeof(hv->context) - (size_t)used, ": %s",
                 strerror((int)-ret));
    return (int)ret;
}

int hv_remote_shutdown(struct hv *hv, domid_t domid, unsigned int reason) {
    struct sched_remote_shutdown *arg = hv_op_block(hv, sizeof(*arg));

    arg->domain_id = domid;
    arg->reason = reason;
    return hv_note(
        hv, hv_call(hv, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, (uintptr_t)arg, 0, 0, 0),
        "sched_op remote_shutdown of domain %u, reason %u", domid, reason);
}

int hv_evtchn_alloc_unbound(struct hv *hv, domid_t domid, domid_t remote, uint32_t *port) {
    struct evtchn_alloc_unbound *arg = hv_op_block(hv, sizeof(*arg));
    int64_t ret;

    arg->dom = domid;
    arg->remote_dom = remote;
    ret =
        hv_call(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uintptr_t)arg, 0, 0, 0);
    if (!ret) *port = arg->port;
    return hv_note(hv, ret, "event_channel_op alloc_unbound in domain %u for domain %u", domid,
                   remote);
}
