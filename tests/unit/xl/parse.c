/* SPDX-License-Identifier: MIT */
/* Single specifications and small formatters. */
#include <stdio.h>
#include <stdlib.h>

#include "domcfg.h"
#include "test.h"
#include "util.h"

static void test_vdev(void) {
    static const struct {
        const char *name;
        int number;
    } cases[] = {
        {"xvda", 51712},
        {"xvdb", 51728},
        {"xvdc", 51744},
        {"xvda1", 51713},
        {"xvdp15", 51967},
        {"xvdq", 268439552},
        {"xvda16", 268435472},
        {"xvdaa", 268442112},
        {"d0", 51712},
        {"d1p2", 51730},
        {"hda", 768},
        {"hdb", 832},
        {"hdc1", 5633},
        {"hdd", 5696},
        {"hde", -1},
        {"sda", 2048},
        {"sdp15", 2303},
        {"sda16", -1},
        {"sdq", -1},
        {"51712", 51712},
        {"0xca00", 51712},
        {"xvd", -1},
        {"xvdA", -1},
        {"xvda0", -1},
        {"xvda256", -1},
        {"xvda-1", -1},
        {"", -1},
        {"d", -1},
        {"d1p", -1},
        {"d1x", -1},
        {"d99999999", -1},
        {"xvdzzzzzzzzzzzzzz", -1},
        {"loop0", -1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (vdev_number(cases[i].name) != cases[i].number)
            printf("%s gives %d\n", cases[i].name, vdev_number(cases[i].name));
        CHECK(vdev_number(cases[i].name) == cases[i].number);
    }
}

static void one_disk(const char *spec, const char *want) {
    struct disk_cfg d;
    char *why, *got;

    if (disk_parse(spec, &d, &why)) {
        check_text(why, want, spec, __FILE__, __LINE__);
        free(why);
        return;
    }
    got = xasprintf("%s|%s|%s|%c%s|%s%s", d.target ? d.target : "-", disk_format_name(d.format),
                    d.vdev, d.readwrite ? 'w' : 'r', d.force_shared ? "!" : "",
                    d.script ? d.script : "-", d.cdrom ? "|cdrom" : "");
    check_text(got, want, spec, __FILE__, __LINE__);
    free(got);
    disk_free(&d);
}

static void test_disks(void) {
    one_disk("/dev/vg/lv,raw,xvda,rw", "/dev/vg/lv|raw|xvda|w|-");
    one_disk(" /img , raw , hda , r ", "/img|raw|hda|r|-");
    one_disk("/img,,xvda", "/img|raw|xvda|w|-");
    one_disk("/img,raw,xvda,w!", "/img|raw|xvda|w!|-");
    one_disk("phy:/dev/sdb,xvda,w", "/dev/sdb|raw|xvda|w|-");
    one_disk("file:/img,xvda,r", "/img|raw|xvda|r|-");
    one_disk("tap:aio:/img,xvda,w", "/img|raw|xvda|w|-");
    one_disk("tap:qcow2:/img,xvda,w", "/img|qcow2|xvda|w|-");
    one_disk("phy:/dev/cd,hdc:cdrom,r", "/dev/cd|raw|hdc|r|-|cdrom");
    one_disk("vdev=xvda,target=/a,b,c", "/a,b,c|raw|xvda|w|-");
    one_disk("format=qcow2, vdev=xvda, access=ro, target=/q", "/q|qcow2|xvda|r|-");
    one_disk("/q,qcow2,xvda,w,discard,direct-io-safe", "/q|qcow2|xvda|w|-");
    one_disk("drbd:res,xvda,w", "res|raw|xvda|w|block-drbd");
    one_disk("script=/opt/s,vdev=xvda,target=t", "t|raw|xvda|w|/opt/s");
    one_disk("backendtype=phy,vdev=xvda,access=rw,target=/dev/x", "/dev/x|raw|xvda|w|-");
    one_disk("/a,raw,xvda,rw,target=/b", "target is given twice");
    one_disk("", "no vdev (such as xvda) is given");
    one_disk("/a,raw", "no vdev (such as xvda) is given");
    one_disk("vdev=xvda", "no target (a file or a block device) is given");
    one_disk("/a,raw,xvda:tape,w", "unknown devtype 'tape': disk or cdrom");
}

static void one_nic(const char *spec, const char *want) {
    struct nic_cfg n;
    char *why, *got, *warn;

    if (nic_parse(spec, &n, &why, &warn)) {
        check_text(why, want, spec, __FILE__, __LINE__);
        free(why);
        free(warn);
        return;
    }
    got = xasprintf("%02x%02x|%s|%s|%s|%d|%llu/%u%s%s", n.mac[0], n.mac[5],
                    n.bridge ? n.bridge : "-", n.script ? n.script : "-", n.ifname ? n.ifname : "-",
                    n.devid, (unsigned long long)n.rate_bytes, n.rate_usecs, warn ? "|" : "",
                    warn ? warn : "");
    check_text(got, want, spec, __FILE__, __LINE__);
    free(got);
    free(warn);
    nic_free(&n);
}

static void test_nics(void) {
    one_nic("", "0000|-|-|-|-1|0/0");
    one_nic("mac=02:16:3E:01:02:fe , bridge=br0", "02fe|br0|-|-|-1|0/0");
    one_nic("mac=00-16-3e-01-02-03", "0003|-|-|-|-1|0/0");
    one_nic("script=vif-nat,vifname=web0,devid=7", "0000|-|vif-nat|web0|7|0/0");
    one_nic("rate=8Mb/s", "0000|-|-|-|-1|50000/50000");
    one_nic("rate=1MB/s@20ms", "0000|-|-|-|-1|20000/20000");
    one_nic("rate=1GB/s@1s", "0000|-|-|-|-1|1000000000/1000000");
    one_nic("colour=red", "0000|-|-|-|-1|0/0|unknown vif key 'colour' is ignored");
    one_nic("mac=", "mac=: an address looks like 00:16:3e:01:02:03");
    one_nic("mac=00:16:3e:01:02:03:04",
            "mac=00:16:3e:01:02:03:04: an address looks like 00:16:3e:01:02:03");
    one_nic("rate=0b/s", "rate=0b/s: a rate looks like 10Mb/s or 1MB/s@20ms");
    one_nic("rate=1Mb/s@", "rate=1Mb/s@: a rate looks like 10Mb/s or 1MB/s@20ms");
    one_nic("vifname=a/b",
            "vifname=a/b: an interface name has 1 to 15 characters, no '/' and no blanks");
    one_nic("xenbr0", "'xenbr0' is not of the form key=value");
}

static void one_map(const char *spec, const char *want) {
    uint8_t map[2] = {0};
    char text[64];

    if (parse_bitmap(spec, map, 16))
        format_bitmap(map, 16, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "error");
    check_text(text, want, spec, __FILE__, __LINE__);
}

static void test_bitmaps(void) {
    one_map("all", "all");
    one_map("0-15", "all");
    one_map("0", "0");
    one_map("1-3,5", "1-3,5");
    one_map("all,^0", "1-15");
    one_map("0-7,^2-3, 9", "0-1,4-7,9");
    one_map("15", "15");
    one_map("1,^1", "none");
    one_map("16", "error");
    one_map("", "error");
    one_map("1-", "error");
    one_map("3-1", "error");
    one_map("-1", "error");
    one_map("a", "error");
    one_map("1,,2", "error");
}

static void test_uptime(void) {
    static const struct {
        unsigned long s;
        const char *full, *brief;
    } cases[] = {
        {0, " 0:00:00", " 0:00"},
        {67, " 0:01:07", " 0:01"},
        {86399, "23:59:59", "23:59"},
        {86400, "1 day,  0:00:00", "1 day,  0:00"},
        {1000000, "11 days, 13:46:40", "11 days, 13:46"},
    };
    char text[64];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        format_uptime(cases[i].s, false, text, sizeof(text));
        CHECK_TEXT(text, cases[i].full);
        format_uptime(cases[i].s, true, text, sizeof(text));
        CHECK_TEXT(text, cases[i].brief);
    }
}

static void test_uuid(void) {
    uint8_t uuid[16];
    char text[UUID_STRLEN + 1];

    CHECK(uuid_parse("c6b77475-b79f-4e3f-af88-c9a5dd9950b0", uuid));
    uuid_format(uuid, text);
    CHECK_TEXT(text, "c6b77475-b79f-4e3f-af88-c9a5dd9950b0");
    CHECK(uuid_parse("C6B77475B79F4E3FAF88C9A5DD9950B0", uuid));
    CHECK(!uuid_parse("", uuid));
    CHECK(!uuid_parse("c6b77475-b79f-4e3f-af88-c9a5dd9950b", uuid));
    CHECK(!uuid_parse("c6b77475-b79f-4e3f-af88-c9a5dd9950b0f", uuid));
    CHECK(!uuid_parse("g6b77475-b79f-4e3f-af88-c9a5dd9950b0", uuid));
}

void test_parse(void) {
    test_vdev();
    test_disks();
    test_nics();
    test_bitmaps();
    test_uptime();
    test_uuid();
}
