# SPDX-License-Identifier: MIT
"""seeds.py TARGET IMAGES OUT: writes starting inputs of a target into the folder OUT.

They are made of what is real and at hand: the configurations that the tests of xl read, what a
Linux guest says to xenstored and to the hypervisor when it starts, this machine's ACPI tables if it
shows them, and, when IMAGES has Debian's kernel, its headers, notes and instructions.
"""
import gzip
import lzma
import struct
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def u16(*v):
    return struct.pack(f"<{len(v)}H", *v)


def u32(*v):
    return struct.pack(f"<{len(v)}I", *v)


def u64(*v):
    return struct.pack(f"<{len(v)}Q", *v)


def xlcfg(_):
    yield from (p.read_bytes() for p in sorted((TOP / "tests/unit/xl/cases").glob("*.cfg")))
    yield (TOP / "dom0-tools/dom0/rootfs/etc/xen/demo.cfg").read_bytes()


# The target's steps, as its source numbers them.

XS = {name: n for n, name in enumerate(
    "CONTROL DIRECTORY READ GET_PERMS WATCH UNWATCH TRANSACTION_START TRANSACTION_END INTRODUCE "
    "RELEASE GET_DOMAIN_PATH WRITE MKDIR RM SET_PERMS WATCH_EVENT ERROR IS_DOMAIN_INTRODUCED "
    "RESUME SET_TARGET - RESET_WATCHES DIRECTORY_PART".split())}


def xs(who, op, payload, tx=0):
    return bytes([0, who, XS[op], tx]) + u16(len(payload)) + payload


def xenstore(_):
    home = b"/local/domain/1"
    yield (xs(0, "WRITE", home + b"/name\0demo") + xs(0, "SET_PERMS", home + b"\0n0\0r1\0") +
           xs(0, "MKDIR", home + b"/device\0") + xs(0, "SET_PERMS", home + b"/device\0b1\0") +
           xs(1, "WATCH", b"device\0tok\0") + xs(1, "DIRECTORY", b"device\0") +
           xs(1, "WRITE", b"device/vif/0/state\x004") + xs(0, "READ", home + b"/device/vif/0/state\0"))
    yield (xs(1, "TRANSACTION_START", b"\0") + xs(1, "MKDIR", b"data\0", 1) +
           xs(1, "WRITE", b"data/x\0y", 1) + xs(0, "WRITE", home + b"/data\0z") +
           xs(1, "TRANSACTION_END", b"T\0", 1) + xs(1, "DIRECTORY_PART", b"data\x000\0"))
    yield (xs(0, "WATCH", b"@releaseDomain\0r\0") + xs(0, "WATCH", b"@introduceDomain\0i\0") +
           xs(0, "SET_TARGET", b"1\x002\0") + xs(0, "IS_DOMAIN_INTRODUCED", b"1\0") +
           bytes([6, 2]) + bytes([7, 1]) + xs(0, "RELEASE", b"3\0") +
           xs(0, "INTRODUCE", b"3\x000\x001\0") + xs(0, "RESUME", b"2\0"))
    yield (xs(0, "CONTROL", b"quota\0set\0nodes\x005\0") + xs(0, "CONTROL", b"check\0") +
           xs(0, "CONTROL", b"quota\x001\0") + xs(0, "CONTROL", b"help\0") +
           b"".join(xs(2, "WRITE", b"n%d\0v" % i) for i in range(12)) +
           xs(2, "RM", b"n3\0") + xs(2, "GET_PERMS", b"n1\0") + xs(0, "CONTROL", b"memreport\0"))
    # A list that is kept, while its children come and go inside transactions and out of them.
    read = bytes([3, 2])
    more = (b"".join(xs(2, "MKDIR", b"k/%d\0" % i) for i in range(12)) + xs(2, "DIRECTORY", b"k\0") + read)
    inside = [xs(2, "TRANSACTION_START", b"\0") + xs(2, "DIRECTORY", b"k\0", t) +
              xs(2, "MKDIR", b"k/a\0", t) + xs(2, "RM", b"k/3\0", t) + xs(2, "DIRECTORY", b"k\0", t)
              for t in (1, 2)]
    yield (xs(0, "MKDIR", b"/local/domain/2\0") + xs(0, "SET_PERMS", b"/local/domain/2\0n2\0") + more +
           inside[0] + xs(2, "TRANSACTION_END", b"T\0", 1) + xs(2, "DIRECTORY", b"k\0") + read +
           inside[1] + xs(0, "RM", b"/local/domain/2/k/5\0") + xs(2, "DIRECTORY_PART", b"k\x007\0") +
           xs(2, "TRANSACTION_END", b"T\0", 2) + read + xs(2, "RM", b"k\0") + more)
    yield bytes([4, 1]) + u32(0xffffffff) + b"\1" + bytes([2, 2, 40]) + u32(11, 1, 0, 4097)
    yield bytes([1, 3, XS["WRITE"], 0, 0x13, 0x23, 0x34, 0x21]) * 3


def event(_):
    a = 1  # of three domains: the first guest
    op = {"bind_interdomain": 0, "bind_virq": 1, "bind_pirq": 2, "close": 3, "send": 4, "status": 5,
          "alloc_unbound": 6, "bind_ipi": 7, "bind_vcpu": 8, "unmask": 9, "reset": 10,
          "init_control": 11, "expand_array": 12, "set_priority": 13}

    def call(name, who, arg):
        return bytes([op[name], who]) + arg

    yield (call("alloc_unbound", a, u16(0x7ff0, 2) + u32(0)) +
           call("bind_interdomain", 2, u16(1, 0) + u32(1, 0)) + call("send", a, u32(1)) +
           call("unmask", 2, u32(1)) + call("status", a, u16(0x7ff0, 0) + u32(1) + bytes(16)) +
           call("bind_vcpu", 2, u32(1, 1)) + call("close", 2, u32(1)) + call("close", a, u32(1)))
    yield (call("bind_virq", a, u32(0, 0, 0)) + call("bind_ipi", 2, u32(1, 0)) +
           call("init_control", a, u64(5) + u32(0, 0) + bytes(8)) +
           call("expand_array", a, u64(6)) + call("set_priority", a, u32(1, 3)) +
           bytes([20, a, 0]) + call("bind_ipi", a, u32(1, 0)) + call("send", a, u32(2)) +
           bytes([17, a, 1]) + u16(2) + u32(0x20000000) + call("reset", a, u16(0x7ff0)))
    yield (call("bind_pirq", 0, u32(5, 0, 0)) + call("bind_virq", 0, u32(3, 0, 0)) +
           b"".join(call("alloc_unbound", 0x40 + a, u16(0x7ff0, 2) + u32(0)) for _ in range(70)) +
           call("reset", 0x40 + a, u16(0x7ff0)) + call("reset", 0x60 + a, u16(0x7ff0)) +
           bytes([21, a]))


def grant(_):
    a, b = 1, 2
    m, un, setup, copy, query, replace, version, status, getv, swap = 0, 1, 2, 5, 6, 7, 8, 9, 10, 11

    def call(op, who, count, arg):
        return bytes([op, who, count, len(arg)]) + arg

    def entry(who, ref, raw, frame=0):
        return bytes([15, who, frame, ref // 2]) + raw

    v1 = struct.pack("<HHI", 1, 2, 5) * 2  # permit_access to domain 2, frame 5
    for flags in 2, 4, 6, 3, 7:
        yield (entry(a, 8, v1) + call(m, b, 1, u64(0x40000) + u32(flags, 8) + u16(1, 0) + u32(0) + u64(0)) +
               call(un, b, 1, u64(0x40000, 5 << 12 if flags & 1 else 0) + u32(0, 0)))
    for dst in 9, 10:
        yield (entry(a, 8, v1) + call(copy, b, 1, u32(8, 0) + u16(1, 0) + bytes(4) + u64(dst) +
                                      u16(0x7ff0, 16) + bytes(4) + u16(64, 1) + bytes(4)))
    yield (call(setup, a, 1, u16(0x7ff0, 0) + u32(2) + bytes(8) + u64(0x10100)) +
           call(query, a, 1, u16(0x7ff0, 0) + bytes(12)) + call(version, a, 1, u32(2)) +
           call(status, a, 1, u32(1) + u16(0x7ff0, 0) + u64(0x10100)) +
           call(getv, a, 1, u16(0x7ff0, 0) + u32(0)) + call(swap, a, 1, u32(8, 9) + bytes(8)))
    v2 = struct.pack("<HHIQ", 1, 2, 0, 5)
    trans = struct.pack("<HHHHII", 3, 2, 0, 0, 8, 0)
    yield (call(version, a, 1, u32(2)) + entry(a, 8 * 2, v2) + entry(a, 9 * 2, trans) +
           call(m, b, 1, u64(0x40000) + u32(2, 8) + u16(1, 0) + u32(0) + u64(0)) + bytes([17, b]) +
           bytes([17, a]) + call(replace, b, 1, u64(0x40000, 0x40008) + u32(0, 0)))


def mm(_):
    me = 0
    rwp, rop = u16(0x67), u16(0x25)
    l4, l3, l2, l1, d0 = 0, 1, 2, 3, 4

    def update(*reqs, dom=0, who=me):
        return bytes([0, who, len(reqs) - 1, dom]) + b"".join(reqs)

    def slot(table, i, cmd=0):
        return bytes([table]) + u16(i | cmd << 13)

    def ext(cmd, frame, src=0, who=me):
        return bytes([1, who, 0, 0, cmd, frame, src])

    yield (update(slot(l1, 20) + bytes([l2]) + rwp) + update(slot(l1, 20) + bytes([l2]) + rop) +
           update(slot(l1, 0) + bytes([d0 + 1]) + rwp, slot(l2, 1) + bytes([d0]) + rwp))
    yield ext(4, l4) + ext(0, d0) + ext(5, l4) + ext(15, l4) + ext(16, d0) + ext(17, d0 + 1, d0)
    yield (bytes([6, me, d0, 3, 0, d0]) + rop + ext(0, d0) + update(slot(l2, 1) + bytes([d0]) + rwp) +
           bytes([2, me]) + u16(20) + b"\0" + bytes([d0 + 2]) + rwp + b"\0")
    res = u64(0) + u64(3) + u32(0, 0) + u16(0x7ff0)
    for cmd in 0, 1, 6:
        yield (bytes([3, 0x40 | me, cmd, 3, len(res)]) + res + bytes([d0 + 5, d0 + 6, d0 + 7]) +
               ext(0, 27))
    x = u64(0, 4) + u32(0, 0) + u16(0x7ff0, 0, 0, 0) + u64(0, 1) + u32(2, 0) + u16(0x7ff0, 0, 0, 0) + u64(0)
    yield bytes([3, me, 11, 4, len(x)]) + x + bytes([d0 + 4, d0 + 5, d0 + 6, d0 + 7])
    yield bytes([4, me, 1, d0]) + u16(512) + bytes([5, me, d0]) + u16(3) + u64(0x00affb000000ffff)
    yield (update(slot(l1, 30) + bytes([17]) + rwp, dom=5, who=7) +
           update(slot(l1, 31) + bytes([25]) + rwp, dom=7, who=7) + bytes([1, 7, 0, 5, 0, 17, 0]))


def decoder(images):
    vmlinux = images / "vmlinux"
    text = vmlinux.read_bytes()[0x200000:0x600000] if vmlinux.exists() else b""
    for op in b"\x0f\x30", b"\x0f\x32", b"\x0f\xa2", b"\x0f\x22", b"\x0f\x20", b"\xf3\xa4", b"\xee", \
            b"\x48\x87", b"\xf0\x48\x0f\xb1", b"\xf0\x0f\xba", b"\x48\x89\x04\xcb", b"\x48\x01":
        at = -1
        for _ in range(3):
            at = text.find(op, at + 1)
            if at >= 0:
                yield text[at:at + 15] + bytes(49)
        yield op + bytes(60)


def acpi(_):
    tables = Path("/sys/firmware/acpi/tables")
    try:
        found = [(tables / name).read_bytes() for name in ("APIC", "FACP", "HPET", "MCFG")
                 if (tables / name).exists()]
    except PermissionError:
        found = []
    if found:
        yield acpi_image(found)


def acpi_image(tables):
    """What the target takes: no EFI, and memory with root pointer, RSDT and tables."""
    at, blob, offsets = 0xe0000, b"", []
    start = 32 + 36 + 4 * len(tables)
    for t in tables:
        offsets.append(at + start + len(blob))
        blob += t + bytes(-len(t) % 8)
    rsdt = bytearray(b"RSDT" + u32(36 + 4 * len(tables)) + b"\1\0OEMID OEMTABLE" + u32(1, 0, 1) +
                     u32(*offsets))
    rsdt[9] = -sum(rsdt) & 255
    rsdp = bytearray(b"RSD PTR \0OEMID \0" + u32(at + 32))
    rsdp[8] = -sum(rsdp) & 255
    return b"\0" + u16(0) + bytes(rsdp).ljust(32, b"\0") + bytes(rsdt) + blob


def small_elf(elf):
    """The kernel with its headers and notes, and 64 bytes of each segment."""
    phoff, = struct.unpack_from("<Q", elf, 32)
    phnum, = struct.unpack_from("<H", elf, 56)
    head = bytearray(elf[:64])
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<Q", head, 40, 0)
    struct.pack_into("<HH", head, 60, 0, 0)
    at, phdrs, body = 64 + 56 * phnum, b"", b""
    for i in range(phnum):
        kind, flags, off, va, pa, filesz, memsz, align = struct.unpack_from("<IIQQQQQQ", elf,
                                                                            phoff + 56 * i)
        filesz = filesz if kind == 4 else min(filesz, 64)
        phdrs += struct.pack("<IIQQQQQQ", kind, flags, at + len(body), va, pa, filesz, memsz, align)
        body += elf[off:off + filesz] + bytes(-filesz % 8)
    return bytes(head) + phdrs + body


def bzimage(header, payload):
    setup = bytearray(header[:0x400].ljust(0x400, b"\0"))
    setup[0x1f1] = 1
    struct.pack_into("<II", setup, 0x248, 0, len(payload))
    return bytes(setup) + payload


def synthetic_elf():
    base = 0xffffffff80000000

    def note(kind, desc):
        return u32(4, len(desc), kind) + b"Xen\0" + desc + bytes(-len(desc) % 4)

    notes = (note(6, b"linux\0") + note(5, b"xen-3.0\0") + note(3, u64(base)) +
             note(1, u64(base + 0x1000040)) + note(2, u64(base + 0x1001000)) +
             note(15, u64(0x8000000000)) + note(16, u32(1)) + note(8, b"generic\0") +
             note(10, b"!writable_page_tables|pae_pgdir_above_4gb\0"))
    head = b"\x7fELF\2\1\1" + bytes(9) + u16(2, 62) + u32(1) + u64(base + 0x1000000, 64, 0) + u32(0) + \
        u16(64, 56, 2, 64, 0, 0)
    load = u32(1, 7) + u64(176, base, 0x1000000, len(notes), 0x4000, 4096)
    return head + load + u32(4, 4) + u64(176, 0, 0, len(notes), len(notes), 4) + notes


def image(images):
    elf = synthetic_elf()
    kernels = [elf]
    header = bytes(0x1fe) + b"\x55\xaa\0\0HdrS" + u16(0x20f)
    if (images / "vmlinux").exists() and (images / "vmlinuz").exists():
        kernels.append(small_elf((images / "vmlinux").read_bytes()))
        with open(images / "vmlinuz", "rb") as f:
            yield bzimage(f.read(0x400), gzip.compress(kernels[1], mtime=0))
    for k in kernels:
        packed = [gzip.compress(k, mtime=0), lzma.compress(k), lz4_literals(k), zstd_raw(k)]
        yield from [k, bzimage(header, k)] + packed + [bzimage(header, p) for p in packed]
    legacy = elf[:64] + elf[64:120]
    text = b"GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x1001," \
        b"FEATURES=writable_page_tables|!pae_pgdir_above_4gb,LOADER=generic\0"
    names = b"\0__xen_guest\0.shstrtab\0"
    at = 120
    sh = u32(0, 0) + u64(0, 0, 0, 0) + u32(0, 0) + u64(0, 0)
    sh += u32(1, 1) + u64(0, 0, at, len(text)) + u32(0, 0) + u64(1, 0)
    sh += u32(13, 3) + u64(0, 0, at + len(text), len(names)) + u32(0, 0) + u64(1, 0)
    head = bytearray(legacy)
    struct.pack_into("<Q", head, 40, at + len(text) + len(names))
    struct.pack_into("<HHHH", head, 56, 1, 64, 3, 2)
    struct.pack_into("<QQQQQ", head, 64 + 8, at, 0, 0x1000000, len(text), 0x4000)
    yield bytes(head) + text + names + sh


def lz4_literals(data):
    """One block of the legacy framing, literals only."""
    n = len(data) - 15
    block = b"\xf0" + b"\xff" * (n // 255) + bytes([n % 255]) + data
    return u32(0x184c2102, len(block)) + block + u32(len(data))


def zstd_raw(data):
    head = u32(0xfd2fb528) + b"\xa0" + u32(len(data))
    return head + (len(data) << 3 | 1).to_bytes(3, "little") + data


def multiboot(_):
    """As GRUB 2.06 hands it over; captured ones are in the corpus."""
    def tag(kind, body):
        return u32(kind, 8 + len(body)) + body + bytes(-len(body) % 8)

    mmap = b"".join(u64(a, n) + u32(t, 0) for a, n, t in
                    ((0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (0x100000, 0xff00000, 1), (0xfffc0000, 0x40000, 2)))
    tags = (tag(1, b"dom0_mem=64M com1=115200,8n1 console=com1 -- x\0") + tag(2, b"GRUB 2.06\0") +
            tag(3, u32(0x1000000, 0x1200000) + b"/boot/vmlinuz root=/dev/sda1\0") +
            tag(6, u32(24, 0) + mmap) + tag(8, u64(0xfd000000) + u32(4096, 1024, 768) + b"\x20\1\0\0" +
                                            b"\x10\x08\x08\x08\0\x08") +
            tag(14, b"RSD PTR " + bytes(12)) + tag(12, u64(0x7f000000)) +
            tag(17, u32(48, 1) + u32(7, 0) + u64(0, 0, 16, 15)) + tag(0, b""))
    yield b"\1" + u32(0, 0) + tags
    info = [0] * 22
    info[0], info[4], info[5], info[6] = 0x24c, 0x10058, 1, 0x10078
    info[11], info[12], info[16] = 48, 0x10088, 0x10058
    yield (b"\0" + u32(*info) + b"hospes dom0_mem=1G,max:1G\0".ljust(32, b"\0") +
           u32(0x800000, 0x900000, 0x10058, 0) + u32(20) + u64(0, 0x9fc00) + u32(1) + u32(20) +
           u64(0x100000, 0x7f00000) + u32(1))


def main():
    target, images, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    for n, data in enumerate(globals()[target](images)):
        (out / f"seed-{n:02}").write_bytes(data)


if __name__ == "__main__":
    main()
