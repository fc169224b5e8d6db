/* SPDX-License-Identifier: MIT */
/* Unit tests of xl: entry, counting, and the golden files of whole configurations. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "domcfg.h"
#include "domjson.h"
#include "util.h"

unsigned tests_passed, tests_failed;

void check_true(bool ok, const char *what, const char *file, int line) {
    if (ok) {
        tests_passed++;
        return;
    }
    tests_failed++;
    printf("%s:%d: failed: %s\n", file, line, what);
}

void check_text(const char *got, const char *want, const char *what, const char *file, int line) {
    bool ok = got && !strcmp(got, want);

    check_true(ok, what, file, line);
    if (!ok) printf("---- want:\n%s\n---- got:\n%s\n----\n", want, got ? got : "(null)");
}

/* What a user would see of a configuration: the messages, then the JSON if it is good. */
static char *run_case(const char *name, const char *text, size_t len) {
    struct domain_config dc, again;
    struct json_object *json;
    const char *why = "";
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    struct cfg *cfg = cfg_new(f);

    domcfg_init(&dc);
    if (!cfg_parse(cfg, name, text, len) && !domcfg_from_cfg(cfg, &dc)) {
        json = domjson_from_config(&dc, true);
        domjson_print(f, json);
        /* What is stored must give the same domain back. */
        if (domjson_to_config(json, &again, &why)) {
            fprintf(f, "cannot be read back: %s\n", why);
        } else {
            struct json_object *second = domjson_from_config(&again, true);

            if (strcmp(json_object_to_json_string(json), json_object_to_json_string(second)))
                fprintf(f, "reading back gives %s\n", json_object_to_json_string(second));
            json_object_put(second);
        }
        domcfg_free(&again);
        json_object_put(json);
    } else {
        fprintf(f, "refused\n");
    }
    fclose(f);
    domcfg_free(&dc);
    cfg_free(cfg);
    return out;
}

static void save(const char *path, const char *text) {
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f)) perror(path);
}

static int is_cfg(const struct dirent *e) {
    size_t n = strlen(e->d_name);

    return n > 4 && !strcmp(e->d_name + n - 4, ".cfg");
}

void test_cases(const char *dir, bool write) {
    struct dirent **list;
    int n = scandir(dir, &list, is_cfg, alphasort);

    CHECK(n >= 30);
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", dir, list[i]->d_name);
        char *want_path =
            xasprintf("%s/%.*s.out", dir, (int)strlen(list[i]->d_name) - 4, list[i]->d_name);
        size_t len = 0;
        char *text = read_file(path, 1 << 20, &len), *want = read_file(want_path, 1 << 20, NULL);
        char *got = run_case(list[i]->d_name, text, len);
        bool good = !strncmp(list[i]->d_name, "good", 4);

        if (write)
            save(want_path, got);
        else
            check_text(got, want ? want : "(no .out file)", list[i]->d_name, path, 1);
        check_true(good == !strstr(got, "refused\n"), "good- and bad- cases", path, 1);
        free(got);
        free(want);
        free(text);
        free(want_path);
        free(path);
        free(list[i]);
    }
    if (n >= 0) free(list);
}

int main(int argc, char **argv) {
    bool write = argc > 2 && !strcmp(argv[1], "--write");

    if (argc < 2) {
        fprintf(stderr, "usage: %s [--write] CASES\n", argv[0]);
        return 2;
    }
    test_parse();
    test_limits();
    test_commands();
    test_cases(argv[argc - 1], write);
    printf("%u passed, %u failed\n", tests_passed, tests_failed);
    return tests_failed != 0;
}
