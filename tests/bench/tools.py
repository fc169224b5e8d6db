# SPDX-License-Identifier: MIT
"""The tools suite: `xl create`, `destroy` and `list` with few and with many guests present, and the
operations of each xenstored, on one dom0."""
import machines
import profiles
import report
from machines import BENCH, check, compiler, description, ready, started

import guests  # from tests/system, which machines.py has put into the path
import machine

WHAT = "instructions of the whole machine per command or request, idle apart"
PRESENT = 1, 10, 50
SAMPLES = 3
CREATE = "xl create, {} guests present"
DESTROY = "xl destroy, {} guests present"
LIST = "xl list, {} guests present"
STOCK_CREATE = "xl create of a stock kernel, 256 MiB"
STOCK_DESTROY = "xl destroy of it"
# Of stock Xen's tools the one with the least work: the kernel is unpacked already.
STOCK_KERNEL = {"ours": "/srv/guest/amd64/vmlinuz", "stock": "/srv/bench/vmlinux"}
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


def files():
    """What dom0 gets."""
    stock = {f"stock-{tools}.cfg": STOCK.format(kernel) for tools, kernel in STOCK_KERNEL.items()}
    return {"domu.elf": guests.domu_image(), "small.cfg": SMALL,
            "vmlinux": machine.IMAGES / "vmlinux", **stock}


def middle(counted):
    """Of an odd number of samples the median."""
    return sorted(counted)[len(counted) // 2]


def one_round(vm, phases, config, names):
    """{operation: what was counted in the middle one of its samples}."""
    phases.operations()
    check(vm, ROUND.format(config=config))
    counted = phases.operations()
    if len(counted) != SAMPLES * 3:
        raise report.BenchError(f"{len(counted)} commands were counted, {SAMPLES * 3} were given")
    return {name: middle(counted[at::3]) for at, name in enumerate(names) if name}


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


def xenstored(vm, phases):
    """The operations of the machine's xenstored."""
    phases.operations()
    text = check(vm, f"{BENCH} xenstore /run/xenstored/socket")
    return {f"xenstore: {name}": count for name, count in
            machines.counts(text, phases.operations(), "xenstore.c").items()}


def profiled():
    """The operations that can be profiled."""
    return [STOCK_CREATE, STOCK_DESTROY,
            *(name.format(number) for name in (CREATE, LIST, DESTROY) for number in PRESENT),
            *(f"xenstore: {name}" for name in list(machines.operations("xenstore.c"))[1:])]


def run(hypervisor, args, tools, present=PRESENT, words=()):
    """One machine's figures, and those of its xenstored, whose operations are no commands."""
    with started(hypervisor, args, "tools", tools=tools, files=files(), words=words) as (
            vm, phases):
        ready(vm)
        made_by = compiler(vm)
        daemon = xenstored(vm, phases)
        found = commands(vm, phases, tools, present) if present else {}
    return {"compiler": made_by, **machines.figures(found)}, daemon


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
    daemons = {}
    found["hospes"], daemons["ours"] = run("hospes", args, "ours")
    found["xen"], _ = run("xen", args, "stock")
    found["xen, ours"], _ = run("xen", args, "ours", PRESENT[:1])
    found["hospes, stock"], daemons["oxenstored"] = run("hospes", args, "stock", PRESENT[:1])
    _, daemons["C"] = run("hospes", args, "stock", (), ["xenstored=c"])
    add_daemons(found, daemons)
    return found, report.table(found, WHAT,
                               "our tools on Xen | stock on Hospes; oxenstored | C xenstored",
                               lambda name: last_column(found, name))


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes with our tools."""
    of_commands = [name for name in names if not name.startswith("xenstore: ")]
    present = [number for number in PRESENT
               if any(f" {more} guests" in name for more in PRESENT if more >= number
                      for name in of_commands)]
    domu = args.output / "domu.elf"
    domu.write_bytes(guests.domu_image())
    with profiles.machine("hospes", args, tools="ours", files=files()) as (vm, phases, written):
        ready(vm)
        found = xenstored(vm, phases)
        if of_commands:
            found |= commands(vm, phases, "ours", present)
        written.learn(vm, files=[(domu, "domu")])
    return {name: (found[name][0], written.of(*found[name][3:])) for name in names}
