# SPDX-License-Identifier: MIT
"""The boot suite: instructions from the hypervisor's entry to dom0's and to dom0's init, and from
`xl create` to a guest's init; memory that the hypervisor keeps to itself."""
import re
import subprocess

import profiles
import report
from machines import BENCH, PROGRAMS, check, compiler, description, ready, started

WHAT = "instructions, and KiB of memory held by the hypervisor"
KERNELS = {"ELF": True, "vmlinuz": False}
TO_DOM0 = "hypervisor's entry to dom0's entry, {}"
TO_INIT = "hypervisor's entry to dom0's init, {}"
CREATE = "xl create to the guest's init"
HELD = "KiB held with {} GiB"
PER_GUEST = "KiB held per guest of 64 MiB, beyond it"
PAGE_KIB = 4


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


def memory(hypervisor, args):
    """{figure: KiB}, as the kernel held/ sees it as dom0."""
    found = {}
    for gib in 1, 4, 16:
        result = subprocess.run(
            [report.TOP / "tests/guest/run", "held", "--kernels", PROGRAMS, "--hypervisor",
             hypervisor, "--icount", "--cpu", args.cpu, "--mem", f"{gib}G", "--timeout", "1200",
             "--keep-log", args.output / f"held-{gib}G-{hypervisor}.log"],
            capture_output=True, text=True, check=False)
        pages = re.search(r"^PAGES (\d+) (\d+)", result.stdout, re.M)
        guest = re.search(r"^GUEST (\d+)", result.stdout, re.M)
        if result.returncode or not pages or not guest:
            raise report.BenchError(f"held on {hypervisor}: {result.stdout[-2000:]}")
        found[HELD.format(gib)] = PAGE_KIB * (gib * 2**18 - sum(map(int, pages.groups())))
        if gib == 4:
            found[PER_GUEST] = int(guest.group(1)) // 1024
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


def profiled():
    """The operations that can be profiled."""
    return [*map(TO_DOM0.format, KERNELS), *map(TO_INIT.format, KERNELS), CREATE]


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes."""
    found = {}
    for kernel, fast in KERNELS.items():
        to_dom0, to_init = TO_DOM0.format(kernel), TO_INIT.format(kernel)
        wanted = {to_dom0: ("entry", "dom0"), to_init: ("entry", "init")}
        if fast:
            wanted[CREATE] = "create", "guest init"
        if not set(wanted) & set(names):
            continue
        with profiles.machine("hospes", args, fast_kernel=fast) as (vm, phases, written):
            at = {place: phases.wait(place)[0] for place in ("entry", "dom0")}
            if set(names) & {to_init, CREATE}:
                at["init"] = phases.wait("init")[0]
                ready(vm)
            if CREATE in names and fast:
                check(vm, f"{BENCH} mark xl create /srv/bench/boot.cfg")
                at |= {place: phases.wait(place)[0] for place in ("create", "guest init")}
            written.learn(vm if "init" in at else None, guest="create" in at)
        found |= {name: (at[end] - at[begin], written.of(end, begin))
                  for name, (begin, end) in wanted.items() if name in names}
    return found
