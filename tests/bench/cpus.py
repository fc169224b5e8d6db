# SPDX-License-Identifier: MIT
"""Operations with more than one CPU: the kernel cpus/ run on a hypervisor, counted by
plugin/cpus.c, which needs no -icount."""
import re
import statistics
import subprocess

from report import BUILD, TOP, BenchError, address_of

LINE = re.compile(r"^CPUS (\d+) (\d+) (.*?)\r?$", re.M)
# All CPUs take turns on one thread, and a CPU that executes `pause` passes: how long one waits for
# another does not depend on this machine's.
ACCEL = "tcg,thread=single"


def read_samples(text):
    """The plugin's file: for each operation its samples, each with (all, spun) of each CPU."""
    operations = []
    for part in text.split("-\n")[:-1]:
        operations.append([[tuple(map(int, cpu.split())) for cpu in line.split("\t")]
                           for line in part.splitlines()])
    return operations


def figure(samples, times):
    """One operation's: medians for one of `times`, of all CPUs together; the spread, and that of
    the middle eight of ten samples; what was spun; each CPU's."""
    paths = sorted(sum(all_of - spun for all_of, spun in sample) / times for sample in samples)
    tenth = len(paths) // 10
    return {"median": round(statistics.median(paths)), "least": round(paths[0]),
            "low": round(paths[tenth]), "high": round(paths[-1 - tenth]), "most": round(paths[-1]),
            "spun": round(statistics.median(sum(spun for _, spun in sample) / times
                                            for sample in samples)),
            "each": [round(statistics.median(sample[cpu][0] - sample[cpu][1]
                                             for sample in samples) / times)
                     for cpu in range(len(samples[0]))]}


def spread(of_it):
    """Its spread in words: eight of ten samples are there."""
    low, high = of_it["low"], of_it["high"]
    return "all equal" if of_it["least"] == of_it["most"] else \
        "equal" if low == high else f"{low}..{high}"


def run(hypervisor, args, cpus, unprotected=""):
    """{"compiler": ..., "operations": {(operation, vcpus that do it): figure()}}."""
    kernel = BUILD / "tests/bench/cpus.elf"
    out = args.output / f"cpus-{cpus}-{hypervisor}.txt"
    marks = ",".join(f"{mark}={address_of(f'mark_{mark}', kernel):x}"
                     for mark in ("start", "end", "report"))
    command = [TOP / "tests/guest/run", "cpus", "--kernels", kernel.parent, "--hypervisor",
               hypervisor, "--smp", str(cpus), "--accel", ACCEL, "--cpu", args.cpu,
               "--cmdline", unprotected, "--timeout", "1800",
               "--keep-log", args.output / f"cpus-{cpus}-{hypervisor}.log",
               f"--qemu-args=-plugin {BUILD / 'tests/bench/cpus.so'},{marks},out={out}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    measured = LINE.findall(result.stdout)
    samples = read_samples(out.read_text()) if out.exists() else []
    compiler = re.search(r"^COMPILER (.*?)\r?$", result.stdout, re.M)
    if result.returncode or not measured or len(samples) != len(measured):
        raise BenchError(f"cpus on {hypervisor}: status {result.returncode}, {len(samples)} "
                         f"counted, {len(measured)} measured\n{result.stdout[-3000:]}")
    return {"compiler": compiler.group(1),
            "operations": {(name, int(vcpus)): figure(of_it, int(times))
                           for (vcpus, times, name), of_it in zip(measured, samples)}}
