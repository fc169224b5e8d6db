# SPDX-License-Identifier: MIT
"""The places of the hypervisor's source that answer with an error, and which of them a run reached.

In an unoptimised build each such place has an instruction of its own that loads the error's number.
The debug information tells its line, and QEMU's log of translated blocks whether it ran.
"""
import re
import subprocess
from pathlib import Path


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def text_range(image):
    """QEMU's -dfilter for the image's code."""
    found = re.search(r"^\s+\d+ \.text\s+([0-9a-f]+)\s+([0-9a-f]+)", output("objdump", "-h", image),
                      re.M)
    return f"0x{found.group(2)}+0x{found.group(1)}"


LOAD = re.compile(r" *([0-9a-f]+):\t(?:mov|or|and|push)\w*\s+\$0x(f+[0-9a-f]{2,3})\b")


def loads_of(image, numbers):
    """(file, line, errno) to the addresses of instructions, other than comparisons, that have -errno
    as an immediate operand."""
    found, place = {}, ("", 0)
    for line in output("objdump", "-d", "-l", "--no-show-raw-insn", image).splitlines():
        match = re.match(r"(\S+\.[chS]):(\d+)(?: |$)", line)
        if match:
            # what -ffile-prefix-map left of the path, which may be there twice
            place = match.group(1)[match.group(1).rfind("hypervisor/"):], int(match.group(2))
        match = LOAD.match(line)
        if not match or len(match.group(2)) < 8:
            continue
        name = numbers.get((1 << 4 * len(match.group(2))) - int(match.group(2), 16))
        found.setdefault((*place, name), set()).add(int(match.group(1), 16))
    return found


# Between functions of the hypervisor only: call again.
INTERNAL = {"ERESTART", "EINTR"}


def named_errors(top):
    """(file, line, errno) to its function, outside comments, comparisons and initial values. A
    function starts with a line that begins in the first column, as .clang-format makes it."""
    found = {}
    for path in sorted((top / "hypervisor").rglob("*.[ch]")):
        text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()),
                      path.read_text(), flags=re.S)
        function = ""
        for number, line in enumerate(text.splitlines(), 1):
            start = re.match(r"\w[^=;]*?(\w+)\(", re.sub(r"__\w+\(\(.*?\)\)", "", line))
            function = start.group(1) if start else function
            line = re.sub(r"[=!]= -E\w+|\b(int|long) \w+ = -E\w+", "", line)
            for errno in re.findall(r"-(E[A-Z0-9]+)\b", line):
                if errno not in INTERNAL:
                    found[str(path.relative_to(top)), number, errno] = function
    return found


def declared(path, functions):
    """errno-unreached.txt: place to the reason why no test kernel reaches it; and the lines of it
    that name no place. See there."""
    reasons, wrong = {}, []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r"(\S+):(\w+): (E[A-Z0-9]+)(?: (\d+))?: (.+)", line)
        named = sorted(place for place, function in functions.items() if match and
                       (place[0], function, place[2]) ==
                       (f"hypervisor/{match.group(1)}", match.group(2), match.group(3)))
        if match and match.group(4):
            named = named[int(match.group(4)) - 1:int(match.group(4))]
        reasons.update({place: match.group(5) for place in named})
        if not named:
            wrong.append(line)
    return reasons, wrong


def executed(log):
    """Addresses of a -d in_asm log."""
    text = Path(log).read_text(errors="replace")
    return {int(a, 16) for a in re.findall(r"^0x([0-9a-f]{16}):", text, re.M)}


class Paths:
    """Places in some folders of the hypervisor."""

    def __init__(self, top, image, errnos, folders):
        loads = loads_of(image, {n: name for name, n in errnos.items()})
        self.functions = {place: function for place, function in named_errors(top).items()
                          if place[0].split("/")[1] in folders}
        self.loads = {place: loads[place] for place in self.functions if place in loads}
        self.reached = {place: set() for place in self.loads}
        self.reasons, self.wrong = declared(top / "tests/guest/errno-unreached.txt", self.functions)

    def add(self, test, log):
        ran = executed(log)
        for place, tests in self.reached.items():
            if self.loads[place] & ran:
                tests.add(test)

    def label(self, place):
        return f"{place[0][len('hypervisor/'):]}:{place[1]} {self.functions[place]} {place[2]}"

    def show(self):
        """Prints each place, then those that no test reached. How many of these errno-unreached.txt
        does not explain, and how many of its lines are not true."""
        missed = [place for place, tests in sorted(self.reached.items()) if not tests]
        for place, tests in sorted(self.reached.items()):
            if tests:
                print(f"{self.label(place):58} {', '.join(sorted(tests))}")
        untold = sorted(set(self.functions) - set(self.reached))
        explained = [place for place in missed if place in self.reasons]
        missed = [place for place in missed if place not in self.reasons]
        for title, places in (("no test reaches these errors", missed),
                              ("not reachable by a test kernel, and why", explained),
                              ("errors without an instruction of their own", untold)):
            print(f"\n{title} ({len(places)} of {len(self.functions)}):")
            for place in places:
                print(f"    {self.label(place):54} {self.reasons.get(place, '')}".rstrip())
        untrue = [f"{self.label(place)} is reached" for place in sorted(self.reasons)
                  if self.reached.get(place)] + self.wrong
        for line in untrue:
            print(f"errno-unreached.txt is wrong: {line}")
        return len(missed) + len(untrue)
