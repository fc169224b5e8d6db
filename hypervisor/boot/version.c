/* SPDX-License-Identifier: MIT */
/* Who we are. Nothing here depends on when or where it was built. */
#include <hv/boot.h>
#include <hv/string.h>

const char hv_extra_version[] = ".7-hospes";
#ifdef __clang__
const char hv_compiler[] = "clang " __clang_version__;
#else
const char hv_compiler[] = "gcc " __VERSION__;
#endif
const char hv_compile_date[] = "reproducible build";
const char hv_changeset[] = "hospes";

struct note {
    uint32_t name_size, desc_size, type;
    char name[4];
    uint8_t desc[];
};

extern const struct note build_id_note;
extern const char build_id_note_end[];

size_t hv_build_id(const uint8_t **id) {
    const struct note *n = &build_id_note;

    if ((const char *)n + sizeof(*n) > build_id_note_end || memcmp(n->name, "GNU", 4) != 0)
        return 0;
    *id = n->desc;
    return n->desc_size;
}
