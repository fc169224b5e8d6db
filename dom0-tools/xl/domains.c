/* SPDX-License-Identifier: MIT */
/* Domains by id and by name. Ids are the hypervisor's; names are xenstore's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lifecycle.h"
#include "xl.h"
#include "xsutil.h"

unsigned shutdown_reason(const struct xen_domctl_getdomaininfo *info) {
    return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

char *domid_to_name(struct xl *xl, domid_t domid) {
    return xsu_read(xl->xs, XBT_NULL, "/local/domain/%u/name", domid);
}

char *domid_to_name_or(struct xl *xl, domid_t domid, const char *otherwise) {
    char *name = domid_to_name(xl, domid);

    return name ? name : xstrdup(otherwise);
}

int list_domains(struct xl *xl, struct xen_domctl_getdomaininfo **info) {
    int n = hv_domain_list_all(xl->hv, info);

    if (n < 0) {
        fprintf(stderr, "xl: cannot list domains: %s\n", hv_context(xl->hv));
        return -1;
    }
    return n;
}

int name_to_domid(struct xl *xl, const char *name, domid_t *domid) {
    struct xen_domctl_getdomaininfo *info;
    int n = hv_domain_list_all(xl->hv, &info), rc = -ESRCH;

    if (n < 0) return n;
    for (int i = 0; i < n && rc; i++) {
        char *other = domid_to_name(xl, info[i].domain);

        if (other && !strcmp(other, name)) {
            *domid = info[i].domain;
            rc = 0;
        }
        free(other);
    }
    free(info);
    return rc;
}

bool find_domain(struct xl *xl, const char *text, domid_t *domid) {
    long long n;

    if (parse_long(text, &n) && n >= 0 && n < DOMID_FIRST_RESERVED) {
        *domid = (domid_t)n;
        return true;
    }
    if (!name_to_domid(xl, text, domid)) return true;
    fprintf(stderr, "%s is an invalid domain identifier (rc=-6)\n", text);
    return false;
}

int rename_in(struct xl *xl, xs_transaction_t t, domid_t domid, const uint8_t uuid[16],
              const char *name) {
    char text[UUID_STRLEN + 1], *path, **ids;
    unsigned num;
    bool ok;

    ids = xs_directory(xl->xs, t, "/local/domain", &num);
    for (unsigned i = 0; ids && i < num; i++) {
        char *other = xsu_read(xl->xs, t, "/local/domain/%s/name", ids[i]);
        bool taken = other && !strcmp(other, name) && strtoul(ids[i], NULL, 10) != domid;

        free(other);
        if (taken) {
            free(ids);
            return -EEXIST;
        }
    }
    free(ids);
    path = xasprintf("/local/domain/%u/name", domid);
    ok = xsu_write(xl->xs, t, path, name);
    free(path);
    uuid_format(uuid, text);
    path = xasprintf("/vm/%s/name", text);
    ok = ok && xsu_write(xl->xs, t, path, name);
    free(path);
    return ok ? 0 : -EIO;
}

/* Name and uniqueness check are one transaction. */
int domain_rename(struct xl *xl, domid_t domid, const char *name, struct err *err) {
    struct xen_domctl_getdomaininfo info;
    xs_transaction_t t;
    int rc = hv_domain_info(xl->hv, domid, &info);

    if (rc < 0) return err_set(err, rc, "domain %u does not exist", domid);
    do {
        t = xs_transaction_start(xl->xs);
        if (!t) return err_set(err, -errno, "xenstore refuses a transaction: %s", strerror(errno));
        rc = rename_in(xl, t, domid, info.handle, name);
        if (!xs_transaction_end(xl->xs, t, rc != 0) && !rc) rc = -errno;
    } while (rc == -EAGAIN);
    if (rc == -EEXIST) return err_set(err, rc, "a domain named \"%s\" already exists", name);
    if (rc) return err_set(err, rc, "xenstore does not take the name: %s", strerror(errno));
    return 0;
}
