/* SPDX-License-Identifier: MIT */
/*
 * Where the ACPI tables that the tools build for an HVM or PVH guest look for its vcpus. PV guests
 * other than dom0 have no ACPI.
 */
#ifndef __XEN_PUBLIC_ARCH_X86_GUEST_ACPI_H__
#define __XEN_PUBLIC_ARCH_X86_GUEST_ACPI_H__

#ifdef __XEN_TOOLS__

/* I/O ports with a bit for each vcpu that is up; HVM_MAX_VCPUS is in hvm/hvm_info_table.h. */
#define XEN_ACPI_CPU_MAP 0xaf00
#define XEN_ACPI_CPU_MAP_LEN ((HVM_MAX_VCPUS + 7) / 8)

/* The bit of GPE block 0 that says that the map has changed. */
#define XEN_ACPI_GPE0_CPUHP_BIT 2

#endif /* __XEN_TOOLS__ */

#endif /* __XEN_PUBLIC_ARCH_X86_GUEST_ACPI_H__ */
