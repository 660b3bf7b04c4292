# SPDX-License-Identifier: MIT
"""Interrupt controllers: which one each machine and each kernel uses, serial input by interrupts
through it, and the self tests that raise real interrupts."""
import re

from exo import builds, layers, selftests
from exo.guest import PROMPT, Guest
from exo.runner import Failed, Job

WITHOUT_APIC = builds.Spec("x86_64", (*layers.TESTING, ("APIC", False)), label="no-apic")
WITHOUT_X2APIC = builds.Spec("x86_64", (*layers.TESTING, ("X2APIC", False), ("IRQ_LINES", 16)),
                             label="few-lines")
PIC = "8259"
PIC_AND_APIC = r"8259, local APIC: x2?APIC, 0 errors"
IO_APIC = r"I/O APIC, local APIC: x2?APIC, 0 errors"
SERIAL = r"(?m)^ +4 +(\S+) +(\S+) +(\S+) +0 +(\d+) +0  serial$"
NOTHING_ELSE = "unexpected vectors: 0, spurious: 0"
COMMANDS = 5


def _irq(guest):
    """What the irq command prints."""
    answer = guest.command("irq")
    if NOTHING_ELSE not in answer:
        raise Failed("there were interrupts that nobody expected", answer)
    return answer


def _serial_count(answer):
    line = re.search(SERIAL, answer)
    if not line:
        raise Failed("no line of the serial port without spurious interrupts", answer)
    return int(line[4])


def _input(controller, firmware, log="", spec=layers.DEFAULT, **options):
    """A job's function: the kernel says which controller it uses, and what is typed comes by it."""
    def run(context):
        build = context.builds.get(spec)
        with build.machine("", firmware, **options) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(PROMPT, 90)
                second = first = _irq(guest)
                # What arrives while the reader looks comes without one: on a slow host, often.
                for _ in range(20 * COMMANDS):
                    guest.command("version")
                    second = _irq(guest)
                    if _serial_count(second) >= _serial_count(first) + COMMANDS:
                        break
                said = guest.command("log")
        if not re.search(rf"(?m)^controller: {controller}$", first):
            raise Failed(f"the controller is not {controller}", first)
        if _serial_count(second) < _serial_count(first) + COMMANDS:
            raise Failed("what was typed did not come by interrupts", first + second)
        if "polled" in said or not re.search(log, said):
            raise Failed(f"the log tells of polling, or has nothing like {log!r}", said)
    return run


def _tests(name, spec=layers.DEFAULT, **options):
    """A job: the self tests that raise interrupts."""
    name = f"boot.irq-tests-{name}"

    def run(context):
        found = []
        for suite in ("irq", "interrupt", "lapic", "timer"):
            if suite == "lapic" and spec is WITHOUT_APIC:
                continue
            found += selftests.run(context.builds.get(spec), name, context.scale,
                                   f"test={suite}", **options)
        return found
    return Job(name, run, 4)


def jobs():
    """The jobs of this file."""
    no_acpi = ["-machine", "acpi=off"]
    no_pic = ["-machine", "pic=off"]
    no_apic = "qemu64,-apic"
    return [
        Job("boot.irq-pvh", _input(IO_APIC, "pvh", r"ioapic: at 0xfec00000, GSIs 0 to 23"), 2),
        Job("boot.irq-smp4", _input(IO_APIC, "pvh", r"acpi: 4 CPUs enabled", smp=4), 2),
        Job("boot.irq-bios", _input(IO_APIC, "bios"), 3),
        Job("boot.irq-uefi", _input(IO_APIC, "uefi"), 9),
        # SeaBIOS has tables of its own where QEMU gives it none.
        Job("boot.irq-seabios-tables", _input(IO_APIC, "bios", extra=no_acpi), 3),
        Job("boot.irq-microvm", _input(IO_APIC, "microvm", r"GSIs 24 to 47"), 2),
        Job("boot.irq-microvm-no-pic", _input(IO_APIC, "microvm", extra=no_pic), 2),
        Job("boot.irq-microvm-no-acpi", _input(PIC_AND_APIC, "microvm", extra=no_acpi), 2),
        Job("boot.irq-no-apic", _input(PIC, "pvh", r"lapic: this CPU has none", cpu=no_apic), 2),
        Job("boot.irq-no-apic-bios", _input(PIC, "bios", cpu=no_apic), 3),
        Job("boot.irq-build-no-apic", _input(PIC, "pvh", spec=WITHOUT_APIC), 6),
        Job("boot.irq-build-no-apic-bios", _input(PIC, "bios", spec=WITHOUT_APIC), 3),
        Job("boot.irq-build-no-apic-microvm", _input(PIC, "microvm", spec=WITHOUT_APIC), 2),
        Job("boot.irq-build-few-lines", _input(IO_APIC, "pvh", spec=WITHOUT_X2APIC), 6),
        _tests("pvh", smp=2),
        _tests("microvm", firmware="microvm"),
        _tests("microvm-no-acpi", firmware="microvm", extra=no_acpi),
        _tests("bios", firmware="bios"),
        _tests("uefi", firmware="uefi"),
        _tests("no-apic", cpu=no_apic),
        _tests("build-no-apic", WITHOUT_APIC),
        _tests("build-few-lines", WITHOUT_X2APIC),
    ]
