# SPDX-License-Identifier: MIT
"""dom0 drives the machine's devices: its root disk and its network by each sort of controller, and
so by each sort of interrupt: line (INTx), MSI, MSI-X."""
import pytest

import machine
from conftest import log_path
from guests import until

MAC = "52:54:00:12:34:56"
MEGABYTES = 24
pytestmark = [pytest.mark.hospes, pytest.mark.ours, pytest.mark.full]

# The root disk's devices, its name in dom0, its interrupt's name there and what raises it.
DISKS = [
    pytest.param(("virtio-blk-pci",), "/dev/vda", "virtio[0-9]+-req", "msi-x", id="virtio-msix"),
    pytest.param(("virtio-blk-pci,vectors=0",), "/dev/vda", "virtio[0-9]+", "ioapic", id="virtio-intx"),
    pytest.param(("ich9-ahci,id=ahci", "ide-hd,bus=ahci.0"), "/dev/sda", "ahci", "msi",
                 id="ahci-msi"),
    pytest.param(("nvme",), "/dev/nvme0n1", "nvme0q[1-9]", "msi-x", id="nvme-msix"),
]
NETS = [
    pytest.param("e1000", "INTERFACE", "ioapic", id="e1000-intx"),
    pytest.param("virtio-net-pci,vectors=0", "virtio[0-9]+", "ioapic", id="virtio-intx"),
    pytest.param("virtio-net-pci", "virtio[0-9]+-input", "msi-x", id="virtio-msix"),
]


def started(request, **options):
    return machine.Machine("hospes", "ours", log=log_path(request.node.name), words=["guests=none"],
                           **options)


def interrupts(vm, kind, name):
    """What this device's interrupts counted so far on each CPU; they are of this kind."""
    counts = []
    for line in vm.check(f"grep -E 'xen-pirq +-{kind}[- ].* {name}' /proc/interrupts || "
                         "cat /proc/interrupts >&2").splitlines():
        words = line.split()
        assert words[0].rstrip(":").isdigit(), f"no interrupt {name} by {kind}:\n{line}"
        counts.append([int(word) for word in words[1:words.index("xen-pirq")]])
    assert counts
    return [sum(column) for column in zip(*counts)]


def disk_traffic(vm):
    """Writes a file, and reads it back from the disk."""
    vm.check(f"head -c {MEGABYTES}M /dev/urandom > /root/data && sync && "
             "sum=$(sha256sum < /root/data) && echo 3 > /proc/sys/vm/drop_caches && "
             '[ "$sum" = "$(sha256sum < /root/data)" ]')


def move_interrupts(vm, name, cpu):
    """Has that CPU take the device's interrupts, as far as the driver lets itself be told."""
    vm.check(f"for i in $(grep -E ' {name}' /proc/interrupts | cut -d: -f1); do "
             f"echo {cpu} > /proc/irq/$i/smp_affinity_list || true; done")


@pytest.mark.parametrize("devices, node, name, kind", DISKS)
def test_root_disk(request, devices, node, name, kind):
    """Reading and writing raises the interrupts that it should, on the CPU that they were sent
    to; no driver complains of lost ones."""
    with started(request, smp=2, root_device=devices) as vm:
        assert vm.wait_ready() == "ok"
        assert vm.check("findmnt -no SOURCE /").strip() == node
        managed = name.startswith(("nvme", "virtio[0-9]+-req"))    # spread by the driver
        for cpu in (1, 0):
            if not managed:
                move_interrupts(vm, name, cpu)
            before = interrupts(vm, kind, name)
            disk_traffic(vm)
            now = interrupts(vm, kind, name)
            assert sum(now) > sum(before) + MEGABYTES // 2
            if not managed:
                assert now[cpu] > before[cpu] + MEGABYTES // 2, f"CPU {cpu}: {before} {now}"
        complaints = vm.check("dmesg | grep -iE 'timeout|timed out|lost|nobody cared|I/O error' "
                              "|| true")
        assert complaints == ""
        vm.audit()
        assert vm.power_off() == 0


@pytest.mark.parametrize("device, name, kind", NETS)
def test_network(request, device, name, kind):
    """Packets go both ways between dom0 and the user network that QEMU makes, whose gateway
    answers pings."""
    net = ["-netdev", "user,id=net,restrict=on", "-device", f"{device},netdev=net,mac={MAC}"]
    with started(request, smp=2, qemu_args=net) as vm:
        assert vm.wait_ready() == "ok"
        interface = vm.check(f"basename $(dirname $(grep -l {MAC} /sys/class/net/*/address))").strip()
        vm.check(f"ip addr add 10.0.2.15/24 dev {interface} && ip link set {interface} up")
        until(vm, f"[ $(cat /sys/class/net/{interface}/carrier) = 1 ]")
        name = name.replace("INTERFACE", interface)
        before = interrupts(vm, kind, name)
        assert " 0% packet loss" in vm.check("ping -q -c 200 -i 0.01 -s 1400 10.0.2.2")
        assert sum(interrupts(vm, kind, name)) > sum(before) + 20
        assert vm.check("dmesg | grep -iE 'netdev watchdog|timed out|nobody cared' || true") == ""
        vm.audit()
