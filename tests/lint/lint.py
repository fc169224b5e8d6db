# SPDX-License-Identifier: MIT
"""lint.py TREE: the rules of the tree that a program can check.

Each rule is a generator of complaints. Before the tree is looked at, every rule is shown a small
tree that breaks it (BROKEN), and must complain: a rule that cannot fail is a failure itself.
"""
import os
import re
import sys
import tempfile

SOURCE_DIRS = ("hypervisor", "dom0-tools", "pv-drivers", "include", "tests")
SIZED_DIRS = ("hypervisor", "dom0-tools", "pv-drivers")
MAX_FILE_LINES = 1000
# DESIGN 2: small enough to read. Raising it is no way out of a full room.
MAX_HYPERVISOR_LINES = 20000
MAX_COLUMNS = 100
SKIP_DIRS = {".git", "build", "__pycache__", ".pytest_cache"}
# Files whose content is data: configurations to be parsed, captured outputs, lists.
SPDX_SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".awk", ".pml", ".mk")


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = {}
        for folder, dirs, names in os.walk(root):
            dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as f:
                        data = f.read()
                    if b"\0" not in data:
                        rel = os.path.relpath(path, root)
                        self.files[rel] = data.decode("utf-8", "replace")

    def under(self, *folders):
        return {p: t for p, t in self.files.items() if p.split("/")[0] in folders}


def lines_of(text):
    return text.count("\n") + (not text.endswith("\n") and text != "")


def is_c(path):
    return path.endswith((".c", ".h", ".S"))


def tour(tree):
    """every file of hypervisor/ is named exactly once in hypervisor/README.md"""
    text = tree.files.get("hypervisor/README.md")
    if text is None:
        yield "hypervisor/README.md is missing"
        return
    files = [p[len("hypervisor/"):] for p in tree.under("hypervisor")]
    for name in files:
        if name == "README.md":
            continue
        n = len(re.findall(r"(?<![\w/.-])" + re.escape(name) + r"(?![\w/-]|\.\w)", text))
        if n != 1:
            yield f"hypervisor/README.md names {name} {n} times"
    for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:[chS]|awk))`", text):
        if name not in files and name not in tree.files:
            yield f"hypervisor/README.md names {name}, which does not exist"


def file_sizes(tree):
    """no file is longer than 1000 lines"""
    for path, text in tree.under(*SIZED_DIRS).items():
        if lines_of(text) > MAX_FILE_LINES:
            yield f"{path} has {lines_of(text)} lines, more than {MAX_FILE_LINES}"


def hypervisor_size(tree):
    """hypervisor/ is under 20,000 lines of C and assembly, comments included"""
    n = sum(lines_of(t) for p, t in tree.under("hypervisor").items() if is_c(p))
    if n >= MAX_HYPERVISOR_LINES:
        yield f"hypervisor/ has {n} lines of C and assembly; the limit is {MAX_HYPERVISOR_LINES}"


def spdx(tree):
    """each source names its licence at its top"""
    for path, text in tree.files.items():
        name = os.path.basename(path)
        if (path.endswith(SPDX_SUFFIXES) or name == "Makefile" or text.startswith("#!")) and \
                "SPDX-License-Identifier: MIT" not in "\n".join(text.split("\n")[:3]):
            yield f"{path}: no SPDX-License-Identifier in its first three lines"


def layout(tree):
    """C sources have no tabs, no blanks at line ends, no line over 100 columns, a last newline"""
    for path, text in tree.under(*SOURCE_DIRS).items():
        if not is_c(path):
            continue
        for nr, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield f"{path}:{nr}: a tab"
            if line != line.rstrip():
                yield f"{path}:{nr}: a blank at its end"
            if len(line) > MAX_COLUMNS:
                yield f"{path}:{nr}: {len(line)} columns"
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at its end"


# Names for documentation (RFC 2606) are nobody's.
HARMLESS_HOST = re.compile(r"(^|\.)(example(\.(com|org|net))?|localhost|invalid|test)$")


def hosts(tree):
    """no address of a registry or mirror stands in the tree"""
    url = re.compile(r"(?:https?|ftp)" r"://([A-Za-z0-9.-]+)")
    mirror = re.compile(r"\b(?:deb|ftp|security|snapshot|mirrors?|archive|registry|proxy|pypi)"
                        r"\.[a-z0-9-]+\.(?:org|net|com|io|dev)\b")
    for path, text in tree.files.items():
        for nr, line in enumerate(text.split("\n"), 1):
            found = [h for h in url.findall(line) if not HARMLESS_HOST.search(h)]
            for host in found + mirror.findall(line):
                yield f"{path}:{nr}: {host}"


# Types only; every compiler brings them.
FREESTANDING = {"stddef.h", "stdint.h"}


def includes(tree):
    """the ABI is included as <public/...>; its own headers include nothing outside themselves"""
    for path, text in tree.under(*SOURCE_DIRS).items():
        if not is_c(path) or path.startswith("tests/abi/"):
            continue
        for nr, line in enumerate(text.split("\n"), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            quote, name = m.groups()
            if path.startswith("include/public/"):
                inside = os.path.normpath(os.path.join(os.path.dirname(path), name))
                standard = quote == "<" and name in FREESTANDING
                if not standard and (quote == "<" or inside not in tree.files):
                    yield f"{path}:{nr}: {name} is outside include/public"
            elif name.startswith("xen/") or (quote == '"' and "public/" in name):
                yield f"{path}:{nr}: {name}: say <public/...>"


RULES = [tour, file_sizes, hypervisor_size, spdx, layout, hosts, includes]
MIT = "/* SPDX-License-Identifier: " + "MIT */\n"
# For each rule, trees that break it, one way each.
BROKEN = {
    tour: [{"hypervisor/README.md": "", "hypervisor/mm/a.c": MIT},
           {"hypervisor/README.md": "`mm/a.c` `mm/a.c`", "hypervisor/mm/a.c": MIT},
           {"hypervisor/README.md": "`include/mm/a.c`", "hypervisor/mm/a.c": MIT},
           {"hypervisor/README.md": "`mm/gone.c`"}, {}],
    file_sizes: [{"dom0-tools/a.c": MIT + "\n" * 1000}, {"pv-drivers/a.c": "\n" * 1001}],
    hypervisor_size: [{f"hypervisor/{i}.c": "\n" * 1000 for i in range(28)}],
    spdx: [{"hypervisor/a.S": "\n"}, {"tests/x/Makefile": "all:\n"}, {"tests/run": "#!/bin/sh\n"}],
    layout: [{"tests/a.c": "\tint x;\n"}, {"tests/a.c": "int x; \n"}, {"tests/a.c": "int x;"},
             {"include/public/a.h": "x" * 101 + "\n"}],
    hosts: [{"README.md": "http:" "//deb" ".debian.org/debian"}, {"a": "pypi" ".python.org"},
            {".ci/x": "https:" "//a.b.c/d"}],
    includes: [{"tests/unit/a.c": "#include <xen/xen.h>\n"},
               {"dom0-tools/a.c": '#include "../include/public/xen.h"\n'},
               {"include/public/a.h": "#include <stdlib.h>\n"},
               {"include/public/io/a.h": '#include "../../b.h"\n'}],
}


def can_fail(rule):
    for files in BROKEN[rule]:
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
            if not list(rule(Tree(root))):
                yield f"does not complain of {sorted(files)[:3]}"


def main():
    tree = Tree(sys.argv[1])
    passed = failed = 0
    for rule in RULES:
        for what, complaints in ("its own test", list(can_fail(rule))), ("", list(rule(tree))):
            for complaint in complaints[:20]:
                print(f"lint: {what + ': ' if what else ''}{complaint}")
            if len(complaints) > 20:
                print(f"lint: ... and {len(complaints) - 20} more")
            if complaints:
                print(f"lint: FAILED {what} of: {rule.__doc__}" if what else
                      f"lint: FAILED: {rule.__doc__}")
            passed += not complaints
            failed += bool(complaints)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
