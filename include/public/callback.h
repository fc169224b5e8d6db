/* SPDX-License-Identifier: MIT */
/*
 * Entry points of a guest kernel: callback_op(CALLBACKOP_*, &argument), for the calling vcpu.
 */
#ifndef __XEN_PUBLIC_CALLBACK_H__
#define __XEN_PUBLIC_CALLBACK_H__

#include "xen.h"

#define CALLBACKTYPE_event 0               /* upcalls; masks further ones on entry */
#define CALLBACKTYPE_failsafe 1            /* returning to the guest met a bad segment */
#define CALLBACKTYPE_syscall 2             /* SYSCALL by 64-bit user code */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi 4
#define CALLBACKTYPE_sysenter 5            /* SYSENTER by user code, where the CPU has it */
#define CALLBACKTYPE_syscall32 7           /* SYSCALL by 32-bit user code, where the CPU has it */

#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events (1U << _CALLBACKF_mask_events) /* mask upcalls on entry */

#define CALLBACKOP_register 0
struct callback_register {
    uint16_t type;          /* IN: CALLBACKTYPE_* */
    uint16_t flags;         /* IN: CALLBACKF_* */
    xen_callback_t address; /* IN */
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

#define CALLBACKOP_unregister 1 /* -EINVAL for those that can not be */
struct callback_unregister {
    uint16_t type; /* IN */
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

#endif /* __XEN_PUBLIC_CALLBACK_H__ */
