/* SPDX-License-Identifier: MIT */
/* The fakes behind fake.h; the linker takes these instead of the library's functions. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct xen_domctl_getdomaininfo fake_domains[8];
unsigned fake_num_domains;
const struct fake_node *fake_nodes;
struct xen_sysctl_physinfo fake_phys;
struct xen_domctl_getvcpuinfo fake_vcpu;
uint8_t fake_hard[64];
char fake_written[512];
domid_t fake_paused;

struct hv *hv_open(struct err *err) {
    (void)err;
    return (struct hv *)fake_nodes;
}

void hv_close(struct hv *hv) { (void)hv; }

const char *hv_context(const struct hv *hv) {
    (void)hv;
    return "fake: No such process";
}

int hv_domain_list_all(struct hv *hv, struct xen_domctl_getdomaininfo **info) {
    (void)hv;
    *info = xcalloc(fake_num_domains, sizeof(**info));
    memcpy(*info, fake_domains, fake_num_domains * sizeof(**info));
    return (int)fake_num_domains;
}

int hv_domain_info(struct hv *hv, domid_t domid, struct xen_domctl_getdomaininfo *info) {
    (void)hv;
    for (unsigned i = 0; i < fake_num_domains; i++) {
        if (fake_domains[i].domain == domid) {
            *info = fake_domains[i];
            return 0;
        }
    }
    return -ESRCH;
}

int hv_domain_pause(struct hv *hv, domid_t domid) {
    struct xen_domctl_getdomaininfo info;

    fake_paused = domid;
    return hv_domain_info(hv, domid, &info);
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info) {
    (void)hv;
    *info = fake_phys;
    return 0;
}

int hv_vcpu_info(struct hv *hv, domid_t domid, unsigned int vcpu,
                 struct xen_domctl_getvcpuinfo *info) {
    (void)hv;
    (void)domid;
    *info = fake_vcpu;
    if (vcpu) *info = (struct xen_domctl_getvcpuinfo){0};
    return 0;
}

int hv_vcpu_get_affinity(struct hv *hv, domid_t domid, unsigned int vcpu, uint8_t *hard,
                         uint8_t *soft, size_t bytes) {
    (void)hv;
    (void)domid;
    (void)vcpu;
    memset(soft, 0xff, bytes);
    memcpy(hard, fake_hard, bytes < sizeof(fake_hard) ? bytes : sizeof(fake_hard));
    return 0;
}

int hv_sched_credit2_get(struct hv *hv, domid_t domid, uint16_t *weight, uint16_t *cap) {
    (void)hv;
    (void)domid;
    *weight = 256;
    *cap = 0;
    return 0;
}

struct xs_handle *xs_open(unsigned long flags) {
    (void)flags;
    return (struct xs_handle *)fake_nodes;
}

void xs_close(struct xs_handle *h) { (void)h; }

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len) {
    (void)h;
    (void)t;
    for (const struct fake_node *n = fake_nodes; n->path; n++) {
        if (!strcmp(n->path, path)) {
            if (len) *len = (unsigned)strlen(n->value);
            return xstrdup(n->value);
        }
    }
    errno = ENOENT;
    return NULL;
}

bool xs_read_all(struct xs_handle *h, xs_transaction_t t, const char *const *paths,
                 unsigned int num, char **values) {
    for (unsigned i = 0; i < num; i++) values[i] = xs_read(h, t, paths[i], NULL);
    return true;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
              unsigned int len) {
    (void)h;
    (void)t;
    snprintf(fake_written, sizeof(fake_written), "%s=%.*s", path, (int)len, (const char *)data);
    return true;
}
