# SPDX-License-Identifier: MIT
"""What a person sees who has a screen and no serial line: Hospes's messages from the first one on,
as VGA text or drawn with its font on the framebuffer that GRUB leaves, and dom0's console after that
on the same screen."""
import gzip
import re
import time

import pytest

import machine
from conftest import log_path

FONT = "/usr/share/consolefonts/Lat15-VGA16.psf.gz"    # hypervisor/Makefile
WIDTH = 8

pytestmark = [pytest.mark.hospes, pytest.mark.ours, pytest.mark.full]


def glyphs():
    """What each character of the font looks like, as one number per character."""
    with gzip.open(FONT) as file:
        data = file.read()
    assert data[:2] == b"\x36\x04"
    height = data[3]
    return height, {data[4 + c * height:4 + (c + 1) * height]: chr(c) for c in range(32, 127)}


def drawn_text(vm):
    """The text on a framebuffer; a cell that is no character of the font is a '?'."""
    path = f"{vm.scratch}/screen.ppm"
    vm.human_monitor(f"screendump {path}")
    with open(path, "rb") as file:
        _, size, _, pixels = file.read().split(b"\n", 3)
    columns, rows = (int(n) for n in size.split())
    height, known = glyphs()
    lines = []
    for top in range(0, rows - height + 1, height):
        bits = ["".join("1" if p else "0" for p in pixels[y * columns * 3:(y + 1) * columns * 3:3])
                for y in range(top, top + height)]
        cells = (bytes(int(row[x:x + WIDTH], 2) for row in bits)
                 for x in range(0, columns - WIDTH + 1, WIDTH))
        lines.append("".join(known.get(cell, "?") for cell in cells).rstrip())
    return "\n".join(lines)


def vga_text(vm):
    """The text in VGA memory."""
    words = re.findall(r"0x([0-9a-f]{4})\b", vm.human_monitor("xp /2000hx 0xb8000"))
    text = "".join(chr(int(w, 16) & 0xff) for w in words)
    return "\n".join(text[n:n + 80].rstrip() for n in range(0, 2000, 80))


SCREENS = [pytest.param({}, vga_text, "VGA", id="vga-text"),
           pytest.param({"boot": "grub"}, drawn_text, "VESA VGA", id="bios-framebuffer"),
           pytest.param({"boot": "grub", "firmware": "uefi"}, drawn_text, "EFI VGA",
                        id="uefi-framebuffer")]


def shown(vm, read, lines):
    """Waits until these lines are on the screen, where a message comes later than on the serial line
    (each line scrolls a framebuffer); fails with what is there."""
    deadline = time.monotonic() + 60
    while missing := [line for line in lines if line not in (screen := read(vm))]:
        assert time.monotonic() < deadline, f"{missing} not on the screen:\n{screen}"


@pytest.mark.parametrize("options, read, console", SCREENS)
def test_messages_on_the_screen(request, options, read, console):
    with machine.Machine("hospes", "ours", log=log_path(request.node.name), words=["guests=none"],
                         cmdline="console=com1,vga", dom0_cmdline="console=tty0", **options) as vm:
        assert vm.console.expect(r"Xen is relinquishing VGA console\.", time.monotonic() + 300)
        last = re.findall(r"\(XEN\) [^\r\n]*", vm.console.text())[-10:]
        shown(vm, read, [line.rstrip()[:78] for line in last])
        assert vm.wait_ready() == "ok"
        assert re.search(rf"fb0: {console} frame buffer|Console: colour {console}\+ 80x25",
                         vm.check("dmesg"))
