/* SPDX-License-Identifier: MIT */
/* The battery-backed clock. x86/rtc.c */
#pragma once

#include <hv/types.h>

/* Seconds since 1970-01-01 UTC; 0 if there is no clock or it shows nonsense. */
uint64_t rtc_read_seconds(void);
