/* SPDX-License-Identifier: MIT */
/*
 * Bits of XENVER_get_features. A kernel names those it needs or supports in its ELF notes
 * FEATURES (names without XENFEAT_, separated by '|', '!' before one it can not do without) and
 * SUPPORTED_FEATURES (a bitmap).
 */
#ifndef __XEN_PUBLIC_FEATURES_H__
#define __XEN_PUBLIC_FEATURES_H__

#define XENFEAT_writable_page_tables 0        /* page tables need no protection */
#define XENFEAT_writable_descriptor_tables 1  /* nor do GDT and LDT */
#define XENFEAT_auto_translated_physmap 2     /* the guest only knows its own frame numbers */
#define XENFEAT_supervisor_mode_kernel 3      /* the kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb 4         /* 32-bit L3 tables anywhere */
#define XENFEAT_mmu_pt_update_preserve_ad 5   /* MMU_PT_UPDATE_PRESERVE_AD exists */
#define XENFEAT_highmem_assist 6              /* MMUEXT_CLEAR_PAGE and COPY_PAGE exist */
#define XENFEAT_gnttab_map_avail_bits 7       /* GNTMAP_guest_avail bits are honoured */
#define XENFEAT_hvm_callback_vector 8
#define XENFEAT_hvm_safe_pvclock 9
#define XENFEAT_hvm_pirqs 10
#define XENFEAT_dom0 11                       /* can be, or is, dom0 */
#define XENFEAT_memory_op_vnode_supported 13  /* XENMEMF_vnode is honoured */
#define XENFEAT_ARM_SMCCC_supported 14
#define XENFEAT_linux_rsdp_unrestricted 15    /* PVH */
#define XENFEAT_not_direct_mapped 16          /* gfn differs from mfn */
#define XENFEAT_direct_mapped 17              /* gfn equals mfn */

#define XENFEAT_NR_SUBMAPS 1

#endif /* __XEN_PUBLIC_FEATURES_H__ */
