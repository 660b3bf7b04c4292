# SPDX-License-Identifier: MIT
"""Time: machines with other clocks and timer devices, how exact the clock is, and hosts that are
too busy to run the guest steadily."""
import os
import re
import subprocess
import sys

from exo import builds, layers, selftests
from exo.guest import PROMPT, Guest
from exo.runner import Failed, Job

# No ACPI: no HPET, no ACPI timer, no APIC. Neither threads nor several CPUs, then.
BARE = builds.Spec("x86_64", (("ACPI", False),))
NO_CLOCK = builds.Spec("x86_64", (("CLOCK", False), ("BENCH", False)))
NO_TIMER = builds.Spec("x86_64", (("TIMER", False),))
NO_HPET = ["-machine", "hpet=off"]
SUITES = ("clock", "timer")
ICOUNT = ["-icount", "shift=0"]  # an instruction is a nanosecond
PARTS_PER_MILLION = 1000  # of 1 GHz
BOOTS = 5  # where one may be spoilt
LOAD = 6  # processes that compute, beside the guest
LOADED_TOLERANCE = 0.02
FREQUENCY = re.compile(r"time-stamp counter: (\d+) kHz")


def _tests(name, spec=layers.DEFAULT, words="", **options):
    """A job: the self tests about time on such a machine."""
    name = f"boot.time-{name}"

    def run(context):
        found = []
        for suite in SUITES:
            found += selftests.run(context.builds.get(spec), name, context.scale,
                                   f"test={suite} {words}", **options)
        return found
    return Job(name, run, 6)


def _passes(name, spec):
    """A job: all self tests of a kernel with less of time."""
    name = f"boot.time-{name}"

    def run(context):
        return selftests.run(context.builds.get(spec), name, context.scale)
    return Job(name, run, 10)


def _answer(context, line, words="", spec=layers.DEFAULT, firmware="pvh", **options):
    """What a command prints."""
    build = context.builds.get(spec)
    with build.machine(words, firmware, **options) as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(PROMPT, 90)
            return guest.command(line)


def _frequency(context, **options):
    """The TSC's frequency in kHz, as the kernel sees it."""
    answer = _answer(context, "cpu", **options)
    found = FREQUENCY.search(answer)
    if not found:
        raise Failed("the cpu command does not tell the frequency", answer)
    return int(found[1])


def _exact(**options):
    """A job's function: 1 GHz to a thousandth where an instruction is a nanosecond."""
    def run(context):
        khz = _frequency(context, **{"extra": ICOUNT, **options})
        if abs(khz - 1000000) > PARTS_PER_MILLION:
            raise Failed(f"the time-stamp counter has 1000000 kHz, the kernel says {khz}")
    return run


def _shows(line, pattern, **options):
    """A job's function: a command's answer matches."""
    def run(context):
        answer = _answer(context, line, **options)
        if not re.search(pattern, answer):
            raise Failed(f"{line}: nothing matches {pattern}", answer)
    return run


def _agreement(context):
    """Both other counters agree with the best. A host that stops the guest at the boot for longer
    than the PIT counts leaves nothing to compare: another boot, then."""
    for _ in range(BOOTS):
        answer = _answer(context, "log")
        if "disagrees" in answer:
            break
        if re.search(r"acpi_pm agrees(?s:.*)pit agrees", answer):
            return
    raise Failed("the counters do not agree", answer)


def _loaded(**options):
    """A job's function: boots beside processes that take the guest's CPU away measure the same."""
    def run(context):
        context.builds.get(layers.DEFAULT)
        quiet = _frequency(context, **options)
        load = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                for _ in range(LOAD * (os.cpu_count() or 1) // 2)]
        try:
            loaded = [_frequency(context, **options) for _ in range(4)]
        finally:
            for process in load:
                process.kill()
                process.wait()
        for khz in loaded:
            if abs(khz - quiet) > quiet * LOADED_TOLERANCE:
                raise Failed(f"alone {quiet} kHz were measured, on a loaded host {loaded}")
    return run


def jobs():
    """The jobs of this file."""
    return [
        _tests("hpet-off", extra=NO_HPET),
        _tests("microvm", firmware="microvm"),
        _tests("no-apic", cpu="max,-apic"),
        _tests("old-cpu", cpu="qemu64"),
        _tests("no-acpi", spec=BARE),
        _tests("on-hpet", words="clock=hpet"),
        _tests("on-acpi-pm", words="clock=acpi_pm"),
        _tests("on-pit", words="clock=pit"),
        _tests("on-pit-no-apic", words="clock=pit", cpu="max,-apic"),
        _tests("4-cpus", smp=4),
        _tests("4-cpus-on-hpet", words="clock=hpet", smp=4),
        _tests("4-cpus-left-tsc", cpu="max,-hypervisor", smp=4),
        _passes("no-clock", NO_CLOCK),
        _passes("no-timer", NO_TIMER),
        Job("boot.time-exact-hpet", _exact(), 2),
        Job("boot.time-exact-acpi-pm", _exact(extra=ICOUNT + NO_HPET), 2),
        Job("boot.time-exact-pit", _exact(spec=BARE), 2),
        Job("boot.time-exact-microvm", _exact(firmware="microvm"), 2),
        Job("boot.time-agreement", _agreement, 2),
        Job("boot.time-command", _shows(
            "timers", r"clock: hpet\ncpu 0: local APIC, [1-9]\d* armed.*\n  in \d+ us",
            words="clock=hpet"), 2),
        Job("boot.time-command-pit", _shows("timers", r"clock: tsc\ncpu 0: PIT, ",
                                            cpu="max,-apic"), 2),
        Job("boot.time-leaves-tsc", _shows("log", r"depend on power states: runs on hpet",
                                           cpu="max,-hypervisor", smp=2), 2),
        Job("boot.time-unknown", _shows("log", r'clock: there is no "xyz" to run on',
                                        words="clock=xyz"), 2),
        Job("boot.time-loaded-hpet", _loaded(), 8),
        Job("boot.time-loaded-acpi-pm", _loaded(extra=NO_HPET), 8),
        Job("boot.time-loaded-pit", _loaded(firmware="microvm"), 8),
    ]
