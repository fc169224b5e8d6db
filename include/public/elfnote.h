/* SPDX-License-Identifier: MIT */
/*
 * ELF notes, owner "Xen", by which a kernel tells its builder what it wants. Numbers are 4 or 8
 * bytes; texts end with NUL. Before notes there was a section __xen_guest of NAME=value pairs.
 */
#ifndef __XEN_PUBLIC_ELFNOTE_H__
#define __XEN_PUBLIC_ELFNOTE_H__

#define XEN_ELFNOTE_INFO 0                /* text: NAME=value */
#define XEN_ELFNOTE_ENTRY 1               /* number: virtual address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE 2      /* number: virtual address of a page to be filled */
#define XEN_ELFNOTE_VIRT_BASE 3           /* number: virtual address of pseudo-physical 0 */
#define XEN_ELFNOTE_PADDR_OFFSET 4        /* number: what p_paddr is too high by */
#define XEN_ELFNOTE_XEN_VERSION 5         /* text: "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS 6            /* text */
#define XEN_ELFNOTE_GUEST_VERSION 7       /* text */
#define XEN_ELFNOTE_LOADER 8              /* text: "generic" */
#define XEN_ELFNOTE_PAE_MODE 9            /* text: 32-bit kernels */
#define XEN_ELFNOTE_FEATURES 10           /* text: see features.h */
#define XEN_ELFNOTE_BSD_SYMTAB 11         /* text: "yes" to have the symbol table loaded */
#define XEN_ELFNOTE_HV_START_LOW 12       /* number: lowest start of the hypervisor's range */
#define XEN_ELFNOTE_L1_MFN_VALID 13       /* pairs mask, value: entries that hold a frame number */
#define XEN_ELFNOTE_SUSPEND_CANCEL 14     /* number: a suspend may return 1 and go on */
#define XEN_ELFNOTE_INIT_P2M 15           /* number: virtual address for the p2m list */
#define XEN_ELFNOTE_MOD_START_PFN 16      /* number: the initrd need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* number: bitmap of XENFEAT_* */
#define XEN_ELFNOTE_PHYS32_ENTRY 18       /* number: 32-bit unpaged entry, for PVH */
#define XEN_ELFNOTE_MAX XEN_ELFNOTE_PHYS32_ENTRY

/* Notes in the hypervisor's crash image. */
#define XEN_ELFNOTE_CRASH_INFO 0x1000001
#define XEN_ELFNOTE_CRASH_REGS 0x1000002

/* Notes in a core file of a domain (xl dump-core). */
#define XEN_ELFNOTE_DUMPCORE_NONE 0x2000000 /* marks the file as one */
#define XEN_ELFNOTE_DUMPCORE_HEADER 0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION 0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif /* __XEN_PUBLIC_ELFNOTE_H__ */
