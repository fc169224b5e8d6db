# SPDX-License-Identifier: MIT
"""The tools suite: `xl create`, `destroy` and `list` with few and with many guests present, and the
operations of each xenstored, on one dom0."""
import statistics

import machines
import report
from machines import BENCH, check, compiler, description, ready, started

import machine  # machines.py has put its folder into the path
import guests

WHAT = "instructions of the whole machine per command or request, idle apart"
PRESENT = 1, 10, 50
SAMPLES = 3
CREATE, DESTROY, LIST = "xl create, {} guests present", "xl destroy, {} guests present", \
    "xl list, {} guests present"
STOCK_CREATE = "xl create of a stock kernel, 256 MiB"
STOCK_DESTROY = "xl destroy of it"
# Of stock Xen's tools the one with the least work: the kernel is unpacked already.
STOCK_KERNEL = {"ours": "/srv/guest/amd64/vmlinuz", "stock": "/srv/bench/vmlinux"}
DAEMONS = {"ours": "/usr/local/hospes/bin/xenstored",
           "oxenstored": "/usr/lib/xen-4.17/bin/oxenstored",
           "C": "/usr/lib/xen-4.17/bin/xenstored"}
SMALL = "name = 'small'\ntype = 'pv'\nkernel = '/srv/bench/domu.elf'\nmemory = 16\n"
STOCK = ("name = 'stock'\ntype = 'pv'\nkernel = '{}'\nramdisk = '/srv/guest/initrd.gz'\n"
         "memory = 256\nextra = 'console=hvc0'\n")
# Paused: nothing of the guest's own is counted. What a command leaves to others is done before the
# next one begins.
ROUND = f"""set -e
for i in $(seq {SAMPLES}); do
    {BENCH} count xl create -q -p /srv/bench/{{config}}.cfg name='"extra"'; sleep 2
    {BENCH} count xl destroy extra; sleep 2
    {BENCH} count xl list > /dev/null; sleep 2
done
"""
FILL = """set -e
for i in $(seq {first} {last}); do
    xl create -q /srv/bench/small.cfg name='"many-'$i'"'
done
sleep 2
"""
# With a place of its own for the socket. It serves no domain: the one that dom0 began with does.
XENSTORED = f"""unshare -m bash -ec '
mkdir -p /var/lib/xenstored
mount -t tmpfs none /run/xenstored; mount -t tmpfs none /var/lib/xenstored
{{program}} --no-domain-init --pid-file /run/xenstored/pid
until [ -S /run/xenstored/socket ]; do sleep 0.1; done
{BENCH} xenstore /run/xenstored/socket
kill $(cat /run/xenstored/pid)'
"""


def files():
    return {"domu.elf": guests.domu_image(), "small.cfg": SMALL,
            "vmlinux": machine.IMAGES / "vmlinux",
            **{f"stock-{tools}.cfg": STOCK.format(kernel) for tools, kernel in STOCK_KERNEL.items()}}


def one_round(vm, phases, config, names):
    """{operation: (instructions, the hypervisor's, user space's)}, medians."""
    phases.operations()
    check(vm, ROUND.format(config=config))
    counted = phases.operations()
    if len(counted) != SAMPLES * 3:
        raise report.BenchError(f"{len(counted)} commands were counted, {SAMPLES * 3} were given")
    return {name: tuple(map(int, map(statistics.median, zip(*counted[at::3]))))
            for at, name in enumerate(names) if name}


def commands(vm, phases, tools, present):
    """All commands with so many guests present."""
    found = one_round(vm, phases, f"stock-{tools}", (STOCK_CREATE, STOCK_DESTROY, None))
    have = 0
    for number in present:
        check(vm, FILL.format(first=have + 1, last=number))
        have = number
        found |= one_round(vm, phases, "small",
                           [name.format(number) for name in (CREATE, DESTROY, LIST)])
    return found


def xenstored(vm, phases, program):
    phases.operations()
    text = check(vm, XENSTORED.format(program=program))
    return {f"xenstore: {name}": count for name, count in
            machines.counts(text, phases.operations(), "xenstore.c").items()}


def run(hypervisor, args, tools, present=PRESENT):
    """One machine's figures, and those of each xenstored if the tools are ours."""
    with started(hypervisor, args, "tools", tools=tools, files=files()) as (vm, phases):
        ready(vm)
        made_by = compiler(vm)
        found = commands(vm, phases, tools, present)
        daemons = {name: xenstored(vm, phases, program) for name, program in DAEMONS.items()} \
            if (hypervisor, tools) == ("hospes", "ours") else {}
    return {"compiler": made_by, **machines.figures(found)}, daemons


def add_daemons(found, daemons):
    """Ours as Hospes's figure, as Xen's the better one of the stock daemons, all on Hospes."""
    for name in daemons["ours"]:
        better = min(daemons["oxenstored"][name], daemons["C"][name])
        for column, count in ("hospes", daemons["ours"][name]), ("xen", better):
            for key, figure in zip(("figures", "hypervisor", "user space"), count):
                found[column][key][name] = figure
    found["xenstored"] = {daemon: {name: count[0] for name, count in counted.items()}
                          for daemon, counted in daemons.items()}


def last_column(found, name):
    """What else the table says of an operation."""
    if name in found["xenstored"]["ours"]:
        return " | ".join(str(found["xenstored"][daemon][name]) for daemon in ("oxenstored", "C"))
    others = [found[pair]["figures"].get(name, "") for pair in ("xen, ours", "hospes, stock")]
    return " | ".join(map(str, others)) if any(others) else ""


def suite(args):
    """Both hypervisors measured, each with both toolstacks: the report, and it as text."""
    found = {"machine": description(args, "2 GiB")}
    found["hospes"], daemons = run("hospes", args, "ours")
    found["xen"], _ = run("xen", args, "stock")
    found["xen, ours"], _ = run("xen", args, "ours", PRESENT[:1])
    found["hospes, stock"], _ = run("hospes", args, "stock", PRESENT[:1])
    add_daemons(found, daemons)
    return found, report.table(found, WHAT,
                               "our tools on Xen | stock on Hospes; oxenstored | C xenstored",
                               lambda name: last_column(found, name))
