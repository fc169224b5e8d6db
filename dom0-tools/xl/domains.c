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

/* The values of n nodes; the paths are freed. */
static char **read_paths(struct xl *xl, xs_transaction_t t, char **paths, unsigned n) {
    char **values = xcalloc(n, sizeof(*values));

    xs_read_all(xl->xs, t, (const char *const *)paths, n, values);
    for (unsigned i = 0; i < n; i++) free(paths[i]);
    free(paths);
    return values;
}

char **domain_names(struct xl *xl, const struct xen_domctl_getdomaininfo *info, int n) {
    char **paths = xcalloc((size_t)n, sizeof(*paths));

    for (int i = 0; i < n; i++) paths[i] = xasprintf("/local/domain/%u/name", info[i].domain);
    return read_paths(xl, XBT_NULL, paths, (unsigned)n);
}

void names_free(char **names, int n) {
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
}

int name_to_domid(struct xl *xl, const char *name, domid_t *domid) {
    struct xen_domctl_getdomaininfo *info;
    int n = hv_domain_list_all(xl->hv, &info), rc = -ESRCH;
    char **names;

    if (n < 0) return n;
    names = domain_names(xl, info, n);
    for (int i = 0; i < n && rc; i++) {
        if (names[i] && !strcmp(names[i], name)) {
            *domid = info[i].domain;
            rc = 0;
        }
    }
    names_free(names, n);
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

/* Has a domain but this one the name? */
static bool is_taken(struct xl *xl, xs_transaction_t t, domid_t domid, const char *name) {
    unsigned num = 0;
    char **ids = xs_directory(xl->xs, t, "/local/domain", &num), **paths, **names;
    bool taken = false;

    if (!ids) return false;
    paths = xcalloc(num, sizeof(*paths));
    for (unsigned i = 0; i < num; i++) paths[i] = xasprintf("/local/domain/%s/name", ids[i]);
    names = read_paths(xl, t, paths, num);
    for (unsigned i = 0; i < num && !taken; i++)
        taken = names[i] && !strcmp(names[i], name) && strtoul(ids[i], NULL, 10) != domid;
    names_free(names, (int)num);
    free(ids);
    return taken;
}

int rename_in(struct xl *xl, xs_transaction_t t, domid_t domid, const uint8_t uuid[16],
              const char *name) {
    char text[UUID_STRLEN + 1], *path;
    bool ok;

    if (is_taken(xl, t, domid, name)) return -EEXIST;
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
