/* SPDX-License-Identifier: MIT */
/*
 * Only what the control interface needs of the HVM save format: a vcpu's virtual machine-check
 * registers, which XEN_DOMCTL_{get,set}_ext_vcpucontext carries for PV vcpus too.
 */
#ifndef __XEN_PUBLIC_HVM_SAVE_H__
#define __XEN_PUBLIC_HVM_SAVE_H__

#include "../xen.h"

struct hvm_vmce_vcpu {
    uint64_t caps;           /* MCG_CAP */
    uint64_t mci_ctl2_bank0; /* MC0_CTL2 */
    uint64_t mci_ctl2_bank1; /* MC1_CTL2 */
    uint64_t mcg_ext_ctl;    /* MCG_EXT_CTL */
};

#endif /* __XEN_PUBLIC_HVM_SAVE_H__ */
