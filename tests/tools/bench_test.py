#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/bench: reading a guest's rows and judging them against the committed figures."""

import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from exo import bench, size, tree  # noqa: E402

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
