# SPDX-License-Identifier: MIT
"""Linux's own log, as dom0 and as a guest: what it complains of under Hospes it complains of under
stock Xen too, on the same machine."""
import re

import pytest

import machine
from conftest import four_cpus, log_path
from guests import shell

pytestmark = [pytest.mark.hospes, pytest.mark.ours, pytest.mark.full]
NUMBERS = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b|\d+")
WARNING = 4


def complaints(text):
    """The lines of `dmesg -r` of level warning or worse, by what they say without their numbers."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"<(\d+)>\[ *[\d.]+\] (.*)", line.rstrip("\r"))
        if match and int(match.group(1)) % 8 <= WARNING:
            found[NUMBERS.sub("N", match.group(2))] = match.group(2)
    return found


def logs(request, hypervisor, smp, **options):
    """dom0's complaints and a guest's."""
    name = f"{request.node.name}-{hypervisor}"
    with machine.Machine(hypervisor, "ours", log=log_path(name), words=["guests=demo"], smp=smp,
                         **options) as vm:
        assert vm.wait_ready() == "ok"
        guest = shell(vm, "demo", "dmesg -r", "log")
        dom0 = vm.check("dmesg -r")
    assert len(guest.splitlines()) > 100 and len(dom0.splitlines()) > 200
    return complaints(dom0), complaints(guest)


MACHINES = [pytest.param(1, {}, id="bios-smp1"), pytest.param(4, {}, id="bios-smp4", marks=four_cpus),
            pytest.param(2, {"boot": "grub", "firmware": "uefi"}, id="uefi-smp2")]


@pytest.mark.parametrize("smp, options", MACHINES)
def test_no_complaint_that_xen_does_not_get(request, smp, options):
    theirs = logs(request, "xen", smp, **options)
    ours = logs(request, "hospes", smp, **options)
    for who, on_xen, on_hospes in zip(("dom0", "guest"), theirs, ours):
        new = [line for key, line in on_hospes.items() if key not in on_xen]
        assert not new, f"{who}, not on stock Xen: " + "\n".join(new)
