/* SPDX-License-Identifier: MIT */
/* Host tests: the direct map lies where a process may map it. */
#pragma once

#include_next <x86/layout.h>

#undef DIRECTMAP_START
#define DIRECTMAP_START 0x200000000000UL
