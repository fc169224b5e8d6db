# SPDX-License-Identifier: MIT
"""The micro suite: its kernel run on a hypervisor, its figures, and the gate that compares them
with baseline.json. README.md explains what the figures are."""
import json
import re
import subprocess

import cpus
import report
from report import BUILD, CPU, HERE, TOP, BenchError, address_of

WHAT = "instructions per operation"
BASELINE = HERE / "baseline.json"
# Two vcpus on the one CPU, for what goes from vcpu to vcpu.
OPTIONS = "dom0_max_vcpus=2"
# Stock Xen's words; Hospes has no mitigations that could be turned off.
UNPROTECTED = "spec-ctrl=no xpti=no smep=0"
GROWTH = 0.02
LINE = re.compile(r"^BENCH (-?\d+) (-?\d+) (-?\d+) (.*)$", re.M)
# How long a way hundred times no work takes: it shows that a tick is an instruction.
CONTROL = "(100 nops)"
# Their paths end in a handler, where the plugin has no mark.
TO_HANDLER = {"timer already due: set to handler", "timer: due to handler, running",
              "timer: due to handler, blocked",
              "event to another vcpu, blocked, on this CPU: send to handler",
              "event to another domain, blocked, on this CPU: send to handler"}


def flags():
    """What Hospes's C was compiled with, as noted in the image's debug information."""
    command = ["readelf", "--debug-dump=info", "--dwarf-depth=1", BUILD / "hypervisor/hospes.elf"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        for line in process.stdout:
            found = re.search(r"DW_AT_producer.*: (GNU C\d+|Debian clang.*|clang.*)(.*)", line)
            if found:
                process.kill()
                return (found.group(1) + found.group(2)).strip()
    return "unknown"


def plugin_options(out):
    """QEMU's options for the plugin that counts between the kernel's marks."""
    kernel = BUILD / "tests/bench/micro.elf"
    marks = [f"{mark}={address_of(f'mark_{mark}', kernel):x}"
             for mark in ("start", "end", "report")]
    return "-plugin " + ",".join([str(BUILD / "tests/bench/paths.so"), *marks, f"out={out}"])


def profiled():
    """The operations that can be profiled."""
    return list(load_baseline()["figures"])


def profile(names, args):
    """{operation: (figure, {(where, function): instructions})} of Hospes: the hypervisor's."""
    out, to = args.output / "profile-marks.txt", args.output / "profile-addresses.txt"
    found = {}
    for name in names:
        figures = run("hospes", args.cpu, serialising=out,
                      more=f",profile={profiled().index(name):x},to={to}")["figures"]
        found[name] = figures[name], report.by_function(to)
    return found


def read_serialising(path, names):
    """The plugin's lines, one for each operation: {operation: {instruction: how many}}."""
    lines = path.read_text().splitlines()
    if len(lines) != len(names):
        raise BenchError(f"{len(lines)} operations counted by the plugin, {len(names)} measured")
    parts = [line.split("\t")[1:] for line in lines]
    return {name: {kind: int(n) for n, kind in (part.split(" ", 1) for part in p)}
            for name, p in zip(names, parts)}


def run(hypervisor, cpu=CPU, protected=True, log=None, serialising=None, more=""):
    """The kernel's figures, in its order: {"compiler": ..., "figures": {operation: number}}. With a
    path for the plugin's output (and `more` of its arguments) also "serialising": {operation:
    {instruction: number}}."""
    options = OPTIONS if protected else f"{OPTIONS} {UNPROTECTED}"
    command = [TOP / "tests/guest/run", "micro", "--kernels", BUILD / "tests/bench",
               "--hypervisor", hypervisor, "--icount", "--cpu", cpu, "--cmdline", options,
               "--timeout", "1200"]
    if log:
        command += ["--keep-log", log]
    if serialising:
        command += ["--qemu-args=" + plugin_options(serialising) + more]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    figures = {name: int(median) for median, _, _, name in LINE.findall(result.stdout)}
    if result.returncode != 0 or not figures:
        raise BenchError(f"micro on {hypervisor}: status {result.returncode}\n"
                         f"{result.stdout[-3000:]}\n{result.stderr[-1000:]}")
    compiler = re.search(r"^COMPILER (.*)$", result.stdout, re.M)
    measured = {"compiler": compiler.group(1).strip(), "figures": figures}
    if serialising:
        measured["serialising"] = read_serialising(serialising, list(figures))
    return measured


def serialising_words(measured, name):
    """The path's serialising instructions in words."""
    kinds = measured["serialising"][name]
    if name in TO_HANDLER:
        return "?"
    return ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items()) or "none"


def with_second_cpu(args):
    """What needs a second CPU, which is not exact by -icount: the report, and it as text."""
    found = {"machine": f"{report.qemu_version()}, {cpus.ACCEL}, -cpu {args.cpu}, 2 CPUs, 512 MiB"
                        + (", protections off" if args.unprotected else "")}
    for hypervisor in "hospes", "xen":
        measured = cpus.run(hypervisor, args, 2, UNPROTECTED if args.unprotected else "")
        operations = {name: of_it for (name, _), of_it in measured["operations"].items()
                      if (name, 1) not in measured["operations"]}
        found[hypervisor] = {"compiler": measured["compiler"], "samples": operations,
                             "figures": {name: of_it["median"]
                                         for name, of_it in operations.items()}}

    def each(name):
        of_both = [found[hypervisor]["samples"][name] for hypervisor in ("hospes", "xen")]
        return " | ".join(f"{of_it['each'][0]} + {of_it['each'][1]}, {cpus.spread(of_it)}"
                          for of_it in of_both)

    return found, report.table(found, "instructions in the hypervisor on both CPUs, spin loops "
                               "apart", "sender + receiver, samples, Hospes | Xen", each)


def suite(args):
    """Both hypervisors measured: the report, and it as text."""
    found = {"machine": f"{report.qemu_version()}, TCG, -icount, -cpu {args.cpu}, 1 CPU, 512 MiB"
                        + (", protections off" if args.unprotected else "")}
    for hypervisor in "hospes", "xen":
        found[hypervisor] = run(hypervisor, args.cpu, not args.unprotected,
                                args.output / f"micro-{hypervisor}.log",
                                args.output / f"serialising-{hypervisor}.txt")
    found["hospes"]["flags"] = flags()
    ratio = report.ratios(found)
    low = sum(r <= 0.8 for r in ratio.values())
    text = report.table(found, WHAT, "serialising, Hospes | Xen",
                        lambda name: " | ".join(serialising_words(found[hypervisor], name)
                                                for hypervisor in ("hospes", "xen")))
    mean = report.mean(ratio.values())
    found["second CPU"], second = with_second_cpu(args)
    return found, (f"{text}\ngeometric mean of {len(ratio)} ratios: {mean:.3f}; "
                   f"at most 0.80: {100 * low // len(ratio)} %; "
                   f"most: {max(ratio.values()):.2f} ({max(ratio, key=ratio.get)})\n\n{second}")


def load_baseline():
    return json.loads(BASELINE.read_text())


def complaints(baseline, figures):
    """What the gate has against these figures of Hospes."""
    found = []
    for name, figure in figures.items():
        was = baseline["figures"].get(name)
        if was is None:
            found.append(f"{name}: not in baseline.json")
        elif figure > was * (1 + GROWTH):
            found.append(f"{name}: {was} -> {figure} instructions "
                         f"(+{100 * (figure - was) / was:.1f} %)")
    found += [f"{name}: no longer measured" for name in baseline["figures"] if name not in figures]
    return found


def new_baseline(old, measured, reason):
    """What baseline.json becomes. A figure that the gate would complain of needs a reason, which is
    kept."""
    raised = dict(old.get("raised", {}))
    for name, figure in measured["figures"].items():
        was = old.get("figures", {}).get(name)
        if was is not None and figure > was * (1 + GROWTH):
            if not reason:
                raise BenchError(f"{name} grows from {was} to {figure}: give a --reason")
            raised.setdefault(name, []).append({"from": was, "to": figure, "reason": reason})
    return {"compiler": measured["compiler"], "flags": flags(), "cpu": CPU,
            "figures": measured["figures"], "raised": raised}
