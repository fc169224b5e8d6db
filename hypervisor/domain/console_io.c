/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_console_io: dom0's own console, and debug output of other domains. */
#include <hv/console.h>
#include <hv/hypercall.h>

#define PIECE 128u

static long console_write_op(uint32_t count, uint64_t buffer) {
    char piece[PIECE];

    while (count) {
        uint32_t n = min(count, PIECE);

        if (copy_from_guest(piece, buffer, n)) return -EFAULT;
        console_write_guest(current->domain, piece, n);
        buffer += n;
        count -= n;
        if (count && preempt_check())
            return hypercall_continue(3, (uint64_t)CONSOLEIO_write, (uint64_t)count, buffer);
    }
    return 0;
}

static long console_read_op(uint32_t count, uint64_t buffer) {
    char piece[PIECE];
    uint32_t n;

    if (count > INT32_MAX) return -E2BIG;
    n = console_guest_read(piece, min(count, PIECE));
    return copy_to_guest(buffer, piece, n) ? -EFAULT : (long)n;
}

long do_console_io(uint32_t cmd, uint32_t count, uint64_t buffer) {
    int rc;

    /* Any guest may write when the hypervisor was built for debugging, as in stock builds. */
    if (cmd == CONSOLEIO_write)
        return current->domain->is_control || IS_DEBUG ? console_write_op(count, buffer) : -EPERM;
    if (cmd != CONSOLEIO_read) return -ENOSYS;
    rc = policy_check(current->domain, current->domain, POL_CONSOLE_IO, cmd);
    return rc ? rc : console_read_op(count, buffer);
}
