#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/bench: reading a guest's rows and judging them against the committed figures."""

import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from exo import bench, bench_smp, builds, size, tree  # noqa: E402

ROWS = ("exo-kernel: ready\r\n"
        "BENCH irq.spurious unit=insn n=1000 min=90 p50=91 p99=95\r\n"
        "BENCH boot.entry_to_main unit=insn n=1 min=500 p50=500 p99=500\r\n")


class ParseTest(unittest.TestCase):
    """What a guest prints."""

    def test_rows(self):
        rows = bench.parse(ROWS + "BENCH END 2\r\n", "flat.")
        self.assertEqual([row["name"] for row in rows],
                         ["flat.irq.spurious", "flat.boot.entry_to_main"])
        self.assertEqual((rows[0]["min"], rows[0]["p50"], rows[0]["p99"]), (90, 91, 95))

    def test_missing_row(self):
        with self.assertRaisesRegex(bench.BenchError, "2 BENCH rows but promised 3"):
            bench.parse(ROWS + "BENCH END 3\n")

    def test_no_end(self):
        with self.assertRaisesRegex(bench.BenchError, "no BENCH END"):
            bench.parse(ROWS)

    def test_nothing(self):
        with self.assertRaises(bench.BenchError):
            bench.parse("BENCH END 0\n")

    def test_kernel_without_benchmarks(self):
        with self.assertRaisesRegex(bench.BenchError, "CONFIG_BENCH=y"):
            bench.measure("kernel.elf", tree.Config.parse("CONFIG_BOOT_PVH=y\n"))


class CompareTest(unittest.TestCase):
    """Against the committed figures."""

    def compare(self, value, whole=False, **known):
        """Whether one row of this value is good, and what was printed."""
        expected = {"compiler": bench.compiler(), "rows": {"a": {"unit": "insn", "p50": 1000,
                                                                 **known}}}
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            good = bench.compare([bench.row("a", "insn", value)], expected, whole)
        return good, text.getvalue()

    def test_same(self):
        self.assertTrue(self.compare(1000)[0])

    def test_within_tolerance(self):
        self.assertTrue(self.compare(1010)[0])

    def test_beyond_tolerance(self):
        good, text = self.compare(1011)
        self.assertFalse(good)
        self.assertIn("WORSE", text)

    def test_own_tolerance(self):
        self.assertTrue(self.compare(1100, tolerance=0.1)[0])
        self.assertFalse(self.compare(1101, tolerance=0.1)[0])

    def test_limit(self):
        self.assertTrue(self.compare(1005, limit=1005)[0])
        good, text = self.compare(1006, limit=1005)
        self.assertFalse(good)
        self.assertIn("BEYOND its limit 1005", text)

    def test_better(self):
        good, text = self.compare(900)
        self.assertTrue(good)
        self.assertIn("better", text)

    def test_missing_row(self):
        expected = {"compiler": bench.compiler(), "rows": {"gone": {"unit": "insn", "p50": 1}}}
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertFalse(bench.compare([], expected, whole=True))
            self.assertTrue(bench.compare([], expected, whole=False))

    def test_another_compiler(self):
        expected = {"compiler": "gcc 1", "rows": {"a": {"unit": "insn", "p50": 1}}}
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            self.assertTrue(bench.compare([bench.row("a", "insn", 99)], expected, whole=True))
            self.assertFalse(bench.compare([], expected, whole=True))
        self.assertIn("not compared", text.getvalue())


class SmpCostTest(unittest.TestCase):
    """A kernel for several CPUs on one: against the flat kernel of the same run."""

    def judge(self, value, name="smp1.a", flat=1000, **known):
        """(what is said, whether it fails) of a row, beside a flat row a."""
        expected = {"compiler": bench.compiler(), "rows": {name: {"unit": "insn", "p50": value,
                                                                  **known}}}
        rows = [bench.row(name, "insn", value), bench.row("flat.a", "insn", flat)]
        return {row["name"]: (text, bad) for row, text, bad in bench.judge(rows, expected)}[name]

    def test_a_tenth(self):
        self.assertEqual(self.judge(1100), ("", False))

    def test_more_names_both_figures(self):
        text, bad = self.judge(1101)
        self.assertTrue(bad)
        self.assertRegex(text, r"1101 is 10\.1% ABOVE flat\.a's 1000, of at most 10\.0%")

    def test_order_of_rows_does_not_matter(self):
        rows = [bench.row("flat.a", "insn", 10), bench.row("smp1.a", "insn", 12)]
        for order in (rows, rows[::-1]):
            found = bench.judge(order, {"compiler": "gcc 1", "rows": {}})
            self.assertEqual([row["name"] for row, _, bad in found if bad], ["smp1.a"])

    def test_compare_fails(self):
        rows = [bench.row("flat.a", "insn", 10), bench.row("smp1.a", "insn", 12)]
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            self.assertFalse(bench.compare(rows, {"compiler": "gcc 1", "rows": {}}, whole=False))
        self.assertIn("beyond a limit: smp1.a", text.getvalue())

    def test_programs_have_a_counterpart_that_is_protected(self):
        rows = [bench.row("ipc.a", "insn", 10), bench.row("smp1.ipc.a", "insn", 12)]
        found = bench.judge(rows, {"compiler": "gcc 1", "rows": {}})
        self.assertEqual([row["name"] for row, _, bad in found if bad], ["smp1.ipc.a"])

    def test_other_locks_have_the_same_counterpart(self):
        self.assertTrue(self.judge(1101, name="smp1.a.mcs")[1])

    def test_no_counterpart(self):
        self.assertEqual(self.judge(5000, name="smp1.smp.sum"), ("", False))

    def test_every_row_has_a_counterpart(self):
        rows = bench.load_expected()["rows"]
        for name in rows:
            if name.startswith("smp1.") and not name.startswith("smp1.smp."):
                beside = "" if "ipc." in name else "flat."
                self.assertIn(name.replace("smp1.", beside).removesuffix(".mcs"), rows)


class SmpTest(unittest.TestCase):
    """scripts/bench --smp."""

    def test_summary(self):
        rows, lines = bench_smp.summary({"smp.sum": {1: [400, 100, 200], 2: [100, 130, 90]}})
        self.assertEqual([(row["name"], row["unit"], row["p50"], row["min"], row["p99"])
                          for row in rows], [("smp.sum.1", "ns", 200, 100, 400),
                                             ("smp.sum.2", "ns", 100, 90, 130)])
        self.assertRegex(lines[1], r"smp\.sum +200 +100 +2\.00$")

    def test_time_is_not_compared(self):
        row, = bench_smp.summary({"a": {1: [7], 2: [9]}})[0][:1]
        expected = {"compiler": bench.compiler(), "rows": {"a.1": {"unit": "ns", "p50": 1}}}
        self.assertFalse(bench.verdict(row, expected)[1])

    def test_tiny_run(self):
        text = io.StringIO()
        cache = builds.Builds(os.path.join(tree.BUILD, "bench"), os.cpu_count())
        with contextlib.redirect_stdout(text):
            rows = bench_smp.run(cache, 1, "smp.sum")
        self.assertEqual([row["name"] for row in rows], ["smp.sum.1", "smp.sum.2"])
        self.assertTrue(all(row["p50"] > 0 for row in rows))
        self.assertIn("load", text.getvalue())

    def test_words_that_exclude_each_other(self):
        for words in (["--smp", "--update"], ["--smp", "--runs", "0"]):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
                bench.main(words)


class SizeTest(unittest.TestCase):
    """Sizes of a file that is no kernel."""

    def test_no_elf(self):
        with self.assertRaisesRegex(size.SizeError, "no 64-bit"):
            size.sizes(os.path.abspath(__file__))

    def test_no_file(self):
        with self.assertRaisesRegex(size.SizeError, "cannot read"):
            size.sizes("/nonexistent")


class ReadmeTest(unittest.TestCase):
    """The table of targets in the README shows the committed figures."""

    def test_figures(self):
        rows = bench.load_expected()["rows"]
        with open(tree.path("README.md"), encoding="utf-8") as file:
            lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
                     for line in file if line.startswith("| `")]
        self.assertEqual(sorted(cells[0].strip("`") for cells in lines), tree.defconfigs())
        for cells in lines:
            name = cells[0].strip("`")
            self.assertEqual(cells[3:6], bench.readme_cells(name, rows), name)


if __name__ == "__main__":
    unittest.main()
