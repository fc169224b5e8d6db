# SPDX-License-Identifier: MIT
"""Which lines of the hypervisor ran: QEMU's plugin build/tests/bench/executed.so notes addresses in a
folder, run upon run, and the image's debug information tells their lines."""
import filecmp
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

import machine

# As in tests/bench/plugin/qemu.h.
IMAGE_START = 0xffff82d040000000
FOLDERS = ("mm", "grant", "event", "entry")
PLACE = re.compile(r"(\S+\.[chS]):(\d+)(?: |$)")
INSTRUCTION = re.compile(r" *([0-9a-f]+):\t")


def lines_of(image, folders=FOLDERS):
    """(file, line) below hypervisor/ to the addresses of its instructions."""
    command = ["objdump", "-d", "-l", "--no-show-raw-insn", "--section=.text", image]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found, place = {}, None
    for text in listing.splitlines():
        if match := INSTRUCTION.match(text):
            if place:
                found.setdefault(place, set()).add(int(match.group(1), 16))
        elif match := PLACE.match(text):
            # what -ffile-prefix-map left of the path, which may be there twice
            name = match.group(1)[match.group(1).rfind("hypervisor/") + len("hypervisor/"):]
            name = posixpath.normpath(name)
            place = (name, int(match.group(2))) if name.split("/")[0] in folders else None
    return found


def ranges(numbers):
    """1 2 3 7: 1-3 7."""
    parts = []
    for n in sorted(numbers):
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


class Executed:
    """What ran, in a folder of its own together with the image that it is of."""

    def __init__(self, folder, image):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.map, self.image, self.lines = folder / "executed", folder / "hospes.elf", None
        if not self.image.exists():
            shutil.copy(image, self.image)
        elif not filecmp.cmp(image, self.image, shallow=False):
            raise machine.MachineError(f"{folder} is of another hypervisor than {image}")

    def qemu_args(self):
        return ["-plugin", f"{machine.BUILD / 'tests/bench/executed.so'},out={self.map}"]

    def report(self):
        """How much of each folder ran, and the lines that did not."""
        self.lines = self.lines or lines_of(self.image)
        data = self.map.read_bytes() if self.map.exists() else b""
        ran = {IMAGE_START + match.start() for match in re.finditer(b"\1", data)}
        missed = {place for place, addresses in self.lines.items() if not addresses & ran}
        text = ["| folder | lines with code | reached | share |", "|---|---|---|---|"]
        for folder in FOLDERS:
            here = [place for place in self.lines if place[0].startswith(f"{folder}/")]
            good = sum(place not in missed for place in here)
            text.append(f"| {folder} | {len(here)} | {good} | {100 * good / max(1, len(here)):.1f} % |")
        text.append("\nnot reached:")
        for name in sorted({name for name, _ in missed}):
            text.append(f"{name}: {ranges(line for file, line in missed if file == name)}")
        return "\n".join(text)
