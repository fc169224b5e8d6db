# SPDX-License-Identifier: MIT
"""The guest suite: what a kernel's operations take inside dom0 and inside a stock guest."""
import shlex

import machines
import report
from machines import BENCH, CONSOLE_LOG, LINE, check, compiler, description, ready, started

WHAT = "instructions per operation, the kernel's and the hypervisor's"


def operations():
    """{name: samples}, as the program has them."""
    return machines.operations("operations.c")


def read(where, text, counted):
    """({operation: instructions}, {operation: the hypervisor's of them})."""
    figures = {f"{where}: {name}": int(median) for median, _, _, name in LINE.findall(text)}
    if len(figures) != len(operations()) or len(counted) != len(figures):
        raise report.BenchError(f"{len(figures)} operations in {where}, {len(counted)} counted: "
                                f"{text[-2000:]}")
    # The first operation is none: two readings of the TSC, which some hypervisors emulate.
    nothing = counted[0][1]
    own = {name: max(0, count[1] - nothing) for name, count in zip(figures, counted)}
    del figures[next(iter(figures))]
    return figures, own


def run(hypervisor, args):
    """One machine's figures."""
    figures, own = {}, {}
    with started(hypervisor, args, "guest") as (vm, phases):
        ready(vm)
        made_by = compiler(vm)
        phases.operations()
        text = check(vm, f"{BENCH} run")
        found = [read("dom0", text, phases.operations())]
        check(vm, f"xl create /srv/bench/run.cfg; until grep -q 'bench: end' {CONSOLE_LOG}; "
                  "do sleep 5; done")
        found.append(read("guest", check(vm, f"cat {CONSOLE_LOG}"), phases.operations()))
    for of_all, of_it in found:
        figures |= of_all
        own |= of_it
    return {"compiler": made_by, "figures": figures, "hypervisor": own}


def suite(args):
    """Both hypervisors measured: the report, and it as text."""
    found = {"machine": description(args, "2 GiB, guest of 256 MiB")}
    for hypervisor in "hospes", "xen":
        found[hypervisor] = run(hypervisor, args)
    ratio = report.ratios(found)
    text = report.table(found, WHAT, "in the hypervisor, Hospes | Xen",
                        lambda name: report.shares(found, name))
    mean = report.mean(ratio.values())
    return found, (f"{text}\ngeometric mean of {len(ratio)} ratios: {mean:.3f}; "
                   f"most: {max(ratio.values()):.2f} ({max(ratio, key=ratio.get)})\n")


def profile(name, args):
    """Where Hospes's instructions in one operation of dom0's go: [(function, instructions)]."""
    operation = name.removeprefix("dom0: ")
    to = args.output / "profile-addresses.txt"
    # The first operation is the empty one, which always runs.
    with started("hospes", args, "profile", more=f",profile=1,to={to}") as (vm, phases):
        ready(vm)
        check(vm, f"{BENCH} run {shlex.quote(operation)}")
        if len(phases.operations()) != 2:
            raise report.BenchError(f"{operation} was not measured")
    return [(function, spent // operations()[operation])
            for function, spent in report.by_function(to)]
