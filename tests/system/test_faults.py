# SPDX-License-Identifier: MIT
"""Memory runs out in the hypervisor in the middle of an `xl create`: on Hospes with its checks built
in, whose debug key N makes one allocation fail (tests/README.md)."""
import re

import pytest

import machine
from conftest import boot
from guests import (config_text, put_file, ready_for_domu, same_state, state, until_gone,
                    until_settled)

pytestmark = [pytest.mark.hospes, pytest.mark.ours, pytest.mark.full]

POINTS = 30
CONFIG = "/root/victim.cfg"
INJECTION = re.compile(r"injection: (\d+) allocations, (\d+) failed; (\d+) frames, (\d+) objects")
# A step of xl's, what failed in it, and why.
MESSAGE = re.compile(r'^xl: cannot create "victim": [a-z]+ing [a-z ]+: \S.*', re.M)


@pytest.fixture
def debug_host(request):
    image = machine.BUILD / "tests/lint/hypervisor-debug-gcc/hospes.elf"
    assert image.exists(), f"{image}: run make -C tests/lint compilers"
    vm = boot(request, "hospes", "ours", image=image, words=["guests=none"])
    try:
        ready_for_domu(vm)
        yield vm
        vm.audit()
    finally:
        vm.__exit__()


def create(vm, n):
    """`xl create` with the nth allocation failing. Returns status, what xl said, how many allocations
    there were and how many of them failed."""
    output = vm.check(f"xl dmesg -c > /dev/null; xl debug-keys {n}N; xl dmesg -c > /dev/null; "
                      f"xl create {CONFIG} > /root/said 2>&1; status=$?; xl debug-keys 0N; "
                      "xl dmesg -c > /root/log; grep 'injection:' /root/log; "
                      "echo status $status; cat /root/said")
    allocations, failed = INJECTION.search(output).groups()[:2]
    status, said = re.search(r"^status (\d+)\n(.*)", output, re.S | re.M).groups()
    return int(status), said, int(allocations), int(failed)


def test_create_without_memory(debug_host):
    """Each create fails and says at what, or succeeds; and leaves nothing behind."""
    vm = debug_host
    put_file(vm, CONFIG, config_text(name="victim", type="pv", kernel="/srv/guest/domu.elf",
                                     memory=16, vcpus=2))
    status, said, allocations, failed = create(vm, 0)
    assert status == 0 and failed == 0, said
    vm.check("xl destroy victim")
    until_settled(vm)
    before = state(vm)
    hit, refused = 0, 0
    for i in range(POINTS):
        n = 1 + i * (allocations - 1) // (POINTS - 1)
        status, said, _, failed = create(vm, n)
        hit += failed
        if status:
            assert failed, f"allocation {n}: status {status} without one that failed\n{said}"
            assert MESSAGE.search(said), f"allocation {n}: no step and object in:\n{said}"
            assert "lower 'memory'" not in said, f"there is memory enough, but: {said}"
            refused += 1
        else:
            vm.check("xl list victim && xl destroy victim")
        until_gone(vm, "victim")
        same_state(vm, before)
    assert hit >= POINTS * 2 // 3, f"only {hit} of {POINTS} allocations failed"
    assert refused, "no create failed"
    wrong = vm.run("dmesg | grep -E 'Call Trace|BUG:|Oops|WARNING:'").output
    assert not wrong, wrong
