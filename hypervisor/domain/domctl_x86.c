/* SPDX-License-Identifier: MIT */
/* domctl: hypercall pages, address width, TSC mode, frame types, extended vcpu state. */
#include "domctl.h"

#include <hv/hypercall.h>

#define FRAME_INFO_MAX 1024 /* entries a call, by the ABI */

/* 64-bit guests only. */
long domctl_set_address_size(struct domctl *c) {
    if (c->op.u.address_size.size == 64) return 0;
    return c->op.u.address_size.size == 32 ? -EOPNOTSUPP : -EINVAL;
}

long domctl_get_address_size(struct domctl *c) {
    c->op.u.address_size.size = 64;
    return 0;
}

/* The TSC is always the machine's: what asks for an emulated one is refused, not ignored. */
long domctl_settscinfo(struct domctl *c) {
    const struct xen_domctl_tsc_info *t = &c->op.u.tsc_info;

    if (c->d == current->domain) return -EINVAL;
    switch (t->tsc_mode) {
    case 0: /* as needed */
    case 2: /* native */
        c->d->arch.tsc_mode = t->tsc_mode;
        c->d->arch.tsc_incarnation = t->incarnation;
        return 0;
    case 1: /* emulated */ return -EOPNOTSUPP;
    default: return -EINVAL;
    }
}

long domctl_gettscinfo(struct domctl *c) {
    struct xen_domctl_tsc_info *t = &c->op.u.tsc_info;

    if (c->d == current->domain) return -EINVAL;
    memset(t, 0, sizeof(*t));
    t->tsc_mode = c->d->arch.tsc_mode;
    t->gtsc_khz = tsc_khz;
    t->incarnation = c->d->arch.tsc_incarnation;
    t->elapsed_nsec = now_ns();
    return 0;
}

static uint64_t frame_info(struct domain *d, uint64_t mfn) {
    uint64_t info, type;
    struct frame *f;

    if (!mfn_valid(_mfn(mfn))) return XEN_DOMCTL_PFINFO_XTAB;
    f = mfn_to_frame(_mfn(mfn));
    if (!frame_get(f, d)) return XEN_DOMCTL_PFINFO_XTAB;
    type = READ_ONCE(f->type);
    info = (type & FT_TYPE_MASK) >> FT_SHIFT; /* 1..4: a table of that level */
    info = info >= 1 && info <= 4 ? info << XEN_DOMCTL_PFINFO_LTAB_SHIFT : XEN_DOMCTL_PFINFO_NOTAB;
    if (info != XEN_DOMCTL_PFINFO_NOTAB && (type & FT_PINNED)) info |= XEN_DOMCTL_PFINFO_LPINTAB;
    frame_put(f);
    return info;
}

long domctl_hypercall_init(struct domctl *c) {
    uint64_t gmfn = c->op.u.hypercall_init.gmfn;

    if (!hypercall_page_init(c->d, gmfn)) return 0;
    return frame_info(c->d, gmfn) == XEN_DOMCTL_PFINFO_XTAB ? -EINVAL : -EPERM;
}

long domctl_getpageframeinfo3(struct domctl *c) {
    uint64_t num = c->op.u.getpageframeinfo3.num;
    uint64_t array = handle_addr(c->op.u.getpageframeinfo3.array);

    if (num > FRAME_INFO_MAX) return -E2BIG;
    for (uint64_t i = 0; i < num; i++) {
        uint64_t entry;

        if (copy_from_guest_idx(&entry, array, i)) return -EFAULT;
        entry = frame_info(c->d, entry);
        if (copy_to_guest_idx(array, i, &entry)) return -EFAULT;
    }
    return 0;
}

/* The callbacks' selectors are not kept: 64-bit guests are always entered at the flat one. */
long domctl_get_ext_vcpucontext(struct domctl *c) {
    struct xen_domctl_ext_vcpucontext *e = &c->op.u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(c->d, e->vcpu);
    uint32_t id = e->vcpu;

    if (!v || v == current) return -ESRCH;
    vcpu_pause(v);
    memset(e, 0, sizeof(*e));
    e->vcpu = id;
    e->size = sizeof(*e);
    e->sysenter_callback_eip = v->arch.callback[CALLBACKTYPE_sysenter].address;
    e->sysenter_disables_events = v->arch.callback[CALLBACKTYPE_sysenter].mask_events;
    e->syscall32_callback_eip = v->arch.callback[CALLBACKTYPE_syscall32].address;
    e->syscall32_disables_events = v->arch.callback[CALLBACKTYPE_syscall32].mask_events;
    vcpu_unpause(v);
    return 0;
}

long domctl_set_ext_vcpucontext(struct domctl *c) {
    const struct xen_domctl_ext_vcpucontext *e = &c->op.u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(c->d, e->vcpu);

    if (!v || c->d == current->domain) return -ESRCH;
    if (e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap)) return -EINVAL;
    if (!is_canonical(e->sysenter_callback_eip) || !is_canonical(e->syscall32_callback_eip))
        return -EINVAL;
    vcpu_pause(v);
    v->arch.callback[CALLBACKTYPE_sysenter].address = e->sysenter_callback_eip;
    v->arch.callback[CALLBACKTYPE_sysenter].mask_events = e->sysenter_disables_events;
    v->arch.callback[CALLBACKTYPE_syscall32].address = e->syscall32_callback_eip;
    v->arch.callback[CALLBACKTYPE_syscall32].mask_events = e->syscall32_disables_events;
    vcpu_unpause(v);
    return 0;
}
