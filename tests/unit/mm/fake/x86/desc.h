/* SPDX-License-Identifier: MIT */
/* Host tests: a process has no LDT to load. */
#pragma once

#include_next <x86/desc.h>

#define lldt(sel) ((void)(sel))
