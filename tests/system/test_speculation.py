# SPDX-License-Identifier: MIT
"""Measures against speculation: what is chosen by what the CPU says and by options, and that the
code of each is executed where an option forces it on. What they keep a CPU from no emulator can
show."""
import re
import sys

import pytest

import machine
from conftest import log_path
from test_guest_kernels import passed, run_kernel, why

sys.path.insert(0, str(machine.TOP / "tests/guest"))
import errno_paths  # noqa: E402

pytestmark = [pytest.mark.hospes, pytest.mark.kernels]
FORCED = "spec-ctrl=bti-thunk=retpoline,ibrs,stibp,ssbd"
NOTHING = "spec-ctrl=no"
CPU = "max,-smap,-monitor"


def symbols():
    lines = errno_paths.output("nm", machine.hypervisor_image("hospes")).splitlines()
    return {name: int(address, 16) for address, _, name in (line.split() for line in lines)}


def report(options="", cpu=CPU):
    result = run_kernel("smoke", "hospes", f"--cmdline={options}", "--cpu", cpu, log="-speculation")
    assert result.returncode == 0, why(result)
    return result.stdout


@pytest.mark.parametrize("cpu,options,hints,settings", [
    (CPU, "", "", "RETPOLINE, Other:"),
    (CPU, NOTHING, "", "JMP, Other:"),
    (CPU, "spec-ctrl=bti-thunk=lfence", "", "LFENCE, Other:"),
    (CPU, "spec-ctrl=no,bti-thunk=lfence,stibp", "", "LFENCE, Other: STIBP+"),
    (CPU, "spec-ctrl=bti-thunk=lfence,stibp,no-xen", "", "JMP, Other:"),
])
def test_what_is_chosen(cpu, options, hints, settings):
    text = report(options, cpu)
    assert "Speculative mitigation facilities:" in text
    assert f"  Hardware hints:{hints}\n" in text, text
    assert f"  Xen settings: BTI-Thunk: {settings}\n" in text, text


def test_wrong_items_are_named():
    text = report("spec-ctrl=frobnicate,stibp")
    assert "WARNING: option spec-ctrl=frobnicate: no such item" in text
    assert "WARNING: option spec-ctrl=stibp: this CPU does not say that it has all that" in text


def executed(options, kernel="attacks-domu"):
    """What ran of the code that this is about: address to instruction."""
    at, log = symbols(), log_path("speculation-instructions")
    ranges = [(at["thunks_start"], at["thunks_end"])]
    dfilter = ",".join(f"{a:#x}..{b - 1:#x}" for a, b in ranges)
    result = run_kernel(kernel, "hospes", f"--cmdline={options}",
                        f"--qemu-args=-d in_asm -dfilter {dfilter} -D {log}", log="-executed")
    assert passed(kernel, result), why(result)
    with open(log, encoding="utf-8", errors="replace") as text:
        return {int(a, 16): i for a, i in re.findall(r"^0x([0-9a-f]{16}): +(.*)$", text.read(),
                                                     re.M)}


def thunks(code):
    """What ran of the ways to call through pointers."""
    at = symbols()
    return [i for a, i in code.items() if at["thunks_start"] <= a < at["thunks_end"]]


def test_forced_code_is_executed():
    code = executed(FORCED)
    assert any("ret" in i for i in thunks(code)), code
    assert not any("jmp" in i for i in thunks(code)), code


def test_nothing_of_it_runs_where_it_is_off():
    code = executed(NOTHING)
    assert thunks(code) and all("jmp" in i for i in thunks(code)), code
