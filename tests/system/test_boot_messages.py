# SPDX-License-Identifier: MIT
"""What Hospes says when it cannot start, and that it then halts or resets as configured; and what a
panic shows. Each case is a start of QEMU -kernel that ends before dom0 runs for long."""
import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

import machine

pytestmark = pytest.mark.hospes
TIMEOUT = 120
HALTED = r"Manual reset required \('noreboot' specified\)"
RESETS = r"Reboot in five seconds\.\.\."


class Start:
    """A QEMU that starts Hospes with these options and modules ("file arguments")."""

    def __init__(self, options, modules=(), mem="256M", smp=1):
        self.console = machine.Channel()
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                   "-accel", "tcg", "-cpu", "max,-smap", "-smp", str(smp), "-m", mem,
                   "-no-reboot", "-chardev", f"socket,id=con,fd={self.console.theirs.fileno()}",
                   "-serial", "chardev:con", "-kernel", str(machine.hypervisor_image("hospes")),
                   "-append", f"com1=115200,8n1 console=com1 {options}"]
        if modules:
            command += ["-initrd", ",".join(m.replace(",", ",,") for m in modules)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, start_new_session=True,
                                        pass_fds=[self.console.theirs.fileno()])
        self.console.start()

    def expect(self, pattern):
        match = self.console.expect(pattern, time.monotonic() + TIMEOUT)
        assert match, f"no {pattern!r} in:\n{self.console.text()[-3000:]}"
        return match

    def ends(self):
        """The machine resets, which ends QEMU."""
        return self.process.wait(TIMEOUT)

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.console.thread.join(5)
        self.console.close()


@contextlib.contextmanager
def started(*args, **options):
    start = Start(*args, **options)
    try:
        yield start
    finally:
        start.end()


@pytest.fixture(name="junk")
def junk_file(tmp_path):
    path = tmp_path / "junk"
    path.write_bytes(bytes(100000))
    return str(path)


def test_no_module():
    with started("noreboot") as vm:
        vm.expect("Hospes cannot start: no dom0 kernel: the boot loader passed no module")
        vm.expect(HALTED)


def test_empty_kernel(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with started("noreboot", [str(empty)]) as vm:
        vm.expect(r"Hospes cannot start: the dom0 kernel \(first module\) is empty")
        vm.expect(HALTED)


def test_unreadable_kernel(junk):
    with started("noreboot", [junk]) as vm:
        vm.expect("Building dom0 failed: dom0 kernel: not a kernel: neither bzImage nor ELF")
        vm.expect("Hospes cannot start: dom0 could not be built")
        vm.expect(HALTED)


def test_failure_resets_the_machine(junk):
    with started("", [junk]) as vm:
        vm.expect("Hospes cannot start")
        vm.expect(RESETS)
        assert vm.ends() == 0


@pytest.mark.parametrize("size", ["100G", "60M"])
def test_too_little_memory(size):
    """More than the machine has; and too little for this kernel."""
    kernel = str(machine.IMAGES / "vmlinux")
    with started(f"noreboot dom0_mem={size},max:{size}", [kernel], mem="1G") as vm:
        why = vm.expect(r"Building dom0 failed: ([^\r\n]*)[\r\n]").group(1).decode()
        assert re.search(r"lower dom0_mem|no memory|too small|MiB are needed", why), why
        vm.expect(HALTED)


def test_no_room_to_unpack_the_kernel():
    """The machine has room for dom0, but not for its kernel's unpacked form besides."""
    kernel = str(machine.IMAGES / "vmlinuz")
    with started("noreboot dom0_mem=128M", [kernel], mem="192M") as vm:
        wanted = vm.expect(r"Building dom0 failed: no memory to unpack the dom0 kernel: that takes "
                           r"(\d+) MiB more in one piece, and dom0 (\d+) MiB later, but only "
                           r"(\d+) MiB are free[\r\n]")
        more, dom0, free = (int(n) for n in wanted.groups())
        assert dom0 == 128 and 0 < free < 192 and more > 0
        vm.expect(HALTED)


def test_wrong_options_are_named():
    kernel = str(machine.IMAGES / "vmlinux")
    with started("noreboot frobnicate=3 dom0_memm=16M maxcpus=x dom0_mem=64Q", [kernel]) as vm:
        for option in (r"unknown option [^\n]*: frobnicate=3",
                       r"unknown option [^\n]*: dom0_memm=16M",
                       "option maxcpus=x: not a number", "dom0_mem: '64Q' is not a size"):
            with vm.console.changed:
                vm.console.position = 0
            vm.expect(f"WARNING: {option}")
        vm.expect(HALTED)


@pytest.mark.parametrize("smp", [1, 2])
def test_panic_shows_registers_and_backtrace(smp):
    kernel = str(machine.IMAGES / "vmlinux")
    with started("conswitch=ax dom0_mem=256M", [f"{kernel} console=hvc0"], mem="512M",
                 smp=smp) as vm:
        vm.expect("Serial input to Xen")
        vm.expect("about to get started")
        vm.console.send("C")
        vm.expect("'C' pressed -> trigger a crashdump")
        vm.expect(r"Panic on CPU \d+:.*'C' pressed -> crashdump")
        vm.expect(r"RIP: +e008:\[<[0-9a-f]{16}>\] crash\+0x")
        for register in ("rax", "rsp", "r15", "cr0", "cr3"):
            vm.expect(f"{register}: +[0-9a-f]{{16}}")
        vm.expect(r"Xen call trace:")
        vm.expect(r"\] R crash\+0x")
        vm.expect(r"\] S console_softirq\+0x")
        vm.expect(r"\] S exit_work\+0x")
        vm.expect(RESETS)
        assert vm.ends() == 0
