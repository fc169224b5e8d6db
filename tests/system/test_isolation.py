# SPDX-License-Identifier: MIT
"""A guest tries to get every frame of the machine that is not its own, while dom0 and another guest
live on those: by pinning it as a page table, by mapping it, by having it cleared, under its own name
and under others'. None is had, on Hospes as on stock Xen (the same binary)."""
import re

from guests import (create_domu, host, said, typed, with_our_tools)  # noqa: F401
from guests import CONSOLE_LOGS

pytestmark = with_our_tools


def test_guest_gets_no_frame_of_others(host):  # noqa: F811
    create_domu(host, "victim", memory=64)
    create_domu(host, "thief")
    typed(host, "thief", "x")
    said(host, "thief", "taken", timeout=600)
    text = host.check(f"grep taken {CONSOLE_LOGS}/guest-thief.log")
    found = re.search(r"domu: own one pinned, (\d+) others tried, (\d+) taken", text)
    assert found, text
    machine_frames = int(host.check("xl info | awk '/^total_memory/ { print $3 }'")) * 256
    assert int(found.group(1)) > machine_frames - 2 * 16 * 256
    assert found.group(2) == "0", text
    typed(host, "victim", "alive\n")
    said(host, "victim", "^alive")
    host.check("xl destroy thief && xl destroy victim")
