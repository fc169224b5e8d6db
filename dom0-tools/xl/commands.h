/* SPDX-License-Identifier: MIT */
/* The commands, for the table in commands.c, and what a few of them share. */
#pragma once

#include "xl.h"

extern const struct command command_create, command_list, command_vm_list, command_destroy,
    command_shutdown, command_reboot, command_pause, command_unpause, command_console,
    command_vcpu_list, command_info, command_domid, command_domname, command_rename, command_sysrq,
    command_debug_keys, command_dmesg, command_uptime, command_dump_core;

/* CPU bitmaps large enough for every CPU the ABI can name here. */
#define MAX_CPU_BYTES 512
