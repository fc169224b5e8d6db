# SPDX-License-Identifier: MIT
"""One guest's life, the same in all four of {Hospes, stock Xen} x {our tools, stock tools}.

Every step's output, masked (masks.py), must equal what stock Xen with stock tools gave
(golden/scenario.txt), and so must its exit status.
"""
import time

import pytest

import masks
from conftest import boot

CONFIG = "/etc/xen/demo.cfg"
LOG = "/var/log/xen/console/guest-demo.log"
# Waits for a condition, not for a time; the command's own deadline bounds it.
UNTIL = "until {}; do sleep 0.1; done"

# title, command, what of its output is compared
STEPS = [
    ("list before", "xl list", masks.mask),
    ("info", "xl info", masks.keys_only),
    ("create", f"xl create {CONFIG}", masks.mask),
    ("booted", UNTIL.format(f"grep -q 'guest: up' {LOG}"), masks.mask),
    ("console line", f"grep -o 'guest: up.*' {LOG}", masks.mask),
    ("list", "xl list", masks.mask),
    ("list name", "xl list demo", masks.mask),
    ("vcpu-list", "xl vcpu-list demo", masks.mask),
    ("domid and back", 'xl domname "$(xl domid demo)"', masks.mask),
    ("uptime", "xl uptime demo", masks.mask),
    ("vif", "xenstore-read /local/domain/$(xl domid demo)/device/vif/0/{mac,state}", masks.mask),
    ("vbd", "xenstore-read /local/domain/$(xl domid demo)/device/vbd/51712/state", masks.mask),
    ("ping", "ping -c3 192.0.2.2", masks.mask),
    ("rename", "xl rename demo other && xl list other && xl rename other demo", masks.mask),
    ("pause", "xl pause demo && xl list demo; xl unpause demo", masks.mask),
    ("create twice", f"xl create {CONFIG} > /dev/null 2>&1", masks.mask),
    ("shutdown", "xl shutdown -w demo", masks.mask),
    ("gone", UNTIL.format("! xl list demo > /dev/null 2>&1"), masks.mask),
    ("list a guest that is gone", "xl list demo 2> /dev/null", masks.mask),
    ("create paused", f"xl create -p {CONFIG}", masks.mask),
    ("list paused", "xl list demo", masks.mask),
    ("destroy", "xl destroy demo", masks.mask),
    ("gone again", UNTIL.format("! xl list demo > /dev/null 2>&1"), masks.mask),
    ("destroy again", "xl destroy demo 2> /dev/null", masks.mask),
    ("list after", "xl list", masks.mask),
    ("nothing left in xenstore",
     "xenstore-list /local/domain; for c in vbd vif console; do "
     "xenstore-list /local/domain/0/backend/$c; done 2> /dev/null", masks.mask),
    ("no loop device left", "losetup -a", masks.mask),
]


def life_of_a_guest(dom0):
    """The report of all steps."""
    report = []
    for title, command, view in STEPS:
        result = dom0.run(command, timeout=180)
        report.append(f"== {title}: status {result.status}\n{view(result.output)}")
    return "\n".join(report)


def test_life_of_a_guest(dom0, golden):
    golden("scenario.txt", life_of_a_guest(dom0), dom0.combination)


@pytest.mark.full
@pytest.mark.stock
@pytest.mark.parametrize("hypervisor", [pytest.param("xen", marks=pytest.mark.xen),
                                        pytest.param("hospes", marks=pytest.mark.hospes)])
def test_life_of_a_guest_c_xenstored(request, hypervisor, golden):
    """Debian's stock tools with their other xenstored."""
    vm = boot(request, hypervisor, "stock", words=["guests=none", "xenstored=c"])
    try:
        assert "/bin/xenstored" in vm.check("readlink /proc/$(cat /run/xenstore.pid)/exe")
        golden("scenario.txt", life_of_a_guest(vm), None)
        if hypervisor == "hospes":
            vm.audit()
    finally:
        vm.__exit__()


def test_console_both_ways(dom0):
    """What is typed into `xl console` reaches the guest, its answer comes back, Ctrl-] leaves."""
    dom0.check(f"xl create {CONFIG}")
    dom0.check(UNTIL.format(f"grep -q 'guest: up' {LOG}"), timeout=180)
    deadline = time.monotonic() + 120
    dom0.console.send("\r")
    assert dom0.console.expect(r"root@dom0:~# ", deadline)
    dom0.console.send("xl console demo\r")
    assert dom0.console.expect(r"xl console demo\r", deadline)
    dom0.console.send("\r")
    assert dom0.console.expect(r"/ # ", deadline), "no prompt of the guest"
    dom0.console.send("echo answer-$((40+2))\r")
    assert dom0.console.expect(r"answer-42", deadline), "no answer of the guest"
    dom0.console.send("\x1d")
    assert dom0.console.expect(r"root@dom0:~# ", deadline), "Ctrl-] did not leave the console"


def test_disk_keeps_what_the_guest_wrote(dom0):
    """A file that the guest writes is on the disk image with the checksum the guest computed."""
    dom0.check(f"xl create {CONFIG}")
    dom0.check(UNTIL.format(f"grep -q 'guest: up' {LOG}"), timeout=180)
    deadline = time.monotonic() + 180
    dom0.console.send("\rxl console demo\r")
    assert dom0.console.expect(r"xl console demo\r", deadline)
    dom0.console.send("\r")
    assert dom0.console.expect(r"/ # ", deadline)
    dom0.console.send("dd if=/dev/urandom of=/mnt/data bs=64k count=64 2>/dev/null; "
                      "sha256sum </mnt/data; umount /mnt; echo unmounted-$((1+1))\r")
    digest = dom0.console.expect(r"([0-9a-f]{64})  -", deadline)
    assert digest, "no checksum from the guest"
    assert dom0.console.expect(r"unmounted-2", deadline)
    dom0.console.send("\x1d")
    dom0.check("xl destroy demo; " + UNTIL.format("! xl list demo > /dev/null 2>&1"))
    seen = dom0.check("mount -o loop,ro /srv/guest/demo.img /mnt && sha256sum < /mnt/data; "
                      "umount /mnt")
    assert seen.split()[0] == digest.group(1).decode()
