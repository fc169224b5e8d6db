# SPDX-License-Identifier: MIT
"""Guests for the toolstack's tests, and what must be as before once they have gone.

Two sorts: `domu` (domu/domu.c), which starts in no time and ends the way it is told, and stock
Debian kernels with the ramdisk of dom0's image. All waits are for conditions in dom0, bounded by a
deadline.
"""
import base64
import functools
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import machine
from conftest import combination

HERE = Path(__file__).resolve().parent
DOMU = "/srv/guest/domu.elf"
CONSOLE_LOGS = "/var/log/xen/console"
COMPILE = ("-std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie -mno-red-zone "
           "-mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables "
           "-fcf-protection=none -nostdlib -static -no-pie "
           "-Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments").split()

# For modules whose tests are about our tools: on both hypervisors, with ours only.
with_our_tools = pytest.mark.parametrize(
    "snapshot", [combination("xen", "ours"), combination("hospes", "ours")], indirect=True,
    scope="session")


@functools.lru_cache
def domu_image():
    """The kernel image of domu.c, built once."""
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "domu.elf"
        subprocess.run(["cc", *COMPILE, f"-I{machine.TOP / 'include'}", "-T",
                        HERE / "domu/domu.lds", "-o", out, HERE / "domu/domu.c"], check=True)
        return out.read_bytes()


def put_command(path, data):
    """A shell command that writes these bytes to a file."""
    if isinstance(data, str):
        data = data.encode()
    text = base64.b64encode(data).decode()
    return f"base64 -d > {shlex.quote(path)} <<'END'\n{text}\nEND"


def put_file(vm, path, data):
    """Writes bytes to a file in dom0."""
    vm.check(put_command(path, data))


def config_text(**keys):
    """xl.cfg text; Python's strings, numbers and lists of strings are valid values in it."""
    return "".join(f"{key} = {value!r}\n" for key, value in keys.items())


def make_config(vm, name, kernel=DOMU, **keys):
    """Writes the configuration of a small guest (or, by kernel=, of any) and returns its path."""
    keys = {"name": name, "type": "pv", "kernel": kernel, "memory": 16} | keys
    path = f"/root/{name}.cfg"
    put_file(vm, path, config_text(**{k: v for k, v in keys.items() if v is not None}))
    return path


def stock_config(vm, name, flavour="cloud-amd64", address=None, disk=None, **keys):
    """Writes the configuration of a stock Debian guest and returns its path."""
    extra = f"console=hvc0 quiet guest.name={name}"
    keys = {"memory": 128, "vcpus": 1, "ramdisk": "/srv/guest/initrd.gz"} | keys
    if address:
        extra += f" guest.ip={address}/24"
        keys["vif"] = ["bridge=xenbr0"]
    if disk:
        keys["disk"] = [f"{disk},raw,xvda,rw"]
    return make_config(vm, name, kernel=f"/srv/guest/{flavour}/vmlinuz", extra=extra, **keys)


def until(vm, condition, timeout=120, why=None):
    """Waits until a shell condition holds in dom0."""
    end = int(timeout)
    result = vm.run(f"end=$((SECONDS + {end})); until {condition}; do "
                    f"[ $SECONDS -lt $end ] || exit 9; sleep 0.1; done", timeout + 60)
    if result.status:
        seen = vm.run("xl list; tail -n 15 /var/log/xen/xl-*.log; "
                      f"tail -n 5 {CONSOLE_LOGS}/guest-*.log; dmesg | tail -n 5").output
        raise AssertionError(f"{why or condition}: not within {timeout} s\n{result.output}\n{seen}")


def until_gone(vm, name, timeout=60):
    until(vm, f"! xl domid {name} > /dev/null 2>&1", timeout, f"{name} is still there")


def until_settled(vm, timeout=120):
    """Waits, with no guest left, until what was done for guests in the background has ended: then
    what state() sees changes no more."""
    until(vm, '! ps -C xl > /dev/null && [ -z "$(ls /sys/bus/xen-backend/devices)" ] && '
          '[ -z "$(losetup -a)" ] && '
          "! ls -l /proc/$(pidof xenconsoled)/fd | grep -qE '/ptmx|/guest-'", timeout,
          "something is still at work for guests that have gone")


def said(vm, name, text, times=1, timeout=120):
    """Waits until the guest's console log holds the text so many times."""
    log = f"{CONSOLE_LOGS}/guest-{name}.log"
    until(vm, f"[ $(grep -c {shlex.quote(text)} {log} 2>/dev/null || true) -ge {times} ]", timeout,
          f"{name} did not say {text!r}")


def create_domu(vm, name, **keys):
    """Creates a small guest and waits for its first words."""
    vm.check(f"rm -f {CONSOLE_LOGS}/guest-{name}.log*; xl create {make_config(vm, name, **keys)}")
    said(vm, name, "domu: up")


def typed(vm, name, text):
    """Types text on a guest's console."""
    vm.check(f'printf %s {shlex.quote(text)} > '
             f'"$(xenstore-read /local/domain/$(xl domid {name})/console/tty)"')


def shell(vm, name, command, mark, timeout=180):
    """Runs a command in a stock guest's shell; returns what it printed. mark: a new word."""
    typed(vm, name, f"echo {mark}-$((0+1)); {command}; echo {mark}-$((1+1))\r")
    said(vm, name, f"^{mark}-2", timeout=timeout)
    return vm.check(f"tr -d '\\r' < {CONSOLE_LOGS}/guest-{name}.log | "
                    f"sed -n '/^{mark}-1/,/^{mark}-2/p' | sed '1d;$d'")


# What dom0 and the hypervisor hold, one kind a line. Open files are those of the daemons; other
# processes come and go. Console logs stay by intention.
STATE = r"""
xl info | grep -E '^(free_memory|outstanding_claims|nr_cpus)'
xl list | awk 'NR > 1 { print "domain", $1, $2, $3 }'
xenstore-ls -f | sed 's/ = .*//; s/^/node /' | grep -v ' /tool/xenstored'
losetup -a | sed 's/^/loop /'
echo "ports $(/usr/lib/xen-4.17/bin/lsevtchn 0 | wc -l)"
echo "irqs $(grep -c xen /proc/interrupts)"
for p in /proc/[0-9]*; do
    case $(cat $p/comm 2>/dev/null) in
        xenstored|xenconsoled) echo "files $(cat $p/comm) $(ls $p/fd | wc -l)" ;;
    esac
done
ps -eo ppid=,comm= | awk '$1 != 2 { print "process", $2 }' |
    grep -Ev ' (bash|ps|awk|mawk|grep|sort|sleep|sed|cat)$'
ls /sys/class/net | sed 's/^/interface /'
ls /var/lib/xen | grep -v '^dump$' | sed 's/^/userdata /'
ls /sys/bus/xen-backend/devices | sed 's/^/backend /'
"""


def state(vm):
    """What must be the same before and after guests were there."""
    return sorted(vm.check(STATE).splitlines())


def same_state(vm, before, timeout=60):
    """Waits until everything is as before: the last of a guest goes in the background."""
    end = time.monotonic() + timeout
    now = state(vm)
    while now != before and time.monotonic() < end:
        now = state(vm)
    gone = [line for line in before if line not in now]
    new = [line for line in now if line not in before]
    assert now == before, f"left behind: {new}; missing: {gone}"


def ready_for_domu(vm):
    """Puts the small guest's kernel into dom0. One guest comes and goes, so that what is made at
    first use and stays is there (xenstore folders, caches, the loop driver's)."""
    put_file(vm, DOMU, domu_image())
    vm.check("truncate -s 1M /root/first.img")
    config = make_config(vm, "first", disk=["/root/first.img,raw,xvda,rw"],
                         vif=["bridge=xenbr0"])
    vm.check(f"xl create {config}")
    said(vm, "first", "domu: up")
    vm.check("xl destroy first")
    until_settled(vm)


@pytest.fixture
def host(dom0):
    """dom0 after ready_for_domu()."""
    ready_for_domu(dom0)
    yield dom0
