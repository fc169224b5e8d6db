# SPDX-License-Identifier: MIT
"""One QEMU machine that runs a hypervisor with the stock Debian dom0.

The machine has its console on a socket pair (the hypervisor's serial port, so the hypervisor's and
dom0's messages), QMP on another, and the virtio-serial port over which dom0's agent runs commands
(dom0-tools/dom0/rootfs/usr/lib/hospes/agent). Nothing here sleeps to synchronise: every wait is for
bytes on one of those sockets or for QEMU's end, and has a deadline.
"""
import collections
import ctypes
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HOSPES_BUILD", TOP / "build"))
IMAGES = BUILD / "images"
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"

Result = collections.namedtuple("Result", "status output")


class MachineError(Exception):
    """The machine did not do what was waited for; the text ends with its last console lines."""


def hypervisor_image(name):
    """The file that QEMU or GRUB loads for `hospes` or `xen`."""
    path = IMAGES / "xen" if name == "xen" else BUILD / "hypervisor" / "hospes.elf"
    if not path.exists():
        raise MachineError(f"no hypervisor {name}: {path} does not exist (run make all)")
    return path


def boot_iso(hypervisor, options, kernel, dom0_options):
    """A GRUB image with these options; made once for each set of them."""
    name = {"xen": "Xen 4.17", "hospes": "Hospes"}[hypervisor]
    key = hashlib.sha256(repr((options, str(kernel), dom0_options)).encode()).hexdigest()[:12]
    iso = BUILD / "iso" / f"{hypervisor}-{key}.iso"
    subprocess.run([TOP / "dom0-tools/dom0/build-iso", iso, hypervisor_image(hypervisor), name,
                    options, kernel, dom0_options, IMAGES / "initrd.cpio"], check=True)
    return iso


def tar_disk(path, words, trees):
    """The job disk: `words`, and `overlay/` made of directory trees, later ones winning."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for tree in trees:
            tar.add(tree, arcname="overlay", filter=as_root)
        words_file = Path(path).with_suffix(".words")
        words_file.write_text(" ".join(words) + "\n")
        tar.add(words_file, arcname="words", filter=as_root)


def as_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def our_tools(scratch):
    """A tree that puts the programs built in build/dom0-tools, hotplug scripts and manual pages where
    dom0 looks for them."""
    built = BUILD / "dom0-tools"
    if not built.is_dir():
        return None
    tree = Path(scratch) / "tools"
    target = tree / "usr/local/hospes/bin"
    target.mkdir(parents=True)
    for program in built.iterdir():
        if program.is_file() and os.access(program, os.X_OK) and "." not in program.name:
            shutil.copy2(program, target / program.name)
    sources = TOP / "dom0-tools/xl"
    shutil.copytree(sources / "hotplug", tree / "usr/local/hospes/scripts")
    for page in sources.glob("*.[1-8]"):
        manual = tree / f"usr/local/hospes/share/man/man{page.suffix[1:]}"
        manual.mkdir(parents=True, exist_ok=True)
        shutil.copy2(page, manual)
    return tree


def accelerator(accel, smp):
    """With more CPUs than there are here, TCG's threads wait for each other's guests: a CPU that
    another one spins for gets no time, and timers come faster than they are served (stock Xen's dom0
    with 4 CPUs on 2 stands still in its boot). One thread that takes them in turn has no such state."""
    return "tcg,thread=single" if accel == "tcg" and int(smp) > os.cpu_count() else accel


def end_with_parent():
    """In the child: QEMU is killed when this process ends, however it ends (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Channel:
    """A byte stream to QEMU: everything received is kept, and waited for by pattern."""

    def __init__(self, log=None, echo=None):
        self.ours, self.theirs = socket.socketpair()
        self.data = bytearray()
        self.position = 0
        self.closed = False
        self.changed = threading.Condition()
        self.log = open(log, "wb") if log else None
        self.echo = echo
        self.thread = threading.Thread(target=self._read, daemon=True)

    def start(self):
        self.theirs.close()
        self.thread.start()

    def _read(self):
        while True:
            try:
                chunk = self.ours.recv(65536)
            except OSError:
                chunk = b""
            if self.log and chunk:
                self.log.write(chunk)
                self.log.flush()
            if self.echo and chunk:
                self.echo(chunk)
            with self.changed:
                self.data += chunk
                self.closed = self.closed or not chunk
                self.changed.notify_all()
            if not chunk:
                return

    def send(self, data):
        self.ours.sendall(data.encode() if isinstance(data, str) else data)

    def expect(self, pattern, deadline, progress=None):
        """Waits for the pattern at or after the reading position, moves behind it; returns the
        match, or None at the deadline or the stream's end. progress() is given bytes that came
        before the match, as they come."""
        regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.S | re.M)
        with self.changed:
            while True:
                match = regex.search(self.data, self.position)
                if match:
                    self.position = match.end()
                    return match
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    return None
                self.changed.wait(min(left, 1.0))
                if progress:
                    progress()

    def text(self):
        return bytes(self.data).decode(errors="replace")

    def close(self):
        self.ours.close()
        if self.log:
            self.log.close()


class Machine:
    """Start, talk to and stop one machine. Use as a context manager: QEMU ends with it."""

    def __init__(self, hypervisor="xen", tools="stock", *, smp=1, mem="2G", dom0_mem="768M",
                 cmdline="", dom0_cmdline="", words=(), overlays=(), boot="direct",
                 firmware="bios", accel="tcg", cpu="max,-smap", icount=False, qemu_args=(),
                 log=None, echo=None, fast_kernel=True, snapshot_disk=None, loadvm=None,
                 interactive=False, qemu="qemu-system-x86_64", image=None,
                 root_device=("virtio-blk-pci",)):
        """image: another hypervisor file than the built one. root_device: the device that dom0's
        root disk hangs on, and before it those that it needs."""
        self.scratch = tempfile.mkdtemp(prefix="hospes-vm.")
        self.hypervisor = hypervisor
        self.console = Channel(log=log, echo=echo)
        self.control = Channel()
        self.qmp = Channel()
        self.process = None
        self.booted = False
        self.ready_state = None
        kernel = IMAGES / ("vmlinux" if fast_kernel else "vmlinuz")
        hv_line = f"com1=115200,8n1 console=com1 dom0_mem={dom0_mem},max:{dom0_mem}"
        if hypervisor == "xen":
            hv_line += " spec-ctrl=eager-fpu"    # tests/EMULATOR.md: lazy FPU
        hv_line = f"{hv_line} {cmdline}".strip()
        dom0_line = f"console=hvc0 panic=1 {dom0_cmdline}".strip()
        args = [qemu, "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std",
                "-accel", accelerator(accel, smp), "-cpu", cpu, "-smp", str(smp), "-m", str(mem), "-no-reboot"]
        if icount:
            args += ["-icount", "shift=0,align=off,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
        if firmware == "uefi":
            shutil.copyfile(OVMF_VARS, f"{self.scratch}/vars.fd")
            args += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}",
                     "-drive", f"if=pflash,unit=1,format=raw,file={self.scratch}/vars.fd"]
        if boot == "direct":
            if firmware != "bios":
                raise MachineError("UEFI boots through GRUB only: use boot='grub'")
            module = f"{kernel} {dom0_line}".replace(",", ",,")
            args += ["-kernel", str(image or hypervisor_image(hypervisor)), "-append", hv_line,
                     "-initrd", f"{module},{IMAGES / 'initrd.cpio'}"]
        else:
            args += ["-cdrom", str(boot_iso(hypervisor, hv_line, kernel, dom0_line))]
        if interactive:
            args += ["-serial", "mon:stdio"]
        else:
            args += ["-chardev", f"socket,id=con,fd={self.console.theirs.fileno()}",
                     "-serial", "chardev:con"]
        args += ["-chardev", f"socket,id=qmp,fd={self.qmp.theirs.fileno()}",
                 "-mon", "chardev=qmp,mode=control",
                 "-chardev", f"socket,id=ctl,fd={self.control.theirs.fileno()}",
                 "-device", "virtio-serial-pci",
                 "-device", "virtserialport,chardev=ctl,name=hospes.ctl"]
        args += self._disks(list(words) + [f"tools={tools}"], overlays, snapshot_disk, root_device)
        if loadvm:
            args += ["-loadvm", loadvm]
        self.args = args + list(qemu_args)

    def _disks(self, words, overlays, snapshot_disk, root_device):
        trees = [t for t in [our_tools(self.scratch), *overlays] if t]
        tar_disk(f"{self.scratch}/job.tar", words, trees)
        root = snapshot_disk or f"{self.scratch}/root.qcow2"
        if not Path(root).exists():
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                            "-b", str(IMAGES / "dom0.img"), root], check=True)
        devices = [*root_device[:-1], f"{root_device[-1]},drive=root,serial=hospes-root"]
        return ["-drive", f"if=none,id=root,file={root},format=qcow2,cache=unsafe",
                *(word for device in devices for word in ("-device", device)),
                "-drive", f"if=none,id=job,file={self.scratch}/job.tar,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=job,serial=hospes-job"]

    def __enter__(self):
        channels = (self.console, self.control, self.qmp)
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(f"{self.scratch}/qemu.err", "wb"),
            pass_fds=[c.theirs.fileno() for c in channels], start_new_session=True,
            preexec_fn=end_with_parent)
        for channel in channels:
            channel.start()
        return self

    def interact(self):
        """Runs QEMU on this terminal until it ends; returns its exit status."""
        fds = [c.theirs.fileno() for c in (self.control, self.qmp)]
        try:
            return subprocess.run(self.args, pass_fds=fds, check=False).returncode
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for channel in (self.console, self.control, self.qmp):
            channel.thread.join(5)
            channel.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def fail(self, what):
        """Raises MachineError with what the machine last said."""
        stderr = Path(f"{self.scratch}/qemu.err")
        notes = stderr.read_text(errors="replace") if stderr.exists() else ""
        state = "runs" if self.process.poll() is None else f"ended ({self.process.returncode})"
        tail = "\n".join(self.console.text().replace("\r", "").splitlines()[-25:])
        raise MachineError(f"{what}; QEMU {state}. {notes}\n--- last console lines ---\n{tail}")

    def wait_ready(self, timeout=600):
        """Waits until dom0 has booted; returns "ok" or what its boot script found wrong."""
        match = self.control.expect(r"^hello (.*?)\n", time.monotonic() + timeout)
        if not match:
            self.fail(f"dom0 was not ready after {timeout} s")
        self.ready_state = match.group(1).decode()
        return self.ready_state

    def run(self, script, timeout=120, stream=None):
        """Runs a shell script in dom0; returns its status and output (stdout and stderr)."""
        nonce = secrets.token_hex(16)
        body = script.encode()
        start = self.control.position
        self.control.send(b"run %s %d\n" % (nonce.encode(), len(body)) + body)
        passed = [start]

        mark = b"\n%s " % nonce.encode()

        def progress():
            # What may be the beginning of the end mark is held back.
            have = bytes(self.control.data[passed[0]:])
            keep = have.find(mark)
            if keep < 0:
                keep = have.rfind(b"\n")
                if keep < 0 or not mark.startswith(have[keep:]):
                    keep = len(have)
            stream(have[:keep])
            passed[0] += keep

        end = self.control.expect(r"\n" + nonce + r" (\d+)\n", time.monotonic() + timeout,
                                  progress if stream else None)
        if not end:
            said = bytes(self.control.data[start:])[-2000:].decode(errors="replace")
            self.fail(f"no end of this command after {timeout} s: {script!r}, it said: {said!r}")
        if stream:
            stream(bytes(self.control.data[passed[0]:end.start()]))
        output = bytes(self.control.data[start:end.start()]).decode(errors="replace")
        return Result(int(end.group(1)), output)

    def check(self, script, timeout=120):
        """Runs a script that must succeed; returns its output."""
        result = self.run(script, timeout)
        assert result.status == 0, f"{script!r} gave status {result.status}: {result.output}"
        return result.output

    def audit(self, timeout=120):
        """Has Hospes recount the references to every frame, by its key on the serial line (three
        times Ctrl-a moves the input there and back), and wants no difference found."""
        deadline = time.monotonic() + timeout
        with self.console.changed:
            self.console.position = len(self.console.data)
        self.console.send("\x01\x01\x01F\x01\x01\x01")
        end = self.console.expect(r"(?:audit: frame [^\n]*\n.*?)?"
                                  r"audit: \d+ frames, (\d+) differences", deadline)
        if not end:
            self.fail(f"no end of the audit after {timeout} s")
        assert end.group(1) == b"0", end.group(0).decode(errors="replace")

    def monitor(self, command, timeout=120, **arguments):
        """One QMP command; returns its result."""
        deadline = time.monotonic() + timeout
        if self.qmp.position == 0:
            self.qmp.expect(r"\}\r?\n", deadline)
            self.monitor_send({"execute": "qmp_capabilities"}, deadline)
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        return self.monitor_send(request, deadline)

    def monitor_send(self, request, deadline):
        self.qmp.send(json.dumps(request) + "\n")
        while True:
            line = self.qmp.expect(r"^(\{.*?\})\r?\n", deadline)
            if not line:
                self.fail(f"no answer to QMP {request}")
            answer = json.loads(line.group(1))
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise MachineError(f"QMP {request}: {answer['error']}")

    def human_monitor(self, line, timeout=120):
        """One command of QEMU's human monitor (savevm, loadvm, info ...)."""
        answer = self.monitor("human-monitor-command", timeout, **{"command-line": line})
        if answer.strip().startswith("Error"):
            raise MachineError(f"monitor {line!r}: {answer}")
        return answer

    def save(self, name):
        """Takes a snapshot, disks and memory, into the root disk; a Machine made with
        snapshot_disk= and loadvm= goes on from there. (loadvm in this same QEMU would not do: its
        TSC goes on from where it was, and the guests' clocks with it.)"""
        self.human_monitor(f"savevm {name}")

    def wait_end(self, timeout=200):
        """Waits for QEMU to end by itself (power-off)."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.fail(f"still running {timeout} s after power-off")

    def power_off(self, timeout=200):
        """dom0 ends its guests and powers the machine off."""
        nonce = secrets.token_hex(8)
        script = b"sync; poweroff -d 0\n"
        self.control.send(b"run %s %d\n" % (nonce.encode(), len(script)) + script)
        return self.wait_end(timeout)
