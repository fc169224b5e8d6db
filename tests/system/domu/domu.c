/* SPDX-License-Identifier: MIT */
/*
 * A guest for the toolstack's tests: it starts in no time, says "domu: up" on its console, and does
 * what the bytes say that are typed there: p power off, r reboot, c crash (SCHEDOP_shutdown), f a
 * fault that nobody handles, x try to get frames that are not its own; any other byte is echoed, so
 * tests type words without these five.
 * Given "now=X" as its command line it does X at once. With its events masked it never gets an
 * upcall: it waits by SCHEDOP_poll.
 */
#include <public/xen.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/io/console.h>

__asm__(".pushsection .note.Xen, \"a\", @note\n"
        ".macro note type, kind:vararg\n"
        ".balign 4\n.long 4, 2f - 1f, \\type\n.asciz \"Xen\"\n.balign 4\n1: \\kind\n2: .balign 4\n"
        ".endm\n"
        "note 6, .asciz \"hospes-domu\"\n"
        "note 5, .asciz \"xen-3.0\"\n"
        "note 8, .asciz \"generic\"\n"
        "note 3, .quad 0\n"
        "note 4, .quad 0\n"
        "note 1, .quad _start\n"
        "note 9, .asciz \"yes\"\n"
        "note 10, .asciz \"!writable_page_tables|pae_pgdir_above_4gb\"\n"
        "note 13, .quad 1, 1\n"
        ".popsection\n"
        ".globl _start\n"
        "_start: mov $stack_end, %rsp\n"
        "mov %rsi, %rdi\n"
        "xor %ebp, %ebp\n"
        "call run\n");

static const struct start_info *si;
static struct xencons_interface *con;
char stack[8192] __attribute__((aligned(16)));
__asm__(".globl stack_end\n.set stack_end, stack + 8192\n");

static long hypercall4(long op, long a, long b, long c, long d) {
    register long r10 __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "+a"(op), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                     :
                     : "rcx", "r11", "memory", "r8", "r9");
    return op;
}

static long hypercall(long op, long a, void *b) { return hypercall4(op, a, (long)b, 0, 0); }

static void *mfn_to_virt(unsigned long mfn) {
    const unsigned long *m2p = (const unsigned long *)HYPERVISOR_VIRT_START;

    return (void *)(m2p[mfn] << 12); /* VIRT_BASE is 0 */
}

static void notify(void) {
    struct evtchn_send send = {.port = si->console.domU.evtchn};

    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void say(const char *text) {
    for (; *text; text++) {
        while (con->out_prod - __atomic_load_n(&con->out_cons, __ATOMIC_ACQUIRE) >=
               sizeof(con->out))
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        con->out[con->out_prod & (sizeof(con->out) - 1)] = *text;
        __atomic_store_n(&con->out_prod, con->out_prod + 1, __ATOMIC_SEQ_CST);
    }
    notify();
}

static void end(unsigned int reason) {
    struct sched_shutdown shutdown = {.reason = reason};

    for (;;) hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
}

/* Puts a frame in the place of one of our pages, or nothing. */
static long map_page(void *page, unsigned long entry) {
    return hypercall4(__HYPERVISOR_update_va_mapping, (long)page, (long)entry, UVMF_INVLPG, 0);
}

static long mmuext(unsigned int cmd, unsigned long mfn, unsigned int domid) {
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return hypercall4(__HYPERVISOR_mmuext_op, (long)&op, 1, 0, domid);
}

#define MAX_FRAMES (1ul << 20)
static unsigned char own[MAX_FRAMES / 8];
static char spare[4096] __attribute__((aligned(4096))), zero[4096] __attribute__((aligned(4096)));

static void mark_own(unsigned long mfn) {
    if (mfn < MAX_FRAMES) own[mfn / 8] |= (unsigned char)(1u << mfn % 8);
}

/* What it was built with, and what the hypervisor shares with it. */
static void find_own_frames(void) {
    const unsigned long *p2m = (const unsigned long *)si->mfn_list;
    static xen_pfn_t grant_frames[64];
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF};

    for (unsigned long i = 0; i < si->nr_pages; i++) mark_own(p2m[i]);
    mark_own(si->shared_info >> 12);
    hypercall4(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (long)&size, 1, 0);
    setup.nr_frames = size.nr_frames < 64 ? size.nr_frames : 64;
    set_xen_guest_handle(setup.frame_list, grant_frames);
    hypercall4(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (long)&setup, 1, 0);
    for (unsigned int i = 0; i < setup.nr_frames; i++) mark_own(grant_frames[i]);
}

/* In how many ways this frame can be had. */
static unsigned int take(unsigned long mfn) {
    static const unsigned int pins[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                        MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};
    unsigned int taken = 0;

    if (!mmuext(pins[mfn % 4], mfn, DOMID_SELF)) taken++;
    if (!map_page(spare, mfn << 12 | 7)) taken++;
    if (!map_page(spare, mfn << 12 | 5)) taken++;
    if (!mmuext(MMUEXT_CLEAR_PAGE, mfn, DOMID_SELF)) taken++;
    /* Under another's name: each of the first domains in turn, and the special ones. */
    if (!mmuext(pins[mfn % 4], mfn, mfn / 4 % 16 < 12 ? mfn / 4 % 16 : DOMID_COW - mfn % 3))
        taken++;
    return taken;
}

static void say_number(unsigned long n) {
    char digits[24], *p = digits + 23;

    *p = 0;
    do *--p = (char)('0' + n % 10);
    while (n /= 10);
    say(p);
}

static void take_frames(void) {
    unsigned long mfn, tried = 0, taken = 0;
    unsigned long last =
        (unsigned long)hypercall(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0);

    find_own_frames();
    for (mfn = 0; mfn <= last && mfn < MAX_FRAMES; mfn++) {
        if (own[mfn / 8] & 1u << mfn % 8) continue;
        taken += take(mfn);
        tried++;
    }
    /* One of its own can be had, once it is not mapped writable. */
    mfn = ((const unsigned long *)si->mfn_list)[(unsigned long)zero >> 12];
    map_page(zero, mfn << 12 | 5);
    say(mmuext(MMUEXT_PIN_L1_TABLE, mfn, DOMID_SELF) ? "domu: own one refused, "
                                                     : "domu: own one pinned, ");
    say_number(tried);
    say(" others tried, ");
    say_number(taken);
    say(" taken\r\n");
}

static void obey(char what) {
    char echo[] = {what, 0};

    if (what == 'p') end(SHUTDOWN_poweroff);
    if (what == 'r') end(SHUTDOWN_reboot);
    if (what == 'c') end(SHUTDOWN_crash);
    if (what == 'f') __asm__ volatile("ud2");
    if (what == 'x') return take_frames();
    say(echo);
}

/* Until there is console input. The port is cleared first, so that no byte is missed. */
static void wait_input(struct shared_info *shared) {
    evtchn_port_t port = si->console.domU.evtchn;
    struct sched_poll poll = {.nr_ports = 1};

    set_xen_guest_handle(poll.ports, &port);
    __atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
    if (con->in_cons == __atomic_load_n(&con->in_prod, __ATOMIC_ACQUIRE))
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

static char page[4096] __attribute__((aligned(4096)));

void run(const struct start_info *info) {
    struct shared_info *shared = (struct shared_info *)page;
    const char *line = (const char *)info->cmd_line;

    si = info;
    con = mfn_to_virt(info->console.domU.mfn);
    map_page(shared, info->shared_info | 7);
    say("domu: up\r\n");
    if (line[0] == 'n' && line[1] == 'o' && line[2] == 'w' && line[3] == '=') obey(line[4]);
    for (;;) {
        while (con->in_cons != __atomic_load_n(&con->in_prod, __ATOMIC_ACQUIRE)) {
            char byte = con->in[con->in_cons & (sizeof(con->in) - 1)];

            __atomic_store_n(&con->in_cons, con->in_cons + 1, __ATOMIC_SEQ_CST);
            obey(byte);
        }
        wait_input(shared);
    }
}
