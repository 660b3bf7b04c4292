# SPDX-License-Identifier: MIT
"""Machines with one CPU and with many: all of them start, those that cannot be used are named, and
a panic stops every one and says where it was."""
import re

from exo import builds, layers, selftests
from exo.guest import PROMPT, Guest
from exo.machine import EXIT_PANIC
from exo.runner import Failed, Job

TWO = builds.Spec("x86_64", (("NR_CPUS", 2),))
ONE = builds.Spec("x86_64", (("SMP", False),))
LA57 = builds.Spec("x86_64", (("LA57", True),))
# As little protection as there is: no W^X, no guard pages, exceptions on the thread's own stack.
BARE = builds.Spec("x86_64", (("WX", False), ("IST", False)), label="smp-bare")
PANICS = 3  # the kernel does not wait long for a CPU that the host has stopped, so try again
ROW = re.compile(r"(?m)^ *(\d+) +(\d+) +(\d+)  (idle|busy) ")


def _rows(guest):
    """What the cpus command says: (number, APIC ID, node) of each."""
    return [tuple(int(word) for word in row[:3]) for row in ROW.findall(guest.command("cpus"))]


def _slower(count):
    """The CPUs wait for each other by turns of the host's: for a time that grows with their number,
    beyond a few."""
    return max(1.0, count / 8)


def _starts(count, spec=layers.DEFAULT, firmware="pvh", log="", **options):
    """A job's function: @count CPUs start, and the log holds a line like @log."""
    def run(context):
        build = context.builds.get(spec)
        with build.machine("", firmware, **{"smp": count, **options}) as machine:
            with Guest(machine, build.elf, context.scale * _slower(count)) as guest:
                guest.expect(PROMPT, 120)
                rows, text = _rows(guest), guest.command("log")
        if [row[0] for row in rows] != list(range(count)):
            raise Failed(f"{count} CPUs should run: {rows}", text)
        if len({row[1] for row in rows}) != count:
            raise Failed(f"APIC IDs are the same: {rows}", text)
        if not re.search(log or rf"smp: {count} CPUs?, started in", text):
            raise Failed(f"nothing in the log matches {log}", text)
    return run


def _nodes(context):
    """Each CPU is on the node that the SRAT gives it."""
    build = context.builds.get(layers.DEFAULT)
    with build.machine("", "pvh", smp=8, memory="512M", numa=4) as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(PROMPT, 120)
            rows = _rows(guest)
    if [row[2] for row in rows] != [0, 0, 1, 1, 2, 2, 3, 3]:
        raise Failed(f"the nodes are not those of the machine: {rows}")


def _panic(context, build, command):
    """QEMU's status and the output of four CPUs of which one panics."""
    with build.machine("", "pvh", smp=4) as machine:
        with Guest(machine, build.elf, context.scale, panics=True) as guest:
            guest.expect(PROMPT, 60)
            guest.type(f"{command}\r")
            guest.expect(r"(?m)^PANIC END", 30)
            return guest.wait(30), guest.output


def _panics(command, reporter, spec=layers.DEFAULT):
    """A panic on CPU @reporter (None: any) of four: the others stop, each with a line."""
    def run(context):
        build = context.builds.get(spec)
        for _ in range(PANICS):
            status, output = _panic(context, build, command)
            if "does not answer" not in output:
                break
        found = re.search(r'(?m)^on CPU (\d) in thread "[\w-]+"$', output)
        stopped = re.findall(r'(?m)^CPU (\d) stopped at 0x[0-9a-f]+ \w+\+0x\S+ in thread "', output)
        if output.count("PANIC: ") != 1 or not found:
            raise Failed("not one CPU reported", output)
        if reporter is not None and int(found[1]) != reporter:
            raise Failed(f"CPU {found[1]} reported, not {reporter}", output)
        if sorted(stopped + [found[1]]) != list("0123"):
            raise Failed(f"CPU {found[1]} reported, and of {stopped} it is said where", output)
        if status != EXIT_PANIC:
            raise Failed(f"QEMU ended with status {status}, not {EXIT_PANIC}", output)
    return run


def _tests(name, spec=layers.DEFAULT, **options):
    """A job: the self tests about several CPUs and address spaces."""
    name = f"boot.smp-{name}"

    def run(context):
        found = []
        for suite in ("smp", "mmu"):
            found += selftests.run(context.builds.get(spec), name, context.scale,
                                   f"test={suite}", **options)
        return found
    return Job(name, run, 10)


def jobs():
    """The jobs of this file."""
    return [
        *[Job(f"boot.smp-{count}", _starts(count), 2) for count in (1, 2, 4, 8)],
        Job("boot.smp-64", _starts(64, memory="512M"), 20),
        Job("boot.smp-uefi", _starts(4, firmware="uefi", memory="512M"), 12),
        Job("boot.smp-bios", _starts(4, firmware="bios"), 3),
        Job("boot.smp-qemu64", _starts(4, cpu="qemu64"), 2),
        Job("boot.smp-la57", _starts(4, LA57), 8),
        Job("boot.smp-bare", _starts(4, BARE), 8),
        Job("boot.smp-memory-6G", _starts(4, memory="6G"), 2),
        Job("boot.smp-too-many",
            _starts(2, TWO, smp=5, log="smp: 3 CPUs are left out: NR_CPUS is 2"), 8),
        # The MADT has entries for CPUs that are not there, and are not enabled.
        Job("boot.smp-pluggable", _starts(2, smp="2,maxcpus=4"), 2),
        Job("boot.smp-no-acpi",
            _starts(1, firmware="microvm", smp=4, extra=["-machine", "acpi=off"],
                    log="smp: one CPU is used: no MADT"), 2),
        Job("boot.smp-nodes", _nodes, 3),
        Job("boot.smp-off", _starts(1, ONE, smp=4, log="memory: "), 8),
        Job("boot.smp-panic-first", _panics("panic", 0), 2),
        Job("boot.smp-panic-other", _panics("panic fault 2", 2), 2),
        Job("boot.smp-panic-all", _panics("panic all", None), 2),
        Job("boot.smp-panic-bare", _panics("panic fault 3", 3, BARE), 8),
        _tests("2", smp=2),
        _tests("la57", LA57, smp=3),
        _tests("bare", BARE, smp=3),
        _tests("qemu64", smp=3, cpu="qemu64"),
    ]
