/* SPDX-License-Identifier: MIT */
/* xen_version wrappers: see xenver.h. Texts are terminated even if the hypervisor's are not. */
#include "xenver.h"

#include <errno.h>
#include <string.h>

#include "privcmd.h"

static int64_t version_op(struct hv *hv, unsigned int cmd, void *arg) {
    return hv_call(hv, __HYPERVISOR_xen_version, cmd, (uintptr_t)arg, 0, 0, 0);
}

static int text_op(struct hv *hv, unsigned int cmd, const char *name, char *text, size_t size) {
    char *block = hv_op_block(hv, size);
    int ret = hv_note(hv, version_op(hv, cmd, block), "xen_version %s", name);

    if (ret < 0) return ret;
    memcpy(text, block, size);
    text[size - 1] = '\0';
    return 0;
}

int hv_version(struct hv *hv, unsigned int *major, unsigned int *minor) {
    int ret = hv_note(hv, version_op(hv, XENVER_version, NULL), "xen_version version");

    if (ret < 0) return ret;
    *major = (unsigned int)ret >> 16;
    *minor = (unsigned int)ret & 0xffff;
    return 0;
}

int hv_extraversion(struct hv *hv, xen_extraversion_t text) {
    return text_op(hv, XENVER_extraversion, "extraversion", text, sizeof(xen_extraversion_t));
}

int hv_compile_info(struct hv *hv, struct xen_compile_info *info) {
    struct xen_compile_info *block = hv_op_block(hv, sizeof(*block));
    int ret = hv_note(hv, version_op(hv, XENVER_compile_info, block), "xen_version compile_info");

    if (ret < 0) return ret;
    *info = *block;
    info->compiler[sizeof(info->compiler) - 1] = '\0';
    info->compile_by[sizeof(info->compile_by) - 1] = '\0';
    info->compile_domain[sizeof(info->compile_domain) - 1] = '\0';
    info->compile_date[sizeof(info->compile_date) - 1] = '\0';
    return 0;
}

int hv_capabilities(struct hv *hv, xen_capabilities_info_t text) {
    return text_op(hv, XENVER_capabilities, "capabilities", text, sizeof(xen_capabilities_info_t));
}

int hv_changeset(struct hv *hv, xen_changeset_info_t text) {
    return text_op(hv, XENVER_changeset, "changeset", text, sizeof(xen_changeset_info_t));
}

int hv_commandline(struct hv *hv, xen_commandline_t text) {
    return text_op(hv, XENVER_commandline, "commandline", text, sizeof(xen_commandline_t));
}

int hv_virt_start(struct hv *hv, uint64_t *virt_start) {
    struct xen_platform_parameters *block = hv_op_block(hv, sizeof(*block));
    int ret = hv_note(hv, version_op(hv, XENVER_platform_parameters, block),
                      "xen_version platform_parameters");

    if (ret >= 0) *virt_start = block->virt_start;
    return ret < 0 ? ret : 0;
}

int hv_pagesize(struct hv *hv) {
    return hv_note(hv, version_op(hv, XENVER_pagesize, NULL), "xen_version pagesize");
}

int hv_features(struct hv *hv, unsigned int submap, uint32_t *features) {
    struct xen_feature_info *block = hv_op_block(hv, sizeof(*block));
    int ret;

    block->submap_idx = submap;
    ret = hv_note(hv, version_op(hv, XENVER_get_features, block), "xen_version get_features");
    if (ret >= 0) *features = block->submap;
    return ret < 0 ? ret : 0;
}

int hv_build_id(struct hv *hv, uint8_t *buf, size_t size) {
    struct xen_build_id *block = hv_op_block(hv, HV_PAGE_SIZE);
    int ret;

    if (size > HV_PAGE_SIZE - sizeof(*block)) size = HV_PAGE_SIZE - sizeof(*block);
    block->len = (uint32_t)size;
    ret = hv_note(hv, version_op(hv, XENVER_build_id, block), "xen_version build_id");
    if (ret > (int)size) return hv_note(hv, -EIO, "xen_version build_id");
    if (ret > 0) memcpy(buf, block->buf, (size_t)ret);
    return ret;
}
