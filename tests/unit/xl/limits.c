/* SPDX-License-Identifier: MIT */
/*
 * Configurations at and beyond the limits. What is within them is read in a time that grows with
 * the text: where it grew with a power of it these tests would not end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "domcfg.h"
#include "test.h"
#include "util.h"

#define BASE "name = 'a'\nmemory = 16\nkernel = '/k'\n"

/* The messages; *dc is filled if there was no error. */
static char *read_text(char *text, struct domain_config *dc, bool *good) {
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    struct cfg *cfg = cfg_new(f);

    *good = !cfg_parse(cfg, "t", text, strlen(text)) && !domcfg_from_cfg(cfg, dc);
    cfg_free(cfg);
    fclose(f);
    free(text);
    return out;
}

static void refused(char *text, const char *why) {
    struct domain_config dc;
    bool good;
    char *out = read_text(text, &dc, &good);

    CHECK(!good && strstr(out, why));
    if (good) domcfg_free(&dc);
    free(out);
}

/* BASE, before, n times one, after. */
static char *repeat(const char *before, const char *one, size_t n, const char *after) {
    size_t size, len = strlen(one);
    char *text = NULL;
    FILE *f = open_memstream(&text, &size);

    fprintf(f, "%s%s", BASE, before);
    while (n--) fwrite(one, len, 1, f);
    fprintf(f, "%s", after);
    fclose(f);
    return text;
}

static void many_vifs(void) {
    struct domain_config dc;
    bool good;
    char *out = read_text(repeat("vif = [", "'',", 4095, "'devid=7' ]\n"), &dc, &good);

    CHECK(good && dc.num_nics == 4096);
    if (good) {
        CHECK(dc.nics[6].devid == 6 && dc.nics[7].devid == 8 && dc.nics[4094].devid == 4095);
        domcfg_free(&dc);
    }
    free(out);
    refused(repeat("vif = [", "'',", 4096, "'devid=65535' ]\n"), "vif: more than 4096 elements");
    refused(repeat("vif = [", "'devid=3',", 2, "]\n"), "vif: devid=3 is given twice");
}

static void many_strings(void) {
    struct domain_config dc;
    bool good;
    char *out = read_text(repeat("x = [", "'\\x41\\'\"',", 80000, "]\n"), &dc, &good);

    CHECK(good && strstr(out, "unknown key 'x'"));
    if (good) domcfg_free(&dc);
    free(out);
}

static void many_settings(void) {
    struct domain_config dc;
    bool good;
    char *out = read_text(repeat("", "extra += 'b'\n", 0, "extra = ''\n"), &dc, &good);

    CHECK(good);
    if (good) domcfg_free(&dc);
    free(out);
    out = read_text(repeat("extra = 'a'\n", "extra += 'b'\n", 4092, ""), &dc, &good);
    CHECK(good && strlen(dc.cmdline) == 4093);
    if (good) domcfg_free(&dc);
    free(out);
    refused(repeat("extra = 'a'\n", "extra += 'b'\n", 4093, ""),
            "t:4097:1: error: there are more than 4096 settings");
}

void test_limits(void) {
    many_vifs();
    many_strings();
    many_settings();
}
