#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/native: each allocator really runs and does the same; how the figures are judged.

No test compares times: they are the host's.
"""
import contextlib
import io
import json
import os
import platform
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import child, native, native_queues  # noqa: E402

NATIVE = platform.machine() in ("x86_64", "AMD64")


def row(allocator, ns, worst, **more):
    """One made-up result."""
    return {"trace": "queue", "allocator": allocator, "operations": 12, "counted": 10,
            "checksum": "1", "contents": "2", "errors": 0, "peak_live": 1000000, "kept": 0,
            "overhead": 0.5, "ns": ns, "worst": worst, "usual": worst, "p9999": worst,
            "round_p9999": worst, "faults": 0, **more}


ROWS = [row("tlsf", 20, 300), row("slab", 9, 400), row("buddy", 99, 900), row("glibc", 30, 800),
        row("jemalloc", 25, 700), row("mimalloc", 10, 500), row("glibc keep", 31, 350),
        row("jemalloc keep", 15, 700), row("mimalloc keep", 12, 450)]


# A malloc() that passes for glibc's and, if PERIOD is not 0, gives out memory twice now and then.
BROKEN_MALLOC = """
#include <malloc.h>
#include <string.h>
static char memory[1 << 28] __attribute__((aligned(16)));
static size_t used, calls;
void *malloc(size_t size)
{
        if (PERIOD && size < 8192 && ++calls % (PERIOD + !PERIOD) == 0)
                return memory + used - 16;
        used += (size + 31) / 16 * 16;
        return memory + used - (size + 15) / 16 * 16;
}
void free(void *block) {}
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *block, size_t size)
{
        return block ? memcpy(malloc(size), block, size) : malloc(size);
}
struct mallinfo2 mallinfo2(void) { return (struct mallinfo2){ .uordblks = used }; }
"""


class JudgeTest(unittest.TestCase):
    """Ranks and verdicts."""

    def test_better_row_of_a_library_counts(self):
        self.assertEqual(native.best(ROWS, "glibc", "worst"), 350)
        self.assertEqual(native.best(ROWS, "mimalloc", "ns"), 10)

    def test_rank(self):
        self.assertEqual(native.rank(ROWS, "tlsf", "worst"), (1, 350))
        self.assertEqual(native.rank(ROWS, "tlsf", "ns"), (3, 10))
        self.assertEqual(native.rank(ROWS, "slab", "worst"), (2, 350))
        self.assertEqual(native.rank(ROWS, "slab", "ns"), (1, 10))
        self.assertEqual(native.rank(ROWS, "buddy", "ns"), (4, 10))

    def test_verdicts(self):
        rows = [row("tlsf", 14, 300)] + ROWS[1:]
        lines = native.verdicts(rows)
        self.assertEqual(lines[0], "tlsf: worst case 1 (350), usual 1 (350), in a round 1 (350), "
                                   "throughput 2 (10.0) of 4: as aimed")
        self.assertEqual(lines[1], "slab: worst case 2 (350), usual 2 (350), in a round 2 (350), "
                                   "throughput 1 (10.0) of 4: NOT as aimed")
        self.assertEqual(len(lines), len(native.HEAPS))
        self.assertRegex(native.verdicts(ROWS)[0], r"throughput 3 \(10.0\) of 4: NOT as aimed$")

    def test_a_round_is_told_not_judged(self):
        rows = [row("tlsf", 9, 300, round_p9999=999)] + ROWS[1:]
        self.assertRegex(native.verdicts(rows)[0], r"in a round 4 .*: as aimed$")

    def test_table_is_sorted_by_throughput(self):
        names = [line[2:16].strip() for line in native.table(ROWS)[2:2 + len(ROWS)]]
        self.assertEqual(names[:3], ["slab", "mimalloc", "mimalloc keep"])
        self.assertEqual(names[-1], "buddy")


class CheckTest(unittest.TestCase):
    """Allocators that did not do the same, or not rightly."""

    def test_alike(self):
        native.check(ROWS)

    def test_other_contents(self):
        with self.assertRaisesRegex(native.NativeError, "differ in contents: .*glibc 3"):
            native.check(ROWS[:3] + [row("glibc", 1, 1, contents="3")])

    def test_other_operations(self):
        with self.assertRaisesRegex(native.NativeError, "differ in checksum"):
            native.check(ROWS[:3] + [row("glibc", 1, 1, checksum="3")])

    def test_errors(self):
        with self.assertRaisesRegex(native.NativeError, "slab damaged .* 7 errors"):
            native.check([row("tlsf", 1, 1), row("slab", 1, 1, errors=7)])


class WordsTest(unittest.TestCase):
    """The command line."""

    def refused(self, *words):
        """What is said to words that are wrong."""
        text = io.StringIO()
        with contextlib.redirect_stderr(text), self.assertRaises(SystemExit) as end:
            native.main(list(words))
        self.assertEqual(end.exception.code, 2)
        return text.getvalue()

    def test_unknown_trace(self):
        self.assertIn("there is no trace 'fast': random, queue", self.refused("--traces", "fast"))

    def test_rounds(self):
        for word in ("0", "-1", "x", "10001"):
            self.assertIn("a number from 1 to 10000", self.refused("--rounds", word))


@unittest.skipUnless(NATIVE, "the heaps are native code of x86_64")
class QuickTest(unittest.TestCase):
    """The quick run, whole."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="exo-native-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.json = os.path.join(cls.directory.name, "native.json")
        cls.text = io.StringIO()
        cls.errors = io.StringIO()
        with contextlib.redirect_stdout(cls.text), contextlib.redirect_stderr(cls.errors):
            cls.status = native.main(["--quick", "--json", cls.json,
                                      "--build", cls.directory.name])

    def setUp(self):
        self.assertEqual(self.status, 0, self.errors.getvalue())
        with open(self.json, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        self.rows = json.loads("\n".join(self.lines))

    def test_all_rows(self):
        names = ["tlsf", "slab", "buddy", "glibc", "jemalloc", "mimalloc", "glibc keep",
                 "jemalloc keep", "mimalloc keep"]
        self.assertEqual(set(native.TRACES), {"random", "queue", "boot", "waves", "resize"})
        self.assertEqual(sorted((line["trace"], line["allocator"]) for line in self.rows),
                         sorted((trace, name) for trace in native.TRACES for name in names))
        self.assertEqual(len(self.lines), len(self.rows), "a row is a line of the file")

    def test_same_operations(self):
        for trace in native.TRACES:
            rows = [line for line in self.rows if line["trace"] == trace]
            for key in ("operations", "checksum", "contents", "peak_live"):
                self.assertEqual(len({line[key] for line in rows}), 1, f"{trace}: {key}")
            self.assertGreater(rows[0]["operations"], 10000, trace)
        self.assertEqual(len({line["checksum"] for line in self.rows}), len(native.TRACES))

    def test_blocks_are_whole(self):
        self.assertEqual([line for line in self.rows if line["errors"]], [])

    def test_versions(self):
        for line in self.rows:
            name = line["allocator"].split()[0]
            self.assertRegex(line["version"], f"^{name} (of this tree|[0-9]+\\.[0-9.]+)$")

    def test_figures(self):
        for line in self.rows:
            self.assertGreater(line["overhead"], 0, line)
            self.assertGreater(line["ns"], 0, line)
            self.assertGreaterEqual(line["worst"], line["p9999"], line)
            self.assertGreaterEqual(line["p9999"], line["p50"], line)
            self.assertGreaterEqual(line["usual"], line["worst"], line)

    def test_text(self):
        text = self.text.getvalue()
        for trace, what in native.TRACES.items():
            self.assertRegex(text, f"(?m)^{trace}: {what}; [0-9,]+ operations")
        for heap in native.HEAPS:
            self.assertEqual(text.count(f"  {heap}: worst case "), len(native.TRACES))

    def test_program_that_fails(self):
        directory = os.path.join(self.directory.name, "native")
        with self.assertRaisesRegex(native.NativeError, "tlsf, `verify`: no answer, exit status 1"
                                    ) as caught:
            native.run_trace(directory, "nothing", 1, 1)
        self.assertEqual(caught.exception.details, "there is no trace nothing at 1/1\n")

    def verify(self, program, preload):
        """A program's checking pass with another library before its own; (status, output)."""
        done = child.run([os.path.join(self.directory.name, "native", f"native.{program}"),
                          "queue", "100"], 60, stdin="verify\n", env={"LD_PRELOAD": preload})
        return done.status, done.output

    def test_queues(self):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            self.assertEqual(native.main(["--queues", "--quick", "--json", self.json + "2",
                                          "--build", self.directory.name]), 0)
        with open(self.json + "2", encoding="utf-8") as file:
            rows = json.load(file)
        names = {(line["queue"], line["producers"]) for line in rows}
        for ours, theirs in native_queues.GROUPS.items():
            for name in (ours, *theirs):
                single = ours in ("steal_ring", "channel_single")
                for producers in (0, 1) if single else (0, 1, 2):
                    self.assertIn((name, producers), names)
            self.assertRegex(text.getvalue(), f"(?m)^{ours} +alone +1")
        self.assertTrue(all(0 < line["ns_least"] <= line["ns"] for line in rows), rows)
        self.assertEqual(text.getvalue().count("place of "), len(native_queues.GROUPS))

    def test_wrong_library_is_seen(self):
        for program, other in (("glibc", "libjemalloc.so.2"), ("jemalloc", "libmimalloc.so"),
                               ("mimalloc", "libjemalloc.so.2")):
            status, output = self.verify(program, other)
            self.assertEqual((status, output), (1, f"malloc() is not {program}'s\n"))

    def test_damage_is_seen(self):
        source = os.path.join(self.directory.name, "broken.c")
        library = os.path.join(self.directory.name, "broken.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write(BROKEN_MALLOC)
        for period, broken in (("0", False), ("500", True)):
            made = child.run(["gcc", "-O1", "-shared", "-fPIC", f"-DPERIOD={period}", source, "-o",
                              library], 60)
            self.assertTrue(made.ok, made.output)
            status, output = self.verify("glibc", library)
            self.assertEqual(status, 0, output)
            self.assertEqual(json.loads(output)["errors"] > 0, broken, output)


if __name__ == "__main__":
    unittest.main()
