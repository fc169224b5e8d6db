/* SPDX-License-Identifier: MIT */
/*
 * An xl.cfg: syntax, the meaning of its keys, disks and vifs; what is good survives being stored as
 * libxl's JSON and read back. The input is the text.
 */
#include "domcfg.h"
#include "domjson.h"
#include "fuzz.h"
#include "util.h"

static void check_config(struct domain_config *dc) {
    MUST(dc->name && domain_name_ok(dc->name));
    MUST(dc->vcpus >= 1 && dc->vcpus <= dc->max_vcpus && dc->max_vcpus <= MAX_VCPUS);
    MUST(dc->memkb && dc->memkb <= dc->max_memkb && dc->kernel);
    MUST(dc->num_hard <= MAX_VCPUS && dc->num_soft <= MAX_VCPUS);
    for (size_t i = 0; i < dc->num_disks; i++)
        for (size_t j = 0; j < i; j++)
            MUST(vdev_number(dc->disks[i].vdev) != vdev_number(dc->disks[j].vdev));
    for (size_t i = 0; i < dc->num_nics; i++)
        for (size_t j = 0; j < i; j++) MUST(dc->nics[i].devid != dc->nics[j].devid);
}

static void check_json(const struct domain_config *dc) {
    struct json_object *json = domjson_from_config(dc, true);
    struct domain_config back;
    const char *why;

    MUST(json);
    MUST(!domjson_to_config(json, &back, &why));
    MUST(back.num_disks == dc->num_disks && back.num_nics == dc->num_nics);
    MUST(!strcmp(back.name, dc->name) && back.max_vcpus == dc->max_vcpus);
    domcfg_free(&back);
    json_object_put(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char messages[1 << 16];
    FILE *err = fmemopen(messages, sizeof(messages), "w");
    struct cfg *cfg = cfg_new(err);
    struct domain_config dc;

    if (cfg_parse(cfg, "fuzz", (const char *)data, size)) {
        MUST(cfg->errors);
    } else if (!domcfg_from_cfg(cfg, &dc)) {
        domcfg_complete(&dc);
        check_config(&dc);
        check_json(&dc);
        domcfg_free(&dc);
    } else {
        MUST(cfg->errors);
    }
    cfg_free(cfg);
    fclose(err);
    return 0;
}
