/* SPDX-License-Identifier: MIT */
/*
 * fuzz: a hostile guest. Its vcpus make hypercalls, page-table writes and faulting instructions at
 * random, but from a model of what the domain has, so that many succeed; at the end a table tells
 * how each kind of call ended. Options: seed=N calls=N peer=next|previous (the domain that it
 * grants to and binds to, itself otherwise)
 * trace=FROM-TO (prints the calls of these numbers) audit=N (as dom0: an audit after every N calls,
 * and the end at the first difference) report=N (the table so far after every N calls). As an
 * ordinary guest it then ends in a way that the seed says (ends.c); as dom0 it leaves out what dom0
 * would be believed in.
 */
#include <public/sysctl.h>
#include <public/version.h>
#include "fuzz.h"

unsigned int fuzzing_vcpus, all_vcpus;
uint64_t seed = 1, calls_wanted = 30000, trace_from, trace_to, audit_every, report_every;

static uint64_t number(const char *at, const char **end) {
    uint64_t n = 0;

    while (*at >= '0' && *at <= '9') n = n * 10 + (uint64_t)(*at++ - '0');
    *end = at;
    return n;
}

static uint64_t option(const char *name, uint64_t otherwise, const char **end) {
    const char *at = strstr((const char *)si->cmd_line, name);

    *end = "";
    return at ? number(at + strlen(name), end) : otherwise;
}

static void read_options(void) {
    const char *end;

    seed = option("seed=", seed, &end);
    calls_wanted = option("calls=", calls_wanted, &end);
    peer_domain = own_domain;
    if (strstr((const char *)si->cmd_line, "peer=next")) peer_domain++;
    if (strstr((const char *)si->cmd_line, "peer=previous")) peer_domain--;
    audit_every = option("audit=", 0, &end);
    report_every = option("report=", 0, &end);
    trace_from = option("trace=", 0, &end);
    trace_to = *end == '-' ? number(end + 1, &end) : 0;
}

/* A vcpu that others start and stop. */
static void victim(void) {
    fuzzers[this_vcpu()->id].burst = 40;
    fuzz_loop();
}

static void start_vcpus(void) {
    all_vcpus = nr_vcpus();
    if (all_vcpus > MAX_VCPUS) all_vcpus = MAX_VCPUS;
    fuzzing_vcpus = all_vcpus > 1 ? all_vcpus * 3 / 4 : 1;
}

static void set_up(void) {
    start_vcpus();
    events_init();
    read_options();
    run_init();
    clock_save();
    pool_init();
    grants_init();
    user_prepare();
    low_prepare();
    HV_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    for (unsigned int i = fuzzing_vcpus; i < all_vcpus; i++) vcpus[i].fn = victim;
}

static void wait_for_others(void) {
    for (unsigned int i = 1; i < fuzzing_vcpus; i++)
        if (!wait_for(READ_ONCE(fuzzers[i].stopped), 30000)) failure("vcpu %u hangs", i);
}

static void debug_key(const char *key) {
    struct xen_sysctl keys = {.cmd = XEN_SYSCTL_debug_keys,
                              .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
                              .u.debug_keys.nr_keys = 1};

    set_xen_guest_handle_raw(keys.u.debug_keys.keys, (char *)key);
    require_eq(hypercall1(__HYPERVISOR_sysctl, &keys), 0);
}

/* dom0 has the hypervisor recount the references to all frames, where it can, and reads the result
 * on its console. */
bool audit(void) {
    static char text[32768];
    struct xen_sysctl console = {.cmd = XEN_SYSCTL_readconsole,
                                 .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    xen_extraversion_t who = {0};

    clock_repair();
    require(HV_xen_version(XENVER_extraversion, who) >= 0);
    debug_key("F");
    if (!strstr(who, "hospes")) return true;
    text[0] = '\0';
    console.u.readconsole.clear = 1;
    for (uint64_t end = now() + 60 * SECOND; now() < end && !strstr(text, "differences");) {
        console.u.readconsole.count = sizeof(text) - 1;
        set_xen_guest_handle_raw(console.u.readconsole.buffer, text);
        require_eq(hypercall1(__HYPERVISOR_sysctl, &console), 0);
        text[console.u.readconsole.count] = '\0';
    }
    return strstr(text, " frames, 0 differences");
}

void test_main(void) {
    struct fuzzer *f = &fuzzers[0];

    set_up();
    printk("fuzz: domain %u seed %lu calls %lu vcpus %u peer %u\n", own_domain, seed, calls_wanted,
           all_vcpus, peer_domain);
    for (unsigned int i = 1; i < fuzzing_vcpus; i++) require_eq(vcpu_start(i, fuzz_loop), 0);
    fuzz_loop();
    clock_repair();
    wait_for_others();
    cpu_repair(f);
    report();
    expect(percent_succeeded() >= 30);
    if (in_dom0()) {
        debug_key("e"); /* what is left is shown, too */
        debug_key("g");
        expect(audit());
        return;
    }
    print_verdict();
    end_somehow(f);
}
