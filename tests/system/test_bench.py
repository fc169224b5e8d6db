# SPDX-License-Identifier: MIT
"""No path of the hypervisor becomes longer unnoticed: the micro suite of tests/bench on Hospes, whose
figures are exact, against tests/bench/baseline.json."""
import os
import sys

import pytest

import machine
from conftest import log_path

sys.path.insert(0, str(machine.TOP / "tests/bench"))
import micro  # noqa: E402


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
