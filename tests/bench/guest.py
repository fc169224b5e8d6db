# SPDX-License-Identifier: MIT
"""The guest suite: what a kernel's operations take inside dom0 and inside a stock guest."""
import machines
import profiles
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


RUN_GUEST = (f"xl create /srv/bench/run.cfg; until grep -q 'bench: end' {CONSOLE_LOG}; "
             f"do sleep 5; done; cat {CONSOLE_LOG}")


def run(hypervisor, args):
    """One machine's figures."""
    figures, own = {}, {}
    with started(hypervisor, args, "guest") as (vm, phases):
        ready(vm)
        made_by = compiler(vm)
        for where, script in ("dom0", f"{BENCH} run"), ("guest", RUN_GUEST):
            phases.operations()
            of_all, of_it = read(where, check(vm, script), phases.operations())
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


def profiled():
    """The operations that can be profiled."""
    return [f"{where}: {name}" for where in ("dom0", "guest") for name in list(operations())[1:]]


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes, of the shortest sample."""
    found = {}
    in_guest = any(name.startswith("guest: ") for name in names)
    with profiles.machine("hospes", args) as (vm, phases, written):
        ready(vm)
        for where, script in (("dom0", f"{BENCH} run"), ("guest", RUN_GUEST))[:1 + in_guest]:
            phases.operations()
            figures, _ = read(where, check(vm, script), counted := phases.operations())
            found |= {name: (figure, count[3], counted[0][3]) for (name, figure), count in
                      zip(figures.items(), counted[1:])}
        written.learn(vm, guest=in_guest)
    return {name: (found[name][0], written.of(*found[name][1:])) for name in names}
