# SPDX-License-Identifier: MIT
"""Extract the binary interface that a tree of public headers defines.

A tree is a directory under which <public/...> is found. What comes out is a plain dictionary from
item names to descriptions, so that two trees compare by comparing dictionaries:

    macro NAME                   value, size and signedness, or the expanded text
    macro NAME()                 parameters and body, white space removed
    enumerator NAME              value
    struct|union|enum|typedef X  size
    field struct X.a.b           bit offset, bit width, kind

Types come from the compiler's own debug information, values from running a generated program.
"""
import os
import re
import subprocess

MODES = {"guest": ["-D__XEN_INTERFACE_VERSION__=0x00040e00"], "xen": ["-D__XEN__"],
         "tools": ["-D__XEN_TOOLS__"]}
# sys/types.h: libxen-dev's io/libxenvchan.h brings it in
PRELUDE = "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n#include <sys/types.h>\n"
CONTROL_ONLY = {"domctl.h", "sysctl.h"}


def run(args, **kw):
    done = subprocess.run(args, capture_output=True, text=True, **kw)
    if done.returncode:
        raise SystemExit("%s\n%s" % (" ".join(args), done.stderr[:4000]))
    return done.stdout


class Tree:
    """One tree in one mode."""

    base = {}  # the prelude's own types, by compiler

    def __init__(self, cc, incdir, headers, mode, work):
        self.flags = ["-std=gnu99", "-w", "-I", incdir] + MODES[mode]
        self.cc, self.work, self.incdir = cc, work, incdir
        os.makedirs(work, exist_ok=True)
        wanted = [h for h in headers if mode != "guest" or h not in CONTROL_ONLY]
        self.source = PRELUDE + "#include <public/xen.h>\n"
        self.source += "".join("#include <public/%s>\n" % h for h in wanted)

    def items(self):
        found = {}
        found.update(self.macros())
        found.update(self.types())
        return found

    # -- macros ------------------------------------------------------------------------------
    def defines(self):
        """Names and bodies of the macros that files of this tree leave defined."""
        text = run([self.cc, *self.flags, "-E", "-dD", "-"], input=self.source)
        here, objects, functions = False, {}, {}
        for line in text.splitlines():
            mark = re.match(r'# \d+ "([^"]*)"', line)
            if mark:
                here = mark.group(1).startswith(self.incdir)
                continue
            gone = re.match(r"#undef (\w+)", line)
            if gone:
                objects.pop(gone.group(1), None)
                functions.pop(gone.group(1), None)
            if not here:
                continue
            made = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", line)
            if made and made.group(2) is not None:
                functions[made.group(1)] = (made.group(2), made.group(3))
            elif made:
                objects[made.group(1)] = made.group(3)
        return objects, functions

    def macros(self):
        objects, functions = self.defines()
        names = sorted(n for n in objects if objects[n].strip())
        probe = self.source + "".join("@@ %s %s\n" % (n[0] + "~" + n[1:], n) for n in names)
        expanded = {}
        for line in run([self.cc, *self.flags, "-E", "-P", "-"], input=probe).splitlines():
            part = re.match(r"\s*@@ (\w)\s*~\s*(\w*)(.*)", line)
            if part:
                expanded[part.group(1) + part.group(2)] = re.sub(r"\s+", "", part.group(3))
        values = self.values([n for n in names if '"' not in expanded.get(n, "")])
        found = {"macro " + n: values.get(n, expanded.get(n, "").replace('""', "")) for n in names}
        for name, (args, body) in functions.items():
            found["macro %s()" % name] = re.sub(r"\s+", "", args + body)
        return found

    def values(self, names):
        """Evaluate the macros that are expressions: those that compile."""
        path = self.work + "/values.c"
        for _ in range(4):
            head = self.source + "int printf(const char *, ...);\n"
            lines = ['static void f_%s(void){printf("%s %%lld %%u %%d\\n",(long long)(%s),'
                     "(unsigned)sizeof(%s),(__typeof__(%s))-1<0);}" % (n, n, n, n, n)
                     for n in names]
            calls = "int main(void){%s return 0;}\n" % "".join("f_%s();" % n for n in names)
            with open(path, "w", encoding="ascii") as out:
                out.write(head + "\n".join(lines) + "\n" + calls)
            done = subprocess.run([self.cc, *self.flags, "-fmax-errors=0", "-O0", path, "-o",
                                   self.work + "/values"], capture_output=True, text=True)
            if not done.returncode:
                break
            bad = set(re.findall(r"[Ii]n function .*?\bf_(\w+)", done.stderr))
            names = [n for n in names if n not in bad]
        else:
            raise SystemExit(done.stderr[:4000])
        rows = (line.split() for line in run([self.work + "/values"]).splitlines())
        return {n: "value %s, %s bytes, %s" % (v, size, "signed" if neg == "1" else "unsigned")
                for n, v, size, neg in rows}

    # -- types -------------------------------------------------------------------------------
    def types(self):
        """Whatever the headers add to the types of the prelude alone."""
        if self.cc not in self.base:
            self.base[self.cc] = self.layouts(PRELUDE)
        ours, base = self.layouts(self.source), self.base[self.cc]
        return {k: v for k, v in ours.items() if k not in base}

    def layouts(self, source):
        obj = self.work + "/types.o"
        run([self.cc, *self.flags, "-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-c",
             "-x", "c", "-", "-o", obj], input=source)
        return Layouts(run(["readelf", "--debug-dump=info", "-W", obj])).items()


class Layouts:
    """Types in readelf's print-out of DWARF."""

    TAG = re.compile(r"\s*<(\w+)><(\w+)>: Abbrev Number: \d+(?: \(DW_TAG_(\w+)\))?")
    # newer versions print the form of a value before it: "(data1) 8"
    FORM = re.compile(r"^(\(\w+\) )?(\([^)]*offset[^)]*\): )?")
    ATTR = re.compile(r"\s*<\w+>\s+DW_AT_(\w+)\s*: (.*)")

    def __init__(self, text):
        self.dies, self.top = {}, []
        stack, die = [], None
        for line in text.splitlines():
            tag = self.TAG.match(line)
            if tag:
                if not tag.group(3):
                    continue
                depth = int(tag.group(1), 16)
                die = {"tag": tag.group(3), "kids": []}
                self.dies[int(tag.group(2), 16)] = die
                del stack[depth:]
                if stack:
                    stack[-1]["kids"].append(die)
                if depth == 1:
                    self.top.append(die)
                stack.append(die)
                continue
            attr = self.ATTR.match(line)
            if attr and die is not None:
                value = self.FORM.sub("", attr.group(2).strip())
                if attr.group(1) == "type":
                    value = re.search(r"<(\w+)>", value).group(1)
                die[attr.group(1)] = value

    def type_of(self, die):
        ref = die.get("type")
        return self.dies[int(ref, 16)] if ref else {"tag": "void", "kids": []}

    def strip(self, die):
        while die["tag"] in ("typedef", "const_type", "volatile_type"):
            die = self.type_of(die)
        return die

    def count(self, die):
        total = 1
        for kid in die["kids"]:
            if kid["tag"] == "subrange_type":
                bound = kid.get("upper_bound", kid.get("count"))
                if bound is None:
                    return 0
                total *= int(bound, 0) + ("upper_bound" in kid)
        return 0 if total >= 1 << 63 else total

    def size(self, die):
        die = self.strip(die)
        if die["tag"] == "array_type":
            return self.count(die) * self.size(self.type_of(die))
        return int(die.get("byte_size", "0"), 0)

    def kind(self, die):
        if die["tag"] in ("const_type", "volatile_type"):
            return die["tag"][:-5] + " " + self.kind(self.type_of(die))
        die = self.strip(die)
        if die["tag"] == "base_type":
            return die["encoding"].split("\t")[-1].strip("()")
        if die["tag"] == "pointer_type":
            target = self.type_of(die)
            if self.strip(target)["tag"] in ("structure_type", "union_type"):
                return "pointer to " + self.strip(target).get("name", "anonymous")
            return "pointer to " + self.kind(target)
        return die["tag"]

    def fields(self, die, path, base, out):
        for kid in die["kids"]:
            if kid["tag"] != "member":
                continue
            start = base + 8 * int(kid.get("data_member_location", "0"), 0)
            inner = self.type_of(kid)
            plain = self.strip(inner)
            if "bit_size" in kid:
                width = int(kid["bit_size"], 0)
                start += 8 * int(kid["byte_size"], 0) - width - int(kid["bit_offset"], 0) \
                    if "bit_offset" in kid else int(kid.get("data_bit_offset", "0"), 0)
            else:
                width = 8 * self.size(inner)
            name = path + "." + kid["name"] if "name" in kid else path
            dims = ""
            while plain["tag"] == "array_type":
                dims += "[%d]" % self.count(plain)
                plain = self.strip(self.type_of(plain))
            if "name" in kid:
                out["field " + name] = "bit %d, %d bits, %s%s" % (start, width, self.kind(plain),
                                                                  dims)
            if plain["tag"] in ("structure_type", "union_type"):
                self.fields(plain, name, start, out)

    def items(self):
        out = {}
        words = {"structure_type": "struct", "union_type": "union", "enumeration_type": "enum",
                 "typedef": "typedef"}
        for die in self.dies.values():
            if die["tag"] == "enumerator":
                out["enumerator " + die["name"]] = die["const_value"]
        for die in self.top:
            word = words.get(die["tag"])
            if not word or "declaration" in die:
                continue
            if "name" in die:
                name = "%s %s" % (word, die["name"])
                out[name] = "%d bytes, %s" % (self.size(die), self.kind(die))
                plain = self.strip(die)
                if plain["tag"] in ("structure_type", "union_type"):
                    self.fields(plain, name, 0, out)
        return out
