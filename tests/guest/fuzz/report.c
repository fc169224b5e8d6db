/* SPDX-License-Identifier: MIT */
/* How the calls of each kind ended, and the table of it. */
#include "fuzz.h"

static uint32_t counts[MAX_GENERATORS][OUT_NR];

unsigned int fault_outcome(fault_t fault) {
    unsigned int vector = FAULT_VECTOR(fault);

    return !fault ? 0 : OUT_FAULT + (vector < 32 ? vector : 32 + vector % 4);
}

void count(unsigned int index, unsigned int outcome) {
    __atomic_fetch_add(&counts[index][outcome], 1, __ATOMIC_RELAXED);
    if (kinds[index].flags & NO_HYPERCALL) return;
    if (__atomic_add_fetch(&calls_made, 1, __ATOMIC_RELAXED) >= calls_wanted) stop = true;
}

static const char *errno_name(unsigned int e) {
    static const struct {
        unsigned int number;
        const char *name;
    } names[] = {{XEN_EPERM, "EPERM"},   {XEN_ENOENT, "ENOENT"}, {XEN_ESRCH, "ESRCH"},
                 {XEN_EIO, "EIO"},       {XEN_ENXIO, "ENXIO"},   {XEN_E2BIG, "E2BIG"},
                 {XEN_EAGAIN, "EAGAIN"}, {XEN_ENOMEM, "ENOMEM"}, {XEN_EACCES, "EACCES"},
                 {XEN_EFAULT, "EFAULT"}, {XEN_EBUSY, "EBUSY"},   {XEN_EEXIST, "EEXIST"},
                 {XEN_ENODEV, "ENODEV"}, {XEN_EINVAL, "EINVAL"}, {XEN_ENOSPC, "ENOSPC"},
                 {XEN_ERANGE, "ERANGE"}, {XEN_ENOSYS, "ENOSYS"}, {XEN_EOPNOTSUPP, "EOPNOTSUPP"}};

    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].number == e) return names[i].name;
    return NULL;
}

static const char *outcome_name(unsigned int outcome, char text[16]) {
    static const char *const faults[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
                                         "#DF", NULL,  "#TS", "#NP", "#SS", "#GP", "#PF"};
    const char *name = NULL;

    if (outcome < OUT_GNTST) {
        name = errno_name(outcome);
        if (!name) format(text, 16, "E%u", outcome);
    } else if (outcome < OUT_FAULT) {
        format(text, 16, "GNTST-%u", outcome - OUT_GNTST);
    } else {
        if (outcome - OUT_FAULT < ARRAY_SIZE(faults)) name = faults[outcome - OUT_FAULT];
        if (!name) format(text, 16, "trap%u", outcome - OUT_FAULT);
    }
    return name ? name : text;
}

static void row(unsigned int index) {
    char line[480], text[16];
    size_t n = 0;
    uint64_t total = 0;

    for (unsigned int o = 0; o < OUT_NR; o++) total += counts[index][o];
    if (!total) return;
    n += (size_t)format(line, sizeof(line), "| %s | %lu | %u |", kinds[index].g->name, total,
                        counts[index][0]);
    for (unsigned int o = 1; o < OUT_NR; o++)
        if (counts[index][o])
            n += (size_t)format(line + n, sizeof(line) - n, " %s %u", outcome_name(o, text),
                                counts[index][o]);
    printk("%s |\n", line);
}

unsigned int percent_succeeded(void) {
    uint64_t total = 0, good = 0;

    for (unsigned int i = 0; i < nr_kinds; i++) {
        if (kinds[i].flags & NO_HYPERCALL) continue;
        good += counts[i][0];
        for (unsigned int o = 0; o < OUT_NR; o++) total += counts[i][o];
    }
    return total ? (unsigned int)(good * 100 / total) : 0;
}

static void table(void) {
    printk("| call | made | succeeded | otherwise |\n");
    for (unsigned int i = 0; i < nr_kinds; i++) row(i);
}

void report(void) {
    table();
    printk("fuzz: seed %lu vcpus %u+%u calls %lu succeeded %u %%\n", seed, fuzzing_vcpus,
           all_vcpus - fuzzing_vcpus, calls_made, percent_succeeded());
}

void report_progress(void) {
    static uint64_t next;

    if (!next) next = report_every;
    if (!report_every || calls_made < next || stop) return;
    next += report_every;
    table();
    printk("fuzz: %lu calls so far\n", calls_made);
}
