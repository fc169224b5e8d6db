/* SPDX-License-Identifier: MIT */
/*
 * softint: `int n` for vectors other than int3, into and int 0x80 goes through the hypervisor's
 * #GP handler, which takes the vector from the error code (n * 8 + 2) and bounces it if the guest's
 * trap table lets that mode raise it. QEMU before 10.0 gives n * 16 + 2: nothing to test there.
 */
#include "trap.h"

static uint64_t interrupts(uint64_t user) {
    (void)user;
    /* Vector 0x40 is open to everyone, the others to nobody. */
    expect_eq(TRY("int $0x40"), FAULT(0x40, 0));
    expect_eq(TRY("int $0x30"), FAULT(GP, 0x30 * 8 + 2));
    expect_eq(TRY("int $0xff"), FAULT(GP, 0xff * 8 + 2));
    expect_eq(TRY("int $14"), FAULT(GP, 14 * 8 + 2));
    return 0;
}

void test_main(void) {
    fault_t f = TRY("int $0x20");

    if (f == FAULT(0x40, 0) || f == FAULT(GP, 0x20 * 16 + 2)) {
        skip("QEMU gives int n the error code n * 16 + 2 (mended in QEMU 10.0)");
        return;
    }
    interrupts(0);
    run_user(interrupts, 1);
}
