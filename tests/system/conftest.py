# SPDX-License-Identifier: MIT
"""Fixtures: machines for each {hypervisor} x {toolstack}.

Each parameter carries marks (`hospes`, `xen`, `ours`, `stock`); the Makefile chooses by them what a
run is made of. Nothing is skipped here: what is chosen must pass.
"""
import difflib
import fcntl
import os
import subprocess
from pathlib import Path

import pytest

import machine

COMBINATIONS = [("xen", "stock"), ("xen", "ours"), ("hospes", "stock"), ("hospes", "ours")]
LOGS = machine.BUILD / "test-logs"
# Nothing runs beside such a machine: its CPUs wait for each other, and one that gets no time keeps
# all of them. They come last.
four_cpus = pytest.mark.xdist_group("four-cpus")
# Not beside each other, for the same reason: two CPUs that work all the time for many minutes.
two_busy_cpus = pytest.mark.xdist_group("two-busy-cpus")


def combination(hypervisor, tools):
    return pytest.param((hypervisor, tools), id=f"{hypervisor}-{tools}",
                        marks=[getattr(pytest.mark, hypervisor), getattr(pytest.mark, tools)])


ALL = [combination(*c) for c in COMBINATIONS]


def pytest_configure(config):
    for mark, text in [("xen", "runs on stock Xen 4.17"), ("hospes", "runs on Hospes"),
                       ("stock", "uses xen-utils 4.17"), ("ours", "uses our tools"),
                       ("kernels", "boots a test kernel, not dom0"),
                       ("full", "in make test-full only")]:
        config.addinivalue_line("markers", f"{mark}: {text}")


def has_four_cpus(item):
    group = item.get_closest_marker("xdist_group")
    return bool(group) and group.args == four_cpus.args


@pytest.fixture(autouse=True)
def alone_if_it_must(request):
    """Tests share this machine, but for those that want it alone."""
    with open(machine.BUILD / "test-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if has_four_cpus(request.node) else fcntl.LOCK_SH)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that start from one snapshot stay with the process (pytest-xdist's -n) that made it."""
    for item in items:
        combo = getattr(item, "callspec", None) and item.callspec.params.get("snapshot")
        if combo:
            item.add_marker(pytest.mark.xdist_group("-".join(combo)))
    items.sort(key=has_four_cpus)


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true",
                     help="write the expected outputs anew from (xen, stock)")


def log_path(name):
    LOGS.mkdir(parents=True, exist_ok=True)
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    return LOGS / f"{safe}.log"


def boot(request, hypervisor, tools, **options):
    """A started machine whose dom0 is ready; its console goes to build/test-logs/."""
    name = f"{os.path.basename(request.node.name)}-{hypervisor}-{tools}"
    vm = machine.Machine(hypervisor, tools, log=log_path(name), **options)
    vm.__enter__()
    try:
        state = vm.wait_ready()
        if state != "ok":
            vm.fail(f"dom0's boot found trouble: {state}")
    except BaseException:
        vm.__exit__()
        raise
    return vm


@pytest.fixture(scope="session", params=ALL)
def snapshot(request, tmp_path_factory):
    """A disk that holds a machine whose dom0, without guests, has just booted."""
    hypervisor, tools = request.param
    disk = tmp_path_factory.mktemp("snapshot") / f"{hypervisor}-{tools}.qcow2"
    options = {"words": ["guests=none"], "snapshot_disk": str(disk)}
    vm = boot(request, hypervisor, tools, **options)
    try:
        vm.save("ready")
    finally:
        vm.__exit__()
    return hypervisor, tools, options


@pytest.fixture(scope="session")
def qemu10():
    """QEMU 10's program, fetched once into the cache."""
    return subprocess.run([machine.TOP / "dom0-tools/dom0/fetch-qemu10"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


@pytest.fixture
def dom0(request, snapshot):
    """dom0 as it was when it had just booted, without guests."""
    hypervisor, tools, options = snapshot
    with machine.Machine(hypervisor, tools, loadvm="ready", log=log_path(request.node.name),
                         **options) as vm:
        vm.combination = (hypervisor, tools)
        yield vm
        # Whatever the test did, Hospes's accounts of frames must be right at its end.
        if hypervisor == "hospes" and vm.process.poll() is None:
            vm.audit()


@pytest.fixture
def golden(request):
    """Compares a text with the file of that name in golden/, which stock Xen with stock tools
    wrote; --update-golden writes it."""
    folder = Path(__file__).parent / "golden"

    def compare(name, text, combo):
        path = folder / name
        if request.config.getoption("--update-golden") and combo == ("xen", "stock"):
            folder.mkdir(exist_ok=True)
            path.write_text(text)
        want = path.read_text()
        diff = difflib.unified_diff(want.splitlines(), text.splitlines(), "expected", "seen", "", "",
                                    1, "")
        assert text == want, "\n".join(diff)

    return compare
