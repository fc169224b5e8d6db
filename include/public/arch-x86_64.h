/* SPDX-License-Identifier: MIT */
/*
 * Old name for the x86-64 definitions. set_callbacks(event, failsafe, syscall) takes the addresses
 * of three entry points of the guest kernel; callback_op (callback.h) supersedes it.
 */
#include "arch-x86/xen.h"
