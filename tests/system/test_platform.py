# SPDX-License-Identifier: MIT
"""What dom0 gets of the machine itself: clocks, CPUs, x2APIC, power; and that every compiler's
hypervisor boots it; and a guest that needs a machine with more memory than the other tests'."""
import time

import pytest

import machine
from conftest import four_cpus, log_path
from guests import ready_for_domu
from test_stock_guests import life

pytestmark = [pytest.mark.hospes, pytest.mark.ours]
full = pytest.mark.full
CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0"


def started(request, guests="none", **options):
    return machine.Machine("hospes", "ours", log=log_path(request.node.name),
                           words=[f"guests={guests}"], **options)


def ready(vm):
    assert vm.wait_ready() == "ok"


def clock_complaints(vm):
    return vm.check("dmesg | grep -iE 'unstable|clocksource.*(skew|watchdog|mark)' || true")


def clock_keeps_time(vm, seconds):
    """dom0's clock goes as fast as this machine's, and never back on any of dom0's CPUs."""
    complaints = clock_complaints(vm)
    begin, host_begin = float(vm.check("date +%s.%N")), time.monotonic()
    vm.check(f"end=$(($(date +%s) + {seconds})); last=0; "
             "while [ $last -lt ${end}000000000 ]; do for cpu in $(seq 0 $(($(nproc) - 1))); do "
             'now=$(taskset -c $cpu date +%s%N); [ "$now" -ge "$last" ] || '
             '{ echo "CPU $cpu: $now after $last"; exit 1; }; last=$now; done; sleep 0.2; done',
             timeout=seconds * 4 + 60)
    end, host_end = float(vm.check("date +%s.%N")), time.monotonic()
    assert clock_complaints(vm) == complaints
    assert abs((end - begin) - (host_end - host_begin)) < 0.5 + 0.01 * seconds


@full
def test_clocksources_one_cpu(request):
    """With one vcpu Linux chooses tsc; it and xen keep time."""
    with started(request, smp=1) as vm:
        ready(vm)
        assert vm.check(f"cat {CLOCKSOURCE}/current_clocksource").strip() == "tsc"
        assert clock_complaints(vm) == ""
        clock_keeps_time(vm, 20)
        assert vm.check(f"cat {CLOCKSOURCE}/current_clocksource").strip() == "tsc"
        vm.check(f"echo xen > {CLOCKSOURCE}/current_clocksource")
        clock_keeps_time(vm, 20)
        assert vm.check(f"cat {CLOCKSOURCE}/current_clocksource").strip() == "xen"


@full
@pytest.mark.parametrize("options, source", [("clocksource=tsc tsc=reliable", "tsc"),
                                             ("clocksource=xen", "xen")], ids=["tsc", "xen"])
def test_clocksource_two_cpus(request, options, source):
    """It boots with it, and is stable for a minute. (Linux itself takes tsc for unstable where there
    is more than one CPU and it is not told otherwise.)"""
    with started(request, smp=2, dom0_cmdline=options) as vm:
        ready(vm)
        assert vm.check(f"cat {CLOCKSOURCE}/current_clocksource").strip() == source
        assert source != "tsc" or clock_complaints(vm) == ""
        clock_keeps_time(vm, 60)
        assert vm.check(f"cat {CLOCKSOURCE}/current_clocksource").strip() == source


@full
@pytest.mark.parametrize("smp", [1, pytest.param(4, marks=four_cpus)])
def test_x2apic(request, smp, qemu10):
    """Timer, IPIs and devices' interrupts in x2APIC mode, with a guest; QEMU 7.2 has none."""
    with started(request, guests="demo", smp=smp, qemu=qemu10, cpu="max,-smap,+x2apic",
                 cmdline="loglvl=all") as vm:
        ready(vm)
        assert "Local APIC: x2APIC mode" in vm.console.text()
        assert " 0% packet loss" in vm.check("ping -q -c 20 -i 0.1 192.0.2.2")
        vm.audit()


@full
def test_more_vcpus_than_cpus(request):
    """dom0 and a guest have more vcpus than the machine CPUs, and all of them get on."""
    with started(request, guests="demo", smp=2, cmdline="dom0_max_vcpus=4") as vm:
        ready(vm)
        assert vm.check("nproc").strip() == "4"
        for cpu in range(4):
            assert len(vm.check(f"taskset -c {cpu} head -c 20M /dev/zero | sha256sum").split()) == 2
        busy = "; ".join(f"taskset -c {cpu} sha256sum < /dev/zero & p{cpu}=$!" for cpu in range(4))
        output = vm.check(f"({busy}; ping -q -c 20 -i 0.2 192.0.2.2; kill $p0 $p1 $p2 $p3)")
        assert " 0% packet loss" in output
        seen = vm.check("xl vcpu-list Domain-0 | awk 'NR > 1 { print $4 }'").split()
        assert sorted(set(seen)) == ["0", "1"], f"CPUs of dom0's vcpus: {seen}"
        vm.audit()


def shut_down_reason(vm):
    """QEMU's own word for why the machine ended or began anew."""
    event = vm.qmp.expect(r'"event": "(SHUTDOWN|RESET)", "data": \{([^}]*)\}', time.monotonic() + 60)
    assert event, vm.qmp.text()
    return event.group(1).decode(), event.group(2).decode()


FIRMWARE = [pytest.param({}, id="bios"),
            pytest.param({"firmware": "uefi", "boot": "grub"}, id="uefi", marks=full)]


@pytest.mark.parametrize("options", FIRMWARE)
def test_power_off(request, options):
    """dom0's ACPI power-off goes through Hospes to the machine."""
    with started(request, **options) as vm:
        ready(vm)
        vm.monitor("query-status")
        assert vm.power_off() == 0
        event, data = shut_down_reason(vm)
        assert event == "SHUTDOWN" and "guest-shutdown" in data
        assert "Entering ACPI S5 state." in vm.console.text()


def test_power_off_ends_guests(request):
    """A guest that runs is shut down first. init kills xenstored: what dom0's kernel still has to ask
    of it for a guest that has just ended must not keep it from powering off."""
    with started(request, guests="demo") as vm:
        ready(vm)
        assert vm.power_off() == 0
        text = vm.console.text()
        assert "dom0: shutting down the guests" in text and "destroying it" not in text


@full
@pytest.mark.parametrize("options", FIRMWARE)
def test_reboot(request, options):
    """dom0's reboot resets the machine, which comes up again."""
    with started(request, qemu_args=["-action", "reboot=reset"], **options) as vm:
        ready(vm)
        boot_id = vm.check("cat /proc/sys/kernel/random/boot_id")
        vm.monitor("query-status")
        vm.control.send(b"run reboot 7\nreboot\n")
        event, data = shut_down_reason(vm)
        assert event == "RESET" and "guest-reset" in data
        ready(vm)
        assert vm.check("cat /proc/sys/kernel/random/boot_id") != boot_id


@full
@pytest.mark.parametrize("build", ["hypervisor-clang", "hypervisor-debug-gcc",
                                   "hypervisor-debug-clang"])
def test_other_builds(request, build):
    """What lint built with the other compiler, and with DEBUG=1, runs dom0 and a guest."""
    image = machine.BUILD / "tests/lint" / build / "hospes.elf"
    assert image.exists(), f"{image}: run make -C tests/lint compilers"
    with started(request, guests="demo", smp=2, image=image) as vm:
        ready(vm)
        assert " 0% packet loss" in vm.check("ping -q -c 20 -i 0.1 192.0.2.2")
        vm.check("xl shutdown -w demo", timeout=240)
        vm.audit()
        assert vm.power_off() == 0


@full
def test_guest_of_2_gib(request):
    with started(request, mem="4G") as vm:
        ready(vm)
        ready_for_domu(vm)
        life(vm, "amd64", 4, 2048)
        vm.audit()
