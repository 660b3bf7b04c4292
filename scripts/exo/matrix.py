# SPDX-License-Identifier: MIT
"""The matrix of configurations: each is built, booted on the machine it describes, and tested.

All defconfigs, allnoconfig, allyesconfig, variants on top of x86_64, and a number of random
configurations. The random ones come from fixed seeds, so that a run repeats; scripts/matrix --seed
tries others. gcc builds every row; clang (LLVM=1) builds all but most of the random ones and the
variants again, which keeps the run short and still compiles every file that a shipped configuration
uses. The machines of kernels for several CPUs have some.
"""
import argparse
import os
import sys

from exo import boot_code, builds, results, runner, selftests, size, tree
from exo.guest import Guest

SEED, COUNT = 1, 10  # random configurations: the first seed of either kind, how many in all
CLANG_RANDOM = 1  # so many of the random ones are built by clang, too

VARIANTS = {
    # Between them, every choice of mm/Kconfig that the defconfigs have not.
    "bitmap-slab": (("FRAME_BITMAP", True), ("HEAP_SLAB", True), ("LA57", True),
                    ("PAGE_LARGE", False)),
    "uncached-buddy": (("FRAME_CACHE", False), ("HEAP_BUDDY", True), ("HEAP_GROW_ORDER", 0),
                       ("PAGE_GLOBAL", False), ("PCID", False)),
    "uncached-bump": (("FRAME_BITMAP", True), ("FRAME_CACHE", False), ("HEAP_BUMP", True),
                      ("NUMA", False), ("FRAME_REGIONS", 1)),
    "slab-debug": (("HEAP_SLAB", True), ("HEAP_DEBUG", True), ("HEAP_GROW_ORDER", 0)),
    "bump-debug": (("HEAP_BUMP", True), ("HEAP_DEBUG", True), ("HEAP_QUARANTINE", 0)),
    "tlsf-debug": (("HEAP_DEBUG", True), ("PAGE_TABLE", False)),
    "no-heap": (("HEAP", False), ("FRAME_CACHE_SIZE", 4)),
    "no-frames": (("FRAMES", False),),
    # Every scheduling policy on several CPUs and on one, every lock, FPU, timer and check.
    "robin-mcs": (("SCHED_ROUND_ROBIN", True), ("SPIN_MCS", True), ("FPU_FXSAVE", True),
                  ("LOCK_STATISTICS", True), ("X2APIC", False), ("HPET", False)),
    "priority-checked": (("SCHED_PRIORITY", True), ("SPIN_MCS", True), ("NR_CPUS", 256),
                         ("LOCKDEP", True), ("DEBUG_PREEMPT", True), ("STRESS", True),
                         ("THREAD_STACK_USAGE", True)),
    "edf-2-cpus": (("SCHED_EDF", True), ("NR_CPUS", 2), ("LOCKDEP", True), ("SPIN_MCS", True),
                   ("LOCK_STATISTICS", True), ("PM_TIMER", False)),
    "stride-no-preempt": (("SCHED_STRIDE", True), ("PREEMPT", False), ("FPU_NONE", True),
                          ("HPET", False), ("PM_TIMER", False), ("DEBUG_PREEMPT", True)),
    "stealing-no-preempt": (("PREEMPT", False), ("SCHED_RING_SIZE", 16), ("NR_CPUS", 256),
                            ("STACK_GUARD", False), ("THREAD_CACHE", 0)),
    "stealing-1-cpu": (("NR_CPUS", 1), ("DEBUG_PREEMPT", True), ("LOCKDEP", True)),
    "up-robin": (("SMP", False), ("SCHED_ROUND_ROBIN", True), ("PREEMPT", False),
                 ("FPU_NONE", True), ("THREAD_CACHE", 0)),
    "up-stealing": (("SMP", False), ("SCHED_STEALING", True), ("LOCK_STATISTICS", True)),
    "up-edf-no-apic": (("APIC", False), ("SCHED_EDF", True), ("HPET", False),
                       ("PM_TIMER", False), ("DEBUG_PREEMPT", True)),
    "up-stride-flat": (("PAGE_TABLE", False), ("SCHED_STRIDE", True), ("FPU_FXSAVE", True),
                       ("LOCKDEP", True), ("STRESS", True), ("THREAD_STACK_USAGE", True)),
    # Programs in user mode: one CPU; without the CPU's protections; other threads. And without.
    "protected-up": (("SMP", False), ("ASSERT", False), ("IPC", False)),
    "protected-bare": (("SMEP", False), ("SMAP", False), ("UMIP", False), ("PTI", False),
                       ("SPECULATION_MASKS", False), ("SPECULATION_FLUSH", False),
                       ("KASLR", False), ("FPU_NONE", True), ("SCHED_ROUND_ROBIN", True),
                       ("SPIN_MCS", True), ("EMBED_PROGRAMS", False), ("IPC_FASTPATH", False)),
    "protected-edf": (("SCHED_EDF", True), ("NUMA", False), ("PCID", False),
                      ("RETPOLINE", True), ("IPC_WORDS", 0), ("IRQ_OBJECTS", False),
                      ("EXAMPLES", False)),
    "protected-checked": (("SCHED_PRIORITY", True), ("LOCKDEP", True), ("DEBUG_PREEMPT", True),
                          ("LOCK_STATISTICS", True), ("LA57", True)),
    "flat": (),
    "flat-objects": (("FLAT_OBJECTS", True), ("FLAT_PROGRAM", "exosh"), ("LA57", True)),
    "flat-objects-up": (("FLAT_OBJECTS", True), ("SMP", False), ("FPU_NONE", True),
                        ("SCHED_ROUND_ROBIN", True), ("KASLR", False), ("NUMA", False),
                        ("IPC", False)),
    "flat-objects-checked": (("FLAT_OBJECTS", True), ("SCHED_EDF", True), ("LOCKDEP", True),
                             ("DEBUG_PREEMPT", True), ("LOCK_STATISTICS", True),
                             ("SPIN_MCS", True)),
    "flat-up": (("SMP", False), ("SCHED_PRIORITY", True), ("WX", False), ("IST", False),
                ("STACK_PROTECTOR", False)),
    "no-threads": (("THREADS", False),),
    "no-timer": (("TIMER", False), ("PM_TIMER", False)),
}
CPUS = 2  # of the machine of a kernel for several; kernel.smp4 and kernel.nodes4 have more


def _variant(label):
    """The changes of a variant: flat, as programs take as long to build as the kernel does, but for
    those that are about them."""
    flat = () if label.startswith("protected") else (("ISOLATION_FLAT", True),)
    return (*VARIANTS[label], *flat)


def specs(seed=SEED, count=COUNT, names=None):
    """The configurations of the matrix."""
    fixed = tree.defconfigs() + ["allnoconfig", "allyesconfig"]
    random = [f"{kind}-{number}" for number in range(seed, seed + (count + 1) // 2)
              for kind in ("random", "likely")][:count]
    rows = [builds.Spec(base) for base in fixed + random]
    rows += [builds.Spec("x86_64", _variant(label), label=label) for label in VARIANTS]
    rows += [builds.Spec(base, llvm=True) for base in fixed + random[:CLANG_RANDOM]]
    return [row for row in rows if not names or row.name in names or row.base in names]


def boot(build, scale, **options):
    """Boots a build and waits until it says that it is ready."""
    config = build.config
    with build.machine(**options) as guest_machine:
        with Guest(guest_machine, build.elf, scale,
                   on_screen=not config["SERIAL_16550"]) as guest:
            guest.wait_ready(60, idle=30)


def check(spec, context, sizes=None):
    """Builds, boots and tests one configuration; the results' names begin with matrix.NAME."""
    name = f"matrix.{spec.name}"
    build = context.builds.get(spec)
    if sizes is not None:
        found = size.sizes(build.elf)
        sizes[name] = (found["text"], found["total"])
    boot_code.check(build)
    config = build.config
    machine = {"smp": CPUS} if config["SMP"] else {}
    boot(build, context.scale, **machine)
    found = [results.Result(f"{name}.boot", results.PASSED)]
    if config["TESTS"] and config["DEBUG_EXIT"]:
        if config["SERIAL_16550"]:
            found += selftests.run(build, name, context.scale, **machine)
        else:
            selftests.run_by_status(build, context.scale, **machine)
            found.append(results.Result(f"{name}.tests", results.PASSED))
    return found


def jobs(rows=None, sizes=None):
    """One job for each configuration."""
    return [runner.Job(f"matrix.{spec.name}", _bound(spec, sizes), weight=25)
            for spec in rows or specs()]


def _bound(spec, sizes):
    return lambda context: check(spec, context, sizes)


def table(found, sizes):
    """The matrix as text: a row for each configuration."""
    rows = {}
    for row in found:
        name = ".".join(row.name.split(".")[:2])
        rows.setdefault(name, []).append(row)
    lines = [f"{'configuration':32} {'text':>8} {'total':>9}  result"]
    for name, group in sorted(rows.items()):
        text, total = sizes.get(name, ("-", "-"))
        lines.append(f"{name[len('matrix.'):]:32} {text:>8} {total:>9}  "
                     f"{results.summary(group)}")
    return "\n".join(lines)


def main(arguments):
    """scripts/matrix"""
    parser = argparse.ArgumentParser(
        prog="scripts/matrix", description="Build, boot and test many configurations.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only these, as x86_64, allnoconfig, likely-3, debug-clang")
    parser.add_argument("--seed", type=int, default=SEED, help="first random seed (%(default)s)")
    parser.add_argument("--count", type=int, default=COUNT,
                        help="how many random configurations (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time (%(default)s)")
    parser.add_argument("--timeout", type=float, default=1.0, metavar="FACTOR",
                        help="stretch every time limit")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args(arguments)
    rows = specs(options.seed, options.count, options.names)
    if not rows:
        parser.error(f"no configuration is called {' or '.join(options.names)}; see --list")
    if options.list:
        print("\n".join(spec.name for spec in rows))
        return 0
    sizes = {}
    context = runner.Context(builds.Builds(os.path.join(tree.BUILD, "matrix"), options.jobs,
                                           options.timeout), options.timeout)
    found = runner.run_all(jobs(rows, sizes), context, options.jobs)
    print(table(found, sizes))
    print(results.summary(found), file=sys.stdout)
    return results.exit_status(found)
