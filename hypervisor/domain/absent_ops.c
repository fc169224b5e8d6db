/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of services that Hospes does not have yet: answered as a Xen 4.17 that was built
 * without them answers, so that callers take their documented other way.
 */
#include <hv/errno.h>
#include <hv/hypercall.h>

/* No security module. */
long do_xsm_op(uint64_t op) {
    (void)op;
    return -ENOSYS;
}

/* No crash kernel. */
long do_kexec_op(uint64_t op, uint64_t arg) {
    (void)op;
    (void)arg;
    return -ENOSYS;
}

/* The performance counters are off ("vpmu" not given). */
long do_xenpmu_op(uint32_t op, uint64_t arg) {
    (void)op;
    (void)arg;
    return -EOPNOTSUPP;
}

long do_hypfs_op(uint32_t cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    (void)cmd;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return -ENOSYS;
}
