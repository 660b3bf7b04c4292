# SPDX-License-Identifier: MIT
"""Options that show at the console: what each does when it is on, and what differs when it is off.

Two kernels are compared: x86_64_defconfig, and OPPOSITE, the same with many options turned. Each
row types a line at the prompt of both and says what must come from the one and from the other.
"""
import re

from exo import builds, child, layers, symbols
from exo.guest import PROMPT, READY, Guest
from exo.machine import EXIT_SUCCESS
from exo.runner import Failed, Job

OPPOSITE = builds.Spec("x86_64", (
    ("ACPI", False), ("ASSERT", False), ("BENCH", False), ("CLOCK", False),
    ("COMMAND_LINE", "alpha beta"), ("DEBUG_EXIT_PORT", "0xf8"), ("IKCONFIG", False),
    ("IRQ", False), ("IST", False), ("LOG_LEVEL", 3), ("LOG_TIMESTAMPS", False),
    ("MONITOR_COMPLETION", False), ("MONITOR_HISTORY", 0), ("PANIC_LOG_LINES", 0),
    ("PANIC_REGISTERS", False), ("SERIAL_BAUD", 9600), ("SERIAL_COM2", True),
    ("STACK_GUARD", False), ("STACK_PROTECTOR", False), ("SYMBOLS", False),
    ("USER_PROGRAMS", False), ("WX", False)), label="opposite")
FLAT = builds.Spec("x86_64", (("ISOLATION_FLAT", True),), label="flat")
WORDS = builds.Spec("x86_64", (("COMMAND_LINE", "test=string"),))
REBOOT = builds.Spec("x86_64", (("PANIC_REBOOT", True), ("DEBUG_EXIT", False)))
NO_BACKTRACE = builds.Spec("x86_64", (("PANIC_BACKTRACE", False),))
FEW_THREADS = builds.Spec("x86_64", (("THREADS_MAX", 128),))
WIDE_MAP = builds.Spec("x86_64", (("BOOT_DIRECT_MAP_GIB", 7),))
KERNEL_BASE, DIRECT_MAP_BASE = 0xFFFFFFFF80000000, 0xFFFF800000000000
UP = "\x1b[A"

# what is tested, the line to type, what x86_64 must show, what OPPOSITE must show
ROWS = (
    ("acpi", "poweroff", None, r"cannot be powered off"),
    ("assert", "panic assert", r"PANIC: assertion failed", r"would not notice \(ASSERT is off\)"),
    ("clock", "cpu", r"time-stamp counter: \d+ kHz", r"(?s)^(?!.*kHz)"),
    ("command_line", "log", r'command line "monitor"', None),
    ("completion", "hel\tirq", r"help", r"unknown command 'helirq'"),
    ("history", f"cpu\r{UP}", r"(?s)exo> cpu\n.*exo> cpu\n", r"(?s)exo> cpu\n.*exo> \nexo> $"),
    ("ikconfig", "config WX", r"CONFIG_WX=y", r"not in this image"),
    ("irq", "irq", r"\d+ +\d+ +\d+ +serial", r"unknown command 'irq'"),
    ("log_level", "log", r"usable memory in \d+ ranges", r"(?s)^(?!.*usable memory)"),
    ("log_timestamps", "log", r"\[ +\d+\.\d{6}\] boot: ", None),
    ("panic_log_lines", "panic", r"last log lines:", r"(?s)^(?!.*last log lines)"),
    ("panic_registers", "panic ud", r"rax [0-9a-f]{16}", r"(?s)PANIC(?!.*rax [0-9a-f]{16})"),
    ("stack_guard", "panic stack", r"overflow of the kernel stack", r"STACK_GUARD or IST is off"),
    ("stack_protector", "panic smash", r"PANIC: stack smashed", r"STACK_PROTECTOR is off"),
    ("symbols", "panic", r"#\d 0x[0-9a-f]{16} monitor_run\+",
     r"(?s)#\d 0x[0-9a-f]{16}\n(?!.*monitor_run\+)"),
    ("ubsan", "panic overflow", r"UBSAN is off", r"UBSAN is off"),
    ("wx", "panic text", r"the page is read-only", r"WX is off"),
)


def _answer(context, spec, line):
    """What a kernel prints from its first line on, when this is typed at the prompt."""
    build = context.builds.get(spec)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale, panics=True) as guest:
            guest.expect(PROMPT, 60)
            for part in line.split("\r"):
                guest.type(part + "\r")
                guest.expect(rf"{PROMPT}|PANIC END|cannot be powered off", 30)
            return guest.output


def _check(context, name, spec, line, pattern):
    answer = _answer(context, spec, line)
    if not re.search(pattern, answer):
        raise Failed(f"{name}: {line!r} on {spec.base} does not show {pattern!r}", answer)


def _row(name, line, default, opposite):
    def run(context):
        for spec, pattern in ((layers.DEFAULT, default), (OPPOSITE, opposite)):
            if pattern:
                _check(context, name, spec, line, pattern)
    return run


def _built_in_words(context):
    """CONFIG_COMMAND_LINE: its words do what the loader's do."""
    build = context.builds.get(WORDS)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            status = guest.wait(30)
            if status != EXIT_SUCCESS or "# Subtest: string" not in guest.output \
                    or "# Subtest: paging" in guest.output:
                raise Failed(f"test=string did not run just the suite string ({status})",
                             guest.output)


def _panic_reboots(context):
    """CONFIG_PANIC_REBOOT: after the report the machine resets."""
    build = context.builds.get(REBOOT)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale, panics=True) as guest:
            guest.expect(PROMPT, 60)
            guest.type("panic\r")
            guest.expect("PANIC END", 30)
            guest.wait(30)
            reason = guest.qmp.shutdown_reason()
            if reason != "guest-reset":
                raise Failed(f"after the panic the machine ended by {reason}", guest.output)


def _no_backtrace(context):
    _check(context, "panic_backtrace", NO_BACKTRACE, "panic", r"(?s)PANIC: req(?!.*backtrace:)")
    _check(context, "panic_backtrace", layers.DEFAULT, "panic", r"PANIC: req[^#]*backtrace:\n  #0")


def _ubsan_traps(context):
    _check(context, "ubsan", layers.DEBUG, "panic overflow", r"PANIC: invalid opcode")


def _no_program(context):
    """CONFIG_USER_PROGRAMS: the greeting comes, or does not."""
    for spec, wanted in ((FLAT, True), (OPPOSITE, False)):
        if ("hello: a program" in _answer(context, spec, "help")) != wanted:
            raise Failed(f"the program's greeting {'never came' if wanted else 'came'}")


def _wide_direct_map(cpu):
    """CONFIG_BOOT_DIRECT_MAP_GIB beyond 4, in 1 GiB pages and in 2 MiB pages."""
    def run(context):
        build = context.builds.get(WIDE_MAP)
        with build.machine("test=paging", "pvh", cpu=cpu) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(READY, 60)
                status = guest.wait(60)
                if status != EXIT_SUCCESS:
                    raise Failed(f"the paging tests ended with status {status}", guest.output)
    return run


def _few_threads(context):
    """CONFIG_THREADS_MAX: so many threads exist and no more; the self test must not skip this."""
    build = context.builds.get(FEW_THREADS)
    with build.machine("test=thread_limit", "pvh", smp=2) as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            status = guest.wait(60)
            if status != EXIT_SUCCESS or "SKIP" in guest.output \
                    or "thread_limit_is_kept" not in guest.output:
                raise Failed(f"THREADS_MAX=128 is not kept, or was not tested ({status})",
                             guest.output)


def _boot_code(context):
    """CONFIG_RELEASE_BOOT_CODE: the first page of it is data now, in both views of the image."""
    build = context.builds.get(layers.DEFAULT)
    listed = child.run([symbols.cross_tool("nm"), build.elf], 30)
    start = int(re.search(r"^([0-9a-f]+) \w boot_code_start$", listed.output, re.M)[1], 16)
    with build.machine("nokaslr", "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(PROMPT, 60)
            if not re.search(r"[1-9]\d* KiB of boot code released", guest.command("log")):
                raise Failed("the log does not say that boot code was released", guest.output)
            for address in (start, start - KERNEL_BASE + DIRECT_MAP_BASE):
                answer = guest.command(f"pages {address:#x}")
                if not re.search(r"4K rw--$", answer, re.M):
                    raise Failed("boot code has not become data", answer)


def jobs():
    """The jobs of this file."""
    return [Job(f"boot.option-{name}", _row(name, line, default, opposite), 2)
            for name, line, default, opposite in ROWS] + [
        Job("boot.option-command_line-words", _built_in_words, 2),
        Job("boot.option-panic_reboot", _panic_reboots, 2),
        Job("boot.option-panic_backtrace", _no_backtrace, 2),
        Job("boot.option-ubsan-traps", _ubsan_traps, 2),
        Job("boot.option-user_programs", _no_program, 2),
        Job("boot.option-threads_max", _few_threads, 2),
        Job("boot.option-release_boot_code", _boot_code, 2),
        Job("boot.option-direct_map-1gib", _wide_direct_map("max"), 2),
        Job("boot.option-direct_map-2mib", _wide_direct_map("max,-pdpe1gb"), 2),
    ]
