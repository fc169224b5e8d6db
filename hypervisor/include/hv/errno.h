/* SPDX-License-Identifier: MIT */
/*
 * Error numbers by their plain names, equal to the guest ABI's, which is Linux's x86 numbering. In
 * host test builds the C library's are the same numbers.
 */
#pragma once

#if __STDC_HOSTED__
#include <errno.h>
#else
#define XEN_ERRNO(name, value) name = value,
enum errno_value {
    EINTR = 4, /* never reaches a guest */
#include <public/errno.h>
};
#endif
