# SPDX-License-Identifier: MIT
"""Stock Debian kernels as guests: vcpus and memory of all sizes, disk and network both ways, how
they end, and two of them under load at once."""
import base64
import re
import struct

import pytest

from guests import (CONSOLE_LOGS, host, make_config, said, same_state, shell,  # noqa: F401
                    state, stock_config, typed, until, until_gone, with_our_tools)

pytestmark = with_our_tools

full = pytest.mark.full
GUESTS = [("cloud-amd64", 1, 128), ("amd64", 4, 256),
          pytest.param("cloud-amd64", 2, 512, marks=full),
          pytest.param("cloud-amd64", 4, 1024, marks=full),
          pytest.param("amd64", 1, 128, marks=full), pytest.param("amd64", 3, 1024, marks=full)]


def disk_image(vm, path, size="16M"):
    vm.check(f"rm -f {path}; truncate -s {size} {path}; mke2fs -q -t ext4 {path}; "
             f"mount -o loop {path} /mnt; echo label > /mnt/label; "
             "head -c 3000000 /dev/urandom > /mnt/from-dom0; sync; "
             "sha256sum < /mnt/from-dom0 > /root/sum; umount /mnt")


def sum_in_dom0(vm, path, name):
    """The checksum of a file on a guest's disk, read in dom0."""
    return vm.check(f"mount -o loop {path} /mnt && sha256sum < /mnt/{name}; umount /mnt").split()[0]


def boot(vm, name, config, times=1):
    vm.check(f"[ {times} != 1 ] || rm -f {CONSOLE_LOGS}/guest-{name}.log; xl create {config}",
             timeout=240)
    said(vm, name, "guest: up", times=times, timeout=300)


def life(host, flavour, vcpus, memory):  # noqa: F811
    """One guest: what it sees, its disk and network both ways, reboot, shutdown."""
    before = state(host)
    disk_image(host, "/root/disk.img")
    config = stock_config(host, "g", flavour, address="192.0.2.5", disk="/root/disk.img",
                          vcpus=vcpus, memory=memory)
    boot(host, "g", config)
    up = host.check(f"grep 'guest: up' {CONSOLE_LOGS}/guest-g.log")
    assert f"vcpus={vcpus} ip=192.0.2.5/24 disk=label" in up
    assert ("cloud" in up) == ("cloud" in flavour)
    kib = int(shell(host, "g", "grep MemTotal /proc/meminfo", "m1").split()[1])
    assert 0.5 * memory * 1024 < kib <= memory * 1024
    host.check("ping -c 3 -i 0.2 192.0.2.5")
    assert "0% packet loss" in shell(host, "g", "ping -c 3 192.0.2.1", "m2")
    assert shell(host, "g", "sha256sum < /mnt/from-dom0", "m3").split()[0] == \
        host.check("cat /root/sum").split()[0]
    wrote = shell(host, "g", "head -c 3000000 /dev/urandom > /mnt/own; sync; "
                  "echo 3 > /proc/sys/vm/drop_caches; sha256sum < /mnt/own; umount /mnt", "m4")
    domid = host.check("xl domid g").strip()
    host.check("xl reboot g")
    said(host, "g", "guest: up", times=2, timeout=300)
    assert host.check("xl domid g").strip() != domid
    host.check("xl shutdown -w g", timeout=240)
    until_gone(host, "g")
    assert sum_in_dom0(host, "/root/disk.img", "own") == wrote.split()[0]
    same_state(host, before)


@pytest.mark.parametrize("flavour,vcpus,memory", GUESTS)
def test_guest(host, flavour, vcpus, memory):  # noqa: F811
    life(host, flavour, vcpus, memory)


def test_network_carries_bulk(host):  # noqa: F811
    """A few MB over TCP in both directions arrive as they were sent. What listens has an input that
    never ends: nc tells its peer of the input's end, and a peer that hears that stops sending."""
    config = stock_config(host, "g", address="192.0.2.5")
    boot(host, "g", config)
    host.check("head -c 4000000 /dev/urandom > /root/data; mkfifo /root/open")
    shell(host, "g", "mkfifo /run/open; "
          "(nc -l -p 7000 <> /run/open > /run/got; echo got-$((1+1))) & true", "n0")
    host.check("until busybox nc 192.0.2.5 7000 < /root/data; do sleep 0.2; done")
    said(host, "g", "got-2")      # the shell's prompt may stand before it
    there = shell(host, "g", "sha256sum < /run/got", "n1").split()[0]
    assert there == host.check("sha256sum < /root/data").split()[0]
    host.check("busybox nc -l -p 7001 <> /root/open > /root/back 2>/dev/null & "
               "echo $! > /root/nc.pid")
    shell(host, "g", "until nc 192.0.2.1 7001 < /run/got; do sleep 0.2; done", "n2")
    until(host, "! kill -0 $(cat /root/nc.pid) 2> /dev/null")
    assert host.check("sha256sum < /root/back").split()[0] == there
    host.check("xl destroy g")


@pytest.mark.parametrize("action", ["restart", *(
    pytest.param(action, marks=full) for action in ("destroy", "preserve", "rename-restart",
                                                    "coredump-destroy", "coredump-restart"))])
def test_panic(host, action):  # noqa: F811
    """A Linux that panics is taken for crashed and on_crash is done."""
    before = state(host)
    config = stock_config(host, "p", on_crash=action)
    boot(host, "p", config)
    typed(host, "p", "echo c > /proc/sysrq-trigger\r")
    if action.endswith("restart"):
        said(host, "p", "guest: up", times=2, timeout=600)
        host.check("xl destroy p")
        if action == "rename-restart":
            host.check("xl destroy $(xl list | awk '/^p-/ { print $1 }')")
    elif action == "preserve":
        until(host, "xl list p | tail -n 1 | grep -q ' -*sc-'")
        host.check("xl destroy p")
    until_gone(host, "p", timeout=300)
    assert re.search(r"has shut down, reason code 3",
                     host.check("cat /var/log/xen/xl-p.log*"))
    if action.startswith("coredump"):
        check_core(host, "/var/lib/xen/dump/p", 1, "ramdisk")
        host.check("rm /var/lib/xen/dump/p")
    same_state(host, before)


def sections(vm, path):
    """Names, offsets and sizes of the sections of an ELF file in dom0."""
    head = base64.b64decode(vm.check(f"head -c 65536 {path} | base64 -w 0"))
    assert head[:5] == b"\x7fELF\x02" and struct.unpack_from("<HH", head, 16) == (4, 62)
    start, count, index = *struct.unpack_from("<Q", head, 40), *struct.unpack_from("<HH", head, 60)
    rows = [struct.unpack_from("<IIQQQQIIQQ", head, start + 64 * n) for n in range(count)]
    names = head[rows[index][4]:rows[index][4] + rows[index][5]]
    return {names[r[0]:names.index(b"\0", r[0])].decode(): (head, r[4], r[5]) for r in rows}


def check_core(vm, path, vcpus, marker):
    """The file is a core in Xen's format, and has the guest's memory in it."""
    found = sections(vm, path)
    assert set(found) == {"", ".shstrtab", ".note.Xen", ".xen_prstatus", ".xen_shared_info",
                          ".xen_p2m", ".xen_pages"}
    head, at, size = found[".note.Xen"]
    assert b"xen-3.0-x86_64" in head[at:at + size]
    magic, cpus, pages, page = struct.unpack_from("<QQQQ", head, at + 32)
    assert (magic, cpus, page) == (0xf00febed, vcpus, 4096)
    assert 25000 < pages <= 32768           # of 128 MiB
    assert found[".xen_prstatus"][2] == vcpus * 5168
    assert found[".xen_p2m"][2] == pages * 16 and found[".xen_pages"][2] == pages * 4096
    assert struct.unpack_from("<Q", head, found[".xen_p2m"][1])[0] == 0     # pfn 0 comes first
    vm.check(f"[ $(stat -c %s {path}) = {found['.xen_pages'][1] + pages * 4096} ] && "
             f"[ $(stat -c %a {path}) = 600 ] && grep -aq {marker} {path}")


def test_core_dumps(host):  # noqa: F811
    """xl dump-core of a guest that then goes on, and on_crash=coredump-destroy of one that panics;
    a guest without a list of frames is refused and nothing is written."""
    config = stock_config(host, "d", vcpus=2, on_crash="coredump-destroy")
    boot(host, "d", config)
    before = state(host)
    shell(host, "d", "marker=in-memory-$((6*7)); echo $marker > /run/m", "d1")
    host.check("xl dump-core d /root/core", timeout=240)
    check_core(host, "/root/core", 2, "in-memory-42")
    assert "in-memory-42" in shell(host, "d", "cat /run/m", "d2")
    same_state(host, before)
    host.check("rm /root/core")
    typed(host, "d", "echo c > /proc/sysrq-trigger\r")
    until_gone(host, "d", timeout=300)
    check_core(host, "/var/lib/xen/dump/d", 2, "in-memory-42")
    host.check("rm /var/lib/xen/dump/d")
    host.check(f"xl create {make_config(host, 'small')}")
    refused = host.run("xl dump-core small /root/core")
    assert refused.status == 1 and "has not told where its list of frames is" in refused.output
    host.check("[ ! -e /root/core ] && xl destroy small")


LOAD = ("(while :; do :; done) & burner=$!; bad=0; "
        "for i in 1 2 3 4; do head -c 2000000 /dev/urandom > /mnt/a$i; "
        "s=$(sha256sum < /mnt/a$i); sync; echo 3 > /proc/sys/vm/drop_caches; "
        "cp /mnt/a$i /mnt/b$i; sync; echo 3 > /proc/sys/vm/drop_caches; "
        "[ \"$s\" = \"$(sha256sum < /mnt/b$i)\" ] || bad=$i; done; kill $burner; "
        "echo bad=$bad; sha256sum < /mnt/b4; umount /mnt")


def test_two_guests_under_load(host):  # noqa: F811
    """Two guests compute and write to their disks at once; every checksum is right."""
    before = state(host)
    for n, name in enumerate(("one", "two")):
        disk_image(host, f"/root/{name}.img", "40M")
        boot(host, name, stock_config(host, name, address=f"192.0.2.{20 + n}",
                                      disk=f"/root/{name}.img", vcpus=2))
    for name in ("one", "two"):
        typed(host, name, f"echo load-$((0+1)); {LOAD}; echo load-$((1+1))\r")
    host.check("ping -c 5 -i 0.5 192.0.2.20 && ping -c 5 -i 0.5 192.0.2.21")
    for name in ("one", "two"):
        said(host, name, "^load-2", timeout=600)
        text = host.check(f"tr -d '\\r' < {CONSOLE_LOGS}/guest-{name}.log | "
                          "sed -n '/^load-1/,/^load-2/p'")
        assert "\nbad=0\n" in text, text
        digest = re.search(r"^([0-9a-f]{64})  -$", text, re.M).group(1)
        host.check(f"xl shutdown -w {name}", timeout=240)
        until_gone(host, name)
        assert sum_in_dom0(host, f"/root/{name}.img", "b4") == digest
    same_state(host, before)
