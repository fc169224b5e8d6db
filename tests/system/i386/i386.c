/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit Linux program, without a C library, that does what only such programs do to a 64-bit
 * kernel and to the hypervisor below it: system calls by int 0x80 and by the vdso (SYSCALL or
 * SYSENTER from compatibility mode); faults and traps, some of which 64-bit code cannot have, as
 * signals; timer signals amid 32-bit code; segments of the thread area and of an LDT, a thread's
 * own in GS; calls into 64-bit code and back; addresses up to 4 GiB.
 *
 * A line for each check that fails; then "i386: N checks, M failed", and the exit status says the
 * same.
 */
#include <stddef.h>
#include <stdint.h>

enum {
    NR_FORK = 2,
    NR_READ = 3,
    NR_WRITE = 4,
    NR_OPEN = 5,
    NR_EXECVE = 11,
    NR_LSEEK = 19,
    NR_GETPID = 20,
    NR_MUNMAP = 91,
    NR_SETITIMER = 104,
    NR_WAIT4 = 114,
    NR_MODIFY_LDT = 123,
    NR_MPROTECT = 125,
    NR_SCHED_YIELD = 158,
    NR_MREMAP = 163,
    NR_RT_SIGACTION = 174,
    NR_MMAP2 = 192,
    NR_FUTEX = 240,
    NR_SET_THREAD_AREA = 243,
    NR_EXIT_GROUP = 252,
};
enum { SIGILL = 4, SIGTRAP = 5, SIGFPE = 8, SIGSEGV = 11, SIGALRM = 14 };
enum { PROT_R = 1, PROT_RW = 3, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20 };
/* In the registers of a signal's frame. */
enum { REG_EIP = 14, REG_EFLAGS = 16 };

#define PAGE       4096u
#define AT_SYSINFO 32
#define SA_SIGINFO 4
#define FLAG_TF    0x100
#define ALARMS     50
#define THREADS    4
#define ROUNDS     2000
/* In user_desc: 32-bit data, usable; for code 2 << 1 more; 0x10 counts the limit in pages. */
#define DESC_DATA  0x41
#define DESC_CODE  0x45
#define DESC_PAGES 0x10

struct user_desc {
    uint32_t entry, base, limit, flags;
};

struct sigaction {
    uint32_t handler, flags, restorer, mask[2];
};

struct tls {
    uint32_t number, check;
};

static unsigned int checks, failed;
static uint32_t vsyscall;
/* What start.S uses: registers that a system call changed; where a fault's handler goes on; what
 * the last signal was; alarms so far. */
uint32_t clobbered, resume_at, last_signal, last_address, last_flags;
volatile uint32_t alarms;
static volatile uint32_t thread_errors, thread_lives[THREADS];
static struct tls thread_tls[THREADS + 1];
static uint32_t tls_entry, ldt_words[2] = {0x1d7, 0x1d8}, bounds[2] = {1, 2};
static uint8_t stacks[THREADS][8192] __attribute__((aligned(16)));

/* A system call by calling `entry`; counts it in `clobbered` if a register has changed. */
int32_t call_system(uint32_t entry, uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                    uint32_t e, uint32_t f);
/* A thread whose first instructions take a function and its argument from the new stack. */
int32_t start_thread(uint32_t *stack, struct user_desc *tls, volatile uint32_t *lives);
/* Fills registers, xmm0 too, spins until an alarm has come; says how many have changed. */
uint32_t spin_until_alarm(void);
/* 64-bit code, called far: a number only 64-bit registers can hold, shifted; getpid of that ABI. */
uint32_t call_64bit(void);
uint32_t getpid_64bit(void);
/* Far call to this selector, offset 0. */
uint32_t call_segment(uint32_t selector);
extern char int80[], in_segment[];
void start_c(uint32_t *stack);

#define sys6(entry, nr, a, b, c, d, e, f) call_system(entry, nr, a, b, c, d, (uint32_t)(e), f)
#define sys(nr, a, b, c)                  sys6((uint32_t)int80, nr, (uint32_t)(a), b, c, 0, 0, 0)

static void say(const char *text) {
    size_t n = 0;

    while (text[n]) n++;
    sys(NR_WRITE, 1, (uint32_t)text, n);
}

static void say_number(uint32_t n) {
    char digits[12], *p = digits + 11;

    *p = 0;
    do *--p = (char)('0' + n % 10);
    while (n /= 10);
    say(p);
}

static void check(int good, const char *what) {
    checks++;
    if (good) return;
    failed++;
    say("i386: FAILED ");
    say(what);
    say("\n");
}

static uint32_t map(uint32_t at, uint32_t size, uint32_t flags) {
    return (uint32_t)sys6((uint32_t)int80, NR_MMAP2, at, size, PROT_RW,
                          MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void on_fault(int signal, uint32_t *info, uint8_t *context) {
    uint32_t *regs = (uint32_t *)(context + 20);

    last_signal = (uint32_t)signal;
    last_address = info[3];
    last_flags = regs[REG_EFLAGS];
    regs[REG_EFLAGS] &= ~(uint32_t)FLAG_TF;
    regs[REG_EIP] = resume_at;
}

static void on_alarm(int signal, uint32_t *info, uint8_t *context) {
    (void)signal;
    (void)info;
    (void)context;
    alarms++;
}

static void handle(int signal, void (*handler)(int, uint32_t *, uint8_t *)) {
    struct sigaction action = {(uint32_t)handler, SA_SIGINFO, 0, {0, 0}};

    check(!sys6((uint32_t)int80, NR_RT_SIGACTION, (uint32_t)signal, (uint32_t)&action, 0, 8, 0, 0),
          "rt_sigaction");
}

/* Runs an instruction that must give this signal. */
#define expect_signal(signal, instructions)                                                        \
    do {                                                                                           \
        last_signal = 0;                                                                           \
        asm volatile("movl $1f, resume_at\n\t" instructions "\n1:" ::                              \
                         : "eax", "ecx", "edx", "memory", "cc");                                   \
        check(last_signal == (signal), "signal of " instructions);                                 \
    } while (0)

static void check_calls(void) {
    int32_t pid = sys(NR_GETPID, 0, 0, 0);

    check(pid > 0, "getpid by int 0x80");
    check(vsyscall != 0, "the vdso has a system call");
    if (vsyscall) {
        for (unsigned int i = 0; i < 100; i++)
            if (sys6(vsyscall, NR_GETPID, 11, 22, 33, 44, 55, 66) != pid) clobbered++;
        check(sys6(vsyscall, 0x7fff, 1, 2, 3, 4, 5, 6) == -38, "no such call, by the vdso");
    }
    check(sys(0x7fff, 1, 2, 3) == -38, "no such call, by int 0x80");
    check((int32_t)getpid_64bit() == pid, "getpid by the 64-bit system call");
    check(clobbered == 0, "registers over system calls");
}

static void check_memory(void) {
    uint32_t at = map(0xe0000000, 16 * PAGE, MAP_FIXED), moved, here;
    volatile uint32_t *words = (volatile uint32_t *)at;

    check((uint32_t)&here >= 0xf0000000, "the stack is at the end of 4 GiB");
    check(at == 0xe0000000, "mmap2 at 0xe0000000");
    for (uint32_t i = 0; i < 16; i++) words[i * PAGE / 4] = i + 1;
    check(!sys(NR_MPROTECT, at, PAGE, PROT_R), "mprotect");
    expect_signal(SIGSEGV, "movl $1, 0xe0000010");
    check(last_address == 0xe0000010, "address of a write that was refused");
    check(words[0] == 1 && words[4] == 0, "nothing was written");
    moved = (uint32_t)sys6((uint32_t)int80, NR_MREMAP, at + PAGE, 15 * PAGE, 64 * PAGE, 1, 0, 0);
    check(moved < 0xfffff000, "mremap");
    words = (volatile uint32_t *)moved;
    check(words[0] == 2 && words[14 * PAGE / 4] == 16 && words[63 * PAGE / 4] == 0,
          "what it moved");
    check(!sys(NR_MUNMAP, moved, 64 * PAGE, 0) && !sys(NR_MUNMAP, at, PAGE, 0), "munmap");
    expect_signal(SIGSEGV, "movl 0xe0000000, %%eax");
    expect_signal(SIGSEGV, "movl 0xfffffff0, %%eax");
}

/* The sixth argument is in EBP, which each way of calling treats differently: a file's second page.
 */
static void check_sixth_argument(uint32_t entry, const char *program) {
    int32_t file = sys(NR_OPEN, program, 0, 0);
    uint32_t read[4] = {0}, at;
    volatile uint32_t *mapped;

    check(file >= 0, "open");
    at = (uint32_t)sys6(entry, NR_MMAP2, 0, PAGE, PROT_R, MAP_PRIVATE, file, 1);
    check(at < 0xfffff000, "mmap2 of a file");
    if (file < 0 || at >= 0xfffff000) return;
    sys(NR_LSEEK, file, PAGE, 0);
    check(sys(NR_READ, file, (uint32_t)read, sizeof(read)) == sizeof(read), "read");
    mapped = (volatile uint32_t *)at;
    check(mapped[0] == read[0] && mapped[1] == read[1] && mapped[3] == read[3], "its second page");
}

static void check_faults(void) {
    expect_signal(SIGILL, "ud2");
    expect_signal(SIGTRAP, "int3");
    expect_signal(SIGFPE, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx");
    expect_signal(SIGSEGV, "cli");
    expect_signal(SIGSEGV, "in $0x80, %%al");
    expect_signal(SIGSEGV, "movl 0, %%eax");
    check(last_address == 0, "address of a read of nothing");
    expect_signal(SIGSEGV, "mov $0x7fffffff, %%eax; add $1, %%eax; into");
    asm volatile("" ::"r"(bounds) : "memory");
    expect_signal(SIGSEGV, "mov $3, %%eax; .byte 0x62, 0x05; .long bounds");
    expect_signal(SIGSEGV, "mov $0x7c3, %%eax; mov %%eax, %%fs");
    expect_signal(SIGTRAP, "pushf; orl $0x100, (%%esp); popf; nop");
    check(last_flags & FLAG_TF, "single step");
}

static void check_alarms(void) {
    uint32_t every[4] = {0, 5000, 0, 5000}, none[4] = {0, 0, 0, 0}, changed = 0;

    handle(SIGALRM, on_alarm);
    check(!sys(NR_SETITIMER, 0, (uint32_t)every, 0), "setitimer");
    while (alarms < ALARMS) changed += spin_until_alarm();
    sys(NR_SETITIMER, 0, (uint32_t)none, 0);
    check(changed == 0, "registers over alarms");
}

static void check_ldt(void) {
    struct user_desc data = {3, (uint32_t)ldt_words, 7, DESC_DATA};
    struct user_desc code = {4, (uint32_t)in_segment, 0xff, DESC_CODE};
    uint32_t word;

    check(!sys(NR_MODIFY_LDT, 0x11, (uint32_t)&data, sizeof(data)), "modify_ldt, data");
    check(!sys(NR_MODIFY_LDT, 0x11, (uint32_t)&code, sizeof(code)), "modify_ldt, code");
    asm volatile("mov %1, %%fs; movl %%fs:4, %0" : "=r"(word) : "r"(3 << 3 | 7));
    check(word == 0x1d8, "a segment of the LDT");
    check(call_segment(4 << 3 | 7) == 0x5e9, "code in a segment of the LDT");
    check(call_64bit() == 0x1234567, "64-bit code");
}

static uint32_t own_number(void) {
    uint32_t number;

    asm volatile("movl %%gs:0, %0" : "=r"(number));
    return number;
}

static void load_gs(void) { asm volatile("mov %0, %%gs" ::"r"(tls_entry << 3 | 3)); }

/* The LDT belongs to all threads, the thread area's segment to one. */
static void thread(uint32_t number) {
    uint32_t word;

    load_gs();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        asm volatile("mov %1, %%fs; movl %%fs:0, %0" : "=r"(word) : "r"(3 << 3 | 7));
        if (own_number() != number || word != 0x1d7)
            __atomic_fetch_add(&thread_errors, 1, __ATOMIC_RELAXED);
        call_system(vsyscall && i % 2 ? vsyscall : (uint32_t)int80, NR_SCHED_YIELD, 1, 2, 3, 4, 5,
                    6);
    }
}

static struct user_desc tls_of(uint32_t number) {
    thread_tls[number].number = number;
    return (struct user_desc){tls_entry, (uint32_t)&thread_tls[number], 0xfffff,
                              DESC_DATA | DESC_PAGES};
}

static void check_threads(void) {
    struct user_desc own = tls_of(THREADS);

    own.entry = ~0u;
    check(!sys(NR_SET_THREAD_AREA, &own, 0, 0), "set_thread_area");
    tls_entry = own.entry;
    load_gs();
    for (uint32_t i = 0; i < THREADS; i++) {
        struct user_desc tls = tls_of(i);
        uint32_t *stack = (uint32_t *)(stacks[i] + sizeof(stacks[i])) - 4;

        stack[0] = (uint32_t)thread;
        stack[1] = i;
        thread_lives[i] = 1;
        check(start_thread(stack, &tls, &thread_lives[i]) > 0, "clone");
    }
    for (uint32_t i = 0; i < THREADS; i++)
        while (thread_lives[i]) sys(NR_FUTEX, &thread_lives[i], 0, 1);
    check(own_number() == THREADS, "the first thread's segment");
    check(thread_errors == 0, "segments of threads");
}

static void check_exec(const char *program) {
    const char *argv[] = {program, "child", NULL}, *none[] = {NULL};
    uint32_t status = 0;
    int32_t child = sys(NR_FORK, 0, 0, 0);

    if (child == 0) {
        sys(NR_EXECVE, program, (uint32_t)argv, (uint32_t)none);
        sys(NR_EXIT_GROUP, 1, 0, 0);
    }
    check(child > 0, "fork");
    check(sys(NR_WAIT4, child, (uint32_t)&status, 0) == child && status == 42 << 8, "execve");
}

static uint32_t find_vsyscall(uint32_t *stack) {
    uint32_t *p = stack + 1 + stack[0] + 1;

    while (*p++) {
    }
    for (; p[0]; p += 2)
        if (p[0] == AT_SYSINFO) return p[1];
    return 0;
}

void start_c(uint32_t *stack) {
    const char *program = (const char *)stack[1];

    if (stack[0] > 1) sys(NR_EXIT_GROUP, 42, 0, 0);
    vsyscall = find_vsyscall(stack);
    handle(SIGSEGV, on_fault);
    handle(SIGILL, on_fault);
    handle(SIGFPE, on_fault);
    handle(SIGTRAP, on_fault);
    check_calls();
    check_memory();
    check_sixth_argument((uint32_t)int80, program);
    if (vsyscall) check_sixth_argument(vsyscall, program);
    check_faults();
    check_ldt();
    check_threads();
    check_alarms();
    check_exec(program);
    check(clobbered == 0, "registers over all system calls");
    say("i386: ");
    say_number(checks);
    say(" checks, ");
    say_number(failed);
    say(" failed\n");
    sys(NR_EXIT_GROUP, failed != 0, 0, 0);
}
