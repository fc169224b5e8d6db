# SPDX-License-Identifier: MIT
"""The micro suite: its kernel run on a hypervisor, its figures as text, JSON and SVG, and the gate
that compares them with baseline.json. README.md explains what the figures are."""
import bisect
import collections
import html
import json
import math
import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = Path(os.environ.get("HOSPES_BUILD", TOP / "build"))
BASELINE = HERE / "baseline.json"
CPU = "max,-smap"
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
              "event to another vcpu, blocked, on this CPU: send to handler"}


class BenchError(Exception):
    """The kernel did not run to its end."""


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


def symbols_of(image):
    return subprocess.run(["nm", "-n", image], capture_output=True, text=True, check=True).stdout


def plugin_options(out):
    """QEMU's options for the plugin that counts between the kernel's marks."""
    symbols = symbols_of(BUILD / "tests/bench/micro.elf")
    marks = [f"{mark}={re.search(rf'^([0-9a-f]+) . mark_{mark}$', symbols, re.M).group(1)}"
             for mark in ("start", "end", "report")]
    return "-plugin " + ",".join([str(BUILD / "tests/bench/paths.so"), *marks, f"out={out}"])


def profile(name, cpu=CPU):
    """Where the instructions of one operation of Hospes go: [(function, instructions)]."""
    place = list(load_baseline()["figures"]).index(name)
    out, to = BUILD / "bench/profile-marks.txt", BUILD / "bench/profile-addresses.txt"
    run("hospes", cpu, serialising=out, more=f",profile={place},to={to}")
    symbols = symbols_of(BUILD / "hypervisor/hospes.elf")
    functions = [(int(at, 16), symbol)
                 for at, symbol in re.findall(r"^(\w+) [tT] (\S+)$", symbols, re.M)]
    starts = [at for at, _ in functions]
    spent = collections.Counter()
    for line in to.read_text().splitlines():
        address, times = line.split()
        spent[functions[bisect.bisect_right(starts, int(address, 16)) - 1][1]] += int(times)
    return spent.most_common()


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


def qemu_version():
    text = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout
    return text.splitlines()[0]


def ratios(hospes, xen):
    return {name: hospes[name] / xen[name] for name in hospes
            if name != CONTROL and xen.get(name, 0) > 0}


def mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def serialising(measured, name):
    """The path's serialising instructions in words."""
    kinds = measured["serialising"][name]
    if name in TO_HANDLER:
        return "?"
    return ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items()) or "none"


def table(report):
    """The report as text, for people."""
    hospes, xen = report["hospes"]["figures"], report["xen"]["figures"]
    ratio = ratios(hospes, xen)
    width = max(len(name) for name in hospes)
    lines = [f"instructions per operation; {report['machine']}",
             f"Hospes: {report['hospes']['compiler']}; stock Xen: {report['xen']['compiler']}",
             "", f"{'operation':{width}} {'Hospes':>8} {'Xen':>8} {'ratio':>6}  "
                 "serialising, Hospes | Xen"]
    for name, figure in hospes.items():
        of_xen = f"{ratio[name]:6.2f}" if name in ratio else 6 * " "
        lines.append(f"{name:{width}} {figure:8} {xen.get(name, ''):8} {of_xen}  "
                     f"{serialising(report['hospes'], name)} | {serialising(report['xen'], name)}")
    low = sum(r <= 0.8 for r in ratio.values())
    lines += ["", f"geometric mean of {len(ratio)} ratios: {mean(ratio.values()):.3f}; "
                  f"at most 0.80: {100 * low // len(ratio)} %; "
                  f"most: {max(ratio.values()):.2f} ({max(ratio, key=ratio.get)})"]
    return "\n".join(lines) + "\n"


def chart(report):
    """The ratios as horizontal bars; stock Xen is the line at 1."""
    ratio = ratios(report["hospes"]["figures"], report["xen"]["figures"])
    left, unit, row = 420, 400, 18
    height, right = row * len(ratio) + 50, left + unit * max(1.0, *ratio.values()) + 60
    parts = [f'<svg xmlns="http:' f'//www.w3.org/2000/svg" width="{right:.0f}" '
             f'height="{height}" font-family="sans-serif" font-size="12">',
             f'<text x="{left}" y="16">Hospes : stock Xen 4.17, instructions, '
             f'{html.escape(report["machine"])}</text>']
    for i, (name, value) in enumerate(ratio.items()):
        y = 30 + i * row
        colour = "#3a7" if value <= 0.8 else "#c83" if value <= 1 else "#c33"
        parts += [f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(name)}</text>',
                  f'<rect x="{left}" y="{y}" width="{unit * value:.1f}" height="{row - 4}" '
                  f'fill="{colour}"/>',
                  f'<text x="{left + unit * value + 4:.1f}" y="{y + 12}">{value:.2f}</text>']
    for mark in (0.5, 1.0):
        x = left + unit * mark
        parts.append(f'<line x1="{x}" y1="24" x2="{x}" y2="{height - 10}" stroke="#555"/>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def write(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "micro.txt").write_text(table(report))
    (folder / "micro.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "micro.svg").write_text(chart(report))


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
