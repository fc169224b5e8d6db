#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every public header compiles alone: as C99 with GCC and Clang, as C++11, with all warnings.

It may include nothing but its fellows, <stdint.h> and <stddef.h>, and must be fit for being
included twice. The headers that assembly uses are assembled as well, and those for the tools
refuse to be used by a guest. libxen-dev's library headers compile on top of ours.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

import extract
from compare import headers_of, link

ASSEMBLY = ["xen.h", "arch-x86/xen.h", "arch-x86/xen-x86_64.h", "arch-x86/xen-mca.h",
            "arch-x86/cpuid.h", "features.h", "elfnote.h"]
C99 = ["-std=c99", "-x", "c"]
# stock libraries' own headers, with <xen/...> being ours
CONSUMER = "xenctrl.h and xenguest.h"

# each compiler has a mode of its own; compare.py runs GCC in all three
RUNS = [("gcc", C99, "guest"), ("clang", C99, "xen"), ("g++", ["-std=c++11", "-x", "c++"], "tools")]


def compile_alone(job):
    tool, lang, mode, header, inc = job
    text = "#include <public/%s>\n" % header * 2 + "extern int not_empty;\n"
    if header == CONSUMER:
        text = "#include <stdio.h>\n#include <xenctrl.h>\n#include <xenguest.h>\nextern int i;\n"
    if "assembler-with-cpp" in lang:
        text = "#define __ASSEMBLY__\n#include <public/%s>\n" % header
    done = subprocess.run([tool, "-Wall", "-Wextra", "-Werror", "-I", inc, *extract.MODES[mode],
                           *lang, "-"], input=text, capture_output=True, text=True)
    return "" if done.returncode == 0 else "%s %s %s: %s\n%s" % (
        tool, lang[0], mode, header, done.stderr[:1500])


def outside(root, header):
    with open(os.path.join(root, header), encoding="ascii") as text:
        named = re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)', text.read(), re.M)
    bad = [n for kind, n in named if kind == "<" and n not in ("stdint.h", "stddef.h")]
    here = os.path.join(root, os.path.dirname(header))
    bad += [n for kind, n in named if kind == '"' and not os.path.exists(os.path.join(here, n))]
    return "%s includes %s" % (header, ", ".join(bad)) if bad else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--work", required=True)
    opts = parser.parse_args()
    inc = link(opts.work, "ours", opts.ours)
    headers = headers_of(opts.ours)
    jobs = [(tool, ["-fsyntax-only"] + lang, mode, h, inc)
            for tool, lang, mode in RUNS for h in headers
            if mode != "guest" or h not in extract.CONTROL_ONLY]
    jobs += [("gcc", ["-c", "-o", "/dev/null", "-x", "assembler-with-cpp"], "xen", h, inc)
             for h in ASSEMBLY]
    consumer = os.path.join(opts.work, "consumer")
    os.makedirs(consumer, exist_ok=True)
    if not os.path.islink(consumer + "/xen"):
        os.symlink(os.path.abspath(opts.ours), consumer + "/xen")
    jobs.append(("gcc", ["-fsyntax-only", "-x", "c"], "tools", CONSUMER, consumer))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        faults = [f for f in pool.map(compile_alone, jobs) if f]
    for h in sorted(extract.CONTROL_ONLY):
        if not compile_alone(("gcc", ["-fsyntax-only"] + C99, "guest", h, inc)):
            faults.append("%s can be included by a guest" % h)
    faults += [f for f in (outside(opts.ours, h) for h in headers) if f]
    for fault in faults:
        print(fault)
    print("%d headers, %d compilations, %d faults" % (len(headers), len(jobs), len(faults)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
