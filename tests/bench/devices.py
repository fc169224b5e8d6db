# SPDX-License-Identifier: MIT
"""The io suite: a stock guest's disks and network, by the back ends of dom0's Linux. (io is a module
of Python's.)"""
import contextlib
import functools

import machines
import profiles
import report
from machines import BENCH, CONSOLE_LOG, check, compiler, description, ready, started

WHAT = "instructions of the whole machine per request or MiB, idle apart"
DISK_MIB = 80
DEVICES = """vif = ['bridge=xenbr0']
disk = ['/root/disk.img,raw,xvda,rw', 'phy:BLOCK-DEVICE,xvdb,w']
"""
# The guest ends when its init does, which it does only when something failed.
RUN = f"""set -e
for disk in /sys/block/vd*; do
    [ "$(cat $disk/serial)" != bench-disk ] ||
        sed -i "s|BLOCK-DEVICE|/dev/${{disk##*/}}|" /srv/bench/io.cfg
done
head -c {DISK_MIB}M /dev/zero > /root/disk.img
{BENCH} peer
xl create -q /srv/bench/io.cfg
until grep -q 'bench: end' {CONSOLE_LOG}; do
    xl domid bench > /dev/null || {{ tail -n 20 {CONSOLE_LOG}; exit 1; }}
    sleep 5
done
cat {CONSOLE_LOG}
"""


@contextlib.contextmanager
def prepared(args, machine, symbols=False):
    """A machine with what the guest's devices are made of. machine(): one that is started."""
    disk = args.output / "disk.img"
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB << 20)
    qemu_args = ["-drive", f"if=none,id=bench,file={disk},format=raw,cache=unsafe",
                 "-device", "virtio-blk-pci,drive=bench,serial=bench-disk"]
    config = machines.guest_config("io", symbols, DEVICES)
    with machine(files={"io.cfg": config}, qemu_args=qemu_args) as found:
        ready(found[0])
        yield found
    disk.unlink()


def measure(vm, phases):
    """{operation: what was counted}."""
    phases.operations()
    return machines.counts(check(vm, RUN), phases.operations(), "devices.c")


def run(hypervisor, args):
    """One machine's figures."""
    with prepared(args, functools.partial(started, hypervisor, args, "io")) as (vm, phases):
        return {"compiler": compiler(vm), **machines.figures(measure(vm, phases))}


def profiled():
    """The operations that can be profiled."""
    return list(machines.operations("devices.c"))[1:]


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes."""
    with prepared(args, functools.partial(profiles.machine, "hospes", args), symbols=True) as (
            vm, phases, written):
        found = measure(vm, phases)
        written.learn(vm, guest=True)
    return {name: (found[name][0], written.of(*found[name][3:])) for name in names}


def suite(args):
    """Both hypervisors measured: the report, and it as text."""
    found = {"machine": description(args, "2 GiB, guest of 256 MiB")}
    for hypervisor in "hospes", "xen":
        found[hypervisor] = run(hypervisor, args)
    return found, report.table(found, WHAT, "in the hypervisor, Hospes | Xen",
                               lambda name: report.shares(found, name))
