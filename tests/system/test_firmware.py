# SPDX-License-Identifier: MIT
"""UEFI's runtime services, which dom0 asks the hypervisor for: variables, the clock."""
import pytest

import machine
from conftest import log_path

VARIABLE = "/sys/firmware/efi/efivars/Hospes-12345678-1234-1234-1234-123456789abc"


@pytest.mark.full
@pytest.mark.ours
@pytest.mark.parametrize("hypervisor", [pytest.param("xen", marks=pytest.mark.xen),
                                        pytest.param("hospes", marks=pytest.mark.hospes)])
def test_efi_variables(request, hypervisor):
    """Firmware's own are listed and read; one of ours is made, read, replaced, and deleted."""
    with machine.Machine(hypervisor, "ours", log=log_path(request.node.name), boot="grub",
                         firmware="uefi", words=["guests=none"]) as vm:
        assert vm.wait_ready() == "ok"
        vm.check("mountpoint -q /sys/firmware/efi/efivars || "
                 "mount -t efivarfs none /sys/firmware/efi/efivars")
        names = vm.check("ls /sys/firmware/efi/efivars")
        assert "BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c" in names
        for text in ("abc", "a longer one"):
            vm.check(f"chattr -i {VARIABLE} 2> /dev/null; printf '\\007\\000\\000\\000{text}' > "
                     f"{VARIABLE}")
            assert vm.check(f"cat {VARIABLE} | tail -c +5") == text
        vm.check(f"chattr -i {VARIABLE}; rm {VARIABLE}; ! test -e {VARIABLE}")
        assert vm.check("hwclock -r --rtc /dev/rtc0").startswith("20")
        if hypervisor == "hospes":
            vm.audit()
        assert vm.power_off() == 0
