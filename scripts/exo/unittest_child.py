# SPDX-License-Identifier: MIT
"""Runs one file of unittest tests and prints each outcome as a line of JSON, for the runner.

A process of its own for each file: the tests may change the directory or the environment, and one
that hangs can be killed.
"""
import importlib.util
import json
import os
import sys
import time
import unittest

MARK = "EXO-TEST "


class JsonResult(unittest.TestResult):
    """Prints {"name", "status", "seconds", "message", "details"} for each test and subtest."""

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()
        self._failures = []

    def stopTest(self, test):
        super().stopTest(test)
        if self._failures:
            self._print(test, "failed", self._failures[0].strip().splitlines()[-1],
                        "\n".join(self._failures))
            self._failures = []

    def addSuccess(self, test):
        super().addSuccess(test)
        if not self._failures:
            self._print(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._print(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failures.append(self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        text = self._exc_info_to_string(err, test)
        if isinstance(test, unittest.TestCase):
            self._failures.append(text)
        else:  # setUpClass and its like: there is no test to stop
            self._began = time.monotonic()
            self._print(test, "failed", text.strip().splitlines()[-1], text)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._failures.append(f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def addExpectedFailure(self, test, err):
        self.addFailure(test, err)  # a known failure is a failure

    def addUnexpectedSuccess(self, test):
        self.addSuccess(test)

    def _print(self, test, status, message="", details=""):
        name = test.id().split(".", 1)[-1] if isinstance(test, unittest.TestCase) else str(test)
        row = {"name": name, "status": status, "message": message, "details": details,
               "seconds": time.monotonic() - self._began}
        print(MARK + json.dumps(row), flush=True)


def main(arguments):
    """scripts/exo unittest FILE [REGEX of names]"""
    file_name = os.path.abspath(arguments[0])
    sys.path.insert(0, os.path.dirname(file_name))
    spec = importlib.util.spec_from_file_location("tests", file_name)
    module = importlib.util.module_from_spec(spec)
    sys.modules["tests"] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = JsonResult()
    suite.run(result)
    return 0 if result.wasSuccessful() and result.testsRun else 1
