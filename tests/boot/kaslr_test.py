# SPDX-License-Identifier: MIT
"""CONFIG_KASLR: where the kernel runs from boot to boot, and who is told.

Where it runs is read from the CPU's register for the interrupt table, not from what the kernel says
of itself: the slide is how far the table is from where nm finds it in the ELF.
"""
import re

from exo import builds, child, layers, symbols
from exo.guest import PROMPT, Guest
from exo.machine import EXIT_SUCCESS
from exo.runner import Failed, Job

OFF = builds.Spec("x86_64", layers.TESTING + (("KASLR", False),))
BUILT_IN = builds.Spec("x86_64", (("COMMAND_LINE", "nokaslr"),))
FIVE_LEVELS = builds.Spec("x86_64", layers.TESTING + (("LA57", True),))
BARE = builds.Spec("x86_64", layers.TESTING + (
    ("SYMBOLS", False), ("STACK_GUARD", False), ("IST", False), ("STACK_PROTECTOR", False),
    ("FRAMES", False), ("PAGE_GLOBAL", False)), label="kaslr-bare")
BASE, TOP, STEP = 0xFFFFFFFF80000000, 1 << 31, 1 << 21
BOOTS = 4  # all at one of a thousand places: once in a thousand million runs
OLD_CPU = "qemu64"  # with neither RDRAND nor RDSEED


def _linked_at(elf, name):
    """The address of a symbol in the ELF."""
    listed = child.run([symbols.cross_tool("nm"), elf], 30)
    return int(re.search(rf"^([0-9a-f]+) \w {name}$", listed.output, re.M)[1], 16)


def _slide(guest, table):
    """The slide at the prompt, which must be the one in the kernel's memory."""
    guest.expect(PROMPT, 60)
    registers = guest.qmp.human("info registers")
    slide = int(re.search(r"IDT=\s*([0-9a-f]+)", registers)[1], 16) - _linked_at(table.elf, "idt")
    table.ask_slide(guest.qmp)
    cpu, = symbols.registers_of(guest.qmp.human("info registers -a"))
    if table.slide != slide or not table.name(cpu["RIP"]):
        raise Failed(f"the slide is {slide:#x}, RIP {cpu['RIP']:#x}, and in memory is "
                     f"{table.slide:#x}", guest.log())
    return slide


def _boot(context, spec, words="", cpu="max", firmware="pvh"):
    """(slide, output of the monitor's `log`) of one boot."""
    build = context.builds.get(spec)
    with build.machine(words, firmware, cpu=cpu) as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            slide = _slide(guest, symbols.Symbols(build.elf))
            return slide, guest.command("log")


def _differs(cpu, firmware="pvh"):
    def run(context):
        slides = [_boot(context, layers.DEFAULT, cpu=cpu, firmware=firmware)[0]
                  for _ in range(BOOTS)]
        if len(set(slides)) == 1:
            raise Failed(f"{BOOTS} boots had the same slide, {slides[0]:#x}")
        for slide in slides:
            if slide % STEP or not 0 < slide < TOP:
                raise Failed(f"{slide:#x} is no slide")
    return run


def _is(slide, words="", spec=layers.DEFAULT, said=None, firmware="pvh"):
    """The slide is this one, and the log says so."""
    def run(context):
        found, log = _boot(context, spec, words, firmware=firmware)
        if found != slide:
            raise Failed(f"with {words!r} the slide is {found:#x}, not {slide:#x}")
        if said and said not in log:
            raise Failed(f"the log does not say {said!r}", log)
    return run


def _is_end(directory):
    """With the last slide that fits into a page directory, of two: the image ends where it does."""
    def run(context):
        config = context.builds.get(layers.DEFAULT).config
        limit = int(config["KERNEL_IMAGE_LIMIT_MIB"]) << 20
        slide = TOP // 2 * (directory + 1) - limit - STEP
        _is(slide, f"kaslr={slide:#x}")(context)
    return run


def _bad_word(context):
    """A word that asks for what cannot be is named, and the kernel moves all the same."""
    for word in ("kaslr=0x1200001", "kaslr=2G", "kaslr=here"):
        slide, log = _boot(context, layers.DEFAULT, word)
        if not slide or f'error: boot: "{word}" is no multiple of 2M below 2G' not in log:
            raise Failed(f"{word} gives the slide {slide:#x} and no error that names it", log)


def _panic(spec, words, offset):
    """A panic says the slide, and both it and scripts/decode find the names of its addresses."""
    def run(context):
        build = context.builds.get(spec)
        table = symbols.Symbols(build.elf)
        with build.machine(words, "pvh") as machine:
            with Guest(machine, build.elf, context.scale, panics=True) as guest:
                slide = _slide(guest, table)
                guest.type("panic\r")
                guest.expect("PANIC END", 30)
                text = guest.output
        said = re.search(r"^kernel offset: 0x([0-9a-f]+) from 0xffffffff80000000$", text, re.M)
        if (int(said[1], 16) if said else None) != (slide if offset else None):
            raise Failed(f"the slide is {slide:#x}, and the panic says {said and said[0]}", text)
        if not re.search(r"#\d 0x[0-9a-f]{16} monitor_execute\+0x", text):
            raise Failed("the backtrace does not name monitor_execute", text)
        table.read_slide(text)
        _, mismatches = table.decode_log(text)
        bare = re.sub(r"(#\d+ 0x[0-9a-f]{16}) .*", r"\1", text)
        if mismatches or "monitor_execute+0x" not in table.decode_log(bare)[0]:
            raise Failed(f"scripts/decode finds {mismatches} other names", text)
    return run


def _failure_has_names(context):
    """A guest that does not end is shown with names, though it does not say where it is."""
    build = context.builds.get(layers.DEFAULT)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(PROMPT, 60)
            report = guest.failure("timeout", "as a test", ask=True).report()
    # One CPU: it waits in its idle thread, or is not yet there.
    if not re.search(r"^  [#?]\d* 0xffffffff[0-9a-f]{8} (sched_idle|kernel_main)\+0x", report,
                     re.M):
        raise Failed("the backtrace names neither sched_idle nor kernel_main", report)


def _passes(spec, test="", **options):
    """The self tests pass with that."""
    def run(context):
        build = context.builds.get(spec)
        with build.machine(f"test={test}", "pvh", **options) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                status = guest.wait(120)
                if status != EXIT_SUCCESS:
                    raise Failed(f"the self tests ended with status {status}", guest.output)
    return run


def jobs():
    """The jobs of this file."""
    return [
        Job("boot.kaslr-differs", _differs("max"), 4),
        Job("boot.kaslr-differs-old-cpu", _differs(OLD_CPU), 4),
        Job("boot.kaslr-differs-bios", _differs("max", "bios"), 8),
        Job("boot.kaslr-none", _is(0, "nokaslr", said="the slide is 0x0, as"), 2),
        Job("boot.kaslr-given", _is(0x1200000, "kaslr=0x1200000", said="is 0x1200000, as"), 2),
        Job("boot.kaslr-given-bios", _is(0x1200000, "kaslr=18M", firmware="bios"), 3),
        Job("boot.kaslr-least", _is(STEP, "kaslr=2M"), 2),
        Job("boot.kaslr-end-of-directory", _is_end(0), 2),
        Job("boot.kaslr-next-directory", _is(TOP // 2, "kaslr=1G"), 2),
        Job("boot.kaslr-top", _is_end(1), 2),
        Job("boot.kaslr-built-in-word", _is(0, spec=BUILT_IN), 2),
        Job("boot.kaslr-word-over-built-in", _is(STEP * 5, "kaslr=10M", BUILT_IN), 2),
        Job("boot.kaslr-bad-word", _bad_word, 3),
        Job("boot.kaslr-off", _is(0, spec=OFF), 2),
        Job("boot.kaslr-panic", _panic(layers.DEFAULT, "", True), 2),
        Job("boot.kaslr-panic-none", _panic(layers.DEFAULT, "nokaslr", True), 2),
        Job("boot.kaslr-panic-off", _panic(OFF, "", False), 2),
        Job("boot.kaslr-failure-has-names", _failure_has_names, 2),
        Job("boot.kaslr-five-levels", _passes(FIVE_LEVELS, "k"), 3),
        Job("boot.kaslr-four-levels", _passes(FIVE_LEVELS, "k", cpu="max,-la57"), 3),
        Job("boot.kaslr-bare", _passes(BARE, smp=1), 3),
    ]
