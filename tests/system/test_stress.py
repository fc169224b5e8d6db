# SPDX-License-Identifier: MIT
"""A stock guest with 4 vcpus under load for ten minutes: stress-ng as a 64-bit and as a 32-bit
program, each checking its own results, and a 32-bit program of ours (i386/) amid them. Its kernel
says nothing meanwhile that it does not say in the same run on stock Xen.

The machine has two CPUs, so that the hypervisor has vcpus to choose from all the time.
"""
import re
import subprocess

import pytest

import machine
from conftest import log_path, two_busy_cpus
from guests import CONSOLE_LOGS, HERE, said, shell, stock_config, typed
from test_kernel_log import NUMBERS, complaints

pytestmark = [pytest.mark.hospes, pytest.mark.ours, pytest.mark.full, two_busy_cpus]
SECONDS = 600
PROGRAMS = ("stress-ng", "stress-ng-i386")
# A signal every microsecond, stress-ng's own choice, is more than an emulated CPU can take.
STRESSORS = {"vm": "--vm-bytes 64M", "mmap": "--mmap-bytes 32M", "fork": "", "signal": "",
             "timer": "--timer-freq 1000", "switch": ""}
VCPUS = 4
LOG = f"{CONSOLE_LOGS}/guest-stress.log"
COMPILE = ("-m32 -std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie "
           "-mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables "
           "-fcf-protection=none -nostdlib -static -no-pie "
           "-Wl,--build-id=none,-z,noexecstack").split()
SCRIPT = f"""#!/bin/sh
for d in proc sys dev; do mount -o bind /$d /mnt/$d; done
mount -t tmpfs tmpfs /mnt/tmp
cd /mnt/tmp
pids=''
for n in $(seq {VCPUS}); do /mnt/i386 > i386.$n & pids="$pids $!"; done
for pid in $pids; do wait $pid; echo "status $? of i386"; done
while read -r program stressor options; do
    /mnt/i386 > i386.5 & pid=$!
    chroot /mnt "$program" --"$stressor" {VCPUS} $options --verify --metrics-brief \\
        --temp-path /tmp --timeout "$1" < /dev/null
    echo "status $? of $program $stressor"
    wait $pid
    echo "status $? of i386"
    cat i386.?; rm i386.?
done < /mnt/plan
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A file system with the programs, the script and its list of stressors."""
    folder = tmp_path_factory.mktemp("stress")
    fetched = subprocess.run([HERE / "fetch-stress"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.strip()
    root = folder / "root"
    subprocess.run(["cp", "-a", fetched, root], check=True)
    subprocess.run(["cc", *COMPILE, "-o", root / "i386", HERE / "i386/i386.c",
                    HERE / "i386/start.S"], check=True)
    (root / "stress.sh").write_text(SCRIPT)
    (root / "plan").write_text("".join(f"{program} {stressor} {options}\n" for program in PROGRAMS
                                       for stressor, options in STRESSORS.items()))
    image = folder / "stress.img"
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", root, image, "160M"], check=True)
    return image


def statuses(output):
    """[(program and stressor, exit status)], in the order of the run."""
    found = re.findall(r"^status (\d+) of (.*)$", output, re.M)
    return [(what, int(status)) for status, what in found]


def load(request, hypervisor, disk_image):
    """What the guest's kernel says of level warning or worse at its boot, and all that it says under
    load, each as {text without numbers: line}; and the run's output."""
    name = f"{request.node.name}-{hypervisor}"
    drive = f"if=none,id=stress,file={disk_image},format=raw,snapshot=on"
    with machine.Machine(hypervisor, "ours", log=log_path(name), words=["guests=none"], smp=2,
                         qemu_args=["-drive", drive, "-device",
                                    "virtio-blk-pci,drive=stress,serial=hospes-stress"]) as vm:
        assert vm.wait_ready() == "ok"
        device = vm.check("grep -l hospes-stress /sys/block/*/serial").split("/")[3]
        config = stock_config(vm, "stress", vcpus=VCPUS, memory=640, disk=f"/dev/{device}")
        vm.check(f"xl create {config}", timeout=900)
        said(vm, "stress", "guest: up", timeout=900)
        booted = shell(vm, "stress", "dmesg -cr", "booted")
        typed(vm, "stress", f"sh /mnt/stress.sh {SECONDS // len(PROGRAMS) // len(STRESSORS)}s; "
              "echo ended-$((1+1))\r")
        vm.check(f"until grep -q '^ended-2' {LOG}; do sleep 2; done", timeout=3 * SECONDS + 600)
        output = vm.check(f"tr -d '\\r' < {LOG}")
        log_path(f"{name}-stress").write_text(output)
        said_then = shell(vm, "stress", "dmesg -r", "then")
        if hypervisor == "hospes":
            vm.audit()
    lines = re.findall(r"^<\d+>\[ *[\d.]+\] (.*)$", said_then, re.M)
    return complaints(booted), {NUMBERS.sub("N", line): line for line in lines}, output


def test_ten_minutes_of_load(request, disk):
    boot_on_xen, load_on_xen, output_on_xen = load(request, "xen", disk)
    boot, under_load, output = load(request, "hospes", disk)
    assert len(statuses(output)) == VCPUS + 2 * len(PROGRAMS) * len(STRESSORS)
    assert [s for s in statuses(output) if s[1]] == []
    assert statuses(output) == statuses(output_on_xen)
    for what, on_xen, on_hospes in (("at boot", boot_on_xen, boot),
                                    ("under load", load_on_xen, under_load)):
        new = [line for key, line in on_hospes.items() if key not in on_xen]
        assert not new, f"{what}, not on stock Xen: " + "\n".join(new)
