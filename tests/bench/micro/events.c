/* SPDX-License-Identifier: MIT */
/* Event channels on one vcpu: sending, being called, opening and closing. 2-level, then FIFO. */
#include "bench.h"

static struct evtchn_send send_op;
static struct evtchn_alloc_unbound alloc_op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
static struct evtchn_close close_op;
uint32_t *fifo_ready, *fifo_port_word;

static void send(void) { HV_event_channel_op(EVTCHNOP_send, &send_op); }
static void alloc(void) { HV_event_channel_op(EVTCHNOP_alloc_unbound, &alloc_op); }
static void close_allocated(void) {
    close_op.port = alloc_op.port;
    HV_event_channel_op(EVTCHNOP_close, &close_op);
}
static void close(void) { HV_event_channel_op(EVTCHNOP_close, &close_op); }
static void alloc_to_close(void) {
    alloc();
    close_op.port = alloc_op.port;
}

static unsigned int receiver;
static void clear(void) { event_clear(receiver); }
static void unmask(void) {
    events_off();
    clear();
    event_unmask(receiver);
}

/* The receiver is unmasked, and so is the vcpu: sending is also being called. */
static void open_vcpu(void) { WRITE_ONCE(shared->vcpu_info[0].evtchn_upcall_mask, 0); }

static void measure_sending(const char *masked, const char *pending, const char *called,
                            const char *entry) {
    events_off();
    event_mask(receiver);
    measure(masked, clear, send, NULL);
    measure(pending, NULL, send, NULL);
    unmask();
    set_event_entry(entry);
    open_vcpu();
    measure(called, NULL, send, NULL);
    expect(!event_pending(receiver));
    events_off();
    set_event_entry(entry_event);
}

void bench_events(void) {
    event_pair(&receiver, &send_op.port);
    measure_sending("evtchn_send to self, masked", "evtchn_send to self, already pending",
                    "evtchn_send to self + upcall + iret", upcall);
    measure("evtchn alloc_unbound", NULL, alloc, close_allocated);
    measure("evtchn close", alloc_to_close, close, NULL);
}

void bench_fifo(void) {
    struct evtchn_fifo_control_block *control = page_alloc();
    struct evtchn_init_control init = {.vcpu = 0, .control_gfn = virt_to_mfn(control)};
    struct evtchn_expand_array expand;

    events_off();
    require_eq(HV_event_channel_op(EVTCHNOP_init_control, &init), 0);
    fifo_words[0] = page_alloc();
    expand.array_gfn = virt_to_mfn(fifo_words[0]);
    require_eq(HV_event_channel_op(EVTCHNOP_expand_array, &expand), 0);
    event_fifo = true;
    event_pair(&receiver, &send_op.port);
    fifo_ready = &control->ready;
    fifo_port_word = fifo_word(receiver);
    measure_sending("FIFO: evtchn_send to self, masked", "FIFO: evtchn_send, already pending",
                    "FIFO: evtchn_send to self + upcall + iret", upcall_fifo);
}
