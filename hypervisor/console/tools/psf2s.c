/* SPDX-License-Identifier: MIT */
/*
 * Build tool: reads a PSF version 1 or 2 console font of 8 pixels width on standard input and
 * writes its first 256 glyphs as assembly data: font_height and font_glyphs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char file[1 << 20];

static uint32_t le32(const unsigned char *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int main(void) {
    size_t n = fread(file, 1, sizeof(file), stdin);
    uint32_t offset, height, glyphs, width = 8;

    if (n > 4 && file[0] == 0x36 && file[1] == 0x04) {
        offset = 4;
        height = file[3];
        glyphs = file[2] & 1 ? 512 : 256;
    } else if (n > 32 && memcmp(file, "\x72\xb5\x4a\x86", 4) == 0) {
        offset = le32(file + 8);
        glyphs = le32(file + 16);
        height = le32(file + 24);
        width = le32(file + 28);
    } else {
        fprintf(stderr, "psf2s: not a PSF font\n");
        return 1;
    }
    if (width != 8 || height == 0 || height > 32 || glyphs < 256 || offset + 256 * height > n) {
        fprintf(stderr, "psf2s: the font must have 256 glyphs or more, 8 pixels wide\n");
        return 1;
    }
    printf(".section .rodata\n.globl font_height, font_glyphs\n.hidden font_height, font_glyphs\n"
           ".balign 4\nfont_height: .long %u\nfont_glyphs:\n",
           height);
    for (uint32_t i = 0; i < 256 * height; i++)
        printf("%s0x%02x%s", i % 16 ? "," : ".byte ", file[offset + i], i % 16 == 15 ? "\n" : "");
    printf("\n.section .note.GNU-stack, \"\", @progbits\n");
    return 0;
}
