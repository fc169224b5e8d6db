# SPDX-License-Identifier: MIT
"""Measures against speculation: what is chosen by what the CPU says and by options, and that the
code of each is executed where an option forces it on. What they keep a CPU from no emulator can
show."""
import itertools
import os
import re
import sys

import pytest

import machine
from conftest import log_path
from test_guest_kernels import AS_DOM0, GUEST, passed, run_kernel, why

sys.path.insert(0, str(machine.TOP / "tests/guest"))
import errno_paths  # noqa: E402

pytestmark = [pytest.mark.hospes, pytest.mark.kernels]
FORCED = "spec-ctrl=bti-thunk=retpoline,ibrs,stibp,ssbd,ibpb,md-clear,rsb xpti=true"
NOTHING = "spec-ctrl=no"
CPU = "max,-smap,-monitor"


def symbols():
    lines = errno_paths.output("nm", machine.hypervisor_image("hospes")).splitlines()
    return {name: int(address, 16) for address, _, name in (line.split() for line in lines)}


def own_log(what):
    """Tests of this file run side by side, and several use one kernel."""
    test = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
    return "-" + re.sub(r"\W+", "-", f"{what}-{test}")


def report(options="", cpu=CPU, *more):
    result = run_kernel("smoke", "hospes", f"--cmdline={options}", "--cpu", cpu, *more,
                        log=own_log("report"))
    assert result.returncode == 0, why(result)
    return result.stdout


@pytest.mark.parametrize("cpu,options,hints,settings", [
    (CPU, "", "", "RETPOLINE, Other:"),
    (CPU, NOTHING, "", "JMP, Other:"),
    (CPU, "spec-ctrl=bti-thunk=lfence", "", "LFENCE, Other:"),
    (CPU, "spec-ctrl=no,bti-thunk=lfence,stibp", "", "LFENCE, Other: STIBP+"),
    (CPU, "spec-ctrl=bti-thunk=lfence,stibp,no-xen", "", "JMP, Other:"),
    (CPU, FORCED, "", "RETPOLINE, Other: IBRS+ STIBP+ SSBD+ IBPB-ctxt VERW RSB"),
    (CPU, "spec-ctrl=pv,no-rsb", "", "RETPOLINE, Other: VERW"),
    (f"{CPU},-smep", "", "", "RETPOLINE, Other: RSB"),
    (f"{CPU},-smep", NOTHING, "", "JMP, Other:"),
])
def test_what_is_chosen(cpu, options, hints, settings):
    text = report(options, cpu)
    assert "Speculative mitigation facilities:" in text
    assert f"  Hardware hints:{hints}\n" in text, text
    assert f"  Xen settings: BTI-Thunk: {settings}\n" in text, text


def test_wrong_items_are_named():
    text = report("spec-ctrl=frobnicate,stibp,ibpb=no,verw=maybe")
    assert "WARNING: spec-ctrl=frobnicate: no such item" in text
    assert "WARNING: spec-ctrl=stibp: this CPU does not say that it has all that" in text
    assert "WARNING: spec-ctrl=verw=maybe: no such item" in text
    assert text.count("WARNING: spec-ctrl") == 3


# What is executed where all is on: places, and the instruction that stands there.
MARKS = [("sysret_verw", "verw"), ("iretq_verw", "verw"), ("fill_return_stack", "mov"),
         ("spec_barrier", ""), ("trap_xpti", "test"), ("sysret_xpti", "swapgs"),
         ("iretq_xpti", "lea")]


def executed(options, kernel="smoke"):
    """What ran of the code that this is about: address to instruction."""
    at, log = symbols(), log_path("speculation" + own_log("instructions"))
    ranges = [(at["entry_syscall"], at["trap_stubs"] + 4096),
              (at["thunks_start"], at["fill_return_stack"] + 32),
              (at["spec_barrier"], at["spec_barrier"] + 32)]
    dfilter = ",".join(f"{a:#x}..{b - 1:#x}" for a, b in ranges)
    result = run_kernel(kernel, "hospes", f"--cmdline={options}",
                        f"--qemu-args=-d in_asm -dfilter {dfilter} -D {log}", log=own_log("executed"))
    assert passed(kernel, result), why(result)
    with open(log, encoding="utf-8", errors="replace") as text:
        return {int(a, 16): i for a, i in re.findall(r"^0x([0-9a-f]{16}): +(.*)$", text.read(),
                                                     re.M)}


def ran(code, symbol, instruction):
    return instruction in code.get(symbols()[symbol], "") if instruction else \
        symbols()[symbol] in code


def thunks(code):
    """What stood last at the starts of those ways to call through pointers that ran. (Before
    options are read they are retpolines.)"""
    at = symbols()
    return [code[a] for a in range(at["thunks_start"], at["thunks_end"], 32) if a in code]


def test_forced_code_is_executed():
    code = executed(FORCED)
    assert all(ran(code, *m) for m in MARKS), [m for m in MARKS if not ran(code, *m)]
    assert thunks(code) and all("call" in i for i in thunks(code)), code


def test_nothing_of_it_runs_where_it_is_off():
    code = executed(NOTHING)
    assert ran(code, "entry_syscall", "swapgs") and ran(code, "guest_iretq", "iret")
    assert not any(ran(code, *m) for m in MARKS), [m for m in MARKS if ran(code, *m)]
    assert any("jmp" in i for i in thunks(code)), code


def times_executed(symbol, kernel, *options):
    start, log = symbols()[symbol], log_path("speculation" + own_log(symbol))
    result = run_kernel(kernel, "hospes", *options,
                        f"--qemu-args=-d exec,nochain -dfilter {start:#x}..{start:#x} -D {log}",
                        log=own_log(symbol))
    assert passed(kernel, result), why(result)
    return log.read_text().count(f"/{start:016x}/")


def test_return_stack_is_filled_on_every_way_in():
    """By 32-bit SYSCALL too (XSA-429). A breakpoint in an entry makes that begin again."""
    at, log = symbols(), log_path("speculation-entries")
    entries = {at[n]: n for n in ("entry_syscall", "entry_syscall32", "entry_sysenter")}
    filled = at["fill_return_stack"]
    dfilter = ",".join(f"{a:#x}..{a:#x}" for a in [*entries, filled])
    result = run_kernel("attacks-entry", "hospes", f"--cmdline={FORCED}",
                        f"--qemu-args=-d exec,nochain -dfilter {dfilter} -D {log}",
                        log="-entries")
    assert passed("attacks-entry", result), why(result)
    ran = [int(a, 16) for a, _ in itertools.groupby(re.findall(r"/([0-9a-f]{16})/",
                                                               log.read_text()))]
    for entry, name in entries.items():
        after = [b for a, b in zip(ran, ran[1:]) if a == entry]
        assert after and set(after) == {filled}, name


def test_barrier_between_vcpus():
    """A kernel knows not which of its vcpus ran on a CPU before, so it cannot order the barrier."""
    assert times_executed("spec_barrier", "switch",
                          "--cmdline=spec-ctrl=ibpb dom0_max_vcpus=4") > 10


def test_barrier_for_a_vcpu_that_comes_back():
    """It moves 32 times, and each time its kernel may have run another process meanwhile, though
    nobody else ran where it comes to."""
    assert times_executed("spec_barrier", "move", "--smp", "2",
                          "--cmdline=spec-ctrl=ibpb dom0_max_vcpus=1") >= 31


@pytest.mark.parametrize("family,model,wanted", [
    (23, 0x31, True), (23, 0x47, True), (23, 0x68, True), (23, 0x01, False),  # Zen 2: XSA-433
    (22, 0x00, True), (22, 0x30, False),  # XSA-82
    (15, 0x41, True), (16, 0x04, False)])
def test_bits_against_errata_of_amd(family, model, wanted):
    """A bit is set on each CPU that wants it. (The emulator has no such MSRs.)"""
    cpu = f"{CPU},vendor=AuthenticAMD,family={family},model={model}"
    times = times_executed("set_msr_bit", "smoke", "--cpu", cpu, "--smp", "2")
    assert times >= 2 if wanted else times == 0


def test_no_guests_where_they_hang_the_cpu():
    """As stock Xen does on the first K8 (XSA-9)."""
    def create(model, options=""):
        cpu = f"{CPU},vendor=AuthenticAMD,family=15,model={model}"
        return run_kernel("domctl", "hospes", "--cpu", cpu, f"--cmdline={options}",
                          log=own_log(f"{model}-{options}"))

    assert create(0x41).returncode == 0
    refused = create(0x3f)
    assert refused.returncode != 0 and "No guests on this CPU" in refused.stdout
    allowed = create(0x3f, "allow_unsafe")
    assert allowed.returncode == 0 and "unknown option" not in allowed.stdout


def memory_on(model):
    """In MiB, what is free of a machine that has memory above 1 GiB; and what the log says."""
    cpu = f"{CPU},vendor=GenuineIntel,family=6,model={model}"
    text = report("loglvl=info", cpu, "--mem", "1100M")
    return (int(re.search(r"Memory: (\d+) of \d+ MiB free", text)[1]),
            "The 4 MiB at 1 GiB are not used" in text)


def test_memory_where_transactions_hang():
    """The 4 MiB at 1 GiB are nobody's on CPUs with the erratum (XSA-282)."""
    free, _ = memory_on(60)
    assert memory_on(61) == (free, False)
    assert [memory_on(m) for m in (78, 85, 94, 142, 158)] == [(free - 4, True)] * 5


@pytest.mark.parametrize("cpu,options,dom0,domu", [
    (CPU, "", "disabled", "disabled"),
    (f"{CPU},vendor=GenuineIntel", "", "disabled", "enabled"),
    (f"{CPU},vendor=GenuineIntel", NOTHING, "disabled", "disabled"),
    (f"{CPU},vendor=GenuineIntel", "pv-l1tf=no", "disabled", "disabled"),
    (CPU, "pv-l1tf=yes,dom0=no", "disabled", "enabled"),
    (CPU, "pv-l1tf=dom0", "enabled", "disabled"),
])
def test_l1tf_is_chosen(cpu, options, dom0, domu):
    """What is done is in tests/guest/attacks-l1tf."""
    text = report(options, cpu)
    assert f"  PV L1TF checks: Dom0 {dom0}, DomU {domu}\n" in text, text


QUICK = {"attacks-entry", "emul", "mmu", "switch", "traps", "isolation-smp"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.full])
                                  for n in AS_DOM0])
def test_kernel_with_all_forced_on(name):
    own = re.findall(r"Run with: .*--cmdline (\S+)", (GUEST / name / "main.c").read_text())
    result = run_kernel(name, "hospes", f"--cmdline={' '.join([FORCED, *own])}", log="-forced")
    assert passed(name, result), why(result)
