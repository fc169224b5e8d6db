/* SPDX-License-Identifier: MIT */
/*
 * Interface version selection for the guest ABI.
 *
 * An includer may name the newest interface it was written for in __XEN_INTERFACE_VERSION__.
 * The hypervisor (__XEN__) and the control tools (__XEN_TOOLS__) always use the latest one, and so
 * does an includer that names none: the pre-2006 spellings, which moved hypercall numbers about,
 * do not exist here and are refused rather than silently misread.
 */
#ifndef __XEN_PUBLIC_XEN_COMPAT_H__
#define __XEN_PUBLIC_XEN_COMPAT_H__

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00

#if defined(__XEN__) || defined(__XEN_TOOLS__)
#undef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#elif !defined(__XEN_INTERFACE_VERSION__)
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#if __XEN_INTERFACE_VERSION__ > __XEN_LATEST_INTERFACE_VERSION__
#error "__XEN_INTERFACE_VERSION__ is newer than these headers (0x00040e00)"
#elif __XEN_INTERFACE_VERSION__ < 0x00040800
#error "__XEN_INTERFACE_VERSION__ older than 0x00040800 is not provided by these headers"
#endif

#define COMPAT_FLEX_ARRAY_DIM XEN_FLEX_ARRAY_DIM

#endif /* __XEN_PUBLIC_XEN_COMPAT_H__ */
