# SPDX-License-Identifier: MIT
"""No path of the hypervisor becomes longer unnoticed: the micro suite of tests/bench on Hospes, whose
figures are exact, against tests/bench/baseline.json."""
import argparse
import os
import sys
from pathlib import Path

import pytest

import machine
from conftest import log_path

sys.path.insert(0, str(machine.TOP / "tests/bench"))
import boot  # noqa: E402
import cpus  # noqa: E402
import devices  # noqa: E402
import guest  # noqa: E402
import machines  # noqa: E402
import micro  # noqa: E402
import profiles  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
import tools  # noqa: E402


def test_gate_can_fail():
    baseline = {"figures": {"a": 1000, "b": 100, "c": 7}}
    assert micro.complaints(baseline, {"a": 1020, "b": 90, "c": 7}) == []
    assert micro.complaints(baseline, {"a": 1021, "b": 100, "d": 1}) == [
        "a: 1000 -> 1021 instructions (+2.1 %)", "d: not in baseline.json",
        "c: no longer measured"]


def test_raising_needs_a_reason():
    old = {"figures": {"a": 100}}
    with pytest.raises(micro.BenchError):
        micro.new_baseline(old, {"compiler": "", "figures": {"a": 103}}, None)
    new = micro.new_baseline(old, {"compiler": "", "figures": {"a": 103}}, "checked twice")
    assert new["raised"] == {"a": [{"from": 100, "to": 103, "reason": "checked twice"}]}


def test_table_and_ratios():
    figures = {"machine": "m", "hospes": {"compiler": "c", "figures": {"(no work)": 3, "call": 50}},
               "xen": {"compiler": "x", "figures": {"(no work)": 3, "call": 200}}}
    assert report.ratios(figures) == {"call": 0.25}
    assert report.table(figures, "what", "more", str.upper).splitlines()[3:] == [
        "operation   Hospes      Xen  ratio  more",
        "(no work)        3        3         (NO WORK)",
        "call            50      200   0.25  CALL"]
    assert ">0.25</text>" in report.chart(figures, "what")
    assert report.mean([0.5, 2.0]) == pytest.approx(1.0)


def test_guest_suite_knows_its_operations():
    """The suite reads the program's source for what must be measured."""
    operations = guest.operations()
    assert operations["null system call"] == 65 and operations["shell and compiler-like load"] == 3
    text = "".join(f"BENCH {n} 1 9 {name}\r\n" for n, name in enumerate(operations))
    counted = [(0, n + 5) for n in range(len(operations))]
    figures, own = guest.read("dom0", text, counted)
    assert figures["dom0: null system call"] == own["dom0: null system call"] == 1
    with pytest.raises(report.BenchError):
        guest.read("dom0", text, counted[1:])


@pytest.mark.parametrize("source", ["xenstore.c", "devices.c"])
def test_counts_belong_to_what_was_printed(source):
    names = list(machines.operations(source))
    text = "".join(f"BENCH 7 1 9 {name}\r\n" for name in names)
    counted = [(10, 4, 0)] + [(100 + n, 3, 50) for n in range(1, len(names))]
    found = machines.counts(text, counted, source)
    assert list(found) == names[1:] and found[names[2]] == (92, 0, 50)
    for wrong in (text, counted[1:]), (text.replace(names[1], "other"), counted):
        with pytest.raises(report.BenchError):
            machines.counts(*wrong, source)


def test_the_better_stock_xenstored_counts():
    found = {"hospes": {"figures": {}, "hypervisor": {}, "user space": {}},
             "xen": {"figures": {}, "hypervisor": {}, "user space": {}}}
    tools.add_daemons(found, {"ours": {"xenstore: read": (10, 3, 2)},
                              "oxenstored": {"xenstore: read": (40, 5, 9)},
                              "C": {"xenstore: read": (30, 4, 8)}})
    assert report.ratios(found) == {"xenstore: read": 10 / 30}
    assert found["xen"]["user space"] == {"xenstore: read": 8}
    assert tools.last_column(found, "xenstore: read") == "40 | 30"
def test_counts_of_several_cpus():
    """What the plugin writes becomes the figures: medians of all CPUs' paths, waiting apart."""
    samples = cpus.read_samples("10 0\t20 4\n10 0\t22 4\n10 0\t90 4\n-\n8 0\t8 8\n-\n9 9\t9 9\n")
    assert samples == [[[(10, 0), (20, 4)], [(10, 0), (22, 4)], [(10, 0), (90, 4)]],
                       [[(8, 0), (8, 8)]]]
    figure = cpus.figure(samples[0], 2)
    assert figure == {"median": 14, "least": 13, "low": 13, "high": 48, "most": 48, "spun": 2,
                      "each": [5, 9]}
    assert cpus.spread(figure) == "13..48"
    assert cpus.spread(cpus.figure(samples[1], 2)) == "all equal"


def test_what_grows_is_named():
    figures = {"a, 1 vcpu": 100, "a, 2 vcpus": 104, "a, 8 vcpus": 105, "b, 1 vcpu": 100,
               "b, 8 vcpus": 170, "xl list, 1 guest and one more": 10,
               "xl list, 10 guests and one more": 100}
    assert scale.growing(figures) == [
        "  b, N vcpus: 100 with 1, 170 with 8: 10 for each",
        "  xl list, N guests and one more: 10 with 1, 100 with 10: 10 for each"]
    assert scale.growing({"a, 1 vcpu": 100, "a, 8 vcpus": 90}) == ["  nothing"]


def test_profile_names_functions(tmp_path):
    """A program's block is found by the bytes of its page, a kernel's by its address."""
    path = machines.PROGRAMS / "bench"
    program, image = profiles.Program(path, "bench"), path.read_bytes()
    function = report.address_of("measure_all", path)
    offset, _, address = next(segment for segment in program.segments
                              if segment[2] <= function < segment[2] + segment[1])
    at = function - address + offset
    page = image[at // 4096 * 4096:][:4096]
    entry = report.address_of("boot_main", report.BUILD / "hypervisor/hospes.elf")
    found = profiles.Profiles(tmp_path / "profiles")
    found.kernels[profiles.DOM0] = profiles.Symbols([(0x1000, 0, "one"), (0x2000, 0, "two")])
    found.pages = [profiles.find_pages([page], [(path, "bench")])[page], None]
    lines = [f"u {at % 4096:x} 70", f"u {4096 + at % 4096:x} 5", "k 1fff 20", "k 2000 10",
             f"h {entry:x} 3", f"h {entry - profiles.IMAGE_START:x} 4"]
    Path(f"{found.prefix}.1").write_text("\n".join(lines))
    Path(f"{found.prefix}.0").write_text("k 1000 1\nk 2004 10\n")
    assert found.of(1, 0) == {
        ("bench", "measure_all"): 70, ("no file", "?"): 5, (profiles.DOM0, "one"): 19,
        (profiles.DOM0, "two"): 0, (profiles.HYPERVISOR, "boot_main"): 7}
    text = profiles.text("name", 101, found.of(1, 0), lines=3).splitlines()
    assert text[0].startswith("name: 101 instructions; 101 in this profile")
    assert text[3].split() == ["70", "69.31", "bench"]
    assert text[-1].split() == ["12", "11.88", "others", "(2", "functions)"]


@pytest.mark.parametrize("suite", [micro, boot, guest, tools, devices, scale])
def test_operations_that_can_be_profiled(suite):
    names = [name.replace("'", "") for name in suite.profiled()]
    assert len(names) == len(set(names)) >= 5


@pytest.mark.full
@pytest.mark.hospes
@pytest.mark.ours
def test_profile_adds_up(tmp_path):
    """A profile's sum is the figure, and all that executes has a name."""
    args = argparse.Namespace(output=tmp_path, cpu=report.CPU, unprotected=False)
    (figure, found), = tools.profile(["xenstore: read"], args).values()
    assert sum(found.values()) == figure > 10000
    unknown = sum(n for (where, function), n in found.items()
                  if where.startswith("no file") or
                  function == profiles.UNKNOWN and where in (profiles.DOM0, profiles.HYPERVISOR))
    assert unknown <= figure / 100
    assert {profiles.HYPERVISOR, profiles.DOM0, "xenstored", "bench"} <= {place for place, _ in found}


@pytest.mark.full
@pytest.mark.kernels
@pytest.mark.parametrize("hypervisor", [pytest.param("xen", marks=pytest.mark.xen),
                                        pytest.param("hospes", marks=pytest.mark.hospes)])
def test_second_cpu_is_counted(hypervisor, tmp_path):
    """Of what two vcpus do each CPU executes half, an operation costs what it costs alone, and what
    one asks of the other is seen on both."""
    args = argparse.Namespace(output=tmp_path, cpu=report.CPU)
    operations = cpus.run(hypervisor, args, 2)["operations"]
    alone, together = (operations["xen_version", vcpus] for vcpus in (1, 2))
    assert alone["median"] == together["median"] > 50
    assert alone["each"] == [alone["median"], 0]
    assert len(together["each"]) == 2    # of an odd number each may have the larger half
    assert all(abs(2 * n - alone["median"]) <= 1 for n in together["each"]), together
    assert all(n > 50 for n in operations["event (IPI) to a running vcpu", 2]["each"])


@pytest.mark.hospes
@pytest.mark.kernels
def test_no_path_became_longer():
    baseline = micro.load_baseline()
    measured = micro.run("hospes", log=log_path("bench-micro"))
    assert measured["figures"][micro.CONTROL] == baseline["figures"][micro.CONTROL]
    if measured["compiler"] != baseline["compiler"] and "CI" not in os.environ:
        print(f"not comparable: {measured['compiler']}; the baseline is {baseline['compiler']}'s")
        return
    found = micro.complaints(baseline, measured["figures"])
    assert not found, "\n".join(
        ["longer than tests/bench/baseline.json says (how to raise it: tests/bench/README.md):",
         *found])


@pytest.mark.full
@pytest.mark.kernels
@pytest.mark.parametrize("hypervisor", [pytest.param("xen", marks=pytest.mark.xen),
                                        pytest.param("hospes", marks=pytest.mark.hospes)])
def test_two_runs_are_equal(hypervisor):
    assert micro.run(hypervisor) == micro.run(hypervisor)
