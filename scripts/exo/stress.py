# SPDX-License-Identifier: MIT
"""scripts/stress: thousands of threads that do all that threads can, at random, for minutes.

Builds the debug configuration with the monitor's stress command and each scheduling policy that is
asked for, boots it on a machine with several CPUs, and reports what the command says: a run passes
when all threads have ended, nothing is held, and frames and heap are as before. A seed gives every
thread the same decisions again; on several CPUs they still meet in another order.

With --fuzz: the fuzzer of system calls (tests/user/programs/fuzz.c) instead, on a protected kernel.
"""
import argparse
import os
import re
import sys
import time

from exo import builds, child, machine, tree
from exo.guest import PROMPT, Guest, GuestFailure

RESULT = re.compile(r"^STRESS (ok|FAILED) seed=\d+ .*$", re.M)
PROGRESS = re.compile(r"^stress: \d+ s, (\d+) operations.*$", re.M)
BASE = "debug"
END_SECONDS = 90  # for the threads to end, beyond the run itself
SILENCE = 60  # seconds: the command reports more often, and gives up by itself before that
FUZZ_RESULT = re.compile(r"fuzz: seed=\d+ calls=\d+ audits=\d+ restarts=\d+ first=[0-9a-f,]+ "
                         r"(?:ok|FAILED);", re.M)
FUZZ_PROGRESS = re.compile(r"fuzz: \d+ calls, \d+ audits, \d+ restarts", re.M)
FUZZ_START = 120  # seconds for what is not fuzzing
_PROMPT_OF_POLICY = re.compile(r"^config SCHED_(\w+)\n\tbool \"", re.M)


def policies():
    """The names of all scheduling policies, in lower case, as kernel/sched/Kconfig* has them."""
    found = []
    for name in sorted(os.listdir(tree.path("kernel", "sched"))):
        if name.startswith("Kconfig"):
            with open(tree.path("kernel", "sched", name), encoding="utf-8") as file:
                found += [policy.lower() for policy in _PROMPT_OF_POLICY.findall(file.read())]
    return found


def spec_of(policy, base=BASE):
    """The configuration with that policy."""
    return builds.Spec(base, ((f"SCHED_{policy.upper()}", True), ("STRESS", True)),
                       label=f"stress-{policy}")


def run(build, seconds, threads, seed=1, scale=1.0, progress=None, **options):
    """One run; returns the command's result line. Raises GuestFailure if it does not pass."""
    with build.machine("", "pvh", **options) as described:
        with Guest(described, build.elf, scale) as guest:
            guest.expect(PROMPT, 90)
            guest.type(f"stress {seconds} {threads} {seed}\r")
            deadline = time.monotonic() + (seconds + END_SECONDS) * scale
            while True:
                left = max(1.0, deadline - time.monotonic())
                match = guest.expect(rf"(?m){RESULT.pattern}|{PROGRESS.pattern}", left, SILENCE)
                if match[0].startswith("STRESS"):
                    break
                if progress:
                    progress(match[0])
            if not match[0].startswith("STRESS ok"):
                raise guest.failure("stress", match[0])
            return match[0]


def fuzz_spec(policy, base=BASE):
    """The configuration with that policy, programs, and the audit."""
    return builds.Spec(base, ((f"SCHED_{policy.upper()}", True), ("PROTECTED", True),
                              ("TESTS", True), ("DEBUG_EXIT", True)), label=f"fuzz-{policy}")


def fuzz(build, seed=1, calls=0, seconds=0, limit=600, scale=1.0, progress=None, **options):
    """One run of so many calls or seconds; returns the program's result line. Raises GuestFailure
    if it does not pass, within @limit seconds."""
    calls = calls or 10 ** 15
    with build.machine(f"fuzz={seed}:{calls}:{seconds}", "pvh", **options) as described:
        with Guest(described, build.elf, scale) as guest:
            deadline = time.monotonic() + limit * scale
            while True:
                left = max(1.0, deadline - time.monotonic())
                match = guest.expect(rf"(?m){FUZZ_RESULT.pattern}|{FUZZ_PROGRESS.pattern}", left,
                                     SILENCE)
                if match[0].startswith("fuzz: seed"):
                    break
                if progress:
                    progress(match[0])
            status = guest.wait(30, 30)
            if not match[0].endswith(" ok;") or status != machine.EXIT_SUCCESS:
                raise guest.failure("fuzz", f"{match[0]} (QEMU's status {status})")
            return match[0].rstrip(";")


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/stress", description="Threads that do all that "
                                     "threads can, at random; checks that nothing is lost.")
    parser.add_argument("--seconds", type=int, default=120, metavar="N",
                        help="how long each run takes (%(default)s)")
    parser.add_argument("--threads", type=int, default=10000, metavar="N",
                        help="how many at a time (%(default)s)")
    parser.add_argument("--policy", action="append", choices=policies(),
                        help="scheduling policy; may be given several times (all of them)")
    parser.add_argument("--smp", type=int, default=8, metavar="N", help="CPUs (%(default)s)")
    parser.add_argument("--nodes", type=int, metavar="N", help="NUMA nodes (none)")
    parser.add_argument("--mem", default="1G", metavar="SIZE", help="memory (%(default)s)")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="of the first run (the time); each further run has the next")
    parser.add_argument("--fuzz", action="store_true",
                        help="the fuzzer of system calls, with the policy `priority` or those that "
                        "are given")
    parser.add_argument("--calls", type=int, default=0, metavar="N",
                        help="with --fuzz: end after so many calls (no limit)")
    parser.add_argument("--runs", type=int, default=1, metavar="N",
                        help="runs of each policy (%(default)s)")
    parser.add_argument("--defconfig", default=BASE, metavar="NAME",
                        help="what the configuration is based on (%(default)s)")
    return parser.parse_args(arguments)


def _run(options, build, seed):
    """One run as the command line wants it."""
    common = {"progress": lambda text: print("  " + text, flush=True), "smp": options.smp,
              "memory": options.mem, "numa": options.nodes}
    if options.fuzz:
        return fuzz(build, seed, options.calls, options.seconds, options.seconds + FUZZ_START,
                    **common)
    return run(build, options.seconds, options.threads, seed, **common)


def main(arguments):
    """scripts/stress"""
    options = parse(arguments)
    cache = builds.Builds(os.path.join(tree.BUILD, "stress"), os.cpu_count())
    seed = options.seed or int(time.time()) % 1000000 + 1
    failed = 0
    try:
        for policy in options.policy or (["priority"] if options.fuzz else policies()):
            build = cache.get((fuzz_spec if options.fuzz else spec_of)(policy, options.defconfig))
            for number in range(options.runs):
                print(f"{policy}: seed {seed + number}", flush=True)
                try:
                    print("  " + _run(options, build, seed + number))
                except GuestFailure as failure:
                    failed += 1
                    print(failure.report(), flush=True)
    except (builds.BuildError, machine.MachineError) as error:
        print(f"scripts/stress: {error}\n{getattr(error, 'details', '')}".rstrip(),
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        child.kill_all()
        return 130
    print(f"{failed} failed" if failed else "all passed")
    return 1 if failed else 0
