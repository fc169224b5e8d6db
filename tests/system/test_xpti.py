# SPDX-License-Identifier: MIT
"""Separate page tables for guests (xpti=): what is chosen; that while a guest's code runs the CPU's
page tables show nothing of Hospes but the ways in; NMIs and debug keys that come at any moment; a
stock dom0 and its guest."""
import importlib.machinery
import importlib.util
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import types
from pathlib import Path

import pytest

import machine
from conftest import log_path
from test_guest_kernels import GUEST, run_kernel, why
from test_speculation import CPU, errno_paths, report, symbols

pytestmark = [pytest.mark.hospes, pytest.mark.kernels]
PAGE = 4096
SLOT = 1 << 39
HV_START = 0xffff800000000000


def runner():
    loader = importlib.machinery.SourceFileLoader("guest_run", str(GUEST / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("guest_run", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("vendor,options,dom0,domu", [
    ("AuthenticAMD", "", "disabled", "disabled"),
    ("GenuineIntel", "", "enabled", "enabled"),
    ("GenuineIntel", "spec-ctrl=no-xen", "enabled", "enabled"),
    ("GenuineIntel", "spec-ctrl=no", "disabled", "disabled"),
    ("GenuineIntel", "no-xpti", "disabled", "disabled"),
    ("GenuineIntel", "xpti=dom0=no", "disabled", "enabled"),
    ("AuthenticAMD", "xpti=domu", "disabled", "enabled"),
    ("AuthenticAMD", "xpti=true,no-domu", "enabled", "disabled"),
    ("AuthenticAMD", "xpti=true,default", "disabled", "disabled"),
    ("AuthenticAMD", "spec-ctrl=no xpti", "enabled", "enabled"),
])
def test_what_is_chosen(vendor, options, dom0, domu):
    text = report(options, f"{CPU},vendor={vendor}")
    assert f"  XPTI (64-bit PV only): Dom0 {dom0}, DomU {domu} (without PCID)" in text, text


def test_wrong_items_are_named():
    text = report("xpti=dom1,dom0=perhaps,on")
    assert text.count("WARNING: xpti=") == 2 and "Dom0 enabled, DomU enabled" in text, text


class Kernel:
    """A test kernel that runs as dom0, with QEMU's monitor and the serial line at hand."""

    def __init__(self, name, cmdline, smp, log, more=""):
        self.run, self.name, self.output = runner(), name, b""
        self.scratch = tempfile.TemporaryDirectory(prefix="hospes-xpti.")
        path = Path(self.scratch.name) / "qmp"
        args = types.SimpleNamespace(
            kernels=machine.BUILD / "tests/guest", image=None, hypervisor="hospes", dom0_mem="64M",
            cmdline=cmdline, qemu="qemu-system-x86_64", machine="pc", accel="tcg", cpu=CPU, smp=smp,
            mem="512M", device=[], icount=False, boot="direct", firmware="bios",
            arguments=f"no-nmi {more}", tests=[name],
            qemu_args=[f"-S -qmp unix:{path},server=on"])
        self.log = open(log_path(log), "wb")
        self.process = subprocess.Popen(self.run.qemu_arguments(args, name, self.scratch.name),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.seen = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        with self.seen:    # QEMU has the socket when it says so
            assert self.seen.wait_for(lambda: b"server" in self.output, 300), self.output
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.ask({"execute": "qmp_capabilities"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.scratch.cleanup()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            with self.seen:
                self.output += chunk
                self.seen.notify_all()
            self.log.write(chunk)
            self.log.flush()

    def ask(self, request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self.lines:
            answer = json.loads(line)
            if "return" in answer or "error" in answer:
                assert "return" in answer, answer
                return answer["return"]
        raise ConnectionError("the machine ended: " + self.output.decode(errors="replace")[-4000:])

    def monitor(self, line, cpu=0):
        return self.ask({"execute": "human-monitor-command",
                         "arguments": {"command-line": line, "cpu-index": cpu}})

    def verdict(self):
        found = self.run.VERDICT.search(self.output.decode(errors="replace"))
        return found.group(2) if found else None

    def wait_for(self, text):
        with self.seen:
            assert self.seen.wait_for(lambda: text in self.output, 300), self.output[-2000:]

    def in_guest(self, cpu):
        """Stops the machine where this CPU runs a guest's code."""
        for _ in range(100000):
            self.monitor("stop")
            registers = self.monitor("info registers", cpu)
            rip = int(re.search(r"RIP=([0-9a-f]{16})", registers).group(1), 16)
            if "CPL=3" in registers and not HV_START <= rip < HV_START + 16 * SLOT:
                return
            self.monitor("cont")
        raise AssertionError("no guest's code was seen")


def hypervisor_pages(text):
    """From 'info mem': slot to the pages mapped there, each with its rights."""
    slots = {}
    for start, end, rights in re.findall(r"^([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} (\S+)\s*$", text,
                                         re.M):
        start, end = int(start, 16), int(end, 16)
        if HV_START <= start < HV_START + 16 * SLOT:
            slots.setdefault(256 + (start - HV_START) // SLOT, []).append((start, end, rights))
    return slots


def ways_in(cpus):
    at = symbols()
    areas = {at["boot_entry"]} | {0xffff82d050000000 + n * 0x20000 + 0x10000
                                  for n in range(1, cpus)}
    return set(range(at["entry_text_start"], at["entry_text_end"], PAGE)) | {at["idt"]} | areas


@pytest.mark.parametrize("smp", [1, 2])
def test_nothing_of_hospes_is_mapped_in_a_guest(smp):
    with Kernel("switch", "xpti=true dom0_max_vcpus=4", smp, f"xpti-mapped-{smp}",
                "endless") as kernel:
        kernel.monitor("cont")
        kernel.wait_for(b"*** Serial input")
        for cpu in [*range(smp)] * 3:
            kernel.in_guest(cpu)
            slots = hypervisor_pages(kernel.monitor("info mem", cpu))
            kernel.monitor("cont")
            assert {260, 261} <= set(slots) <= {256, 260, 261}, slots
            pages = {a for start, end, _ in slots[261] for a in range(start, end, PAGE)}
            assert pages == ways_in(smp), [hex(p) for p in sorted(pages ^ ways_in(smp))]
            assert all("u" not in rights for n in (260, 261) for _, _, rights in slots[n]), slots
            assert all("w" not in rights for _, _, rights in slots.get(256, [])), slots


def test_a_return_made_again_is_to_the_guests_tables():
    """attacks-entry: Hospes's return to code in an LDT that nothing has touched yet."""
    lines = errno_paths.output("nm", machine.BUILD / "tests/guest/attacks-entry.elf").splitlines()
    at = next(int(line.split()[0], 16) for line in lines if line.endswith(" landing"))
    log = log_path("xpti-landing-cpu")
    result = run_kernel("attacks-entry", "hospes", "--cmdline=xpti=true",
                        f"--qemu-args=-d cpu,nochain -dfilter {at:#x}..{at:#x} -D {log}",
                        log="-xpti-landing")
    assert result.returncode == 0, why(result)
    tables = {}
    for cs, cr3 in re.findall(r"^CS =([0-9a-f]{4}) .*?CR3=([0-9a-f]+)", log.read_text(),
                              re.M | re.S):
        tables.setdefault(cs, set()).add(cr3)
    assert len(tables["000f"]) == 2 and tables["000f"] <= tables["e033"], tables


def test_all_is_mapped_without_xpti():
    with Kernel("switch", "xpti=no dom0_max_vcpus=4", 1, "xpti-off", "endless") as kernel:
        kernel.monitor("cont")
        kernel.wait_for(b"*** Serial input")
        kernel.in_guest(0)
        slots = hypervisor_pages(kernel.monitor("info mem"))
        # 256, the table of frame numbers that guests may read, is not in their user mode's tables.
        assert {258, 259, 260, 261, 262} <= set(slots), slots
        assert sum(end - start for start, end, _ in slots[261]) > len(ways_in(1)) * PAGE


@pytest.mark.parametrize("name,smp,vcpus", [("switch", 2, 4), ("isolation-smp", 2, 2),
                                            ("attacks-entry", 1, 1)])
def test_nmis_and_debug_keys_at_any_moment(name, smp, vcpus):
    """Each NMI may hit the ways in and out, where the CPU has the guest's page tables still."""
    options = f"xpti=true dom0_max_vcpus={vcpus}"
    with Kernel(name, options, smp, f"xpti-nmi-{name}") as kernel:
        kernel.monitor("cont")
        kernel.wait_for(b"*** Serial input")
        kernel.process.stdin.write(b"\x01\x01\x01")
        sent = 0
        try:
            while kernel.verdict() is None:
                kernel.monitor("nmi")
                if sent % 64 == 0:
                    kernel.process.stdin.write(b"qd")
                    kernel.process.stdin.flush()
                sent += 1
                assert not self_dead(kernel), kernel.output[-4000:]
        except OSError:    # it has powered off, or so the verdict must say
            kernel.reader.join()
        assert kernel.verdict() in ("SUCCESS", "SKIP"), kernel.output[-4000:]
        assert sent and b"'d' pressed" in kernel.output, sent


def self_dead(kernel):
    return kernel.run.DEAD.search(kernel.output.decode(errors="replace"))


@pytest.mark.full
@pytest.mark.parametrize("options", ["xpti=true", "xpti=dom0=no,domu=yes pv-l1tf=domu"])
def test_stock_dom0_and_its_guest(options):
    with machine.Machine("hospes", "ours", smp=2, cmdline=options,
                         log=log_path("xpti-dom0")) as vm:
        vm.wait_ready()
        result = vm.run("ping -c3 192.0.2.2 && xl list demo && xl destroy demo", 600)
        assert result.status == 0, result.output
        vm.audit()
