# SPDX-License-Identifier: MIT
"""The shell of a protected kernel: each command does what its help says, and says what is wrong."""
from exo import builds
from exo.guest import Guest
from exo.runner import Job

# Tests have the monitor run in place of programs where there is one.
BUILD = builds.Spec("x86_64", (("MONITOR", False),))
# What is typed, and what must come; programs write when they like.
ROWS = (("help", r"(?s)ps .*caps .*mem .*map .*run .*kill .*revoke .*bench "),
        ("no-such", r"no-such: no such command"),
        ("caps", r"(?m)^1 +env +RWXDGC "),
        ("mem", r"(?s)node 0: [1-9]\d* frames free.*own bank: \d+ of 8192 frames in use"),
        ("map", r"(?m)^[0-9a-f]+ +1000 +\d+ +[0-9a-f]+"),
        ("run", r"exosh: run wants NAME"),
        ("run nothing", r"exosh: run: nothing: the archive has no such file"),
        ("run hello", r"hello: a program on exo-kernel"),
        ("run uthreads", r"uthreads: "),
        ("ps", r"(?s)hello +(ended|running|ending) .*uthreads +"),
        ("kill hello\rkill hello", r"exosh: kill: hello: not started here"),
        ("ps", r"used\s+uthreads "),
        ("revoke x", r"exosh: revoke wants the number of a slot"),
        ("revoke 9999", r"exosh: revoke: no capability in the slot"),
        ("bench", r"(?m)^null call +\d+"))


def _every_command(context):
    build = context.builds.get(BUILD)
    with build.machine("", "pvh") as machine:
        with Guest(machine, build.elf, context.scale) as guest:
            guest.expect(r"exosh> ", 60)  # what ends meanwhile may be told behind it
            for line, pattern in ROWS:
                guest.type(line + "\r")
                guest.expect(pattern, 30)


def jobs():
    """The jobs of this file."""
    return [Job("boot.exosh", _every_command, 3)]
