/* SPDX-License-Identifier: MIT */
/*
 * What a kernel says of itself to Xen: ELF notes named "Xen" (public/elfnote.h), or the legacy
 * __xen_guest section of KEY=VALUE pairs. Only facts are gathered here; image.c judges them.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/elfnote.h>
#include <public/features.h>

/* Looked at in one blob: notes, bytes. A file may have hundreds of blobs, each all of the file. */
#define MAX_NOTES 512u
#define MAX_BLOB  ((size_t)1 << 20)

static const struct {
    const char *name;
    unsigned int bit;
} feature_names[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb},
    {"mmu_pt_update_preserve_ad", XENFEAT_mmu_pt_update_preserve_ad},
    {"highmem_assist", XENFEAT_highmem_assist},
    {"gnttab_map_avail_bits", XENFEAT_gnttab_map_avail_bits},
    {"hvm_callback_vector", XENFEAT_hvm_callback_vector},
    {"hvm_safe_pvclock", XENFEAT_hvm_safe_pvclock},
    {"hvm_pirqs", XENFEAT_hvm_pirqs},
    {"dom0", XENFEAT_dom0},
    {"memory_op_vnode_supported", XENFEAT_memory_op_vnode_supported},
    {"linux_rsdp_unrestricted", XENFEAT_linux_rsdp_unrestricted},
};

/* Bounded text: size bytes that need not be terminated. */
static size_t text_length(const uint8_t *data, size_t size) {
    const uint8_t *end = memchr(data, 0, size);

    return end ? (size_t)(end - data) : size;
}

static void copy_text(char *dst, size_t dst_size, const uint8_t *data, size_t size) {
    size_t len = text_length(data, size);

    if (len >= dst_size) len = dst_size - 1;
    memcpy(dst, data, len);
    dst[len] = '\0';
}

/* One name of a feature list; a leading '!' means that the kernel cannot do without. */
static int one_feature(struct image *image, const char *name, size_t len, struct err *err) {
    bool required = len && name[0] == '!';
    uint32_t bit;
    size_t i;

    name += required;
    len -= required;
    for (i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++) {
        if (strlen(feature_names[i].name) != len || memcmp(feature_names[i].name, name, len))
            continue;
        bit = UINT32_C(1) << feature_names[i].bit;
        image->supported |= bit;
        image->required |= required ? bit : 0;
        return 0;
    }
    if (!required) return 0;
    return err_set(err, -EOPNOTSUPP, "%s: kernel requires the unknown Xen feature '%.*s'",
                   image->name, (int)(len < 64 ? len : 64), name);
}

static int feature_list(struct image *image, const char *list, size_t len, struct err *err) {
    const char *bar;
    size_t part;
    int ret = 0;

    while (len && !ret) {
        bar = memchr(list, '|', len);
        part = bar ? (size_t)(bar - list) : len;
        ret = one_feature(image, list, part, err);
        if (part < len) part++;
        list += part;
        len -= part;
    }
    return ret;
}

static uint32_t le32_at(const uint8_t *p) {
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t note_number(const uint8_t *desc, size_t size) {
    uint64_t v = 0;

    memcpy(&v, desc, size < sizeof(v) ? size : sizeof(v));
    return v;
}

/* What has been seen decides defaults; kept out of struct image, whose users need only results. */
struct note_state {
    bool any, entry;
};

static int one_note(struct image *image, struct note_state *state, uint32_t type,
                    const uint8_t *desc, size_t size, struct err *err) {
    uint64_t number = note_number(desc, size);

    state->any = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        image->entry = number;
        state->entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        image->hypercall_page = number;
        image->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE: image->virt_base = number; break;
    case XEN_ELFNOTE_PADDR_OFFSET: image->paddr_offset = number; break;
    case XEN_ELFNOTE_INIT_P2M:
        image->init_p2m = number;
        image->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN: image->mod_start_pfn = number != 0; break;
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(image->xen_version, sizeof(image->xen_version), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(image->guest_os, sizeof(image->guest_os), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        copy_text(image->guest_version, sizeof(image->guest_version), desc, size);
        break;
    case XEN_ELFNOTE_LOADER: copy_text(image->loader, sizeof(image->loader), desc, size); break;
    case XEN_ELFNOTE_FEATURES:
        return feature_list(image, (const char *)desc, text_length(desc, size), err);
    case XEN_ELFNOTE_SUPPORTED_FEATURES: image->supported |= (uint32_t)number; break;
    default: break; /* notes for 32-bit, PVH, suspend: nothing the builder needs */
    }
    return 0;
}

/* Walks a blob of notes: header words, name, description, each padded to 4 bytes. */
static int walk_notes(struct image *image, struct note_state *state, const struct image_blob *blob,
                      struct err *err) {
    uint64_t pos = 0, name_at, desc_at, name_len, desc_len;
    unsigned int n;
    int ret;

    for (n = 0; n < MAX_NOTES && in_range(pos, 12, blob->size); n++) {
        name_len = le32_at(blob->data + pos);
        desc_len = le32_at(blob->data + pos + 4);
        name_at = pos + 12;
        desc_at = name_at + ((name_len + 3) & ~UINT64_C(3));
        if (!in_range(name_at, name_len, blob->size) || !in_range(desc_at, desc_len, blob->size))
            return 0;
        if (name_len == 4 && !memcmp(blob->data + name_at, "Xen", 4)) {
            ret = one_note(image, state, le32_at(blob->data + pos + 8), blob->data + desc_at,
                           desc_len, err);
            if (ret) return ret;
        }
        pos = desc_at + ((desc_len + 3) & ~UINT64_C(3));
    }
    return 0;
}

static int legacy_pair(struct image *image, struct note_state *state, const char *key,
                       const char *value, bool *offset_given, struct err *err) {
    if (!strcmp(key, "LOADER"))
        snprintf(image->loader, sizeof(image->loader), "%s", value);
    else if (!strcmp(key, "GUEST_OS"))
        snprintf(image->guest_os, sizeof(image->guest_os), "%s", value);
    else if (!strcmp(key, "GUEST_VER"))
        snprintf(image->guest_version, sizeof(image->guest_version), "%s", value);
    else if (!strcmp(key, "XEN_VER"))
        snprintf(image->xen_version, sizeof(image->xen_version), "%s", value);
    else if (!strcmp(key, "VIRT_BASE"))
        image->virt_base = strtoull(value, NULL, 0);
    else if (!strcmp(key, "VIRT_ENTRY"))
        image->entry = strtoull(value, NULL, 0);
    else if (!strcmp(key, "FEATURES"))
        return feature_list(image, value, strlen(value), err);
    else if (!strcmp(key, "ELF_PADDR_OFFSET")) {
        image->paddr_offset = strtoull(value, NULL, 0);
        *offset_given = true;
    } else if (!strcmp(key, "HYPERCALL_PAGE")) {
        image->hypercall_page = strtoull(value, NULL, 0) << 12; /* a frame number here */
        image->has_hypercall_page = true;
    }
    state->any = true;
    return 0;
}

static int parse_legacy(struct image *image, struct note_state *state,
                        const struct image_blob *blob, struct err *err) {
    size_t len = text_length(blob->data, blob->size);
    char *text = strndup((const char *)blob->data, len), *save = NULL, *item, *value;
    bool offset_given = false;
    int ret = 0;

    if (!text) return err_set(err, -ENOMEM, "%s: out of memory", image->name);
    for (item = strtok_r(text, ",", &save); item && !ret; item = strtok_r(NULL, ",", &save)) {
        value = strchr(item, '=');
        if (value) *value++ = '\0';
        ret = legacy_pair(image, state, item, value ? value : "", &offset_given, err);
    }
    free(text);
    state->entry = true; /* e_entry serves where VIRT_ENTRY is absent */
    if (!offset_given) image->paddr_offset = image->virt_base;
    if (image->has_hypercall_page) image->hypercall_page += image->virt_base;
    return ret;
}

static bool find_blob(const struct image *image, enum image_blob_kind kind, unsigned int n,
                      struct image_blob *blob) {
    if (!image_find_blob(image, kind, n, blob)) return false;
    if (blob->size > MAX_BLOB) blob->size = MAX_BLOB;
    return true;
}

static int walk_kind(struct image *image, struct note_state *state, enum image_blob_kind kind,
                     struct err *err) {
    struct image_blob blob;
    unsigned int n;
    int ret = 0;

    for (n = 0; !ret && find_blob(image, kind, n, &blob); n++)
        ret = walk_notes(image, state, &blob, err);
    return ret;
}

int image_parse_notes(struct image *image, struct err *err) {
    struct note_state state = {false, false};
    struct image_blob blob;
    int ret;

    ret = walk_kind(image, &state, IMAGE_NOTE_SEGMENT, err);
    if (!ret && !state.any) ret = walk_kind(image, &state, IMAGE_NOTE_SECTION, err);
    if (!ret && !state.any && find_blob(image, IMAGE_XEN_GUEST, 0, &blob))
        ret = parse_legacy(image, &state, &blob, err);
    if (ret) return ret;
    if (!state.any)
        return err_set(err, -ENOEXEC,
                       "%s: kernel has no Xen notes, so it cannot run as a PV guest "
                       "(Linux: CONFIG_XEN_PV is needed)",
                       image->name);
    if (!state.entry)
        return err_set(err, -ENOEXEC,
                       "%s: kernel has Xen notes but no PV entry point (built for PVH or HVM only; "
                       "Linux: CONFIG_XEN_PV is needed)",
                       image->name);
    return 0;
}
