/* SPDX-License-Identifier: MIT */
/*
 * A guest for the toolstack's tests: it starts in no time, says "domu: up" on its console, and does
 * what the bytes say that are typed there: p power off, r reboot, c crash (SCHEDOP_shutdown), f a
 * fault that nobody handles; any other byte is echoed, so tests type words without these four.
 * Given "now=X" as its command line it does X at once. With its events masked it never gets an
 * upcall: it waits by SCHEDOP_poll.
 */
#include <public/xen.h>
#include <public/event_channel.h>
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

static long hypercall(long op, long a, void *b) {
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a), "+S"(b)
                     : "0"(op)
                     : "rcx", "r11", "memory", "rdx", "r8", "r9", "r10");
    return ret;
}

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

static void obey(char what) {
    char echo[] = {what, 0};

    if (what == 'p') end(SHUTDOWN_poweroff);
    if (what == 'r') end(SHUTDOWN_reboot);
    if (what == 'c') end(SHUTDOWN_crash);
    if (what == 'f') __asm__ volatile("ud2");
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

/* Puts a frame in the place of one of our pages. */
static void map_page(void *page, unsigned long address) {
    long ret = __HYPERVISOR_update_va_mapping,
         arg[3] = {(long)page, (long)address | 7, UVMF_INVLPG};

    __asm__ volatile("syscall"
                     : "+a"(ret), "+D"(arg[0]), "+S"(arg[1]), "+d"(arg[2])
                     :
                     : "rcx", "r11", "memory", "r8", "r9", "r10");
}

static char page[4096] __attribute__((aligned(4096)));

void run(const struct start_info *info) {
    struct shared_info *shared = (struct shared_info *)page;
    const char *line = (const char *)info->cmd_line;

    si = info;
    con = mfn_to_virt(info->console.domU.mfn);
    map_page(shared, info->shared_info);
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
