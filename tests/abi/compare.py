#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare include/public with the headers of libxen-dev, in both directions.

Every item of the interface (see extract.py) is there in both trees and the same, or is there in
one only and stands in left-out.txt with a reason. A line there that matches nothing is an error as
well, so that the list can not outlive its cause. Function-like macros whose text differs have to be
exercised by macros.c, whose output must be the same with either tree.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import re
import subprocess
import sys

import extract

HERE = os.path.dirname(os.path.abspath(__file__))


def headers_of(root):
    found = []
    for base, _, files in os.walk(root, followlinks=True):
        found += [os.path.relpath(os.path.join(base, f), root) for f in files if f.endswith(".h")]
    return sorted(found)


class LeftOut:
    """Lines "pattern: reason"; patterns are names as in extract.py, or "file NAME"."""

    def __init__(self, path):
        self.rules = []
        with open(path, encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                pattern, sep, reason = line.partition(": ")
                if not sep or not reason.strip():
                    raise SystemExit("%s:%d: a pattern, ': ' and a reason" % (path, number))
                self.rules.append([pattern.strip(), reason.strip(), 0])

    def covers(self, name):
        """All rules that match are in use, not only the first."""
        hits = [r for r in self.rules if fnmatch.fnmatchcase(name, r[0])]
        for rule in hits:
            rule[2] += 1
        return bool(hits)

    def stale(self):
        return [r[0] for r in self.rules if not r[2]]

    def show(self):
        print("left out on purpose:")
        for pattern, reason, hits in self.rules:
            print("  %-44s %5d  %s" % (pattern, hits, reason))


def link(work, name, target):
    os.makedirs(os.path.join(work, name), exist_ok=True)
    path = os.path.join(work, name, "public")
    if os.path.islink(path):
        os.unlink(path)
    os.symlink(os.path.abspath(target), path)
    # libxen-dev's hvm/save.h wants this one under __XEN__, for BUG() in a macro nobody expands
    os.makedirs(os.path.join(work, name, "xen"), exist_ok=True)
    with open(os.path.join(work, name, "xen", "lib.h"), "w", encoding="ascii"):
        pass
    return os.path.join(os.path.abspath(work), name)


def exercised(path):
    with open(path, encoding="ascii") as text:
        return set(re.findall(r"\w+", text.read()))


def macro_output(cc, inc, mode, work):
    prog = work + "/macros"
    extract.run([cc, "-std=gnu99", "-w", "-I", inc, *extract.MODES[mode], HERE + "/macros.c", "-o",
                 prog])
    # a wrong macro may never end
    return subprocess.run([prog], capture_output=True, text=True, check=True, timeout=300).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--work", required=True)
    opts = parser.parse_args()

    if not os.path.exists(os.path.join(opts.reference, "xen.h")):
        raise SystemExit("no headers in %s: install libxen-dev" % opts.reference)
    inc = {"ours": link(opts.work, "ours", opts.ours),
           "theirs": link(opts.work, "theirs", opts.reference)}
    left = LeftOut(HERE + "/left-out.txt")
    headers = headers_of(opts.ours)
    diffs, compared = [], 0
    for name in sorted(set(headers_of(opts.reference)) ^ set(headers)):
        if not left.covers("file " + name):
            diffs.append("file %s is in one tree only" % name)

    def items(job):
        mode, side = job
        work = os.path.join(opts.work, mode + "-" + side)
        return extract.Tree(opts.cc, inc[side], headers, mode, work).items()

    jobs = [(mode, side) for mode in extract.MODES for side in inc]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        trees = dict(zip(jobs, pool.map(items, jobs)))

    tried = exercised(HERE + "/macros.c")
    for mode in extract.MODES:
        tree = {side: trees[mode, side] for side in inc}
        for name in sorted(set(tree["ours"]) | set(tree["theirs"])):
            compared += 1
            ours, theirs = tree["ours"].get(name), tree["theirs"].get(name)
            if ours == theirs:
                continue
            if ours and theirs and name.endswith("()") and name[6:-2] in tried:
                continue
            if not (ours and theirs) and left.covers(name):
                continue
            diffs.append("%s: %s: ours %s; libxen-dev %s" % (mode, name, ours or "has none",
                                                             theirs or "has none"))
        if macro_output(opts.cc, inc["ours"], mode, opts.work) != \
                macro_output(opts.cc, inc["theirs"], mode, opts.work):
            diffs.append("%s: macros.c prints something else" % mode)

    diffs += ["left-out.txt: '%s' matches no difference" % p for p in left.stale()]
    for line in diffs:
        print(line)
    left.show()
    print("%d items compared in %d modes" % (compared, len(extract.MODES)))
    print("%d differences" % len(diffs))
    return 1 if diffs else 0


if __name__ == "__main__":
    sys.exit(main())
