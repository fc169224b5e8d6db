# SPDX-License-Identifier: MIT
"""Every test kernel of tests/guest, booted directly as dom0, on Hospes and on stock Xen: the same
binary must report success on both. tests/guest/run boots and judges; see there."""
import subprocess

import pytest

import machine
from conftest import log_path

GUEST = machine.TOP / "tests/guest"
HYPERVISORS = [pytest.param("xen", marks=[pytest.mark.xen, pytest.mark.kernels]),
               pytest.param("hospes", marks=[pytest.mark.hospes, pytest.mark.kernels])]
NAMES = sorted(p.parent.name for p in GUEST.glob("*/main.c"))
AS_DOM0 = [n for n in NAMES if "* Run with: --domu" not in (GUEST / n / "main.c").read_text()]
EMULATOR = machine.TOP / "tests/EMULATOR.md"


def emulator_quirk(name):
    """Whether EMULATOR.md names this test as one that QEMU 7.2 cannot run."""
    return EMULATOR.exists() and f"`{name}`" in EMULATOR.read_text()


def run_kernel(name, hypervisor, *options, log=None):
    """Boots a kernel; returns the runner's result, whose output holds the console."""
    return subprocess.run(
        [GUEST / "run", name, "--hypervisor", hypervisor, "--keep-log",
         log_path(f"guest-{name}-{hypervisor}{log or ''}"), *options],
        capture_output=True, text=True, timeout=600, check=False)


def passed(name, result):
    return result.returncode == 0 or (result.returncode == 2 and emulator_quirk(name))


def why(result):
    return f"status {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-2000:]}"


@pytest.mark.parametrize("hypervisor", HYPERVISORS)
@pytest.mark.parametrize("name", NAMES)
def test_kernel(name, hypervisor):
    result = run_kernel(name, hypervisor)
    assert passed(name, result), why(result)


# QEMU lets 32-bit code use SYSCALL on every vendor's CPU; there stock Xen, which leaves its entry
# unset, stops with a double fault.
@pytest.mark.parametrize("vendor", ["GenuineIntel", "CentaurHauls"])
@pytest.mark.parametrize("hypervisor", HYPERVISORS[1:])
def test_entries_on_other_cpus(vendor, hypervisor):
    cpu = f"max,-smap,-monitor,vendor={vendor}"
    result = run_kernel("attacks-entry", hypervisor, "--cpu", cpu, log=f"-{vendor}")
    assert result.returncode == 0, why(result)


@pytest.mark.hospes
@pytest.mark.kernels
def test_crashes_are_messages_of_guests():
    """They are subject to guest_loglvl=, and so to its limit: ten in five seconds by default. The
    kernel ends with 24 at once."""
    lines = {}
    for level in ("none", "none/warning", "all"):
        result = run_kernel("attacks-l1tf", "hospes",
                            f"--cmdline=pv-l1tf=domu guest_loglvl={level}",
                            log=f"-crashes-{level[-3:]}")
        assert passed("attacks-l1tf", result), why(result)
        lines[level] = result.stdout.count("crashed on cpu")
    assert lines["none"] == 0 and 10 <= lines["none/warning"] < lines["all"], lines


# What QEMU 7.2 skips or cannot show (x2APIC, with several CPUs too).
@pytest.mark.full
@pytest.mark.parametrize("hypervisor", HYPERVISORS)
@pytest.mark.parametrize("name", sorted({"smoke", "events", "sched", "isolation-smp"} |
                                        {n for n in NAMES if emulator_quirk(n)}))
def test_kernel_on_qemu10(name, hypervisor, qemu10):
    result = run_kernel(name, hypervisor, "--qemu", qemu10, "--cmdline=loglvl=all", log="-qemu10")
    assert result.returncode == 0, why(result)
    assert hypervisor == "xen" or "Local APIC: x2APIC mode" in result.stdout, why(result)


# With the hypervisor's own checks compiled in: no kernel reaches an assertion. Only there can memory
# be made to run out, which is for every commit.
@pytest.mark.hospes
@pytest.mark.kernels
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.full] if n != "faults" else [])
                                  for n in AS_DOM0])
def test_kernel_on_debug_build(name):
    image = machine.BUILD / "tests/lint/hypervisor-debug-gcc/hospes.elf"
    assert image.exists(), f"{image}: run make -C tests/lint compilers"
    result = run_kernel(name, "hospes", "--image", image, "--arguments=debug-hypervisor",
                        log="-debug")
    assert passed(name, result), why(result)
