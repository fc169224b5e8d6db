/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_xen_version: who we are (public/version.h). The version and capabilities are those of
 * Xen 4.17, which stock tools look for; the extra version and the build facts are Hospes's own.
 * Guests other than dom0 are told the same but the command line and build facts.
 */
#include <hv/boot.h>
#include <hv/hypercall.h>
#include <public/version.h>

#define XEN_MAJOR 4
#define XEN_MINOR 17
#define DENIED    "<denied>"

/* Nothing here depends on when or where it was built. */
#ifdef __clang__
const char hv_compiler[] = "clang " __clang_version__;
#else
const char hv_compiler[] = "gcc " __VERSION__;
#endif
extern const uint8_t build_id_note[], build_id_note_end[];

size_t hv_build_id(const uint8_t **id) {
    *id = build_id_note + 16; /* behind the note's header and "GNU" */
    return (size_t)(build_id_note_end - *id);
}

static long put_string(uint64_t arg, const char *text, size_t size) {
    char buf[XEN_CAPABILITIES_INFO_LEN] = {0};

    strlcpy(buf, text, sizeof(buf));
    buf[size - 1] = 0;
    return copy_to_guest(arg, buf, size);
}

static long put_command_line(uint64_t arg) {
    static char line[sizeof(xen_commandline_t)];

    if (!current->domain->is_control) return copy_to_guest(arg, DENIED, sizeof(DENIED));
    strlcpy(line, boot_info.cmdline, sizeof(line)); /* the same for every caller and CPU */
    return copy_to_guest(arg, line, sizeof(line));
}

static long put_compile_info(uint64_t arg) {
    xen_compile_info_t info = {0};

    strlcpy(info.compiler, hv_compiler, sizeof(info.compiler));
    strlcpy(info.compile_by, "hospes", sizeof(info.compile_by));
    strlcpy(info.compile_domain, "local", sizeof(info.compile_domain));
    strlcpy(info.compile_date, "reproducible build", sizeof(info.compile_date));
    return copy_to_guest(arg, &info, sizeof(info));
}

static long get_features(uint64_t arg) {
    struct domain *d = current->domain;
    xen_feature_info_t fi;

    if (copy_from_guest(&fi, arg, sizeof(fi))) return -EFAULT;
    if (fi.submap_idx != 0) return -EINVAL;
    fi.submap = BIT(XENFEAT_memory_op_vnode_supported) | BIT(XENFEAT_mmu_pt_update_preserve_ad) |
                BIT(XENFEAT_highmem_assist) | BIT(XENFEAT_gnttab_map_avail_bits) |
                BIT(XENFEAT_direct_mapped);
    if (d->vm_assist & BIT(VMASST_TYPE_pae_extended_cr3))
        fi.submap |= BIT(XENFEAT_pae_pgdir_above_4gb);
    if (d->is_control) fi.submap |= BIT(XENFEAT_dom0);
    return copy_to_guest(arg, &fi, sizeof(fi));
}

static long get_build_id(uint64_t arg) {
    const uint8_t *id;
    size_t size = hv_build_id(&id);
    xen_build_id_t b;

    if (!current->domain->is_control) return -EPERM;
    if (!arg) return (long)size;
    if (copy_from_guest(&b, arg, sizeof(b))) return -EFAULT;
    if (b.len == 0) return -EINVAL;
    if (size > b.len) return -ENOBUFS;
    return copy_to_guest(arg + offsetof(xen_build_id_t, buf), id, size) ? -EFAULT : (long)size;
}

long do_xen_version(int cmd, uint64_t arg) {
    xen_platform_parameters_t params = {.virt_start = HV_START};

    switch (cmd) {
    case XENVER_version: return XEN_MAJOR << 16 | XEN_MINOR;
    case XENVER_extraversion: return put_string(arg, ".7-hospes", sizeof(xen_extraversion_t));
    case XENVER_compile_info: return put_compile_info(arg);
    case XENVER_capabilities:
        return put_string(arg, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset: return put_string(arg, "hospes", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters: return copy_to_guest(arg, &params, sizeof(params));
    case XENVER_get_features: return get_features(arg);
    case XENVER_pagesize: return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(arg, current->domain->handle, sizeof(xen_domain_handle_t));
    case XENVER_commandline: return put_command_line(arg);
    case XENVER_build_id: return get_build_id(arg);
    default: return -ENOSYS;
    }
}
