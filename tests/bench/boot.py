# SPDX-License-Identifier: MIT
"""The boot suite: instructions from the hypervisor's entry to dom0's and to dom0's init, and from
`xl create` to a guest's init; memory that the hypervisor keeps to itself."""
import re

import report
from machines import BENCH, check, compiler, description, ready, started

WHAT = "instructions, and KiB of memory held by the hypervisor"
KERNELS = {"ELF": True, "vmlinuz": False}
TO_DOM0 = "hypervisor's entry to dom0's entry, {}"
TO_INIT = "hypervisor's entry to dom0's init, {}"
CREATE = "xl create to the guest's init"
HELD = "KiB held with {} GiB"
PER_GUEST = "KiB held per guest of 64 MiB, beyond it"
PAGE_KIB = 4
SMALL_LOG = "/var/log/xen/console/guest-small{}.log"


def counts(hypervisor, args):
    """({operation: instructions}, {operation: the hypervisor's of them}, compiler)."""
    all_of, own = {}, {}

    def note(name, begin, end):
        all_of[name], own[name] = (e - b for b, e in zip(begin, end))

    for kernel, fast in KERNELS.items():
        with started(hypervisor, args, f"boot-{kernel}", fast_kernel=fast) as (vm, phases):
            entry = phases.wait("entry")
            note(TO_DOM0.format(kernel), entry, phases.wait("dom0"))
            # Until dom0 runs, all is the hypervisor's, which begins at low addresses.
            own[TO_DOM0.format(kernel)] = all_of[TO_DOM0.format(kernel)]
            note(TO_INIT.format(kernel), entry, phases.wait("init"))
            if not fast:
                continue
            ready(vm)
            made_by = compiler(vm)
            check(vm, f"{BENCH} mark xl create /srv/bench/boot.cfg")
            note(CREATE, phases.wait("create"), phases.wait("guest init"))
    return all_of, own, made_by


def pages(vm):
    """The hypervisor's view: (free, owned by domains)."""
    text = check(vm, f"{BENCH} pages")
    free = int(re.search(r"^machine \d+ (\d+)", text, re.M).group(1))
    return free, sum(int(n) for n in re.findall(r"^domain \d+ (\d+)", text, re.M))


def held(vm, gib):
    """KiB of the machine's memory that are neither free nor a domain's."""
    return PAGE_KIB * (gib * 2**18 - sum(pages(vm)))


def create_small(vm, n):
    check(vm, f"xl create /srv/bench/small{n}.cfg; "
              f"until grep -q 'domu: up' {SMALL_LOG.format(n)}; do sleep 0.2; done")


def memory(hypervisor, args):
    """{figure: KiB}. Stock Xen's scrubbing is off: it would touch all of a big machine's memory."""
    found = {}
    for gib in 1, 4, 16:
        with started(hypervisor, args, f"memory-{gib}G", counted=False, mem=f"{gib}G",
                     dom0_mem="512M", more_cmdline="bootscrub=0") as (vm, _):
            ready(vm)
            found[HELD.format(gib)] = held(vm, gib)
            if gib == 4:
                create_small(vm, 0)
                first = held(vm, gib)
                for n in range(1, 5):
                    create_small(vm, n)
                found[PER_GUEST] = (held(vm, gib) - first) // 4
    return found


def suite(args):
    """Both hypervisors measured: the report, and it as text."""
    found = {"machine": description(args, "2 GiB but where another size is named")}
    for hypervisor in "hospes", "xen":
        all_of, own, made_by = counts(hypervisor, args)
        found[hypervisor] = {"compiler": made_by, "figures": all_of | memory(hypervisor, args),
                             "hypervisor": own}
    return found, report.table(found, WHAT, "in the hypervisor, Hospes | Xen",
                               lambda name: report.shares(found, name))


def profile(name, args):
    """Where Hospes's instructions before dom0 go: [(function, instructions)]."""
    kernel = next(kernel for kernel in KERNELS if TO_DOM0.format(kernel) == name)
    to = args.output / "profile-addresses.txt"
    with started("hospes", args, "profile", more=f",profile=dom0,to={to}",
                 fast_kernel=KERNELS[kernel]) as (_, phases):
        phases.wait("dom0")
    return report.by_function(to)
