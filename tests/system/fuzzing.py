# SPDX-License-Identifier: MIT
"""Hostile guests (tests/guest/fuzz): in pairs under a stock dom0, and what must hold after them; or
one in dom0's place."""
import collections
import contextlib
import re
import struct
import subprocess
import tempfile
from pathlib import Path

import machine
from guests import CONSOLE_LOGS, config_text, put_command, until, until_gone

KERNEL = "/srv/guest/fuzz.elf"
ROUND = 100000     # calls of one pair of guests
PAIR = ("fuzz-a", "fuzz-b")
ENDS = ("on_poweroff", "on_reboot", "on_crash", "on_watchdog", "on_soft_reset")
ROW = re.compile(r"^\| ([^|]+?) \| (\d+) \| (\d+) \|(.*)\|\s*$", re.M)
HEAD = "| call | made |"
END = re.compile(r"^fuzz: seed (\d+) vcpus \S+ calls (\d+) succeeded (\d+) %", re.M)
SO_FAR = re.compile(r"^fuzz: (\d+) calls so far", re.M)
REPORT = 10000  # calls between two tables of what was done so far
PANIC = re.compile(r"Panic on CPU|Xen BUG|Hospes panic|Assertion .* failed")
DOM0_GONE = re.compile(r"Hardware Dom0 (halted|shutdown|crashed)|Domain 0 crashed")

# struct record of tests/guest/fuzz/fuzz.h: magic, seed, vcpu, calls made, the last calls.
MAGIC = b"FUZZRCRD"
RECORD = struct.Struct("<8sQQQ")
RECORDED = struct.Struct("<24s10Q")
PAGE = 4096


class Table:
    """Per kind of call: how many succeeded, and how often it ended otherwise."""

    def __init__(self):
        self.made = collections.Counter()
        self.good = collections.Counter()
        self.bad = collections.defaultdict(collections.Counter)

    def add(self, text):
        """The last whole table of a guest's log."""
        ends = [match.start() for form in (END, SO_FAR) for match in form.finditer(text)]
        if not ends:
            return
        for name, made, good, rest in ROW.findall(text[text.rindex(HEAD, 0, max(ends)):max(ends)]):
            words = rest.split()
            self.count(name, int(made), int(good),
                       dict(zip(words[::2], map(int, words[1::2]))))

    def count(self, name, made, good, bad):
        self.made[name] += made
        self.good[name] += good
        self.bad[name].update(bad)

    def rows(self):
        """As lists, in which form a file keeps them: count(*row) puts one back."""
        return [[name, made, self.good[name], dict(self.bad[name])]
                for name, made in self.made.items()]

    def hypercalls(self):
        """Names in parentheses are no hypercalls."""
        return [name for name in self.made if not name.startswith("(")]

    def calls(self):
        return sum(self.made[name] for name in self.hypercalls())

    def share(self):
        return 100 * sum(self.good[name] for name in self.hypercalls()) / max(1, self.calls())

    def __str__(self):
        lines = ["| call | made | succeeded | otherwise |", "|---|---|---|---|"]
        for name, made in self.made.items():
            rest = " ".join(f"{what} {n}" for what, n in self.bad[name].most_common())
            lines.append(f"| {name} | {made} | {self.good[name]} | {rest} |")
        return "\n".join(lines)


def last_calls(vm, seeds, count=8):
    """What the guests with these seeds did last, from a dump of the machine's memory."""
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        dump = Path(scratch) / "memory"
        vm.monitor("pmemsave", val=0, size=2 << 30, filename=str(dump))
        with open(dump, "rb") as memory:
            while page := memory.read(PAGE):
                if not page.startswith(MAGIC):
                    continue
                _, seed, vcpu, made = RECORD.unpack_from(page)
                if seed not in seeds or vcpu > 7 or not made:
                    continue
                room = (PAGE - RECORD.size) // RECORDED.size
                lines.append(f"seed {seed} vcpu {vcpu}: {made} calls")
                for n in range(max(0, made - count), made):
                    name, *words = RECORDED.unpack_from(page, RECORD.size + n % room * RECORDED.size)
                    text = " ".join(f"{word:x}" for word in words)
                    lines.append(f"  {n} {name.rstrip(bytes(1)).decode(errors='replace')} {text}")
    return "\n".join(lines)


def free_memory(vm):
    return int(vm.check("xl info | awk '/^free_memory/ { print $3 }'"))


def create(vm, name, seed, calls, vcpus, peer):
    config = config_text(name=name, type="pv", kernel=KERNEL, memory=32, vcpus=vcpus,
                         **dict.fromkeys(ENDS, "preserve"),
                         extra=f"seed={seed} calls={calls} peer={peer} report={REPORT}")
    vm.check(f"rm -f {CONSOLE_LOGS}/guest-{name}.log*\n" +
             put_command(f"/root/{name}.cfg", config) + f"\nxl create /root/{name}.cfg", 300)


def over(name):
    """A shell condition: the guest has said its last word, has crashed or is gone."""
    return (f"{{ grep -q '^[*][*][*] TEST' {CONSOLE_LOGS}/guest-{name}.log 2>/dev/null || "
            f"! xl domid {name} > /dev/null 2>&1 || "
            f"xl list {name} | awk 'NR == 2 && $5 ~ /[scd]/ {{ found = 1 }} END {{ exit !found }}'; }}")


def one_round(vm, seed, calls, vcpus, table, say):
    """A pair of guests with this seed and the next; returns how many ended before their time."""
    seeds, early = (seed, seed + 1), 0
    try:
        for name, own, peer in zip(PAIR, seeds, ("next", "previous")):
            create(vm, name, own, calls // 2, vcpus, peer)
        for name in PAIR:
            until(vm, over(name), 900, f"{name} does not end")
        for name, own in zip(PAIR, seeds):
            log = vm.run(f"cat {CONSOLE_LOGS}/guest-{name}.log", 300).output.replace("\r", "")
            table.add(log)
            if not END.search(log):
                early += 1
                say(f"seed {own} died early:\n{last_calls(vm, (own,), 3)}")
            # An ERROR is a trap that its kernel could not stand: it has cut off its own branch.
            assert "FAILURE" not in log, log[-3000:]
        vm.check("; ".join(f"xl destroy {name} 2> /dev/null || true" for name in PAIR), 300)
        for name in PAIR:
            until_gone(vm, name)
    except (machine.MachineError, AssertionError):
        say(f"seed {seed}, last calls:\n{last_calls(vm, seeds)}")
        raise
    assert not PANIC.search(vm.console.text())
    return early


def fuzz(vm, seed, calls, vcpus=4, say=print, size=ROUND, table=None):
    """Rounds until so many calls were made, which are added to the table; checks after each that
    nothing is lost."""
    table, early, n = table or Table(), 0, 0
    vm.check(put_command(KERNEL, (machine.BUILD / "tests/guest/fuzz.elf").read_bytes()), 600)
    one_round(vm, seed, 2000, vcpus, Table(), say)  # what is made at first use and stays
    before = free_memory(vm)
    while table.calls() < calls:
        own = seed * 1000 + 2 * n
        early += one_round(vm, own, min(size, calls - table.calls() + 100), vcpus, table, say)
        n += 1
        until(vm, f"[ $(xl info | awk '/^free_memory/ {{ print $3 }}') -ge {before} ]", 60,
              f"memory does not come back after seed {own}: {before} before")
        if vm.hypervisor == "hospes":
            vm.audit()
        say(f"round {n}: seeds {own}, {own + 1}; {table.calls()} calls so far, "
            f"{table.share():.1f} % succeeded, {early} guests died early")
        assert early <= 2 + n, "most guests die early"
    assert table.share() >= 30, str(table)
    return table


@contextlib.contextmanager
def booted(hypervisor, tools, snapshot, log=None, **options):
    """A machine whose dom0 is ready, from the snapshot if there is to be one."""
    if not snapshot or not Path(snapshot).exists():
        making = f"{snapshot}.making" if snapshot else None
        if making:
            Path(making).unlink(missing_ok=True)
        with machine.Machine(hypervisor, tools, snapshot_disk=making, log=log, **options) as vm:
            state = vm.wait_ready()
            if state != "ok":
                vm.fail(f"dom0's boot found trouble: {state}")
            if not snapshot:
                yield vm
                return
            vm.save("ready")
        Path(making).rename(snapshot)
    with machine.Machine(hypervisor, tools, snapshot_disk=snapshot, loadvm="ready", log=log,
                         **options) as vm:
        yield vm


def as_dom0(hypervisor, seed, calls, smp, more=()):
    """The kernel in dom0's place, which leaves out what dom0 would be believed in. Gives its output,
    the table, and how it ended: "done"; "died", by its own doing, as an ordinary guest may, which
    dom0 takes the machine with; "failed"."""
    command = [machine.TOP / "tests/guest/run", "fuzz", "--hypervisor", hypervisor, "--smp", str(smp),
               "--arguments", f"seed={seed} calls={calls} report={REPORT}", "--timeout", "7200", *more]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    table = Table()
    table.add(result.stdout)
    own_doing = "*** TEST fuzz: ERROR" in result.stdout or DOM0_GONE.search(result.stdout)
    if result.returncode == 0:
        end = "done"
    else:
        end = "failed" if PANIC.search(result.stdout) or not own_doing else "died"
    return result.stdout, table, end
