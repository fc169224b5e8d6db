/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own CPUID leaves, from 0x40000000 upwards (a PV guest reaches them by the
 * forced emulation prefix, XEN_CPUID).
 *   0  EAX: last leaf; EBX, ECX, EDX: "XenVMMXenVMM"
 *   1  EAX: version, major << 16 | minor
 *   2  EAX: number of hypercall pages, EBX: MSR that places them, ECX: XEN_CPUID_FEAT1_*
 *   3  time: subleaf 0 EAX flags (bit 0 TSC emulated, 1 reliable, 2 RDTSCP), EBX tsc_mode, ECX the
 *      guest's kHz, EDX incarnation; subleaf 1 EAX and EBX the offset, ECX multiplier, EDX shift
 *      from TSC to nanoseconds; subleaf 2 EAX the host's kHz
 *   4  for HVM: EAX XEN_HVM_CPUID_*, EBX vcpu, ECX domain
 *   5  for PV: EAX last subleaf, EBX bits 7:0 width of machine addresses
 */
#ifndef __XEN_PUBLIC_ARCH_X86_CPUID_H__
#define __XEN_PUBLIC_ARCH_X86_CPUID_H__

#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF(i) (XEN_CPUID_FIRST_LEAF + (i))

#define XEN_CPUID_SIGNATURE_EBX 0x566e6558
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e

#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD (1u << 0)

#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1u << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT (1u << 1)
#define XEN_HVM_CPUID_IOMMU_MAPPINGS (1u << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT (1u << 4)
#define XEN_HVM_CPUID_EXT_DEST_ID (1u << 5)
#define XEN_HVM_CPUID_UPCALL_VECTOR (1u << 6)

#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffu << 0)

#define XEN_CPUID_MAX_NUM_LEAVES 5

#endif /* __XEN_PUBLIC_ARCH_X86_CPUID_H__ */
