/* SPDX-License-Identifier: MIT */
/*
 * A guest's xenstore connection. The daemon is a script: it is given a turn whenever the guest
 * waits, takes what has come, and gives a reply a few bytes at a time.
 */
#include "check.h"
#include "xenbus/store.h"

static struct xenstore_domain_interface page;
static struct store store;
static struct test_port port;
static uint64_t seed = 5;

/* What the daemon has received, and what it is still to send. */
static char got[8192];
static uint32_t nr_got;
static char reply[16384];
static uint32_t reply_size, reply_sent;

static void receive(void) {
    uint32_t n = random32(&seed) % 40;

    while (n-- && page.req_cons != page.req_prod && nr_got < sizeof(got))
        got[nr_got++] = page.req[MASK_XENSTORE_IDX(page.req_cons++)];
}

static const struct xsd_sockmsg *request(void) { return (const struct xsd_sockmsg *)(void *)got; }

static bool complete(void) {
    return nr_got >= sizeof(struct xsd_sockmsg) &&
           nr_got == sizeof(struct xsd_sockmsg) + request()->len;
}

static void send_some(void) {
    uint32_t n = 1 + random32(&seed) % 700;

    while (n-- && reply_sent < reply_size && page.rsp_prod - page.rsp_cons < XENSTORE_RING_SIZE)
        page.rsp[MASK_XENSTORE_IDX(page.rsp_prod++)] = reply[reply_sent++];
}

static void add(uint32_t type, uint32_t id, const void *data, uint32_t len, uint32_t claimed) {
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = claimed};

    memcpy(reply + reply_size, &head, sizeof(head));
    memcpy(reply + reply_size + sizeof(head), data, len);
    reply_size += (uint32_t)sizeof(head) + len;
}

/* What comes before the reply, and the reply itself. */
static const char *before, *answer;
static uint32_t before_len, answer_len, answer_type, answer_claims;
static bool wrong_id;

static void daemon_turn(void) {
    receive();
    if (complete() && !reply_size) {
        if (before) add(XS_WATCH_EVENT, 0, before, before_len, before_len);
        add(answer_type == XS_INVALID ? request()->type : answer_type, request()->req_id + wrong_id,
            answer, answer_len, answer_claims ? answer_claims : answer_len);
        if (before) add(XS_WATCH_EVENT, 0, before, before_len, before_len);
    }
    send_some();
}

static unsigned int events;
static char event_path[64], event_token[64];

static void on_event(struct store *s, const char *path, const char *token) {
    CHECK(s == &store);
    events++;
    snprintf(event_path, sizeof(event_path), "%s", path);
    snprintf(event_token, sizeof(event_token), "%s", token);
}

static void script(uint32_t type, const char *text, uint32_t len) {
    nr_got = reply_size = reply_sent = 0;
    answer_type = type;
    answer = text;
    answer_len = len;
    answer_claims = 0;
    wrong_id = false;
    before = NULL;
}

static void connect(uint32_t start) {
    memset(&page, 0, sizeof(page));
    page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = start;
    port = test_port(daemon_turn);
    store_init(&store, &page, &port.pv, on_event);
    script(XS_INVALID, "", 0);
}

static void replies(void) {
    static char big[XENSTORE_PAYLOAD_MAX], path[XENSTORE_PAYLOAD_MAX + 1];
    struct store_part parts[] = {{path, XENSTORE_PAYLOAD_MAX}, {path, 1}};

    connect(UINT32_MAX - 300);
    script(XS_INVALID, "value", 5);
    CHECK(store_ask(&store, XS_READ, 3, "data/a", NULL) == 5 && !strcmp(store.body, "value"));
    CHECK(request()->type == XS_READ && request()->tx_id == 3 && request()->len == 7 &&
          !strcmp(got + sizeof(struct xsd_sockmsg), "data/a"));
    script(XS_INVALID, "OK", 3);
    CHECK(store_write(&store, 0, "data/a", "value") == 3 && request()->len == 7 + 5);
    memset(big, 'b', sizeof(big));
    script(XS_INVALID, big, sizeof(big));
    CHECK(store_ask(&store, XS_READ, 0, "data/a", NULL) == sizeof(big));
    CHECK(!memcmp(store.body, big, sizeof(big)) && !store.body[sizeof(big)]);
    memset(path, 'p', sizeof(path));
    script(XS_INVALID, "", 0);
    CHECK(store_request(&store, XS_READ, 0, parts, 1) == 0 &&
          request()->len == XENSTORE_PAYLOAD_MAX);
    script(XS_INVALID, "", 0);
    CHECK(store_request(&store, XS_READ, 0, parts, 2) == -XEN_E2BIG && !nr_got);
    parts[1].len = SIZE_MAX;
    CHECK(store_request(&store, XS_READ, 0, parts, 2) == -XEN_E2BIG);
    script(XS_INVALID, "4711", 5);
    CHECK(store_begin(&store) == 4711);
    script(XS_INVALID, "OK", 3);
    CHECK(store_end(&store, 4711, true) == 0 && request()->tx_id == 4711);
}

static void refusals(void) {
    connect(0);
    script(XS_ERROR, "ENOENT", 7);
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_ENOENT);
    script(XS_ERROR, "EAGAIN", 7);
    CHECK(store_end(&store, 1, true) == -XEN_EAGAIN);
    script(XS_ERROR, "EQUOTA", 7);
    CHECK(store_write(&store, 0, "x", "y") == -XEN_EINVAL && !strcmp(store.body, "EQUOTA"));
    script(XS_ERROR, "ENOENTX", 8);
    CHECK(store_write(&store, 0, "x", "y") == -XEN_EINVAL);
    script(XS_ERROR, "EIO", 3); /* without its NUL */
    CHECK(store_write(&store, 0, "x", "y") == -XEN_EIO && !store.broken);
    script(XS_ERROR, "", 0);
    CHECK(store_write(&store, 0, "x", "y") == -XEN_EINVAL);
}

static void events_between(void) {
    connect(77);
    events = 0;
    script(XS_INVALID, "v", 1);
    before = "data/w\0token";
    before_len = 13;
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == 1 && !strcmp(store.body, "v"));
    CHECK(events == 1 && !strcmp(event_path, "data/w") && !strcmp(event_token, "token"));
    while (reply_sent < reply_size) daemon_turn();
    CHECK(store_poll(&store) == 0 && events == 2);
    script(XS_INVALID, "v", 1);
    before = "no token";
    before_len = 8;
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == 1);
    while (reply_sent < reply_size) daemon_turn();
    CHECK(store_poll(&store) == 0 && events == 2);
}

/* Each makes the connection useless, and nothing else. */
static void lies(void) {
    connect(0);
    script(XS_INVALID, "v", 1);
    answer_claims = XENSTORE_PAYLOAD_MAX + 1;
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_EIO && store.broken);
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_EIO && store_poll(&store) == -XEN_EIO);
    connect(0);
    script(XS_INVALID, "v", 1);
    wrong_id = true;
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_EIO && store.broken);
    connect(0);
    script(XS_WRITE, "v", 1);
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_EIO && store.broken);
    connect(0);
    script(XS_INVALID, "none", 5);
    CHECK(store_begin(&store) == -XEN_EIO && store.broken);
    connect(0);
    page.rsp_prod = XENSTORE_RING_SIZE + 1;
    CHECK(store_poll(&store) == -XEN_EIO && store.broken);
    connect(0);
    page.req_cons = 1;
    CHECK(store_ask(&store, XS_READ, 0, "x", NULL) == -XEN_EIO && store.broken);
}

/* Whatever the page holds at any time: every call comes back, inside its own memory. */
static void rubbish_turn(void) {
    daemon_turn();
    switch (random32(&seed) % 12) {
    case 0: page.rsp_prod = page.rsp_cons + random32(&seed) % 1100; break;
    case 1: page.req_cons = random32(&seed); break;
    case 2: page.rsp[random32(&seed) % XENSTORE_RING_SIZE] = (char)random32(&seed); break;
    case 3: page.rsp_cons = random32(&seed); break;
    }
    if (port.waited > 300) page.rsp_prod = page.rsp_cons + 5000; /* it has waited long enough */
}

static void rubbish(void) {
    for (int i = 0; i < 3000; i++) {
        connect(random32(&seed));
        port.turn = rubbish_turn;
        script(XS_INVALID, "some value", 10);
        before = "a\0b";
        before_len = 4;
        for (int n = 0; n < 5; n++) {
            script(XS_INVALID, "some value", 10);
            if (store_ask(&store, XS_READ, 0, "x", "y") < -4096) CHECK(!"no error number");
        }
    }
    passed++;
}

void test_store(void) {
    replies();
    refusals();
    events_between();
    lies();
    rubbish();
}
