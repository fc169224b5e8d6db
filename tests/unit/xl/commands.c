/* SPDX-License-Identifier: MIT */
/* Commands run against the fakes; what they must print is what stock xl 4.17 prints. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"
#include "test.h"

int xl_main(int argc, char **argv);

static const struct fake_node nodes[] = {
    {"/local/domain/0/name", "Domain-0"},
    {"/local/domain/1/name", "dev"},
    {"/local/domain/2/name", "two"},
    {"/local/pool/0/name", "Pool-0"},
    {NULL, NULL},
};

static const uint8_t dev_uuid[16] = {
    0xc6, 0xb7, 0x74, 0x75, 0xb7, 0x9f, 0x4e, 0x3f, 0xaf, 0x88, 0xc9, 0xa5, 0xdd, 0x99, 0x50, 0xb0,
};

/* The machine of shared/facts/stock-outputs/. */
static void set_machine(void) {
    fake_nodes = nodes;
    fake_num_domains = 3;
    memset(fake_domains, 0, sizeof(fake_domains));
    fake_domains[0] = (struct xen_domctl_getdomaininfo){
        .domain = 0,
        .flags = XEN_DOMINF_running,
        .tot_pages = 1280 * 256,
        .cpu_time = 51100000000,
        .nr_online_vcpus = 1,
    };
    fake_domains[1] = (struct xen_domctl_getdomaininfo){
        .domain = 1,
        .flags = XEN_DOMINF_blocked,
        .tot_pages = 256 * 256,
        .cpu_time = 8100000000,
        .nr_online_vcpus = 1,
        .max_vcpu_id = 1,
    };
    memcpy(fake_domains[1].handle, dev_uuid, sizeof(dev_uuid));
    fake_domains[2] = (struct xen_domctl_getdomaininfo){
        .domain = 2,
        .tot_pages = 128 * 256,
        .cpu_time = 1300000000,
        .nr_online_vcpus = 1,
    };
    fake_phys = (struct xen_sysctl_physinfo){.max_cpu_id = 3};
    fake_vcpu = (struct xen_domctl_getvcpuinfo){
        .online = 1,
        .running = 1,
        .cpu_time = 53400000000,
    };
    memset(fake_hard, 0xff, sizeof(fake_hard));
}

/* Runs "xl ARGS" in this process with stdout and stderr in one text. */
static char *run(const char *line, int *code) {
    char *copy = xstrdup(line), *rest = copy, *argv[16] = {"xl"}, *out;
    FILE *f = tmpfile();
    int argc = 1, saved[2] = {dup(1), dup(2)};
    size_t n;

    while (argc < 15 && (argv[argc] = strsep(&rest, " "))) argc++;
    argv[argc] = NULL;
    fflush(NULL);
    dup2(fileno(f), 1);
    dup2(fileno(f), 2);
    optind = 0; /* glibc: start over */
    *code = xl_main(argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    out = xcalloc(1, 65536);
    rewind(f);
    n = fread(out, 1, 65535, f);
    out[n] = '\0';
    fclose(f);
    free(copy);
    return out;
}

static void expect(const char *line, int code, const char *want) {
    int got_code;
    char *got = run(line, &got_code);

    check_text(got, want, line, __FILE__, __LINE__);
    if (got_code != code) printf("xl %s: exit code %d, not %d\n", line, got_code, code);
    CHECK(got_code == code);
    free(got);
}

static void test_list(void) {
    set_machine();
    expect("list", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
           "Domain-0                                     0  1280     1     r-----      51.1\n"
           "dev                                          1   256     1     -b----       8.1\n"
           "two                                          2   128     1     ------       1.3\n");
    expect("list dev", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
           "dev                                          1   256     1     -b----       8.1\n");
    expect("list -c 2", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)"
           "         Cpupool\n"
           "two                                          2   128     1     ------       1.3"
           "          Pool-0\n");
    expect("list -Z two", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)"
           "   Security Label\n"
           "two                                          2   128     1     ------       1.3"
           "                -\n");
    expect("list -v dev", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)"
           "   UUID                            Reason-Code\tSecurity Label\n"
           "dev                                          1   256     1     -b----       8.1 "
           "c6b77475-b79f-4e3f-af88-c9a5dd9950b0        -                -\n");
    expect("list two -c", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)"
           "         Cpupool\n"
           "two                                          2   128     1     ------       1.3"
           "          Pool-0\n");
    expect("list nosuch", 1, "nosuch is an invalid domain identifier (rc=-6)\n");
    expect("list 99", 1, "Error: Domain '99' does not exist.\n");
}

static void test_states(void) {
    static const struct {
        uint32_t flags;
        const char *text;
    } cases[] = {
        {XEN_DOMINF_paused, "--p---"},
        {XEN_DOMINF_blocked | XEN_DOMINF_paused, "-bp---"},
        {XEN_DOMINF_shutdown | XEN_DOMINF_paused, "--ps--"},
        {XEN_DOMINF_shutdown | 1u << XEN_DOMINF_shutdownshift, "---sr-"},
        {XEN_DOMINF_shutdown | 2u << XEN_DOMINF_shutdownshift, "---ss-"},
        {XEN_DOMINF_shutdown | 3u << XEN_DOMINF_shutdownshift, "---sc-"},
        {XEN_DOMINF_shutdown | 4u << XEN_DOMINF_shutdownshift, "---sw-"},
        {XEN_DOMINF_shutdown | 5u << XEN_DOMINF_shutdownshift, "---sS-"},
        {XEN_DOMINF_shutdown | 9u << XEN_DOMINF_shutdownshift, "---s?-"},
        {XEN_DOMINF_dying, "-----d"},
        {XEN_DOMINF_running | 0xff0000, "r-----"},
    };
    char want[256];

    set_machine();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_domains[2].flags = cases[i].flags;
        snprintf(want, sizeof(want),
                 "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
                 "two                                          2   128     1     %s       1.3\n",
                 cases[i].text);
        expect("list two", 0, want);
    }
    fake_domains[2].domain = 7; /* half-built: no name yet */
    fake_domains[2].flags = XEN_DOMINF_paused;
    expect("list 7", 0,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
           "(null)                                       7   128     1     --p---       1.3\n");
}

static void test_vcpu_list(void) {
    set_machine();
    fake_hard[0] = 0x0b;
    expect("vcpu-list dev", 0,
           "Name                                ID  VCPU   CPU State   Time(s) "
           "Affinity (Hard / Soft)\n"
           "dev                                  1     0    0   r--      53.4  0-1,3 / all\n"
           "dev                                  1     1    -   --p       0.0  0-1,3 / all\n");
    /* The message is unbuffered, the heading is not. */
    expect("vcpu-list nosuch", 1,
           "nosuch is an invalid domain identifier (rc=-6)\n"
           "Name                                ID  VCPU   CPU State   Time(s) "
           "Affinity (Hard / Soft)\n");
}

static void test_small(void) {
    set_machine();
    expect("domid dev", 0, "1\n");
    expect("domid nosuch", 1,
           "Can't get domid of domain name 'nosuch', maybe this domain does "
           "not exist.\n");
    expect("domname 2", 0, "two\n");
    expect("domname x", 1, "Invalid domain id.\n\n");
    expect("domname 9", 1,
           "Can't get domain name of domain id '9', maybe this domain does not "
           "exist.\n");
    expect("vm-list", 0,
           "UUID                                  ID    name\n"
           "00000000-0000-0000-0000-000000000000  0    Domain-0                      \n"
           "c6b77475-b79f-4e3f-af88-c9a5dd9950b0  1    dev                           \n"
           "00000000-0000-0000-0000-000000000000  2    two                           \n");
    expect("sysrq dev h", 0, "");
    CHECK_TEXT(fake_written, "/local/domain/1/control/sysrq=h");
    expect("shutdown dev", 0, "Shutting down domain 1\n");
    CHECK_TEXT(fake_written, "/local/domain/1/control/shutdown=poweroff");
    expect("reboot two", 0, "Rebooting domain 2\n");
    CHECK_TEXT(fake_written, "/local/domain/2/control/shutdown=reboot");
    expect("shutdown", 1, "You must specify -a or a domain id.\n\n");
    expect("pause two", 0, "");
    CHECK(fake_paused == 2);
    expect("destroy 0", 1,
           "Not destroying domain 0; use -f to force.\nThis can only be done when "
           "using a disaggregated hardware domain and toolstack.\n\n");
}

static void test_prefixes(void) {
    static const struct {
        const char *text, *command;
    } cases[] = {
        {"create", "create"},
        {"cr", "create"},
        {"list", "list"},
        {"li", "list"},
        {"dest", "destroy"},
        {"des", "destroy"},
        {"domi", "domid"},
        {"domn", "domname"},
        {"sh", NULL},
        {"shu", "shutdown"},
        {"reb", "reboot"},
        {"re", NULL},
        {"ren", "rename"},
        {"pau", "pause"},
        {"unp", "unpause"},
        {"con", NULL},
        {"cons", "console"},
        {"inf", "info"},
        {"dm", "dmesg"},
        {"up", "uptime"},
        {"debug", "debug-keys"},
        {"sy", "sysrq"},
        {"vcpu-l", "vcpu-list"},
        {"vcpu", NULL},
        {"migrate", "migrate"},
        {"migrate-", "migrate-receive"},
        {"sched-credit", "sched-credit"},
        {"pci-assignable-rem", "pci-assignable-remove"},
        {"d", NULL},
        {"createx", NULL},
        {"xyz", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct command *c = command_find(cases[i].text);

        if (cases[i].command)
            check_text(c ? c->name : NULL, cases[i].command, cases[i].text, __FILE__, __LINE__);
        else
            check_true(!c, cases[i].text, __FILE__, __LINE__);
    }
}

static void test_refusals(void) {
    set_machine();
    expect("save dev /f", 1, "xl save: not supported by Hospes yet\n");
    expect("button-press dev power", 1, "xl button-press: not applicable to PV\n");
    expect("frobnicate", 1, "command not implemented\n");
    expect("-X list", 1, "unknown global option\n");
    expect("-N list", 1, "command does not implement -N (dryrun) option\n");
    expect("help nosuch", 0, "command \"nosuch\" not implemented\n");
    expect("help pause", 0, "Usage: xl [-vtTf] pause <Domain>\n\nPause execution of a domain.\n\n");
    expect("create /nonexistent/x", 3,
           "Failed to read config file: /nonexistent/x: No such file or directory\n");
    expect("create -n cases/bad-escape.cfg", 1,
           "Parsing config from cases/bad-escape.cfg\n"
           "cases/bad-escape.cfg:1:11: error: expected an escape "
           "(\\n, \\t, \\\\, \\', \\\", \\xHH, \\OOO), found 'q'\n");
    expect("create -qn cases/good-minimal.cfg memory=x", 1,
           "<command line>:1:8: error: expected a value: a quoted string, a number or a [list], "
           "found 'x'\n");
}

void test_commands(void) {
    test_list();
    test_states();
    test_vcpu_list();
    test_small();
    test_prefixes();
    test_refusals();
}
