# SPDX-License-Identifier: MIT
"""Every test kernel of tests/guest, booted directly as dom0, on Hospes and on stock Xen: the same
binary must report success on both. tests/guest/run boots and judges; see there."""
import subprocess

import pytest

import machine
from conftest import log_path

GUEST = machine.TOP / "tests/guest"
NAMES = sorted(p.parent.name for p in GUEST.glob("*/main.c"))
EMULATOR = machine.TOP / "tests/EMULATOR.md"


def emulator_quirk(name):
    """Whether EMULATOR.md names this test as one that QEMU 7.2 cannot run."""
    return EMULATOR.exists() and f"`{name}`" in EMULATOR.read_text()


@pytest.mark.parametrize("hypervisor", [
    pytest.param("xen", marks=[pytest.mark.xen, pytest.mark.kernels]),
    pytest.param("hospes", marks=[pytest.mark.hospes, pytest.mark.kernels])])
@pytest.mark.parametrize("name", NAMES)
def test_kernel(name, hypervisor):
    result = subprocess.run(
        [GUEST / "run", name, "--hypervisor", hypervisor, "--keep-log",
         log_path(f"guest-{name}-{hypervisor}")],
        capture_output=True, text=True, timeout=600, check=False)
    passed = result.returncode == 0 or (result.returncode == 2 and emulator_quirk(name))
    assert passed, f"status {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-2000:]}"
