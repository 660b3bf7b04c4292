# SPDX-License-Identifier: MIT
"""Reads KTAP, the form in which the self tests report, and trusts nothing about it.

A guest can die in the middle, lose lines or count wrongly. Whatever does not add up is a problem,
and a run with a problem has failed, whatever the cases say: plans and numbers are compared with
what came, and a suite's own verdict with those of its cases.
"""
import re
from dataclasses import dataclass, field

_PLAN = re.compile(r"^( *)1\.\.(\d+)$")
_POINT = re.compile(r"^( *)(ok|not ok) (\d+) (?:- )?(.*?)(?: # SKIP ?(.*))?$")
_SUBTEST = re.compile(r"^    # Subtest: (\S+)$")
_NOTE = re.compile(r"^    # (.*)$")


@dataclass
class Case:
    """One test case: status is "passed", "failed" or "skipped"."""
    suite: str
    name: str
    status: str
    line: str  # as it came
    detail: str = ""


@dataclass
class Report:
    """All cases, and all that was wrong with the report itself."""
    cases: list = field(default_factory=list)
    problems: list = field(default_factory=list)


class _Suite:
    def __init__(self, name):
        self.name = name
        self.plan = None
        self.count = 0
        self.failed = 0


class _Parser:
    def __init__(self):
        self.report = Report()
        self.plan = None
        self.count = 0
        self.suite = None
        self.notes = []

    def problem(self, text):
        self.report.problems.append(text)

    def line(self, line):
        """Takes the next line after `KTAP version 1`."""
        plan, point, subtest = _PLAN.match(line), _POINT.match(line), _SUBTEST.match(line)
        note = _NOTE.match(line)
        if plan:
            self._plan(len(plan[1]), int(plan[2]))
        elif point:
            self._point(point)
        elif subtest:
            if self.suite:
                self.problem(f"suite {self.suite.name} has no closing line")
            self.suite = _Suite(subtest[1])
        elif note:
            self.notes.append(note[1])

    def _plan(self, indent, number):
        if indent == 0 and self.plan is None:
            self.plan = number
        elif indent == 4 and self.suite and self.suite.plan is None:
            self.suite.plan = number
        else:
            self.problem(f"unexpected plan 1..{number}")

    def _point(self, match):
        indent, passed = len(match[1]), match[2] == "ok"
        number, name, skip = int(match[3]), match[4], match[5]
        if indent == 4 and self.suite:
            self._case(match[0], passed, number, name, skip)
        elif indent == 0:
            self._suite_end(passed, number, name)
        else:
            self.problem(f"unexpected line: {match[0]}")

    def _case(self, line, passed, number, name, skip):
        suite = self.suite
        suite.count += 1
        if number != suite.count:
            self.problem(f"suite {suite.name}: case {number} ({name}) came as number {suite.count}")
        status = "passed" if passed else "failed"
        if passed and skip is not None:
            status = "skipped"
        suite.failed += status == "failed"
        detail = "\n".join(self.notes) if status == "failed" else skip or ""
        self.report.cases.append(Case(suite.name, name, status, line, detail))
        self.notes = []

    def _suite_end(self, passed, number, name):
        suite, self.suite, self.notes = self.suite, None, []
        self.count += 1
        if not suite:
            self.problem(f"suite {name} ended without a beginning")
            return
        if number != self.count or name != suite.name:
            self.problem(f"suite {suite.name}, number {self.count}, "
                         f"was closed as {name}, number {number}")
        self._check_plan(suite)
        if passed != (suite.failed == 0):
            self.problem(f"suite {name} says {'ok' if passed else 'not ok'} "
                         f"with {suite.failed} failed cases")

    def _check_plan(self, suite):
        if suite.plan is None:
            self.problem(f"suite {suite.name} has no plan")
        elif suite.plan != suite.count:
            self.problem(f"suite {suite.name} planned {suite.plan} cases and ran {suite.count}")

    def end(self):
        """The output is over."""
        if self.suite:
            self._check_plan(self.suite)
            self.problem(f"the output ends within suite {self.suite.name}")
        if self.plan is None:
            self.problem("no plan of the suites (1..N)")
        elif self.plan != self.count:
            self.problem(f"planned {self.plan} suites and ran {self.count}")
        if not self.report.cases:
            self.problem("no test ran")


def parse(text):
    """The Report of all that follows the first `KTAP version 1` in a guest's output."""
    parser = _Parser()
    lines = iter(text.replace("\r", "").splitlines())
    for line in lines:
        if line == "KTAP version 1":
            break
    else:
        parser.problem("no test report: the line 'KTAP version 1' never came")
        return parser.report
    for line in lines:
        parser.line(line)
    parser.end()
    return parser.report


_FLAT_POINT = re.compile(r"^(ok|not ok) (\d+) (?:- )?(.*?)(?: # SKIP ?(.*))?$")


def parse_flat(text):
    """The Report of a program of the host that prints plain TAP: one plan, one level."""
    report, plan, notes = Report(), None, []
    for line in text.splitlines():
        point = _FLAT_POINT.match(line)
        if re.fullmatch(r"1\.\.\d+", line):
            if plan is not None:
                report.problems.append("two plans")
            plan = int(line[3:])
        elif point:
            status = "failed" if point[1] == "not ok" else "passed"
            status = "skipped" if status == "passed" and point[4] is not None else status
            detail = "; ".join(notes) if status == "failed" else point[4] or ""
            report.cases.append(Case("", point[3], status, line, detail))
            notes = []
        elif line.startswith("#"):
            notes.append(line.lstrip("# "))
    if plan != len(report.cases):
        report.problems.append(f"planned {plan} cases and ran {len(report.cases)}")
    if not report.cases:
        report.problems.append("no test ran")
    return report
