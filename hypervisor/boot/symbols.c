/* SPDX-License-Identifier: MIT */
/* From code addresses to names, by the table that boot/symbols.awk makes. */
#include <hv/string.h>

extern const uint32_t symbol_addrs[];
extern const uint32_t symbol_count;
extern const char symbol_names[];
extern const char image_start[], image_text_end[];

static const char *nth_name(uint32_t n) {
    const char *p = symbol_names;

    while (n-- > 0) p += strlen(p) + 1;
    return p;
}

int format_symbol(char *buf, size_t size, unsigned long addr) {
    uint32_t low = (uint32_t)addr, i = symbol_count, next;

    if (addr < (unsigned long)image_start || addr >= (unsigned long)image_text_end)
        return snprintf(buf, size, "%016lx", addr);
    while (i > 0 && symbol_addrs[i - 1] > low) i--;
    if (i == 0) return snprintf(buf, size, "%016lx", addr);
    next = i < symbol_count ? symbol_addrs[i] : (uint32_t)(unsigned long)image_text_end;
    return snprintf(buf, size, "%s+%#x/%#x", nth_name(i - 1), low - symbol_addrs[i - 1],
                    next - symbol_addrs[i - 1]);
}
