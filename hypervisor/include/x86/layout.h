/* SPDX-License-Identifier: MIT */
/*
 * Hospes's part of every address space: L4 slots 256..271 (fixed by the guest ABI). Also read by
 * assembly and the linker script.
 */
#pragma once

#ifdef __ASSEMBLY__
#define UL_(x) x
#else
#define UL_(x) x##UL
#endif

#define HV_SLOT_FIRST     256
#define HV_SLOT_LAST      271
#define HV_SLOT_PERDOMAIN 260
#define HV_SLOT_IMAGE     261
#define HV_SLOT_DIRECTMAP 262

#define LOW_HALF_END     UL_(0x0000800000000000) /* from here to HV_START: not canonical */
#define HV_START         UL_(0xffff800000000000)
#define HV_END           UL_(0xffff880000000000)
#define M2P_RO_START     UL_(0xffff800000000000) /* M2P, read-only for guests (ABI) */
#define IOREMAP_START    UL_(0xffff808000000000) /* slot 257 */
#define IOREMAP_END      UL_(0xffff80c000000000)
#define FRAMETABLE_START UL_(0xffff810000000000) /* slot 258 */
#define M2P_RW_START     UL_(0xffff818000000000) /* slot 259: M2P, writable alias */
#define PERDOMAIN_START  UL_(0xffff820000000000) /* slot 260: GDT and LDT windows of each vcpu */
#define IMAGE_START      UL_(0xffff82d040000000) /* slot 261: image, CPUs' stacks; 1 GiB */
#define IMAGE_MAX        UL_(0x1000000)          /* 16 MiB */
#define DIRECTMAP_START  UL_(0xffff830000000000) /* RAM, 5 TiB */
#define DIRECTMAP_END    UL_(0xffff880000000000)

/* A CPU's area begins with its stack block and entry page (x86/desc.h); the rest is unmapped. */
#define CPU_AREA_START (IMAGE_START + UL_(0x10000000))
#define CPU_AREA_SIZE  UL_(0x20000)
#define CPU_AREA(cpu)  (CPU_AREA_START + (cpu)*CPU_AREA_SIZE)
#define DEVMAP_START   (IMAGE_START + UL_(0x20000000))

/* Each vcpu has 32 pages in the per-domain slot: 16 for its GDT, 16 for its LDT. */
#define VCPU_WINDOW_PAGES 32
#define GDT_WINDOW(v)     (PERDOMAIN_START + (v)*VCPU_WINDOW_PAGES * UL_(4096))
#define LDT_WINDOW(v)     (GDT_WINDOW(v) + 16 * UL_(4096))

/* Hospes's descriptors sit in GDT page 14, the first that a guest cannot set. */
#define RESERVED_GDT_PAGE 14
#define SEL_HV_CS         0xe008
#define SEL_HV_DS         0xe010
#define SEL_USER_CS32     0xe023
#define SEL_USER_DS       0xe02b
#define SEL_USER_CS64     0xe033
#define SEL_TSS           0xe040
#define SEL_LDT           0xe050
