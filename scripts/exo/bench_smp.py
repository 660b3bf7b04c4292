# SPDX-License-Identifier: MIT
"""scripts/bench --smp: what two CPUs get done in the time of one (kernel/bench/bench_smp.c).

QEMU runs each CPU of the guest in a thread of the host, without icount, and the guest's TSC is the
host's time. So the figures are this host's in this minute, whatever else it does included: medians
of some runs are printed, and nothing is compared with anything committed.
"""
import os
import statistics

from exo import builds, machine
from exo.bench_rows import END, parse, row
from exo.guest import Guest

SPEC = builds.Spec("bench", (("SMP", True),))  # with the policy that is the default then
SAME, OTHER = "smp.ipc.same", "smp.ipc.other"  # rows of programs (tests/user/bench/bench_ipc.c)
CPUS = (1, 2)
RUNS = 5
MEMORY = "256M"  # of the machine
TIMEOUT = 120  # seconds for one run; a busy host takes some


def boot(build, cpus, word):
    """{name: median in ns} of one boot with so many CPUs; none if the filter leaves none."""
    described = machine.Machine.from_config(build.config, build.elf, firmware="pvh", smp=cpus,
                                            memory=MEMORY, command_line=word)
    with Guest(described, build.elf) as guest:
        guest.expect(f"(?m){END}\n", TIMEOUT)
        if "BENCH END 0" in guest.output:
            return {}
        return {found["name"]: found["p50"] for found in parse(guest.output)}


def measure(build, runs, words):
    """{name: {CPUs: [ns of each run]}}; the machines take turns, so that load hits all alike."""
    times = {}
    for _ in range(runs):
        for cpus in CPUS:
            for word in (f"bench={words}", f"user-bench={words}"):
                for name, found in boot(build, cpus, word).items():
                    times.setdefault(name, {}).setdefault(cpus, []).append(found)
    return times


def summary(times):
    """The rows, NAME.CPUS, and the table: lines of text."""
    few, many = CPUS
    rows = []
    lines = [f"{'row':24} {f'{few} CPU, ns':>14} {f'{many} CPUs, ns':>14}  throughput {many}:{few}"]
    for name, found in times.items():
        medians = [round(statistics.median(found[cpus])) for cpus in CPUS]
        lines.append(f"{name:24} {medians[0]:>14,} {medians[1]:>14,}  "
                     f"{medians[0] / max(medians[1], 1):.2f}")
        rows += [row(f"{name}.{cpus}", "ns", median, min(found[cpus]), max(found[cpus]),
                     len(found[cpus])) for cpus, median in zip(CPUS, medians)]
    if SAME in times and OTHER in times:
        same, other = (statistics.median(times[name][many]) for name in (SAME, OTHER))
        lines.append(f"messages across CPUs : on one CPU, of {many}: {same / max(other, 1):.3f}")
    return rows, lines


def run(cache, runs, words):
    """Builds, measures, prints; returns the rows."""
    build = cache.get(SPEC)
    load = os.getloadavg()[0]
    rows, lines = summary(measure(build, runs, words))
    print("\n".join(lines))
    print(f"Medians of {runs} runs, in this host's time; it has {os.cpu_count()} CPUs and had a "
          f"load of {load:.1f}\nbefore: its other work and QEMU's own threads take from both CPUs "
          "of the guest.")
    return rows
