/* SPDX-License-Identifier: MIT */
/*
 * The screen: VGA text, or a linear framebuffer with the built-in font. Both show the same grid of
 * characters; only the cells that change are drawn, since video memory must not be read.
 * Callers hold the console lock.
 */
#include "console.h"

#define MAX_COLS  240
#define MAX_ROWS  100
#define ATTRIBUTE 0x07

/* The font's file: PSF version 1, 256 glyphs or more of 8 pixels width. */
extern const struct psf {
    uint16_t magic;
    uint8_t mode, height;
    uint8_t glyphs[];
} font __asm__("_binary_font_psf_start");
#define PSF_MAGIC 0x0436

static struct screen {
    uint32_t cols, rows; /* 0: no screen */
    uint32_t x, y;
    volatile uint8_t *mem;
    void (*draw)(uint32_t x, uint32_t y, uint8_t c);
    uint32_t foreground;
} screen;
static uint8_t cells[MAX_ROWS][MAX_COLS];

static void draw_text(uint32_t x, uint32_t y, uint8_t c) {
    *(volatile uint16_t *)(screen.mem + (y * screen.cols + x) * 2) = (uint16_t)(c | ATTRIBUTE << 8);
}

static void put_pixel(volatile uint8_t *p, uint32_t colour, uint32_t bytes) {
    if (bytes == 4) {
        *(volatile uint32_t *)p = colour;
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) p[i] = (uint8_t)(colour >> (8 * i));
}

static void draw_pixels(uint32_t x, uint32_t y, uint8_t c) {
    const struct boot_video *v = &boot_info.video;
    uint32_t bytes = v->bpp / 8;

    for (uint32_t row = 0; row < font.height; row++) {
        volatile uint8_t *p =
            screen.mem + (size_t)(y * font.height + row) * v->pitch + (size_t)x * 8 * bytes;
        uint8_t bits = font.glyphs[c * font.height + row];

        for (uint32_t col = 0; col < 8; col++, p += bytes)
            put_pixel(p, bits & (0x80 >> col) ? screen.foreground : 0, bytes);
    }
}

static uint32_t grey(uint8_t pos, uint8_t size) {
    return (uint32_t)((1u << size) - 1) * 3 / 4 << pos;
}

static void set_cell(uint32_t x, uint32_t y, uint8_t c) {
    if (cells[y][x] != c) screen.draw(x, y, c);
    cells[y][x] = c;
}

void screen_init(void) {
    const struct boot_video *v = &boot_info.video;

    if (v->type == VIDEO_TEXT) {
        screen = (struct screen){.cols = 80, .rows = 25, .draw = draw_text};
        screen.mem = devmap(0xb8000, 80 * 25 * 2, DEVMAP_UC);
    } else if (v->type == VIDEO_FRAMEBUFFER && v->width >= 8 && v->height >= font.height &&
               font.magic == PSF_MAGIC) {
        screen.cols = min(v->width / 8, (uint32_t)MAX_COLS);
        screen.rows = min(v->height / font.height, (uint32_t)MAX_ROWS);
        screen.draw = draw_pixels;
        screen.foreground = grey(v->format.red_pos, v->format.red_size) |
                            grey(v->format.green_pos, v->format.green_size) |
                            grey(v->format.blue_pos, v->format.blue_size);
        screen.mem = devmap(v->addr, (size_t)v->pitch * v->height, DEVMAP_WC);
    }
    if (!screen.mem) screen.cols = screen.rows = 0;
    for (uint32_t y = 0; y < screen.rows; y++)
        for (uint32_t x = 0; x < screen.cols; x++) set_cell(x, y, ' ');
}

static void newline(void) {
    screen.x = 0;
    if (++screen.y < screen.rows) return;
    screen.y--;
    for (uint32_t y = 0; y < screen.rows; y++)
        for (uint32_t x = 0; x < screen.cols; x++)
            set_cell(x, y, y + 1 < screen.rows ? cells[y + 1][x] : ' ');
}

static void put(uint8_t c) {
    switch (c) {
    case '\n': newline(); break;
    case '\r': screen.x = 0; break;
    case '\t': screen.x = min((screen.x | 7) + 1, screen.cols - 1); break;
    case '\b':
        if (screen.x > 0) screen.x--;
        break;
    default:
        if (c < ' ') break;
        if (screen.x == screen.cols) newline();
        set_cell(screen.x++, screen.y, c);
    }
}

void screen_write(const char *s, size_t n) {
    if (screen.cols == 0) return;
    for (size_t i = 0; i < n; i++) put((uint8_t)s[i]);
}
