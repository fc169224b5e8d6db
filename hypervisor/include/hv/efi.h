/* SPDX-License-Identifier: MIT */
/* UEFI runtime services, for dom0. domain/efi.c */
#pragma once

#include <hv/types.h>
#include <public/platform.h>

void efi_init(void); /* maps the runtime regions; nothing to do on BIOS machines */
/* XEN_FW_EFI_*: -ENODEV on a BIOS machine, -EINVAL, -EFAULT. */
long efi_get_info(uint32_t index, union xenpf_efi_info *info);
long efi_runtime_call(struct xenpf_efi_runtime_call *call);
