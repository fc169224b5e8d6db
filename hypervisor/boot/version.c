/* SPDX-License-Identifier: MIT */
/* Who we are. Nothing here depends on when or where it was built. */
#include <hv/boot.h>

const char hv_extra_version[] = ".7-hospes";
#ifdef __clang__
const char hv_compiler[] = "clang " __clang_version__;
#else
const char hv_compiler[] = "gcc " __VERSION__;
#endif
const char hv_compile_date[] = "reproducible build";
const char hv_changeset[] = "hospes";

extern const uint8_t build_id_note[], build_id_note_end[];

size_t hv_build_id(const uint8_t **id) {
    *id = build_id_note + 16; /* behind the note's header and "GNU" */
    return (size_t)(build_id_note_end - *id);
}
