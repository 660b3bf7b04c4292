# SPDX-License-Identifier: MIT
"""Boots a kernel with the word `test` and turns its report into results.

A run passes only if the kernel said its first line, the report adds up (ktap.py), and QEMU's exit
status says the same as the report.
"""
import os
import re

from exo import ktap, tree
from exo.guest import BANNER, Guest
from exo.machine import EXIT_FAILURE, EXIT_SUCCESS
from exo.results import FAILED, Result
from exo.runner import Failed

_SUITE = re.compile(r"^\s*TEST_SUITE\((\w+),", re.M)
_CASE = re.compile(r"\bTEST_CASE\((\w+)\)")


# The suites of tests/user that need no object, so that a flat kernel has them too.
FLAT_SUITES = "user_calls"


def run(build, name, scale=1.0, words="test", firmware=None, timeout=120, idle=30, **options):
    """The results of all self tests in one build; their names begin with @name."""
    scale *= _slower(**options)
    with build.machine(words, firmware, **options) as machine:
        with Guest(machine, build.elf, scale) as guest:
            status = guest.wait(timeout, idle)
            return results_of(guest, status, name)


def _slower(smp=1, **_):
    """By how much a machine is slower because its CPUs share those of the host."""
    return max(1.0, smp / (os.cpu_count() or 1))


def results_of(guest, status, name):
    """Results from the output of a guest that has ended."""
    output = guest.output
    if not BANNER.search(output):
        raise guest.failure("silent", "the kernel's first line never came; "
                            f"QEMU ended with status {status}")
    report = ktap.parse(output)
    found, before = [], 0.0
    for case in report.cases:
        now = guest.when(guest.output.find(case.line))
        found.append(Result(f"{name}.{case.suite}.{case.name}", case.status,
                            max(0.0, now - before), case.detail.replace("\n", "; "),
                            guest.log() if case.status == FAILED else ""))
        before = now
    expected = EXIT_FAILURE if any(row.status == FAILED for row in found) else EXIT_SUCCESS
    problems = report.problems
    if status != expected:
        problems.append(f"QEMU ended with status {status} where {expected} was expected")
    if problems:
        found.append(Result(name, FAILED, message="; ".join(problems), details=guest.log()))
    return found


def contents(name, directories=("tests/host", "tests/kernel")):
    """Names of the results that a run of a kernel may yield, from the sources."""
    found = []
    for directory in directories:
        for file_name in tree.files(directory, "_test.c"):
            found += contents_of(file_name, name, with_suite=True)
    return found + [row for row in user_contents(name) if f".{FLAT_SUITES}." in row]


def user_contents(name):
    """Names of the results that a run of abi-test yields."""
    return [row for file_name in tree.files("tests/user", "_test.c")
            for row in contents_of(file_name, name, with_suite=True)]


def contents_of(file_name, name, with_suite=False):
    """Names of the results that one source file yields."""
    with open(file_name, encoding="utf-8") as file:
        text = file.read()
    suites = [f"{name}.{suite}" for suite in _SUITE.findall(text)] if with_suite else [name]
    return [f"{suite}.{case}" for suite in suites for case in _CASE.findall(text)]


def run_by_status(build, scale=1.0, **options):
    """For kernels without a serial port: the report cannot be read in full, its verdict can."""
    with build.machine("test", **options) as machine:
        with Guest(machine, build.elf, scale * _slower(**options), on_screen=True) as guest:
            status = guest.wait(120)
    if status != EXIT_SUCCESS:
        raise Failed(f"the self tests ended QEMU with status {status}, not {EXIT_SUCCESS}")
