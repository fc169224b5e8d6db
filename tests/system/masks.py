# SPDX-License-Identifier: MIT
"""What may differ between two runs of one scenario, and what stands in its place.

Everything that a comparison of outputs leaves out is listed here and nowhere else. A mask is a
pattern, its replacement, and the reason is the comment above it. They apply in order to each line.
"""
import re

MASKS = [
    # Identifiers that the toolstack or the hypervisor hands out.
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b00:16:3e(:[0-9a-f]{2}){3}\b", "MAC"),
    (r"/local/domain/[1-9][0-9]*\b", "/local/domain/ID"),
    (r"/backend/(vbd|vif|console)/[1-9][0-9]*/", r"/backend/\1/ID/"),
    (r"(?<=[dD]omain )[1-9][0-9]*\b", "ID"),
    # xl list: domid, state at the moment of asking, CPU seconds.
    (r"^(\S+ +)[1-9][0-9]*( +\d+ +\d+ +)[rb-]{2}([p-][s-][rscwS-][d-]) +\d+\.\d$",
     r"\1ID\2--\3 TIME"),
    (r"^(Domain-0 +0 +)\d+( +\d+ +)[rb-]{2}([p-][s-][rscwS-][d-]) +\d+\.\d$",
     r"\1MEM\2--\3 TIME"),
    # xl vcpu-list: domid, CPU, state, CPU seconds.
    (r"^(\S+ +)\d+( +\d+) +(\d+|-) +[rb-]{2}([p-]) +\d+\.\d( .*)$", r"\1ID\2 CPU --\4 TIME\5"),
    # ping: time of each packet, elapsed time, round-trip figures, and a packet that came late or
    # twice makes no difference to the shape.
    (r"time=[0-9.]+ ms", "time=T ms"),
    (r", time \d+ms", ", time T"),
    (r"= [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms.*", "= RTT"),
    # xl uptime.
    (r"^(\S+ +)[1-9][0-9]*( +)\d+:\d{2}:\d{2}$", r"\1ID\2UPTIME"),
    # Rings and event channels in xenstore.
    (r'(ring-ref|tx-ring-ref|rx-ring-ref|event-channel\S*) = "\d+"', r'\1 = "N"'),
]

COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in MASKS]


def mask(text):
    """The text with everything that may differ replaced; trailing blanks and empty ends go too."""
    lines = []
    for line in text.splitlines():
        line = line.rstrip()
        for pattern, replacement in COMPILED:
            line = pattern.sub(replacement, line)
        lines.append(line)
    return "\n".join(lines).strip("\n") + "\n"


def keys_only(text):
    """`key : value` lines without their values (xl info)."""
    return re.sub(r"^(\S+ *):.*$", r"\1: VALUE", text, flags=re.M)
