#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The test runner can fail: each way in which a guest or a test can go wrong is noticed.

The guests here are a fake QEMU: a shell script that prints what a broken kernel would print.
"""
import contextlib
import io
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import builds, child, ktap, results, runner, selftests  # noqa: E402
from exo.guest import Guest, GuestFailure  # noqa: E402
from exo.machine import Machine  # noqa: E402

BANNER = "exo-kernel 0.1.0 x86_64 config 0123456789ab\n"
GOOD = BANNER + """exo-kernel: ready
KTAP version 1
1..2
    KTAP version 1
    # Subtest: string
    1..2
    ok 1 length
    ok 2 copy # SKIP not here
ok 1 string
    KTAP version 1
    # Subtest: printf
    1..1
    ok 1 hex
ok 2 printf
"""
PANIC = "PANIC: general protection fault\n  #0 0xffffffff80101234 f+0x1/0x2\nPANIC END\n"


def alive(pid):
    """Whether a process still runs; one that ended and waits for its parent does not."""
    try:
        with open(f"/proc/{int(pid)}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_gone(pid):
    """Whether a killed process is gone within a few seconds."""
    for _ in range(50):
        if not alive(pid):
            return True
        time.sleep(0.1)
    return False


class FakeBuild:
    """Looks like builds.Build, without a kernel."""
    elf = None

    @contextlib.contextmanager
    def machine(self, words="", firmware=None, **options):
        """A machine whose QEMU is the fake."""
        del words, firmware, options
        yield Machine("none.elf", firmware="pvh")


class FakeQemu(unittest.TestCase):
    """Base: fake(TEXT, ...) makes a QEMU that behaves so."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        patience = mock.patch("exo.qmp.PATIENCE", 0.2)  # the fake never answers
        patience.start()
        self.addCleanup(patience.stop)
        self.fake(GOOD, 33)

    def fake(self, text, status, before="", after=""):
        """QEMU= becomes a script: @before, print the text, @after, exit with the status."""
        name = os.path.join(self.directory, "qemu")
        with open(os.path.join(self.directory, "text"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(name, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{before}\ncat '{self.directory}/text'\n"
                       f"{after}\nexit {status}\n")
        os.chmod(name, stat.S_IRWXU)
        patch = mock.patch.dict(os.environ, QEMU=name)
        patch.start()
        self.addCleanup(patch.stop)

    def run_tests(self, **options):
        """The results of a job that runs the self tests of a fake guest."""
        job = runner.Job("kernel.fake", lambda context: selftests.run(
            FakeBuild(), "kernel.fake", context.scale, **options))
        found, _ = runner.run_job(job, runner.Context())
        return found

    def failure(self, **options):
        """The one failure of such a job, as text."""
        failed = [row for row in self.run_tests(**options) if row.status == results.FAILED]
        self.assertEqual(len(failed), 1, failed)
        return failed[0].message + "\n" + failed[0].details


class GuestClasses(FakeQemu):
    """One test for each way to fail."""

    def test_good_guest_passes(self):
        found = self.run_tests()
        self.assertEqual(results.summary(found), "2 passed, 0 failed, 1 skipped")
        self.assertEqual(found[0].name, "kernel.fake.string.length")
        self.assertEqual(found[1].message, "not here")

    def test_nothing_printed(self):
        self.fake("", 33)
        self.assertIn("silent", self.failure())

    def test_other_output_than_the_kernels(self):
        self.fake("GRUB loading.\nerror: no such file\n", 33)
        text = self.failure()
        self.assertIn("silent", text)
        self.assertIn("error: no such file", text)

    def test_hang_before_the_first_line(self):
        self.fake("", 33, after="sleep 60")
        self.assertIn("silent", self.failure(timeout=1))

    def test_panic(self):
        self.fake(BANNER + PANIC, 37)
        text = self.failure()
        self.assertIn("panic: general protection fault", text)
        self.assertIn("PANIC END", text)

    def test_panic_with_a_good_status(self):
        self.fake(GOOD + PANIC, 33)
        self.assertIn("panic: general protection fault", self.failure())

    def test_panic_that_hangs(self):
        self.fake(BANNER + "PANIC: stack smashed\n", 37, after="sleep 60")
        with Guest(Machine("none", firmware="pvh"), scale=0.2) as guest:
            with self.assertRaises(GuestFailure) as caught:
                guest.wait_ready(20)
        self.assertEqual(caught.exception.kind, "panic")

    def test_triple_fault(self):
        write_log = ('while [ "$1" != -D ]; do shift; done\n'
                     'echo "Triple fault" >"$2"')
        self.fake(BANNER, 0, before=write_log)
        self.assertIn("triple-fault", self.failure())

    def test_timeout(self):
        self.fake(BANNER, 33, after="while :; do echo alive; sleep 0.1; done")
        text = self.failure(timeout=1)
        self.assertIn("timeout", text)
        self.assertIn("alive", text)

    def test_hang_after_some_output(self):
        self.fake(BANNER, 33, after="sleep 60")
        self.assertIn("hang: nothing new", self.failure(timeout=30, idle=0.5))

    def test_exit_before_the_tests(self):
        self.fake(BANNER, 0)
        self.assertIn("no test report", self.failure())

    def test_exit_while_waiting(self):
        self.fake(BANNER, 0)
        with Guest(Machine("none", firmware="pvh")) as guest:
            with self.assertRaises(GuestFailure) as caught:
                guest.wait_ready(20)
        self.assertEqual(caught.exception.kind, "exited")

    def test_status_of_failure_with_a_good_report(self):
        self.fake(GOOD, 35)
        self.assertIn("status 35 where 33 was expected", self.failure())

    def test_status_of_success_with_a_failed_case(self):
        self.fake(GOOD.replace("ok 1 hex", "not ok 1 hex").replace("ok 2 pr", "not ok 2 pr"), 33)
        found = self.run_tests()
        self.assertEqual(results.count(found)[1], 2)
        self.assertIn("status 33 where 35", found[-1].message)

    def test_failed_case(self):
        note = "    # lib/printf.c:12: a == b (left 1, right 2)\n"
        bad = GOOD.replace("    ok 1 hex", note + "    not ok 1 hex")
        self.fake(bad.replace("ok 2 p", "not ok 2 p"), 35)
        text = self.failure()
        self.assertIn("lib/printf.c:12: a == b (left 1, right 2)", text)

    def test_fewer_cases_than_planned(self):
        self.fake(GOOD.replace("    ok 1 hex\n", ""), 33)
        self.assertIn("suite printf planned 1 cases and ran 0", self.failure())

    def test_fewer_suites_than_planned(self):
        self.fake(GOOD.replace("1..2\n    KTAP", "1..3\n    KTAP", 1), 33)
        self.assertIn("planned 3 suites and ran 2", self.failure())

    def test_qemu_is_missing(self):
        with mock.patch.dict(os.environ, QEMU="/nonexistent/qemu"):
            self.assertIn("/nonexistent/qemu", self.failure())

    def test_qemu_complains(self):
        self.fake("", 1, before="echo 'qemu: no such machine' >&2")
        self.assertRegex(self.failure(), r"\Aqemu: qemu: no such machine")

    def test_qemu_is_gone_afterwards(self):
        self.fake(BANNER, 33, before=f"echo $$ >'{self.directory}/pid'", after="exec sleep 60")
        self.failure(timeout=30, idle=0.3)
        with open(os.path.join(self.directory, "pid"), encoding="utf-8") as file:
            pid = int(file.read())
        self.assertTrue(is_gone(pid))


class Ktap(unittest.TestCase):
    """Reports that do not add up."""

    CASES = {
        "": "never came",
        "KTAP version 1\n": "no plan of the suites",
        GOOD.replace("    1..2\n", ""): "suite string has no plan",
        GOOD.replace("ok 2 copy", "ok 3 copy"): "came as number 2",
        GOOD.replace("ok 2 printf", "ok 3 printf"): "closed as printf, number 3",
        GOOD.replace("ok 2 printf", "ok 2 other"): "closed as other",
        GOOD.replace("ok 2 printf\n", ""): "ends within suite printf",
        GOOD.replace("    ok 1 hex", "    not ok 1 hex"): "says ok with 1 failed",
        GOOD.replace("ok 1 string\n", ""): "no closing line",
        GOOD.replace("\nok 1 string", "\nok 1 string\nok 1 string"): "without a beginning",
        GOOD + "1..2\n": "unexpected plan",
    }

    def test_problems(self):
        for text, problem in self.CASES.items():
            with self.subTest(problem):
                self.assertIn(problem, "; ".join(ktap.parse(text).problems))

    def test_good_one_has_none(self):
        self.assertEqual(ktap.parse(GOOD.replace("\n", "\r\n")).problems, [])

    def test_flat(self):
        good = "1..2\nok 1 - a\nok 2 - b # SKIP\n"
        self.assertEqual(ktap.parse_flat(good).problems, [])
        self.assertEqual([row.status for row in ktap.parse_flat(good).cases], ["passed", "skipped"])
        self.assertIn("planned 2", ktap.parse_flat("1..2\nok 1 - a\n").problems[0])
        self.assertIn("planned None", ktap.parse_flat("ok 1 - a\n").problems[0])
        self.assertIn("no test ran", ktap.parse_flat("").problems)


class Jobs(unittest.TestCase):
    """What run_all() makes of its jobs."""

    def run_all(self, *jobs, workers=2, context=None):
        """(results, what was printed)"""
        stream = io.StringIO()
        found = runner.run_all(list(jobs), context or runner.Context(), workers, stream)
        return found, stream.getvalue()

    def test_progress_line(self):
        found, text = self.run_all(runner.Job("host.a", lambda _: None))
        self.assertRegex(text, r"^\[1/1\] host\.a … ok \d+\.\d\ds\n$")
        self.assertEqual(results.summary(found), "1 passed, 0 failed, 0 skipped")
        self.assertEqual(results.exit_status(found), 0)

    def test_exception_is_a_failure(self):
        found, text = self.run_all(runner.Job("host.a", lambda _: 1 // 0))
        self.assertIn("ZeroDivisionError", text)
        self.assertEqual(results.exit_status(found), 1)

    def test_no_result_is_a_failure(self):
        found, _ = self.run_all(runner.Job("host.a", lambda _: []))
        self.assertEqual(results.summary(found), "0 passed, 1 failed, 0 skipped")

    def test_skipped_is_not_passed(self):
        def skip(_):
            raise runner.Skip("no such thing here")
        found, text = self.run_all(runner.Job("host.a", skip))
        self.assertIn("skipped (no such thing here)", text)
        self.assertEqual(results.summary(found), "0 passed, 0 failed, 1 skipped")
        self.assertEqual(results.exit_status(found), 1)

    def test_nothing_run_is_no_success(self):
        self.assertEqual(results.exit_status([]), 1)

    def test_filter_keeps_matching_results_and_failures(self):
        import re
        rows = [results.Result("kernel.x.a.one", "passed"),
                results.Result("kernel.x.b.two", "failed"),
                results.Result("kernel.x.c.three", "passed")]
        job = runner.Job("kernel.x", lambda _: rows, contents=["kernel.x.a.one"])
        context = runner.Context(pattern=re.compile("a.one"))
        self.assertTrue(job.matches(context.pattern))
        self.assertFalse(job.matches(re.compile("nothing")))
        found, _ = self.run_all(job, context=context)
        self.assertEqual([row.name for row in found], ["kernel.x.a.one", "kernel.x.b.two"])

    def test_jobs_run_side_by_side(self):
        began = time.monotonic()
        self.run_all(*[runner.Job(f"host.{i}", lambda _: time.sleep(0.5)) for i in range(4)],
                     workers=4)
        self.assertLess(time.monotonic() - began, 1.5)

    def test_junit(self):
        rows = [results.Result("host.a", "passed", 0.5),
                results.Result("host.b", "failed", 1, "bad \x1b[0m <&>", "log \x00"),
                results.Result("boot.c", "skipped", message="why")]
        with tempfile.TemporaryDirectory() as directory:
            name = os.path.join(directory, "sub", "junit.xml")
            results.write_junit(name, rows, 2)
            root = xml.parse(name).getroot()
        host = root.find("testsuite[@name='host']")
        self.assertEqual((host.get("tests"), host.get("failures")), ("2", "1"))
        self.assertIn("<&>", host.find("testcase/failure").get("message"))
        self.assertIsNotNone(root.find("testsuite[@name='boot']/testcase/skipped"))

    def test_a_build_error_reaches_every_job(self):
        with tempfile.TemporaryDirectory() as directory:
            shared = builds.Builds(directory)
            calls = []

            def broken(spec):
                calls.append(spec)
                raise builds.BuildError("does not compile", "main.c:1: error")
            shared._build = broken
            spec = builds.Spec("x86_64")
            jobs = [runner.Job(f"boot.{i}", lambda context: context.builds.get(spec))
                    for i in range(3)]
            found, text = self.run_all(*jobs, context=runner.Context(builds=shared))
        self.assertEqual(len(calls), 1)
        self.assertEqual(results.count(found), (0, 3, 0))
        self.assertIn("main.c:1: error", text)


class Children(unittest.TestCase):
    """Children end."""

    def test_timeout_kills_the_whole_group(self):
        done = child.run(["sh", "-c", "sleep 97 & echo $!; wait"], 0.5)
        self.assertTrue(done.timed_out)
        self.assertFalse(done.ok)
        self.assertTrue(is_gone(done.output))
        self.assertLess(done.seconds, 30)

    def test_ctrl_c_leaves_nothing(self):
        # A shell starts what runs in its background with SIGINT ignored: not so this program.
        program = ("import signal, sys\n"
                   "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
                   f"sys.path.insert(0, {os.path.join(ROOT, 'scripts')!r})\n"
                   "from exo import child, runner\n"
                   "def job(_): child.run(['sh', '-c', 'echo $$ >pid; sleep 98'], 60)\n"
                   "runner.run_all([runner.Job('host.a', job)], runner.Context(), 1)\n")
        with tempfile.TemporaryDirectory() as directory:
            process = subprocess.Popen([sys.executable, "-c", program], cwd=directory,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            name = os.path.join(directory, "pid")
            for _ in range(100):
                if os.path.exists(name) and os.path.getsize(name):
                    break
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            self.assertNotEqual(process.wait(20), 0)
            with open(name, encoding="utf-8") as file:
                self.assertTrue(is_gone(file.read()))


if __name__ == "__main__":
    unittest.main()
