# SPDX-License-Identifier: MIT
"""Machines for all suites but micro: stock dom0 under a hypervisor, with the program `bench`
(guest/) in it, and the plugin that counts (plugin/phases.c)."""
import contextlib
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import BUILD, HERE, TOP, BenchError, address_of, qemu_version

sys.path.insert(0, str(TOP / "tests/system"))
import machine  # noqa: E402

PROGRAMS = BUILD / "tests/bench"
BENCH = "/srv/bench/bench"
# Each with its own toolstack: what a user of it has.
TOOLS = {"hospes": "ours", "xen": "stock"}
# Stock Xen's words; Hospes has no mitigations that could be turned off. Lazy switching of floating
# point, which comes with them on stock Xen, does not work in QEMU (tests/EMULATOR.md).
UNPROTECTED = {"xen": "spec-ctrl=no,eager-fpu xpti=no smep=0", "hospes": "smep=0"}
CONSOLE_LOG = "/var/log/xen/console/guest-bench.log"
# What the program prints for an operation: median, least, most, by the TSC.
LINE = re.compile(r"^BENCH (-?\d+) (-?\d+) (-?\d+) (.*?)\r?$", re.M)
GUEST = """name = 'bench'
type = 'pv'
memory = 256
vcpus = 1
kernel = '/srv/guest/cloud-amd64/vmlinuz'
ramdisk = '/srv/bench/initrd'
extra = 'console=hvc0 quiet rdinit=/bench -- {}'
"""


def entry_of(hypervisor):
    """The address that QEMU's -kernel jumps to: Multiboot1's, if its header has one, else ELF's."""
    image = machine.hypervisor_image(hypervisor).read_bytes()
    for at in range(0, 8192, 4):
        magic, flags, checksum = struct.unpack_from("<III", image, at)
        if magic == 0x1badb002 and (magic + flags + checksum) % 2**32 == 0:
            if flags & 0x10000:
                return struct.unpack_from("<I", image, at + 28)[0]
            return struct.unpack_from("<I", image, 24)[0]
    raise BenchError(f"no Multiboot header in {hypervisor}'s image")


def dom0_entry():
    """Where dom0's kernel wants to be entered: its note XEN_ELFNOTE_ENTRY."""
    kernel = (machine.IMAGES / "vmlinux").read_bytes()
    note = struct.pack("<III4s", 4, 8, 1, b"Xen\0")
    return struct.unpack_from("<Q", kernel, kernel.index(note) + len(note))[0]


class Phases:
    """What the plugin says, through a pipe."""

    def __init__(self, folder, hypervisor, more=""):
        self.path = Path(folder) / "phases"
        os.mkfifo(self.path)
        # For writing too: opening does not wait for QEMU to do so.
        self.pipe = os.open(self.path, os.O_RDWR)
        self.text = b""
        self.reported = 0
        marks = address_of("marks", PROGRAMS / "bench")
        self.arguments = ["-plugin", f"{PROGRAMS / 'phases.so'},entry={entry_of(hypervisor):x},"
                          f"dom0={dom0_entry():x},marks={marks:x},out={self.path}{more}"]

    def close(self):
        os.close(self.pipe)

    def next_line(self, deadline):
        """(name, instructions so far, the hypervisor's, user space's), or None at the deadline."""
        while b"\n" not in self.text:
            if not select.select([self.pipe], [], [], max(0, deadline - time.monotonic()))[0]:
                return None
            self.text += os.read(self.pipe, 65536)
        line, self.text = self.text.split(b"\n", 1)
        name, *counts = line.decode().split("\t")
        self.reported += name == "operation"
        return name, *map(int, counts)

    def wait(self, name, timeout=1800):
        """What was executed until this place is reached."""
        deadline = time.monotonic() + timeout
        while (line := self.next_line(deadline)) and line[0] != name:
            pass
        if not line:
            raise BenchError(f"{name!r} was not reached within {timeout} s")
        return line[1:3]

    def operations(self):
        """Those reported since the last call: [(instructions, hypervisor's, user space's, number of
        its profile)]."""
        found = []
        while line := self.next_line(0):
            found += [(*line[1:], self.reported - 1)] if line[0] == "operation" else []
        return found


def operations(source):
    """{name: samples}, as a file of the program has them."""
    text = (HERE / "guest/bench.h").read_text() + (HERE / "guest" / source).read_text()
    numbers = dict(re.findall(r"^#define (MOST|FEW) +(\d+)$", text, re.M))
    return {name: int(numbers.get(samples, samples)) for name, samples in
            re.findall(r'^    \{ ?"([^"]+)", (\w+),', text, re.M)}


def counts(text, counted, source):
    """What the plugin counted for the operations of a file of the program, which has printed them:
    {operation: (instructions, hypervisor's, user space's, numbers of its profile and of the one that
    is to be taken off)}, of the sample with the least."""
    names = [name for *_, name in LINE.findall(text)]
    if names != list(operations(source)) or len(counted) != len(names):
        raise BenchError(f"{len(names)} operations of {source}, {len(counted)} counted: "
                         f"{text[-2000:]}")
    # The first has nothing between the marks.
    return {name: (*(max(0, n - none) for n, none in zip(count[:3], counted[0])),
                   *count[3:], *counted[0][3:]) for name, count in list(zip(names, counted))[1:]}


def figures(counted):
    """As a report has them."""
    return {"figures": {name: count[0] for name, count in counted.items()},
            "hypervisor": {name: count[1] for name, count in counted.items()},
            "user space": {name: count[2] for name, count in counted.items()}}


def initrd(path):
    """The guests' usual one, and the program in it."""
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=b"bench\n",
                             cwd=PROGRAMS, check=True, stdout=subprocess.PIPE).stdout
    usual = subprocess.run(["gzip", "-dc", machine.IMAGES / "guest-initrd.gz"], check=True,
                           stdout=subprocess.PIPE).stdout
    path.write_bytes(usual + archive)


def guest_config(words, symbols=False, more=""):
    """A guest whose init does what the words say, and then prints its kernel's symbols."""
    return GUEST.format(f"symbols {words}" if symbols else words) + more


def overlay(folder, files, symbols=False):
    """What dom0 gets of ours: /srv/bench. files: {name: path or text}, more of it."""
    target = Path(folder) / "overlay/srv/bench"
    target.mkdir(parents=True)
    shutil.copy2(PROGRAMS / "bench", target)
    initrd(target / "initrd")
    (target / "boot.cfg").write_text(guest_config("", symbols))
    (target / "run.cfg").write_text(guest_config("run", symbols))
    for name, content in files.items():
        if isinstance(content, Path):
            shutil.copy2(content, target / name)
        else:
            (target / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return target.parents[1]


@contextlib.contextmanager
def started(hypervisor, args, name, profiled=None, tools=None, files=None, words=(),
            qemu_args=(), **options):
    """A machine and what counts in it. profiled: Profiles that are to be written; files: in
    /srv/bench."""
    cmdline = UNPROTECTED[hypervisor] if args.unprotected else ""
    log = "-".join([name, hypervisor, *([tools] if tools else []), *words])
    with tempfile.TemporaryDirectory(prefix="hospes-bench.") as folder:
        phases = Phases(folder, hypervisor, profiled.argument if profiled else "")
        try:
            with machine.Machine(hypervisor, tools or TOOLS[hypervisor],
                                 words=["guests=none", *words], cpu=args.cpu, icount=True,
                                 overlays=[overlay(folder, files or {}, bool(profiled))],
                                 cmdline=cmdline,
                                 log=args.output / f"{log}.log",
                                 qemu_args=[*phases.arguments, *qemu_args], **options) as vm:
                yield vm, phases
        except machine.MachineError as error:
            raise BenchError(f"{name} on {hypervisor}: {error}") from error
        finally:
            phases.close()


def ready(vm):
    if (state := vm.wait_ready(1800)) != "ok":
        raise BenchError(f"dom0's boot found trouble: {state}")


def check(vm, script, timeout=1800):
    """A script in dom0 that must succeed; its output."""
    result = vm.run(script, timeout)
    if result.status:
        raise BenchError(f"{script!r}: status {result.status}: {result.output[-2000:]}")
    return result.output


def compiler(vm):
    """What the hypervisor says that it was compiled by."""
    return check(vm, "xl info | sed -n 's/^cc_compiler *: *//p'").strip()


def description(args, memory):
    return (f"{qemu_version()}, TCG, -icount, -cpu {args.cpu}, 1 CPU, {memory}"
            + (", protections off" if args.unprotected else "")
            + "; Hospes with our tools, stock Xen with Debian's")
