# SPDX-License-Identifier: MIT
"""What `xl create` is given wrong: the message names what and where, the status is not 0, and
nothing is left behind. All in one boot."""
import re
import struct

from guests import (DOMU, create_domu, config_text, domu_image, host,  # noqa: F401
                    put_command, put_file, same_state, state, with_our_tools)

pytestmark = with_our_tools

NOTES = [(6, b"bad\0"), (5, b"xen-3.0\0"), (8, b"generic\0"), (3, struct.pack("<Q", 0)),
         (1, struct.pack("<Q", 0x100000)), (9, b"yes\0")]


def notes_blob(notes):
    out = b""
    for kind, value in notes:
        out += struct.pack("<III", 4, len(value), kind) + b"Xen\0"
        out += value + b"\0" * (-len(value) % 4)
    return out


def elf(segments, notes=NOTES, machine=62, bits=2, headers_at=64, cut=None):
    """An ELF file. segments: (physical address, file bytes, memory bytes, offset or None)."""
    blob = notes_blob(notes)
    count = len(segments) + 1
    notes_at = 64 + count * 56
    at = notes_at + len(blob)
    headers, data = [], b""
    for paddr, filesz, memsz, offset in segments:
        where = at + len(data) if offset is None else offset
        if offset is None:
            data += b"\x90" * filesz
        headers.append(struct.pack("<IIQQQQQQ", 1, 7, where, paddr, paddr, filesz, memsz, 4096))
    headers.append(struct.pack("<IIQQQQQQ", 4, 4, notes_at, 0, 0, len(blob), len(blob), 4))
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x100000, headers_at, 0, 0, 64,
                                 56, count, 0, 0, 0)
    whole = header + b"".join(headers) + blob + data
    return whole[:cut]


BODY = (0x100000, 64, 4096, None)


def replaced(kind, value):
    return [(k, value if k == kind else v) for k, v in NOTES]


# kernel file name: its bytes, and what xl must say of it
KERNELS = {
    "empty": (b"", r"file is empty"),
    "text": (b"not a kernel at all\n" * 20, r"not a kernel: neither bzImage nor ELF"),
    "cut-header": (elf([BODY], cut=40), r"not a kernel: neither bzImage nor ELF|cut short|damaged"),
    "cut-segment": (elf([BODY], cut=-32), r"ELF segment 0 lies outside the file"),
    "outside": (elf([(0x100000, 64, 4096, 1 << 40)]), r"ELF segment 0 lies outside the file"),
    "overlap": (elf([BODY, (0x100800, 64, 4096, None)]),
                r"ELF segments overlap at physical address 0x100800"),
    "wraps": (elf([BODY, (0xfffffffffffff000, 64, 8192, None)]),
              r"segment 1 wraps around the address space"),
    "shrinks": (elf([(0x100000, 64, 32, None)]), r"larger in the file than in memory"),
    "huge": (elf([BODY, (1 << 40, 64, 4096, None)]), r"kernel spans \d+ MiB of memory"),
    "32bit": (elf([BODY], bits=1), r"32-bit kernel; only x86-64 guests are supported"),
    "arm": (elf([BODY], machine=183), r"for ELF machine 183, not x86-64"),
    "headers": (elf([BODY], headers_at=1 << 50), r"program headers lie outside the file"),
    "no-segment": (elf([]), r"no loadable segment"),
    "no-notes": (elf([BODY], notes=[]), r"no Xen notes"),
    "loader": (elf([BODY], notes=replaced(8, b"other\0")), r"wants the loader 'other'"),
    "version": (elf([BODY], notes=replaced(5, b"xen-9.9\0")), r"Xen interface 'xen-9\.9'"),
    "entry": (elf([BODY], notes=replaced(1, struct.pack("<Q", 0x900000))),
              r"entry point 0x900000 is outside its segments"),
    "base": (elf([BODY], notes=replaced(3, struct.pack("<Q", 123))), r"VIRT_BASE 0x7b"),
    "feature": (elf([BODY], notes=NOTES + [(10, b"!auto_translated_physmap\0")]),
                r"requires the Xen feature 'auto_translated_physmap'"),
    "gzip-cut": (b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"x" * 20, r"gzip data is damaged or cut short"),
}

FREE = "/root/free.img"
BUSY = "/root/busy.img"
# title: settings that differ from a good guest's, and what xl must say
SETTINGS = {
    "no kernel file": ({"kernel": "/srv/none"}, r"/srv/none: cannot open: No such file"),
    "kernel is a folder": ({"kernel": "/srv"}, r"/srv: (not a regular file|.*directory)"),
    "kernel missing": ({"kernel": None}, r"Neither kernel nor bootloader"),
    "no ramdisk file": ({"ramdisk": "/srv/none.gz"}, r"/srv/none\.gz: cannot open: No such file"),
    "name missing": ({"name": None}, r"name is missing"),
    "name with a slash": ({"name": "a/b"}, r"name: 1 to 200 characters"),
    "duplicate name": ({"name": "holder"}, r'a domain named "holder" already exists \(id \d+\)'),
    "memory missing": ({"memory": None}, r"memory \(in MiB\) is missing"),
    "memory a text": ({"memory": "much"}, r"memory: 'much' is not a number"),
    "memory above free": ({"memory": 900000},
                          r"memory: domain \d+ needs 900000 MiB, .* free: lower 'memory'"),
    "memory too small": ({"memory": 1}, r"(guest memory of 1 MiB is too small|too small|outside)"),
    "maxmem below memory": ({"maxmem": 8}, r"maxmem: 8 is less than memory"),
    "no vcpus": ({"vcpus": 0}, r"vcpus: 0 is outside 1\.\."),
    "vcpus above maxvcpus": ({"vcpus": 4, "maxvcpus": 2}, r"maxvcpus: 2 is less than vcpus, 4"),
    "type": ({"type": "hvm"}, r"type: 'hvm' is not supported"),
    "action": ({"on_crash": "explode"}, r"on_crash: unknown action 'explode'"),
    "uuid": ({"uuid": "123"}, r"uuid: '123' is not like"),
    "cpus": ({"cpus": "x-y"}, r"cpus: 'x-y' is not like"),
    "pci": ({"pci": ["00:01.0"]}, r"pci is not supported by Hospes yet: remove it"),
    "long cmdline": ({"cmdline": "x" * 1100}, r"kernel command line has 1100 bytes"),
    "disk is no list": ({"disk": "phy:/dev/x,xvda,w"}, r"disk takes a list"),
    "no disk file": ({"disk": ["/srv/none.img,raw,xvda,rw"]}, r"/srv/none\.img: No such file"),
    "disk in use": ({"disk": [f"{BUSY},raw,xvda,rw"]}, r"in use by guest holder \(domain \d+\)"),
    "disk twice": ({"disk": [f"{FREE},raw,xvda,rw", f"{BUSY},raw,xvda,rw"]},
                   r"another disk is already xvda"),
    "same file twice": ({"disk": [f"{FREE},raw,xvda,rw", f"{FREE},raw,xvdb,rw"]},
                        r"disk xvdb, /root/free\.img: in use by guest"),
    "disk without vdev": ({"disk": [f"{FREE},raw"]}, r"no vdev .* is given"),
    "disk format": ({"disk": [f"{FREE},zip,xvda,rw"]}, r"unknown format 'zip'"),
    "disk access": ({"disk": [f"{FREE},raw,xvda,maybe"]}, r"unknown access 'maybe'"),
    "disk vdev": ({"disk": [f"{FREE},raw,floppy,rw"]}, r"unknown virtual disk 'floppy'"),
    "disk is a folder": ({"disk": ["/root,raw,xvda,rw"]}, r"neither a file nor a block device"),
    "absent bridge": ({"vif": ["bridge=br-none"]}, r"vif 0: bridge br-none does not exist"),
    "bad mac": ({"vif": ["mac=00:16:3e:zz:00:01"]}, r"mac=00:16:3e:zz:00:01: an address"),
    "vif field": ({"vif": ["bridge"]}, r"'bridge' is not of the form key=value"),
    "vif script missing": ({"vif": ["script=/root/none"]}, r"script /root/none: No such file"),
    "vif script fails": ({"vif": ["script=/root/fails"]}, r"exit code 7: no luck today"),
    "disk script fails": ({"disk": ["vdev=xvda,script=/root/fails,target=x"]},
                          r"exit code 7: no luck today"),
}

# text of the file, and the message with its line and column
SYNTAX = {
    "no value": ("name = \n", r":1:8: error: expected a value"),
    "open string": ("name = 'x\nmemory = 16\n", r":1:10: error: expected a closing '"),
    "open list": ("name = 'x'\ndisk = [ 'a', \n", r"error: expected a value|expected ',' or '\]'"),
    "no name": ("= 3\n", r":1:1: error: expected the name of a setting"),
    "two values": ("name = 'x' 'y'\n", r":1:12: error: expected the end of the line"),
    "bad escape": ("name = 'a\\q'\n", r":1:11: error: expected an escape"),
    "bare word": ("name = hello\n", r":1:8: error: expected a value"),
    "binary": ("\x01\x02\n", r":1:1: error: expected the name of a setting, found byte 0x01"),
    "deep list": ("a = " + "[" * 40 + "\n", r"lists are nested more than"),
}

ARGUMENTS = {
    "no such file": ("/root/none.cfg", r"Failed to read config file: /root/none\.cfg: No such"),
    "override": (f"/dev/null name=x memory=16 kernel={DOMU!r}", r"expected a value|is not"),
}


def cases():
    """title, arguments of `xl create`, file contents to put first, pattern."""
    for name, (data, pattern) in KERNELS.items():
        path = f"/root/kernel-{name}"
        text = config_text(name="bad", type="pv", kernel=path, memory=16)
        yield f"kernel {name}", "/root/bad.cfg", {path: data, "/root/bad.cfg": text}, pattern
    for title, (changes, pattern) in SETTINGS.items():
        keys = {"name": "bad", "type": "pv", "kernel": DOMU, "memory": 16} | changes
        text = config_text(**{k: v for k, v in keys.items() if v is not None})
        yield title, "/root/bad.cfg", {"/root/bad.cfg": text}, pattern
    for title, (text, pattern) in SYNTAX.items():
        yield f"syntax {title}", "/root/bad.cfg", {"/root/bad.cfg": text}, pattern
    for title, (arguments, pattern) in ARGUMENTS.items():
        yield f"arguments {title}", arguments, {}, pattern


def script_of(all_cases):
    """One script that does every case, and says after each which domains are there."""
    script = ""
    for _, arguments, files, _ in all_cases:
        for path, data in files.items():
            script += put_command(path, data) + "\n"
        script += (f"xl create {arguments} 2>&1; status=$?\n"
                   "echo; echo \"case-end $status\" $(xl list | awk 'NR > 1 { print $1 }')\n")
    return script


def test_bad_inputs(host):  # noqa: F811
    """Each is refused with its message; afterwards everything is as it was."""
    all_cases = list(cases())
    assert len(all_cases) >= 30
    host.check(f"truncate -s 1M {FREE} {BUSY}; "
               "printf '#!/bin/sh\\necho no luck today >&2\\nexit 7\\n' > /root/fails; "
               "chmod +x /root/fails")
    create_domu(host, "holder", disk=[f"{BUSY},raw,xvda,rw"])
    before = state(host)
    output = host.check(script_of(all_cases), timeout=600)
    results = re.findall(r"(.*?)^case-end (\d+) (.*?)$", output, re.S | re.M)
    assert len(results) == len(all_cases), output
    wrong = []
    for (title, _, _, pattern), (text, status, listed) in zip(all_cases, results):
        if status == "0" or not re.search(pattern, text):
            wrong.append(f"{title}: status {status}, no {pattern!r} in:\n{text}")
        if sorted(listed.split()) != ["Domain-0", "holder"]:
            wrong.append(f"{title}: left behind {listed}")
    assert not wrong, "\n".join(wrong)
    same_state(host, before)


def test_truncated_stock_kernels(host):  # noqa: F811
    """Debian's bzImages with xz and lz4 payloads, cut at several places."""
    before = state(host)
    wrong = []
    for flavour in ("amd64", "cloud-amd64"):
        for size in (400, 1024, 20000, 3000000):
            text = config_text(name="bad", type="pv", kernel="/root/cut", memory=64)
            put_file(host, "/root/bad.cfg", text)
            result = host.run(f"head -c {size} /srv/guest/{flavour}/vmlinuz > /root/cut; "
                              "xl create /root/bad.cfg", timeout=180)
            if result.status == 0 or not re.search(
                    r"/root/cut: .*(cut short|neither bzImage nor ELF)", result.output):
                wrong.append(f"{flavour} {size}: {result.status}\n{result.output}")
    assert not wrong, "\n".join(wrong)
    same_state(host, before)


def test_image_itself_is_good(host):  # noqa: F811
    """The builder of bad images makes a good one too, so that each is bad by one thing only."""
    assert domu_image()[:4] == b"\x7fELF"
    put_file(host, "/root/good", elf([BODY]))
    put_file(host, "/root/good.cfg",
             config_text(name="good", type="pv", kernel="/root/good", memory=16))
    host.check("xl create -p /root/good.cfg && xl list good && xl destroy good")
