# SPDX-License-Identifier: MIT
"""What the suites share: where things are, figures of two hypervisors as a table and a chart, and
addresses in Hospes by function."""
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
CPU = "max,-smap"


class BenchError(Exception):
    """What was to be measured did not run to its end."""


def qemu_version():
    text = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout
    return text.splitlines()[0]


def symbols_of(image):
    return subprocess.run(["nm", "-n", image], capture_output=True, text=True, check=True).stdout


def address_of(symbol, image):
    return int(re.search(rf"^([0-9a-f]+) . {symbol}$", symbols_of(image), re.M).group(1), 16)


def by_function(path):
    """A plugin's file of addresses in the hypervisor, and how often each was executed, as
    {("hypervisor", function): times}."""
    functions = [(int(at, 16), symbol) for at, symbol in
                 re.findall(r"^(\w+) [tT] (\S+)$", symbols_of(BUILD / "hypervisor/hospes.elf"),
                            re.M)]
    starts = [at for at, _ in functions]
    spent = collections.Counter()
    for line in path.read_text().splitlines():
        address, times = line.split()
        function = functions[bisect.bisect_right(starts, int(address, 16)) - 1][1]
        spent["hypervisor", function] += int(times)
    return spent


def ratios(report):
    hospes, xen = report["hospes"]["figures"], report["xen"]["figures"]
    return {name: hospes[name] / xen[name] for name in hospes
            if not name.startswith("(") and xen.get(name, 0) > 0}


def mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def table(report, what, last_column="", last=None):
    """The figures as text, for people. last(name): the text of a column of the suite's own."""
    hospes, xen, ratio = report["hospes"]["figures"], report["xen"]["figures"], ratios(report)
    width = max(len(name) for name in hospes)
    digits = max(8, *(len(str(n)) for n in [*hospes.values(), *xen.values()]))
    lines = [f"{what}; {report['machine']}",
             f"Hospes: {report['hospes']['compiler']}; stock Xen: {report['xen']['compiler']}", "",
             f"{'operation':{width}} {'Hospes':>{digits}} {'Xen':>{digits}} {'ratio':>6}  "
             f"{last_column}".rstrip()]
    for name, figure in hospes.items():
        of_xen = f"{ratio[name]:6.2f}" if name in ratio else 6 * " "
        lines.append(f"{name:{width}} {figure:{digits}} {xen.get(name, ''):{digits}} {of_xen}  "
                     f"{last(name) if last else ''}".rstrip())
    return "\n".join(lines) + "\n"


def shares(report, name):
    """How many of an operation's instructions are the hypervisor's."""
    own = [report[hypervisor]["hypervisor"].get(name) for hypervisor in ("hospes", "xen")]
    return "" if None in own else f"{own[0]} | {own[1]}"


def chart(report, what):
    """The ratios as horizontal bars; stock Xen is the line at 1."""
    ratio = ratios(report)
    left, unit, row = 420, 400, 18
    height, right = row * len(ratio) + 50, left + unit * max(1.0, *ratio.values()) + 60
    parts = [f'<svg xmlns="http:' f'//www.w3.org/2000/svg" width="{right:.0f}" '
             f'height="{height}" font-family="sans-serif" font-size="12">',
             f'<text x="{left}" y="16">Hospes : stock Xen 4.17, {html.escape(what)}; '
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


def write(suite, report, text, what, folder):
    """folder/suite.{txt,json,svg}."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{suite}.txt").write_text(text)
    (folder / f"{suite}.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / f"{suite}.svg").write_text(chart(report, what))
