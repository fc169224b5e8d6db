# SPDX-License-Identifier: MIT
"""The scale suite: what operations take with 1 to 8 vcpus that do them at a time, and what the
tools take with 1 to 500 small guests. What grows is named."""
import re
import sys
import time

import cpus
import micro
import profiles
import report
from machines import BENCH, check, compiler, ready, started
from tools import middle

from guests import DOMU, domu_image, make_config, put_file  # from tests/system, as in tools

WHAT = "instructions per operation"
MOST_VCPUS = 8
# Guests that are present when the tools are measured. Stock Xen's tools keep a process for each
# guest and take long to make one: only --guests has more of them than these.
LEVELS = (1, 10, 50, 100, 200, 500)
MOST_OF_XEN = 50
GUEST_KIB = 4096
MACHINE = {"mem": "8G", "dom0_mem": "2G"}
SAMPLES = 3
# What may come with chance or a cache; the aim of the tools' suite for flatness is 10 %.
GROWTH = 1.05
CONFIG = "/root/scale.cfg"
# To xenstored, of guest/xenstore.c.
REQUESTS = ("read", "write", "transaction: start, read, write, end")
CREATE = f"""
make() {{
    {BENCH} count xl create -q {CONFIG} name="\\"$1\\"" || exit 1
    until grep -q 'domu: up' /var/log/xen/console/guest-$1.log 2> /dev/null; do sleep 0.1; done
}}
"""
MEASURE = CREATE + f"""
for i in $(seq {SAMPLES}); do
    rm -f /var/log/xen/console/guest-extra.log*
    make extra
    {BENCH} count xl list > /dev/null || exit 1
    {BENCH} count xl destroy extra || exit 1
    while xl domid extra > /dev/null 2>&1; do sleep 0.1; done
done
""" + "".join(f"{BENCH} xenstore /run/xenstored/socket '{request}' || exit 1\n"
              for request in REQUESTS)
FREE = ("xl info | sed -n 's/^free_memory *: *//p'; "
        "sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo")


def commands(present):
    """Names of the tools' operations with so many guests, in the order in which they are done."""
    with_guests = f"{present} guest{'s' if present > 1 else ''}"
    return (f"xl create, {with_guests} present", f"xl list, {with_guests} and one more",
            f"xl destroy, {with_guests} remain")


def requests(present):
    """The same of xenstored's."""
    return [f"xenstore: {name}, {present} guest{'s' if present > 1 else ''}" for name in REQUESTS]


def measure_tools(vm, phases, present):
    """The tools' operations with so many guests present: {operation: what was counted}."""
    found = {}
    phases.operations()
    text = check(vm, MEASURE)
    counted = phases.operations()
    if len(counted) != 3 * SAMPLES + 2 * len(REQUESTS):
        raise report.BenchError(f"{len(counted)} counted with {present} guests: {text[-2000:]}")
    for at, name in enumerate(commands(present)):
        found[name] = middle(counted[at:3 * SAMPLES:3])
    # Of each request two, of which the first has nothing between the marks.
    of_requests = counted[3 * SAMPLES:]
    for name, nothing, count in zip(requests(present), of_requests[::2], of_requests[1::2]):
        found[name] = (*(max(0, n - none) for n, none in zip(count[:3], nothing)),
                       count[3], nothing[3])
    return found


def free_kib(vm):
    """(KiB that the hypervisor has free, to its MiB; KiB that dom0's kernel has available)."""
    hypervisor, dom0 = check(vm, FREE).split()
    return int(hypervisor) * 1024, int(dom0)


def with_more_and_more(vm, phases, levels, after=lambda counted: None):
    """Makes so many guests, level by level, and gives what was counted with each to after()."""
    put_file(vm, DOMU, domu_image())
    make_config(vm, "scale", memory=GUEST_KIB // 1024)
    present = 0
    for level in levels:
        begin = time.monotonic()
        check(vm, f"{CREATE}for n in $(seq {present + 1} {level}); do make scale-$n; done", 7200)
        present = level
        after(measure_tools(vm, phases, level))
        print(f"  SCALE   {level} guests, {time.monotonic() - begin:.0f} s", file=sys.stderr)


def many_guests(hypervisor, args, most):
    """One machine's figures, with more and more guests."""
    found = {"figures": {}, "hypervisor": {}}
    levels = [n for n in LEVELS if n <= most]
    free = []

    def after(counted):
        found["figures"] |= {name: count[0] for name, count in counted.items()}
        found["hypervisor"] |= {name: count[1] for name, count in counted.items()}
        free.append(free_kib(vm))

    with started(hypervisor, args, "scale", **MACHINE) as (vm, phases):
        ready(vm)
        found["compiler"] = compiler(vm)
        with_more_and_more(vm, phases, levels, after)
        if len(levels) > 1:
            spent = [(before - now) // (levels[-1] - levels[0])
                     for before, now in zip(free[0], free[-1])]
            found["figures"][f"KiB per guest of {GUEST_KIB} KiB, beyond it"] = spent[0] - GUEST_KIB
            found["figures"]["KiB of dom0's memory per guest"] = spent[1]
    return found


def series(figures):
    """{operation: {how many: figure}}: a figure's name has one number of vcpus or guests."""
    found = {}
    for name, figure in figures.items():
        match = re.search(r"(\d+) (vcpu|guest)s?\b", name)
        if match:
            key = f"{name[:match.start()]}N {match.group(2)}s{name[match.end():]}"
            found.setdefault(key, {})[int(match.group(1))] = figure
    return found


def growing(figures):
    """Lines that name what takes more with more vcpus or guests."""
    lines = []
    for name, by_number in series(figures).items():
        least, most = min(by_number), max(by_number)
        if by_number[most] > by_number[least] * GROWTH:
            each = (by_number[most] - by_number[least]) / (most - least)
            lines.append(f"  {name}: {by_number[least]} with {least}, {by_number[most]} with "
                         f"{most}: {each:.0f} for each")
    return lines or ["  nothing"]


def vcpus_name(operation, vcpus):
    return f"{operation}, {vcpus} vcpu{'s' if vcpus > 1 else ''}"


def spun(found, name):
    """The last column: how the figure came about."""
    return " | ".join(found[hypervisor]["notes"].get(name, "")
                      for hypervisor in ("hospes", "xen"))


def notes(operations):
    """What else was seen of an operation: the spread of its samples, and waiting."""
    return {vcpus_name(*key): cpus.spread(of_it)
            + (f", {of_it['spun']} spun" if of_it["spun"] else "")
            for key, of_it in operations.items()}


def by_vcpus(args):
    """The first table."""
    found = {"machine": f"{report.qemu_version()}, {cpus.ACCEL}, -cpu {args.cpu}, "
                        f"{MOST_VCPUS} CPUs, 512 MiB" + (", protections off" if args.unprotected else "")}
    for hypervisor in "hospes", "xen":
        measured = cpus.run(hypervisor, args, MOST_VCPUS,
                            micro.UNPROTECTED if args.unprotected else "")
        names = dict.fromkeys(name for name, _ in measured["operations"])
        operations = {key: of_it for name in names
                      for key, of_it in measured["operations"].items() if key[0] == name}
        found[hypervisor] = {
            "compiler": measured["compiler"], "notes": notes(operations),
            "figures": {vcpus_name(*key): of_it["median"] for key, of_it in operations.items()}}
    return found


def suite(args):
    """Both hypervisors measured: the report, and it as text."""
    first = by_vcpus(args)
    text = report.table(first, "instructions in the hypervisor per operation, spin loops apart",
                        "samples, Hospes | Xen", lambda name: spun(first, name))
    second = {"machine": f"{report.qemu_version()}, TCG, -icount, -cpu {args.cpu}, 1 CPU, 8 GiB"
                         + (", protections off" if args.unprotected else "")
                         + "; Hospes with our tools, stock Xen with Debian's"}
    for hypervisor, most in (("hospes", args.guests or LEVELS[-1]),
                             ("xen", args.guests or MOST_OF_XEN)):
        second[hypervisor] = many_guests(hypervisor, args, most)
    text += "\n" + report.table(second, "instructions on the machine per operation",
                                "in the hypervisor, Hospes | Xen",
                                lambda name: report.shares(second, name))
    found = {"machine": f"{first['machine']}; {second['machine']}"}
    for hypervisor in "hospes", "xen":
        figures = first[hypervisor]["figures"] | second[hypervisor]["figures"]
        found[hypervisor] = {**first[hypervisor], **second[hypervisor], "figures": figures}
        grow = growing(figures)
        text += f"\ngrows on {hypervisor} by more than {GROWTH - 1:.0%}:\n" + "\n".join(grow) + "\n"
    return found, text


def profiled():
    """The operations that can be profiled: those of the second table."""
    return [name for level in LEVELS for name in (*commands(level), *requests(level))]


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes with our tools."""
    most = max(level for level in LEVELS if set(names) & {*commands(level), *requests(level)})
    domu, found = args.output / "domu.elf", {}
    domu.write_bytes(domu_image())
    with profiles.machine("hospes", args, **MACHINE) as (vm, phases, written):
        ready(vm)
        with_more_and_more(vm, phases, [n for n in LEVELS if n <= most], found.update)
        written.learn(vm, files=[(domu, "domu")])
    return {name: (found[name][0], written.of(*found[name][3:])) for name in names}
