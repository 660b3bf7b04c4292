# SPDX-License-Identifier: MIT
"""Every way to start a kernel, and what it says where it cannot start."""
import re

from exo import builds, layers
from exo.guest import PROMPT, READY, Guest
from exo.machine import EXIT_PANIC
from exo.runner import Failed, Job

FIRST_LINE = r"(?m)^exo-kernel \S+ x86_64 config [0-9a-f]{12}$"


def _start(firmware, on_screen=False, words="", **options):
    """A job's function: boots to the prompt and runs a command there."""
    def run(context):
        build = context.builds.get(layers.DEFAULT)
        with build.machine(words, firmware, **options) as machine:
            with Guest(machine, build.elf, context.scale, on_screen=on_screen) as guest:
                if on_screen:
                    guest.wait_ready(60)
                    return
                guest.expect(FIRST_LINE, 60)
                guest.expect(READY, 60)
                guest.expect(PROMPT, 60)
                help_text = guest.command("help")
                if "poweroff" not in help_text:
                    raise guest.failure("help", f"help printed only {help_text!r}", ask=True)
    return run


def _words_arrive(firmware):
    """The command line reaches the kernel word by word, whichever loader passes it."""
    words = "alpha=1 beta='x' gamma"

    def run(context):
        build = context.builds.get(layers.DEFAULT)
        with build.machine(words, firmware) as machine:
            with Guest(machine, build.elf, context.scale) as guest:
                guest.expect(PROMPT, 60)
                log = guest.command("log")
        # GRUB puts a backslash before a quote; the words are otherwise as they were given.
        if "alpha=1" not in log or not re.search(r"beta=\\?'x\\?' gamma", log):
            raise Failed(f"the words {words!r} are not in the log", log)
    return run


def _refuses(missing, firmware, cpu, on_screen=False):
    """On a CPU without a feature that the kernel needs, it names the feature and stops."""
    def run(context):
        build = context.builds.get(layers.DEFAULT)
        pattern = rf"exo-kernel cannot run: it needs .*{missing}"
        with build.machine("", firmware, cpu=cpu, debug_exit=not on_screen) as machine:
            with Guest(machine, build.elf, context.scale, on_screen=on_screen) as guest:
                guest.expect(pattern, 60)
                if not on_screen and guest.wait(60) != EXIT_PANIC:
                    raise Failed(f"QEMU ended with status {guest.status}, not {EXIT_PANIC}")
    return run


def _iso_target(context):
    """`make iso` makes the image that boots, without any words: to the shell of programs."""
    build = context.builds.get(layers.DEFAULT)
    made = builds.make(build.directory, "iso")
    if not made.ok:
        raise Failed(f"make iso: {made.reason()}", made.output)
    from exo import machine, tree
    iso = machine.Machine.from_config(build.config, f"{build.directory}/{tree.ISO}")
    with Guest(iso, build.elf, context.scale) as guest:
        guest.expect(r"(?m)^exosh> ", 60)


def jobs():
    """The jobs of this file."""
    return [
        Job("boot.bios", _start("bios"), 2),
        Job("boot.bios-smp4", _start("bios", smp=4, memory="1G"), 2),
        Job("boot.bios-framebuffer", _start("bios", on_screen=True), 3),
        Job("boot.uefi", _start("uefi"), 9),
        Job("boot.uefi-framebuffer", _start("uefi", on_screen=True), 9),
        Job("boot.pvh", _start("pvh"), 1),
        Job("boot.pvh-vga-text", _start("pvh", on_screen=True), 1),
        Job("boot.pvh-memory-5G", _start("pvh", memory="5G"), 1),
        Job("boot.pvh-little-memory", _start("pvh", memory="8M"), 1),
        Job("boot.bios-little-memory", _start("bios", memory="24M"), 2),
        Job("boot.microvm", _start("microvm"), 1),
        Job("boot.cpu-qemu64", _start("pvh", cpu="qemu64"), 1),
        Job("boot.iso-target", _iso_target, 3),
        Job("boot.words-pvh", _words_arrive("pvh"), 1),
        Job("boot.words-bios", _words_arrive("bios"), 2),
        Job("boot.no-long-mode-pvh", _refuses(r"\(LM\)", "pvh", "qemu64,-lm"), 1),
        Job("boot.no-long-mode-bios", _refuses(r"\(LM\)", "bios", "qemu64,-lm"), 2),
        Job("boot.no-long-mode-screen", _refuses(r"\(LM\)", "pvh", "qemu64,-lm", True), 2),
        Job("boot.no-nx", _refuses(r"\(NX\)", "pvh", "max,-nx"), 1),
        Job("boot.no-pae", _refuses(r"\(PAE\)", "pvh", "max,-pae"), 1),
    ]
