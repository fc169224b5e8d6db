# SPDX-License-Identifier: MIT
"""Where the instructions of an operation go, by function: of the hypervisor, of dom0's and a guest's
Linux, and of programs, which are told by the bytes of their pages (plugin/blocks.c)."""
import base64
import bisect
import collections
import contextlib
import gzip
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import machines
import report
from machines import CONSOLE_LOG, check

PAGE = 4096
HYPERVISOR, DOM0, GUEST = "hypervisor", "dom0's kernel", "guest's kernel"
# As plugin/blocks.c writes them.
KERNELS = {"h": HYPERVISOR, "k": DOM0, "g": GUEST}
PROGRAM_OF = {"u": "", "v": " (guest)"}
# As plugin/qemu_plugin.h has them.
IMAGE_START, IMAGE_SIZE, USER_END = 0xffff82d040000000, 0x800000, 0x0000800000000000
LINES = 40
UNKNOWN = "?"
# dom0's symbols; a guest prints its own so on its console (guest/bench.c).
KALLSYMS = "grep ' [tTwW] ' /proc/kallsyms | gzip -1c | base64"
GUESTS = (f"until grep -q 'bench: end of symbols' {CONSOLE_LOG} 2> /dev/null; do sleep 5; done; "
          f"sed -n '/^bench: symbols/,/^bench: end of/{{/^bench:/!p}}' {CONSOLE_LOG}")


class Symbols:
    """Functions by address. sized: an address behind a function's end is in none."""

    def __init__(self, functions):
        self.functions = sorted(functions)
        self.starts = [function[0] for function in self.functions]

    def __call__(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0:
            return UNKNOWN
        start, size, name = self.functions[at]
        return name if not size or address < start + size else UNKNOWN

    @classmethod
    def of_file(cls, path):
        """What the file has of symbols, or else of those that it exports."""
        for options in [], ["-D"]:
            text = subprocess.run(["nm", "-S", "--defined-only", *options, path], check=False,
                                  capture_output=True, text=True).stdout
            found = re.findall(r"^(\w+)(?: (\w+))? [tTwWiu] ([^@\n]+)", text, re.M)
            if found:
                break
        return cls((int(at, 16), int(size or "0", 16), name) for at, size, name in found)

    @classmethod
    def of_kernel(cls, encoded):
        """From the text of KALLSYMS."""
        text = gzip.decompress(base64.b64decode(encoded)).decode()
        return cls((int(at, 16), 0, name.replace("\t", " ")) for at, name in
                   re.findall(r"^(\w+) \w (.+)$", text, re.M) if int(at, 16))


def hypervisor_function(symbols, address):
    """It begins where it is loaded, before its image has its addresses: README of hypervisor/."""
    if address < USER_END:
        address += IMAGE_START
    return symbols(address) if 0 <= address - IMAGE_START < IMAGE_SIZE else "(outside the image)"


class Program:
    """An ELF file: the functions at places in it."""

    def __init__(self, path, name):
        self.name, self.symbols = name, Symbols.of_file(path)
        data = path.read_bytes()
        table, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.segments = []
        for at in range(table, table + size * count, size):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, at)
            if kind == 1:
                self.segments.append((offset, length, address))

    def function(self, place):
        for offset, length, address in self.segments:
            if offset <= place < offset + length:
                return self.symbols(place - offset + address)
        return UNKNOWN


def programs_of_dom0(folder):
    """The programs and libraries in dom0's image, and ours: [(path, name)]."""
    for part in "bin", "sbin", "lib", "lib64", "usr":
        subprocess.run(["debugfs", "-R", f"rdump /{part} {folder}", machines.machine.IMAGES / "dom0.img"],
                       check=True, capture_output=True)
    ours = [path for place in (report.BUILD / "dom0-tools", report.BUILD / "tests/bench")
            for path in place.iterdir()]
    return [(path, path.name) for path in [*ours, *Path(folder).rglob("*")]
            if path.is_file() and not path.is_symlink()]


def find_pages(pages, files):
    """{bytes of a page: (Program, the page's place in it)} of those wanted that a file has."""
    wanted, found = set(pages), {}
    for path, name in files:
        data = path.read_bytes()
        if data[:5] != b"\x7fELF\2":
            continue
        data += bytes(-len(data) % PAGE)
        program = None
        for at in range(0, len(data), PAGE):
            page = data[at:at + PAGE]
            if page in wanted and page not in found:
                program = program or Program(path, name)
                found[page] = program, at
    return found


class Profiles:
    """What the plugin wrote of one machine, and the names for it."""

    def __init__(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.prefix = folder / "profile"
        self.kernels = {HYPERVISOR: Symbols.of_file(report.BUILD / "hypervisor/hospes.elf"),
                        DOM0: lambda _: UNKNOWN, GUEST: lambda _: UNKNOWN}
        self.pages = None

    @property
    def argument(self):
        """The plugin's."""
        return f",profile={self.prefix}"

    def blocks(self, place):
        """{(whose, address or place): instructions}."""
        found = collections.Counter()
        for line in Path(f"{self.prefix}.{place}").read_text().splitlines():
            whose, at, instructions = line.split()
            found[whose, int(at, 16)] = int(instructions)
        return found

    def learn_kernel(self, where, encoded):
        """Kept beside the profiles, for who wants to look closer."""
        Path(f"{self.prefix}.{where.replace(' ', '-')}").write_text(encoded)
        self.kernels[where] = Symbols.of_kernel(encoded)

    def learn(self, vm=None, guest=False, files=()):
        """The kernels' symbols: dom0's, if it runs, and those that the guest prints; more files that
        are executed."""
        if vm:
            self.learn_kernel(DOM0, check(vm, KALLSYMS))
        if guest:
            self.learn_kernel(GUEST, check(vm, GUESTS))
        data = Path(f"{self.prefix}.pages").read_bytes()
        pages = [data[at:at + PAGE] for at in range(0, len(data), PAGE)]
        with tempfile.TemporaryDirectory(prefix="hospes-bench.") as folder:
            found = find_pages(pages, [*files, *programs_of_dom0(folder)])
        self.pages = [found.get(page) for page in pages]

    def function(self, whose, at):
        """(where, function)."""
        if whose == "h":
            return HYPERVISOR, hypervisor_function(self.kernels[HYPERVISOR], at)
        if whose in KERNELS:
            return KERNELS[whose], self.kernels[KERNELS[whose]](at)
        found = self.pages[at // PAGE] if self.pages else None
        if not found:
            return f"no file{PROGRAM_OF[whose]}", UNKNOWN
        program, place = found
        return f"{program.name}{PROGRAM_OF[whose]}", program.function(place + at % PAGE)

    def of(self, place, without=None):
        """{(where, function): instructions} up to a place or in an operation, without those of
        another."""
        blocks = self.blocks(place)
        if without is not None:
            blocks.subtract(self.blocks(without))
        found = collections.Counter()
        for (whose, at), instructions in blocks.items():
            found[self.function(whose, at)] += instructions
        return +found if without is None else found


@contextlib.contextmanager
def machine(hypervisor, args, **options):
    """A machine, what counts in it, and its Profiles, which last until the next one's."""
    written = Profiles(args.output / "profiles")
    with machines.started(hypervisor, args, "profile", profiled=written, **options) as (vm, phases):
        yield vm, phases, written


def text(name, figure, found, lines=LINES):
    """A profile for people: {(where, function): instructions}."""
    total = sum(found.values())

    def row(instructions, where, function=""):
        return f"{instructions:12} {100 * instructions / max(1, total):6.2f}  {where:20} " \
               f"{function}".rstrip()

    by_place = collections.Counter()
    for (where, _), instructions in found.items():
        by_place[where] += instructions
    sums = [(count, where) for where, count in by_place.most_common() if count]
    functions = [(count, *key) for key, count in found.most_common() if count]
    shown_sums = sums[:lines // 3]
    shown = functions[:lines - len(shown_sums)]
    out = [f"{name}: {figure} instructions; {total} in this profile, on Hospes", "",
           f"{'instructions':>12} {'%':>6}  where"]
    out += [row(*line) for line in shown_sums]
    if len(sums) > len(shown_sums):
        out.append(row(sum(count for count, _ in sums[len(shown_sums):]), "others"))
    out += ["", f"{'instructions':>12} {'%':>6}  {'where':20} function"]
    out += [row(*line) for line in shown]
    if len(functions) > len(shown):
        left = functions[len(shown):]
        out.append(row(sum(count for count, *_ in left), "others", f"({len(left)} functions)"))
    return "\n".join(out) + "\n"
