# SPDX-License-Identifier: MIT
"""`make run RUN=...` as a user types it, through GRUB, on each firmware and number of CPUs."""
import subprocess

import pytest

import machine
from conftest import four_cpus

COMMANDS = "xl list; xl vcpu-list demo; ping -c3 192.0.2.2"


def make_run(commands, **variables):
    words = [f"{k.upper()}={v}" for k, v in variables.items()]
    return subprocess.run(["make", "-C", machine.TOP, "run", f"RUN={commands}", *words],
                          capture_output=True, text=True, timeout=1800, check=False)


def cell(hypervisor, tools, firmware, smp):
    marks = [getattr(pytest.mark, hypervisor), getattr(pytest.mark, tools)]
    if (firmware, smp) != ("bios", 1):
        marks.append(pytest.mark.full)
    if smp > 2:
        marks.append(four_cpus)
    return pytest.param(hypervisor, tools, firmware, smp, marks=marks,
                        id=f"{hypervisor}-{tools}-{firmware}-smp{smp}")


CELLS = [cell(hypervisor, tools, firmware, smp)
         for hypervisor, tools in (("xen", "stock"), ("xen", "ours"), ("hospes", "ours"))
         for firmware in ("bios", "uefi") for smp in (1, 2, 4)]


@pytest.mark.parametrize("hypervisor, tools, firmware, smp", CELLS)
def test_make_run(hypervisor, tools, firmware, smp):
    done = make_run(COMMANDS, hypervisor=hypervisor, tools=tools, firmware=firmware, smp=smp)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("Domain-0 ", "demo "))] == \
        ["Domain-0", "demo", "demo", "demo"], done.stdout
    assert "3 received, 0% packet loss" in done.stdout


@pytest.mark.full
@pytest.mark.xen
@pytest.mark.stock
def test_status_of_the_commands_is_makes():
    """make fails if the commands fail, prints their status, and quotes reach them untouched."""
    done = make_run("echo \"$((1+1))\" 'a  b'; exit 7", hypervisor="xen", tools="stock", smp=1,
                    guests="none")
    assert done.returncode != 0
    assert "Error 7" in done.stderr
    assert "2 a  b\n" in done.stdout
