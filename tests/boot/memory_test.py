# SPDX-License-Identifier: MIT
"""Machines with little, much and divided memory: the self tests pass on each, the least that boots,
and what a kernel says where it is too little."""
import re

from exo import builds, layers, selftests
from exo.guest import PROMPT, READY, Guest
from exo.machine import NumaNode
from exo.runner import Failed, Job

EMBEDDED = builds.Spec("embedded_minimal")
# The smallest kernel with everything of issue "memory": page tables, W^X, frames, a heap.
PROTECTED = builds.Spec("x86_64", (("TESTS", False), ("BENCH", False)), label="plain")
# One whose own demand, not the image's size, is the limit: its heap grows by 4 MiB at a time.
GREEDY = builds.Spec("x86_64", (("HEAP_GROW_ORDER", 10),))
WATCHED = builds.Spec("x86_64", (("HEAP_DEBUG", True),))
# As little as possible like x86_64; its 6 GiB need page tables of 4 KiB pages beyond the first 4.
OTHER = builds.Spec("x86_64", (("FRAME_BITMAP", True), ("FRAME_CACHE", False), ("HEAP_SLAB", True),
                               ("NUMA", False), ("PAGE_LARGE", False), ("LA57", True)),
                    label="other-memory")
# what is misused (`heap misuse KIND`), what the panic says
MISUSES = (("behind", "something was written behind its end, at byte 40"),
           ("before", "something was written in front of it, at byte -1"),
           ("after", "it was written to after it was freed, at byte 20"),
           ("twice", "it was freed twice"),
           ("inside", "this is no block"))
# what is typed, what x86_64 must show, what OTHER must show
COMMANDS = (("frames", r"free frames in a buddy", r"free frames in a bitmap"),
            ("frames", r"node 1: \d+ frames", r"(?s)^(?!.*node 1:)"),
            ("heap check", r"bookkeeping is consistent", r"bookkeeping is consistent"),
            ("heap", r"tlsf heap: ", r"slab heap: "),
            ("heap misuse twice", r"HEAP_DEBUG is off", r"HEAP_DEBUG is off"),
            ("numa", r"node 1", r"unknown command"),
            ("pages", r"-> 0x000040000000 1G rw--", r"-> 0x000100000000 4K rw--"),
            ("pages 0", r"not mapped", r"not mapped"),
            ("pages 0x800000000000", r"canonical", r"not mapped"))
SUITES = ("frame", "memory", "mmu", "paging", "heap")
# A CPU on a node without memory: the tables make sense, but the kernel wants none of it.
CPU_WITHOUT_MEMORY = [NumaNode("128M", "0", (10, 20)), NumaNode("", "1", (20, 10))]
# QEMU loads a PVH kernel before the firmware runs. SeaBIOS then uses the same memory if there are
# less than 1.5 MiB of it, and overwrites the kernel; qboot, made for microvm, leaves it alone.
QBOOT = ["-bios", "qboot.rom"]
NEED = re.compile(r"(?:needs|at least) (\d+) KiB of memory")


def _tests(name, suites=SUITES, **options):
    """A job: the default kernel's self tests that have to do with memory, on such a machine."""
    name = f"boot.memory-{name}"

    def run(context):
        found = []
        for suite in suites:
            found += selftests.run(context.builds.get(layers.DEFAULT), name, context.scale,
                                   f"test={suite}", **options)
        return found
    return Job(name, run, 6)


def _boots(context, build, kib):
    """(Did it come up with so much memory?, what it printed)."""
    with build.machine("", "microvm", memory=f"{kib}K", extra=QBOOT) as machine:
        with Guest(machine, build.elf, context.scale, panics=True) as guest:
            guest.expect(rf"{READY}|PANIC: memory: .*\n|cannot run: .*\n", 30)
            return re.search(READY, guest.output) is not None, guest.output


def _sweep(spec, start_kib, step_kib):
    """Less and less memory until it refuses; then with what it asks for."""
    def run(context):
        build = context.builds.get(spec)
        kib = start_kib
        while True:
            good, output = _boots(context, build, kib)
            if not good:
                break
            kib -= step_kib
        need = NEED.search(output)
        if not need or int(need[1]) <= kib:
            raise Failed(f"with {kib} KiB it does not say that it needs more", output)
        # QEMU rounds up to 8 KiB.
        good, output = _boots(context, build, (int(need[1]) + 7) // 8 * 8)
        if not good:
            raise Failed(f"it asks for {need[1]} KiB, and does not boot with them", output)
    return run


def _boots_with(spec, memory, firmware, **options):
    """It comes up with this little."""
    def run(context):
        build = context.builds.get(spec)
        with build.machine("", firmware, memory=memory, **options) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(READY, 60)
    return run


def _log_says(pattern, firmware, **options):
    """The log of the default kernel on this machine holds a line."""
    def run(context):
        build = context.builds.get(layers.DEFAULT)
        with build.machine("", firmware, **options) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(PROMPT, 90)
                log = guest.command("log")
        if not re.search(pattern, log):
            raise Failed(f"nothing in the log matches {pattern}", log)
    return run


def _misuse(kind, words):
    """A job's function: the heap's debug layer reports this misuse, and who it was."""
    def run(context):
        build = context.builds.get(WATCHED)
        with build.machine("", "pvh") as machine:
            with Guest(machine, build.elf, context.scale, panics=True) as guest:
                guest.expect(PROMPT, 60)
                guest.type(f"heap misuse {kind}\r")
                guest.expect(r"PANIC END", 30)
                output = guest.output
        caller = "found by    " if kind == "inside" else "allocated by"
        if words not in output or not re.search(rf"{caller} 0x[0-9a-f]+ \w+\+0x", output):
            raise Failed(f"the panic does not say: {words}", output)
    return run


def _commands(spec, column, **options):
    """A job's function: the monitor's commands about memory."""
    def run(context):
        build = context.builds.get(spec)
        with build.machine("", "pvh", memory="6G", **options) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(PROMPT, 60)
                for row in COMMANDS:
                    answer = guest.command(row[0])
                    if not re.search(row[column], answer):
                        raise Failed(f"{row[0]}: nothing matches {row[column]}", answer)
    return run


def jobs():
    """The jobs of this file."""
    return [
        _tests("64M", memory="64M"),
        _tests("512M", memory="512M"),
        _tests("8G", memory="8G"),
        _tests("8G-without-1G-pages", memory="8G", cpu="qemu64"),
        # The host backs what is touched: 0.04 % of it.
        _tests("1000G", ("memory", "mmu", "paging"), memory="1000G", cpu="max,phys-bits=42",
               extra=["-object", "memory-backend-ram,id=all,size=1000G,reserve=off",
                      "-machine", "memory-backend=all"]),
        _tests("4-nodes", memory="512M", smp=4, numa=4),
        Job("boot.memory-numa-log", _log_says(r"memory: .* on 4 nodes", "pvh", memory="512M",
                                              smp=4, numa=4), 2),
        Job("boot.memory-numa-warning",
            _log_says(r"taken for one node: SRAT: CPU with APIC ID 1 is in domain 1, which has no",
                      "pvh", smp=2, numa=CPU_WITHOUT_MEMORY), 2),
        Job("boot.memory-embedded-1328K",
            _boots_with(EMBEDDED, "1328K", "microvm", extra=QBOOT), 1),
        Job("boot.memory-embedded-1536K-bios", _boots_with(EMBEDDED, "1536K", "pvh"), 1),
        Job("boot.memory-protected-2560K",
            _boots_with(PROTECTED, "2560K", "microvm", extra=QBOOT), 1),
        Job("boot.memory-protected-2560K-bios", _boots_with(PROTECTED, "2560K", "pvh"), 1),
        Job("boot.memory-sweep-embedded", _sweep(EMBEDDED, 1100, 8), 4),
        Job("boot.memory-sweep-protected", _sweep(PROTECTED, 2560, 64), 8),
        Job("boot.memory-sweep-greedy", _sweep(GREEDY, 8192, 256), 8),
        Job("boot.memory-commands", _commands(layers.DEFAULT, 1, smp=2, numa=2), 2),
        Job("boot.memory-commands-other", _commands(OTHER, 2), 8),
        *[Job(f"boot.memory-misuse-{kind}", _misuse(kind, words), 2) for kind, words in MISUSES],
        Job("boot.memory-acpi-reclaimed", _log_says(r"of ACPI tables reclaimed", "uefi"), 9),
    ]
