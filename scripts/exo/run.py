# SPDX-License-Identifier: MIT
"""scripts/run: from a source tree to a running kernel in one command.

Output goes to build/run-NAME for NAME_defconfig, apart from the build/ that make uses by itself, so
that nobody's own configuration is touched. A .config there that a person changed is kept and built.
"""
import argparse
import os
import re
import signal
import subprocess
import sys

from exo import builds, child, guest, machine, tree
from exo.guest import Guest, GuestFailure

OK, FAILURE, PANIC, NO_ANSWER, USAGE = 0, 1, 2, 3, 64
_STAMP = ".run-configured"
INIT_FRAMES = 8192  # the bank of a program of --init: 32 MiB
_STATUS = {0: OK, machine.EXIT_SUCCESS: OK, machine.EXIT_FAILURE: FAILURE,
           machine.EXIT_PANIC: PANIC}


class RunError(Exception):
    """Something a person must see to; the text names it and the remedy."""


def say(text):
    """A line for the person, beside what the guest prints."""
    print(text, file=sys.stderr, flush=True)


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Build a kernel and boot it in QEMU with its console on this terminal.",
        epilog="Exit status: 0 success; 1 the command (or the build) failed; 2 the kernel\n"
               "panicked; 3 no prompt, no end in time, or a triple fault.\n\n"
               "Environment: QEMU= another program than qemu-system-x86_64; ACCEL=kvm to use KVM;\n"
               "CROSS_COMPILE= and LLVM= as for make.\n\n"
               "Examples:\n"
               "  scripts/run                            boot x86_64_defconfig from an ISO\n"
               "  scripts/run --uefi --smp 4 --mem 1G    the same under UEFI, 4 CPUs, 1 GiB\n"
               "  scripts/run --numa 4 --smp 4           four nodes with a CPU and 64 MiB each\n"
               "  scripts/run --command 'mem; irq'       no terminal needed\n"
               "  scripts/run --defconfig debug --gdb    wait for gdb before the first instruction")
    parser.add_argument("--defconfig", default="x86_64", metavar="NAME",
                        help="build NAME_defconfig (%(default)s); there are: "
                             + ", ".join(tree.defconfigs()))
    firmware = parser.add_mutually_exclusive_group()
    firmware.add_argument("--uefi", action="store_const", dest="firmware", const="uefi",
                          default="bios", help="boot the ISO under UEFI (default: BIOS)")
    firmware.add_argument("--pvh", action="store_const", dest="firmware", const="pvh",
                          help="boot the ELF directly, without ISO and boot loader")
    parser.add_argument("--smp", type=_number_of("CPUs"), default=1, metavar="N",
                        help="CPUs (%(default)s)")
    parser.add_argument("--mem", default="256M", metavar="SIZE", type=_size,
                        help="memory, as 64M or 2G (%(default)s)")
    parser.add_argument("--numa", type=_number_of("nodes"), metavar="N",
                        help="divide CPUs and memory among N NUMA nodes, linked in a ring")
    parser.add_argument("--init", metavar="FILE", help="run this program, an ELF file or a C "
                        "source, in place of what user/init.conf names")
    parser.add_argument("--append", default="", metavar="WORDS", help="kernel command line")
    parser.add_argument("--gdb", nargs="?", type=int, const=1234, metavar="PORT",
                        help="stop before the first instruction and wait for gdb (on port 1234)")
    parser.add_argument("--command", metavar="TEXT",
                        help="type TEXT at the monitor's prompt, print what comes, end with its "
                             "status")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS",
                        help="with --command: for the boot, and again for each line "
                             "(%(default)s)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", metavar="DIR", help="build there (build/run-NAME)")
    place.add_argument("--build", metavar="DIR", help="boot what make has built in DIR, as it is")
    parser.add_argument("--verbose", action="store_true", help="print QEMU's command line; with "
                        "--command also the boot log")
    options = parser.parse_args(arguments)
    if options.gdb is not None and options.command is not None:
        parser.error("--gdb needs the terminal, so it does not go with --command")
    if options.init and options.command is not None:
        parser.error("--command is for the monitor, which runs in place of programs: leave out "
                     "--init")
    return options


def _number_of(things):
    def number(text):
        if not re.fullmatch(r"[1-9]\d*", text):
            raise argparse.ArgumentTypeError(f"{text!r} is no number of {things}")
        return int(text)
    return number


def _size(text):
    if not re.fullmatch(r"[1-9]\d*[KMGkmg]?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: give one as 64M or 2G")
    return text


# ---- building ------------------------------------------------------------------------------------

def configure(directory, name):
    """Makes directory/.config from NAME_defconfig, unless a person has one there."""
    defconfig = tree.path("defconfigs", f"{name}_defconfig")
    if not os.path.exists(defconfig):
        raise RunError(f"there is no {name}_defconfig; there are: {', '.join(tree.defconfigs())}")
    config = os.path.join(directory, ".config")
    stamp = _read_stamp(directory)
    if os.path.exists(config) and tree.sha256(config) != stamp.get("config"):
        say(f"{config} was changed by hand: building it as it is.\n"
            f"To start again from {name}_defconfig: rm '{config}'")
        return False
    if not os.path.exists(config) or tree.sha256(defconfig) != stamp.get("defconfig"):
        _make(directory, f"{name}_defconfig")
    return True


def _read_stamp(directory):
    try:
        with open(os.path.join(directory, _STAMP), encoding="utf-8") as file:
            return dict(line.split() for line in file)
    except FileNotFoundError:
        return {}


def _write_stamp(directory, name):
    """Remembers the .config as this script left it."""
    config = tree.sha256(os.path.join(directory, ".config"))
    defconfig = tree.sha256(tree.path("defconfigs", f"{name}_defconfig"))
    with open(os.path.join(directory, _STAMP), "w", encoding="utf-8") as file:
        file.write(f"config {config}\ndefconfig {defconfig}\n")


def _make(directory, *words):
    """Runs make with its output on this script's standard error."""
    process = child.start(["make", "-C", tree.ROOT, "-s", f"O={directory}", *words],
                          stdin=subprocess.DEVNULL, stdout=sys.stderr,
                          env={**os.environ, "MAKEFLAGS": ""})
    try:
        status = process.wait()
    finally:
        child.kill(process)
    if status:
        raise RunError(f"make {' '.join(words)} failed: see above")


def existing(directory):
    """The configuration of a directory in which make has built a kernel."""
    if not os.path.exists(os.path.join(directory, tree.KERNEL)):
        raise RunError(f"no kernel is built in {directory}: run make O='{directory}' first")
    return tree.Config.load(os.path.join(directory, ".config"))


def build(directory, name):
    """Configures and builds; returns the configuration (tree.Config)."""
    ours = configure(directory, name)
    _make(directory, f"-j{os.cpu_count()}")
    if ours:
        _write_stamp(directory, name)
    return tree.Config.load(os.path.join(directory, ".config"))


def init_archive(directory, name):
    """The archive of programs in which init starts just this one: a file called "programs"."""
    if name.endswith(".c"):
        _make(directory, "program", f"SOURCE={os.path.abspath(name)}")
        name = os.path.join(directory, "user", "own", os.path.basename(name)[:-2])
    own = os.path.join(directory, "user", "init")
    conf = os.path.join(directory, "user", "own", "init.conf")
    os.makedirs(os.path.dirname(conf), exist_ok=True)
    program = os.path.basename(name)
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f"program {program} frames={INIT_FRAMES} cpus=all sys archive\n")
    archive = os.path.join(os.path.dirname(conf), "programs")
    made = child.run(["sh", "-c", 'exec python3 -B "$0" "$1" "$2" "$3" > "$4"',
                      tree.path("scripts/build/cpio.py"), own, name, conf, archive], 60)
    if not made.ok:
        raise RunError(f"no archive of {name}: {made.output.strip() or made.reason()}")
    return archive


def init_words(options, directory, config):
    """The words with which make has the kernel run this program alone: as a boot module, or linked
    into a flat kernel."""
    name = options.init
    if not config["OBJECTS"]:
        raise RunError("this kernel runs no programs of others: set CONFIG_PROTECTED=y or "
                       "CONFIG_FLAT_OBJECTS=y")
    if not os.path.exists(name):
        raise RunError(f"there is no {name}")
    if not config["PROTECTED"]:
        if not name.endswith(".c"):
            raise RunError(f"a flat kernel is linked with the program: {name} is no C source")
        words = [f"SOURCE={os.path.abspath(name)}"]
        _make(directory, "program", *words)
        return words
    if options.firmware == "pvh":
        raise RunError("--init passes a boot module, which needs the ISO: leave out --pvh")
    return [f"MODULES={init_archive(directory, name)}"]


def make_machine(options, directory, config):
    """The machine, with an ISO where one is needed."""
    elf = os.path.join(directory, tree.KERNEL)
    init = init_words(options, directory, config) if options.init else []
    words = options.append
    if options.command is not None:
        words = builds.monitor_words(config, words)
    if options.gdb and config["KASLR"] and not re.search(r"\b(no)?kaslr\b", words):
        words = f"nokaslr {words}".strip()
        say("The kernel is not moved (nokaslr), so that gdb finds its symbols.")
    settings = {"firmware": options.firmware, "smp": options.smp, "memory": options.mem,
                "numa": options.numa}
    if options.firmware == "pvh":
        if not config["BOOT_PVH"]:
            raise RunError("this kernel has no PVH entry: set CONFIG_BOOT_PVH=y, or leave out "
                           "--pvh")
        return machine.Machine.from_config(config, elf, command_line=words, **settings)
    if not config["BOOT_MULTIBOOT2"]:
        raise RunError("this kernel has no multiboot2 entry for GRUB: set "
                       "CONFIG_BOOT_MULTIBOOT2=y, or use --pvh")
    iso = os.path.join(directory, tree.ISO)
    if words or init or not options.build or not _newer(iso, elf):
        _make(directory, "iso", *init, *([f"CMDLINE={words}"] if words else []))
    return machine.Machine.from_config(config, iso, **settings)


def _newer(iso, elf):
    """Whether the ISO was made after the kernel: then it is booted as it is, modules included."""
    return os.path.exists(iso) and os.path.getmtime(iso) >= os.path.getmtime(elf)


# ---- running -------------------------------------------------------------------------------------

def watch_screen(guest_machine, elf):
    """Prints the text on the guest's screen whenever it changes."""
    with Guest(guest_machine, elf, on_screen=True) as running:
        shown = ""
        while running.alive():
            text = running.seen()
            if text and text != shown:
                print(f"{'-' * 80}\n{text}", flush=True)
                shown = text
    return _STATUS.get(running.status, FAILURE)


def interactive(options, guest_machine, elf, config):
    """The console on this terminal."""
    if not config["SERIAL_16550"]:
        say("This kernel has no serial console (CONFIG_SERIAL_16550): this is its screen. "
            "Ctrl-C ends QEMU.")
        return watch_screen(guest_machine, elf)
    command = guest_machine.command() + guest_machine.serial("stdio,mux=on,signal=off") + [
        "-mon", "chardev=serial,mode=readline"]
    if options.gdb:
        command += ["-gdb", f"tcp:127.0.0.1:{options.gdb}", "-S"]
        say("Waiting for gdb. In another terminal:\n"
            f"  gdb '{elf}' -ex 'target remote 127.0.0.1:{options.gdb}'")
    if options.verbose:
        say(" ".join(command))
    say("Ctrl-A X ends QEMU, Ctrl-A H lists its keys.")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the guest
    try:
        process = subprocess.Popen(child.bound_to_parent(command))  # keeps the terminal
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return _STATUS.get(status, FAILURE)


def check_command(text, config):
    """Whether this kernel can run a command at all."""
    if not config["MONITOR"]:
        raise RunError("this kernel has no console that runs commands: set CONFIG_MONITOR=y, or "
                       "choose another --defconfig")
    limit = config["MONITOR_LINE_SIZE"]
    for line in text.splitlines():
        if limit and len(line) >= limit:
            raise RunError(f"the command has {len(line)} characters; this kernel takes "
                           f"{limit - 1} (CONFIG_MONITOR_LINE_SIZE)")


def run_command(options, guest_machine, elf, config):
    """Types a command at the prompt; the status is that of the guest."""
    if options.verbose:
        say(" ".join(guest_machine.command()))
    scale = options.timeout / 60
    with Guest(guest_machine, elf, scale) as running:
        try:
            running.expect(guest.PROMPT, 60)
            if options.verbose:
                say(running.log(10000))
            for line in options.command.splitlines() or [""]:
                print(running.command(line, 60), end="", flush=True)
            return _leave(running, config)
        except GuestFailure as failure:
            return _command_failed(running, failure)


def _leave(running, config):
    """Ends the guest by its own `exit`, whose status is that of the last command."""
    if not config["DEBUG_EXIT"]:
        say("This kernel has no CONFIG_DEBUG_EXIT, so the command's status is not known.")
        return OK
    running.type("exit\r")
    status = running.wait(10)
    return {machine.EXIT_SUCCESS: OK, machine.EXIT_FAILURE: FAILURE}.get(status, PANIC)


def _command_failed(running, failure):
    """The guest ended, panicked or said nothing more. Some commands are meant to end it."""
    meant = running.qmp.shutdown_reason() in ("guest-shutdown", "guest-reset")
    statuses = {machine.EXIT_SUCCESS: OK, machine.EXIT_FAILURE: FAILURE, 0: OK if meant else None}
    rest = running.rest_of_command()
    if failure.kind == "exited" and rest is not None:
        status = statuses.get(running.status)
        if status is not None:
            print(rest, end="")
            return status
    say(failure.report())
    panicked = failure.kind == "panic" or running.status == machine.EXIT_PANIC
    return PANIC if panicked else NO_ANSWER


def main(arguments):
    """scripts/run"""
    options = parse(arguments)
    directory = os.path.abspath(options.build or options.out or
                                os.path.join(tree.BUILD, f"run-{options.defconfig}"))
    elf = os.path.join(directory, tree.KERNEL)
    try:
        if re.search(r"\s", tree.ROOT + directory):
            raise RunError(f"make cannot build in a path with blanks: {tree.ROOT} to {directory}")
        config = existing(directory) if options.build else build(directory, options.defconfig)
        if options.command is not None:
            check_command(options.command, config)
        guest_machine = make_machine(options, directory, config)
        if options.command is not None:
            return run_command(options, guest_machine, elf, config)
        return interactive(options, guest_machine, elf, config)
    except (RunError, builds.BuildError, machine.MachineError) as error:
        say(f"scripts/run: {error}")
        return FAILURE
    except KeyboardInterrupt:
        child.kill_all()
        return 130
