/* SPDX-License-Identifier: MIT */
/*
 * dom0's hardware: every I/O port, every frame outside RAM and every interrupt line but those that
 * Hospes drives itself (interrupt controllers, timers, its serial port). The list of exceptions is
 * data; page-table validation and port emulation ask the range sets.
 */
#include "dom0_build.h"

#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <x86/cpu.h>

struct range {
    uint64_t first, last;
};

/* Interrupt controllers, their trigger registers, timer and the port of its gate: emulated or
 * refused in entry/. Configuration data at 0xcfc..0xcff is intercepted there, and the address at
 * 0xcf8 when it is 32 bits wide; 0xcf9 is dom0's. */
static const struct range hv_ports[] = {
    {0x20, 0x21}, {0xa0, 0xa1}, {0x4d0, 0x4d1}, {0x40, 0x43}, {0x61, 0x61}, {0xcfc, 0xcff},
};

#define MAX_PADDR_FRAME ((1UL << (cpu_has.phys_bits - PAGE_SHIFT)) - 1)
#define LAPIC_FRAME     0xfee00UL
#define MSI_LAST_FRAME  0xfeeffUL

static int grant_ports(struct rangeset *ports) {
    int rc = rangeset_add(ports, 0, 0xffff);

    for (unsigned int i = 0; !rc && i < ARRAY_SIZE(hv_ports); i++)
        rc = rangeset_remove(ports, hv_ports[i].first, hv_ports[i].last);
    for (uint32_t port = 0; !rc && port <= 0xffff; port++)
        if (console_owns_port((uint16_t)port)) rc = rangeset_remove(ports, port, port);
    return rc;
}

/* dom0 may look at the I/O APICs, as under Xen: a writable mapping becomes a read-only one. */
static int grant_memory(struct rangeset *frames) {
    int rc = rangeset_add(frames, 0, MAX_PADDR_FRAME);

    if (!rc) rc = rangeset_remove(frames, LAPIC_FRAME, MSI_LAST_FRAME);
    for (unsigned int i = 0; !rc && i < acpi.nr_ioapics; i++) {
        uint64_t f = acpi.ioapics[i].addr >> PAGE_SHIFT;

        rc = rangeset_add(mmio_ro_ranges, f, f);
    }
    return rc;
}

int dom0_grant_hardware(struct domain *d) {
    int rc = grant_ports(d->ioport_caps);

    if (!rc) rc = grant_memory(d->iomem_caps);
    return rc ? rc : rangeset_add(d->irq_caps, 0, 0xffff);
}

void dom0_fill_video(struct dom0_vga_console_info *info) {
    const struct boot_video *v = &boot_info.video;

    memset(info, 0, sizeof(*info));
    if (v->type == VIDEO_TEXT) {
        info->video_type = XEN_VGATYPE_TEXT_MODE_3;
        info->u.text_mode_3.font_height = 16;
        info->u.text_mode_3.rows = (uint16_t)v->height;
        info->u.text_mode_3.columns = (uint16_t)v->width;
    } else if (v->type == VIDEO_FRAMEBUFFER) {
        info->video_type = boot_info.efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
        info->u.vesa_lfb.width = (uint16_t)v->width;
        info->u.vesa_lfb.height = (uint16_t)v->height;
        info->u.vesa_lfb.bytes_per_line = (uint16_t)v->pitch;
        info->u.vesa_lfb.bits_per_pixel = (uint16_t)v->bpp;
        info->u.vesa_lfb.lfb_base = (uint32_t)v->addr;
        info->u.vesa_lfb.ext_lfb_base = (uint32_t)(v->addr >> 32);
        info->u.vesa_lfb.lfb_size = (uint32_t)(((uint64_t)v->pitch * v->height + 0xffff) >> 16);
        info->u.vesa_lfb.red_pos = v->format.red_pos;
        info->u.vesa_lfb.red_size = v->format.red_size;
        info->u.vesa_lfb.green_pos = v->format.green_pos;
        info->u.vesa_lfb.green_size = v->format.green_size;
        info->u.vesa_lfb.blue_pos = v->format.blue_pos;
        info->u.vesa_lfb.blue_size = v->format.blue_size;
    }
}
