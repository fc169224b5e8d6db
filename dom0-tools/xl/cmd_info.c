/* SPDX-License-Identifier: MIT */
/* xl info: "key : value" lines, keys and order as stock. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "commands.h"
#include "xenver.h"
#include "xl.h"

/* `xl info KEY` prints only the values of the keys that begin with KEY. */
static const char *wanted;

static void line(const char *key, const char *fmt, ...) XL_PRINTF(2, 3);

static void line(const char *key, const char *fmt, ...) {
    va_list ap;

    if (wanted && strncmp(key, wanted, strlen(wanted))) return;
    if (!wanted) printf("%-22s : ", key);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

static void print_host(void) {
    struct utsname u;

    if (uname(&u)) return;
    line("host", "%s", u.nodename);
    line("release", "%s", u.release);
    line("version", "%s", u.version);
    line("machine", "%s", u.machine);
}

static void print_caps(const struct xen_sysctl_physinfo *p) {
    static const struct {
        uint32_t needs;
        const char *name;
    } caps[] = {
        {XEN_SYSCTL_PHYSCAP_pv, " pv"},
        {XEN_SYSCTL_PHYSCAP_hvm, " hvm"},
        {XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_directio, " hvm_directio"},
        {XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_directio, " pv_directio"},
        {XEN_SYSCTL_PHYSCAP_hap, " hap"},
        {XEN_SYSCTL_PHYSCAP_shadow, " shadow"},
        {XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share, " iommu_hap_pt_share"},
        {XEN_SYSCTL_PHYSCAP_vmtrace, " vmtrace"},
        {XEN_SYSCTL_PHYSCAP_vpmu, " vpmu"},
        {XEN_SYSCTL_PHYSCAP_gnttab_v1, " gnttab-v1"},
        {XEN_SYSCTL_PHYSCAP_gnttab_v2, " gnttab-v2"},
    };
    char text[160] = "";

    for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
        if ((p->capabilities & caps[i].needs) == caps[i].needs) strcat(text, caps[i].name);
    line("virt_caps", "%s", text[0] ? text + 1 : text);
}

/* CPUs in no pool; there is no typed wrapper, as only this line wants it. */
static int free_cpus(struct xl *xl) {
    enum { MAP_BYTES = 512 };
    struct xen_sysctl *op = hv_buf_alloc(xl->hv, 4096);
    uint8_t *map;
    int n = -1;

    if (!op) return -1;
    map = (uint8_t *)op + 4096 - MAP_BYTES;
    op->cmd = XEN_SYSCTL_cpupool_op;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    set_xen_guest_handle(op->u.cpupool_op.cpumap.bitmap, map);
    op->u.cpupool_op.cpumap.nr_bits = MAP_BYTES * 8;
    if (hv_call(xl->hv, __HYPERVISOR_sysctl, (uintptr_t)op, 0, 0, 0, 0) >= 0) {
        n = 0;
        for (unsigned i = 0; i < MAP_BYTES * 8; i++) n += map[i / 8] >> (i % 8) & 1;
    }
    hv_buf_free(xl->hv, op, 4096);
    return n;
}

static void print_physical(struct xl *xl) {
    struct xen_sysctl_physinfo p;
    int n;

    if (hv_physinfo(xl->hv, &p) < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return;
    }
    line("nr_cpus", "%u", p.nr_cpus);
    line("max_cpu_id", "%u", p.max_cpu_id);
    line("nr_nodes", "%u", p.nr_nodes);
    line("cores_per_socket", "%u", p.cores_per_socket);
    line("threads_per_core", "%u", p.threads_per_core);
    line("cpu_mhz", "%u.%03u", p.cpu_khz / 1000, p.cpu_khz % 1000);
    line("hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", p.hw_cap[0], p.hw_cap[1],
         p.hw_cap[2], p.hw_cap[3], p.hw_cap[4], p.hw_cap[5], p.hw_cap[6], p.hw_cap[7]);
    print_caps(&p);
    line("total_memory", "%llu", (unsigned long long)p.total_pages / 256);
    line("free_memory", "%llu", (unsigned long long)(p.free_pages - p.outstanding_pages) / 256);
    line("sharing_freed_memory", "0");
    line("sharing_used_memory", "0");
    line("outstanding_claims", "%llu", (unsigned long long)p.outstanding_pages / 256);
    n = free_cpus(xl);
    if (n >= 0) line("free_cpus", "%d", n);
}

static void print_cpus(struct xl *xl) {
    int n = hv_cpu_topology(xl->hv, NULL, 0);
    struct xen_sysctl_cputopo *topo;

    if (n < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return;
    }
    topo = xcalloc((size_t)n, sizeof(*topo));
    n = hv_cpu_topology(xl->hv, topo, (unsigned)n);
    printf("cpu_topology           :\ncpu:    core    socket     node\n");
    for (int i = 0; i < n; i++)
        if (topo[i].core != XEN_INVALID_CORE_ID)
            printf("%3d:    %4u     %4u     %4u\n", i, topo[i].core, topo[i].socket, topo[i].node);
    free(topo);
    printf("device topology        :\ndevice           node\nNo device topology data available\n");
}

static void print_nodes(struct xl *xl) {
    int n = hv_numa_info(xl->hv, NULL, NULL, 0);
    struct xen_sysctl_meminfo *mem;
    uint32_t *distance;

    if (n < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return;
    }
    mem = xcalloc((size_t)n, sizeof(*mem));
    distance = xcalloc((size_t)n * (size_t)n, sizeof(*distance));
    n = hv_numa_info(xl->hv, mem, distance, (unsigned)n);
    printf("numa_info              :\nnode:    memsize    memfree    distances\n");
    for (int i = 0; i < n; i++) {
        if (mem[i].memsize == XEN_INVALID_MEM_SZ) continue;
        printf("%4d:    %6llu     %6llu      ", i, (unsigned long long)mem[i].memsize >> 20,
               (unsigned long long)mem[i].memfree >> 20);
        for (int j = 0; j < n; j++) printf("%s%u", j ? "," : "", distance[i * n + j]);
        putchar('\n');
    }
    free(mem);
    free(distance);
}

static void print_compile(struct xl *xl) {
    struct xen_compile_info ci;

    if (hv_compile_info(xl->hv, &ci) < 0) return;
    line("cc_compiler", "%s", ci.compiler);
    line("cc_compile_by", "%s", ci.compile_by);
    line("cc_compile_domain", "%s", ci.compile_domain);
    line("cc_compile_date", "%s", ci.compile_date);
}

static void print_build_id(struct xl *xl) {
    uint8_t id[64];
    char text[2 * sizeof(id) + 1] = "";
    int n = hv_build_id(xl->hv, id, sizeof(id));

    for (int i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", id[i]);
    line("build_id", "%s", text);
}

static void print_scheduler(struct xl *xl) {
    static const char *const names[] = {
        [XEN_SCHEDULER_CREDIT] = "credit",     [XEN_SCHEDULER_CREDIT2] = "credit2",
        [XEN_SCHEDULER_ARINC653] = "arinc653", [XEN_SCHEDULER_RTDS] = "rtds",
        [XEN_SCHEDULER_NULL] = "null",
    };
    uint32_t id;

    if (hv_sched_id(xl->hv, &id) >= 0)
        line("xen_scheduler", "%s", id < ARRAY_SIZE(names) && names[id] ? names[id] : "unknown");
}

static void print_hypervisor(struct xl *xl) {
    xen_extraversion_t extra = "";
    xen_capabilities_info_t caps = "";
    xen_changeset_info_t changeset = "";
    xen_commandline_t commandline = "";
    unsigned major = 0, minor = 0;
    uint64_t virt_start = 0;

    hv_version(xl->hv, &major, &minor);
    hv_extraversion(xl->hv, extra);
    hv_capabilities(xl->hv, caps);
    hv_changeset(xl->hv, changeset);
    hv_commandline(xl->hv, commandline);
    hv_virt_start(xl->hv, &virt_start);
    line("xen_major", "%u", major);
    line("xen_minor", "%u", minor);
    line("xen_extra", "%s", extra);
    line("xen_version", "%u.%u%s", major, minor, extra);
    line("xen_caps", "%s", caps);
    print_scheduler(xl);
    line("xen_pagesize", "%d", hv_pagesize(xl->hv));
    line("platform_params", "virt_start=0x%llx", (unsigned long long)virt_start);
    line("xen_changeset", "%s", changeset);
    line("xen_commandline", "%s", commandline);
    print_compile(xl);
    print_build_id(xl);
    line("xend_config_format", "4");
}

static int info_run(struct xl *xl, int argc, char **argv) {
    static const struct option longs[] = {
        {"numa", 0, NULL, 'n'},
        {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool numa = false;
    int opt;

    while ((opt = xl_getopt(xl, argc, argv, "hn", longs, 0)) != -1) numa |= opt == 'n';
    wanted = !numa && optind < argc ? argv[optind] : NULL;
    print_host();
    print_physical(xl);
    if (numa) {
        print_cpus(xl);
        print_nodes(xl);
    }
    print_hypervisor(xl);
    return 0;
}

const struct command command_info = {
    .name = "info",
    .summary = "Get information about Xen host",
    .usage = "-n, --numa         List host NUMA topology information",
    .run = info_run,
};
