/* SPDX-License-Identifier: MIT */
#pragma once

void tsc_calibrate(void); /* sets tsc_khz; boot CPU, after acpi_init() */
