# SPDX-License-Identifier: MIT
"""Programs that are linked into a flat kernel: CONFIG_FLAT_OBJECTS and CONFIG_FLAT_PROGRAM."""
import os
import re

from exo import builds
from exo.guest import READY, Guest
from exo.runner import Failed, Job

# Tests have the monitor run in place of programs where there is one.
FLAT = (("ISOLATION_FLAT", True), ("FLAT_OBJECTS", True), ("MONITOR", False))
HELLO = builds.Spec("x86_64", FLAT, label="flat-hello")
SHELL = builds.Spec("x86_64", (*FLAT, ("FLAT_PROGRAM", "exosh")), label="flat-shell")
SMALL = builds.Spec("embedded_flat")
# What is asked of the shell, and what must come.
SHELL_ROWS = (("caps", r"(?m)^ *1 .*env"), ("mem", r"node 0: \d+ frames free"),
              ("run hello", r"no archive was granted"))

# A program that does what it must not, and one that does what it may.
FAULT = """#include <libexo/print.h>
int main(void)
{
        volatile int *volatile nowhere = (volatile int *)8;

        exo_print("before\\n");
        *nowhere = 1;
        return 0;
}
"""
FAULT_SAYS = r"(?s)before.*exception 14, error 0x2, address 0x8 .*program ends"
OWN_SAYS = "mine: 1 argument, 42, one two, the capability is of another type"
OWN = """#include <exo/string.h>
#include <libexo/heap.h>
#include <libexo/print.h>
#include <libexo/program.h>
#include <libexo/thread.h>
static volatile int count;
static void add(void *by) { count += *(int *)by; }
int main(int argc, char **argv)
{
        int *by = exo_allocate(100 * sizeof(*by));
        struct exo_thread thread;

        by[99] = 42;
        if (exo_thread_start(&thread, add, &by[99], 2))
                return 1;
        while (!count)
                (void)exo_yield(EXO_SELF);
        exo_thread_end(&thread);
        exo_printf("%s: %d argument, %d, %s, %s\\n", argv[0], argc, count,
                   exo_program_info.boot->command_line, exo_error_text(-EXO_E_TYPE));
        return 0;
}
"""


def _output(context, spec, text, words=""):
    """What comes from a kernel up to @text."""
    build = context.builds.get(spec)
    with build.machine(words, "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(READY, 60)
            guest.expect(text, 30)
            return guest.output


def _hello(spec):
    def run(context):
        _output(context, spec, "hello: a program on exo-kernel\n")
    return run


def _shell(context):
    """CONFIG_FLAT_PROGRAM: a program that reads the console."""
    build = context.builds.get(SHELL)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            for line, pattern in SHELL_ROWS:
                guest.expect(r"exosh> $", 60)
                guest.type(line + "\r")
                guest.expect(pattern, 30)


def _own(name, text, words, pattern):
    """`make SOURCE=`: a person's own program in the image, and the kernel lives on."""
    def run(context):
        source = os.path.join(context.builds.directory, "flat-own", f"{name}.c")
        os.makedirs(os.path.dirname(source), exist_ok=True)
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        spec = builds.Spec("embedded_flat", variables=(f"SOURCE={source}",), label="own")
        output = _output(context, spec, pattern, words)
        if "PANIC" in output or not re.search(pattern, output):
            raise Failed(f"{pattern!r} did not come", output)
    return run


def jobs():
    """The jobs of this file."""
    return [Job("boot.flat-hello", _hello(HELLO), 2),
            Job("boot.flat-embedded", _hello(SMALL), 2),
            Job("boot.flat-shell", _shell, 2),
            Job("boot.flat-own", _own("mine", OWN, "one two", OWN_SAYS), 2),
            Job("boot.flat-fault", _own("wrong", FAULT, "", FAULT_SAYS), 2)]
