/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_event_channel_op from guest memory: a control domain and two guests take turns; they
 * also write into the frames that they gave to the FIFO, leave continuations unfinished, and die.
 * In the end nobody may hold a frame or a domain.
 *
 * Input: steps of a kind, who does it, and what the kind takes.
 */
#include "fakes.h"
#include "guest.h"
#include "port.h"

#define NR_DOMAINS 3
#define NR_OWN     4 /* frames of a guest */
#define MAX_STEPS  256
#define NR_OPS     17 /* operations, and one more than there are */

enum { WRITE_FRAME = NR_OPS, WRITE_PENDING, PAUSE, VIRQ, DESTROY, NR_KINDS };

static const uint8_t arg_size[NR_OPS] = {
    [EVTCHNOP_bind_interdomain] = sizeof(struct evtchn_bind_interdomain),
    [EVTCHNOP_bind_virq] = sizeof(struct evtchn_bind_virq),
    [EVTCHNOP_bind_pirq] = sizeof(struct evtchn_bind_pirq),
    [EVTCHNOP_close] = sizeof(struct evtchn_close),
    [EVTCHNOP_send] = sizeof(struct evtchn_send),
    [EVTCHNOP_status] = sizeof(struct evtchn_status),
    [EVTCHNOP_alloc_unbound] = sizeof(struct evtchn_alloc_unbound),
    [EVTCHNOP_bind_ipi] = sizeof(struct evtchn_bind_ipi),
    [EVTCHNOP_bind_vcpu] = sizeof(struct evtchn_bind_vcpu),
    [EVTCHNOP_unmask] = sizeof(struct evtchn_unmask),
    [EVTCHNOP_reset] = sizeof(struct evtchn_reset),
    [EVTCHNOP_init_control] = sizeof(struct evtchn_init_control),
    [EVTCHNOP_expand_array] = sizeof(struct evtchn_expand_array),
    [EVTCHNOP_set_priority] = sizeof(struct evtchn_set_priority),
};

static struct domain *doms[NR_DOMAINS];
static uint64_t own[NR_DOMAINS][NR_OWN];

/* One interrupt exists, the control domain's. */
int pirq_domain_init(struct domain *d) {
    (void)d;
    return 0;
}

void pirq_domain_destroy(struct domain *d) { (void)d; }

int pirq_bind_port(struct domain *d, uint32_t pirq, struct port *p) {
    (void)p;
    return d->is_control && pirq == 5 ? 0 : -EINVAL;
}

void pirq_unbind_port(struct domain *d, struct port *p) { (void)d, (void)p; }

void pirq_set_affinity(struct domain *d, uint32_t pirq, const struct vcpu *v) {
    (void)d, (void)pirq, (void)v;
}

static void make_all(void) {
    for (unsigned int i = 0; i < NR_DOMAINS; i++) {
        doms[i] = make_domain((domid_t)i, i == 0, 1 + i);
        for (unsigned int f = 0; f < NR_OWN; f++) own[i][f] = new_frame(doms[i]);
    }
    for (unsigned int i = 0; i < NR_DOMAINS; i++)
        MUST(!event_init_domain(doms[i], i == 0 ? -1u : 300));
}

static void destroy(struct domain *d) {
    run_as(doms[0], 0, 0);
    d->state = DOM_DYING;
    while (event_destroy_domain(d) == -ERESTART)
        ;
}

static void free_all(void) {
    for (unsigned int i = NR_DOMAINS; i-- > 0;)
        if (doms[i]->state < DOM_DYING) destroy(doms[i]);
    for (unsigned int i = 0; i < NR_DOMAINS; i++) {
        MUST(doms[i]->refs == 1 && !doms[i]->event.active);
        for (unsigned int v = 0; v < doms[i]->max_vcpus; v++) event_destroy_vcpu(doms[i]->vcpu[v]);
        event_free_domain(doms[i]);
        for (unsigned int f = 0; f < NR_OWN; f++) {
            MUST(frame_refs(own[i][f]) == 1 && frame_writers(own[i][f]) == 0);
            mfn_to_frame(_mfn(own[i][f]))->count = 0;
        }
        free_domain(doms[i]);
    }
    MUST(frames_in_use() == 0 && failed == 0);
}

/* patience: how often the guest follows a continuation before it does something else. */
static void event_op(struct input *in, int cmd, unsigned int patience) {
    uint8_t arg[64];
    long rc;

    take(in, arg, cmd < NR_OPS ? arg_size[cmd] : 8);
    memcpy((void *)GUEST_BASE, arg, sizeof(arg));
    rc = do_event_channel_op(cmd, GUEST_BASE);
    while (rc == -ERESTART && patience--) {
        MUST(again[1] == GUEST_BASE);
        rc = do_event_channel_op((int)again[0], again[1]);
    }
    MUST(rc <= 0 && rc > -4096);
}

static void step(struct input *in) {
    unsigned int kind = take8(in) % NR_KINDS, who = take8(in), i = who % NR_DOMAINS;
    struct domain *d = doms[i];

    preempt_at = who >> 6;
    if (kind == PAUSE) {
        d->tools_pause_count ^= 1;
    } else if (d->state >= DOM_DYING) {
        return;
    } else if (kind == DESTROY) {
        if (i) destroy(d);
    } else {
        run_as(d, (who >> 2) % d->max_vcpus, 0);
        if (kind < NR_OPS)
            event_op(in, (int)kind, who & 0x20 ? 0 : 100);
        else if (kind == WRITE_FRAME)
            *(uint32_t *)((char *)frame_bytes(own[i][take8(in) % NR_OWN]) + take16(in) % 1024 * 4) =
                take32(in);
        else if (kind == WRITE_PENDING)
            d->shared_info->evtchn_pending[take8(in) % 8] = take64(in);
        else if (kind == VIRQ)
            send_guest_vcpu_virq(d->vcpu[0], take8(in) % NR_VIRQS);
    }
    preempt_at = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    world_init();
    guest_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};

    guest_clear();
    make_all();
    for (unsigned int n = 0; in.left && n < MAX_STEPS; n++) step(&in);
    free_all();
    return 0;
}
