#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/locking.md, exo/lock_rank.h and the names in kernel/lock_rank.c agree."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from exo import tree  # noqa: E402

NOT_YET_USED = {"KERNEL_SPACE", "TIMER", "SCHED"}


def _read(*path):
    with open(tree.path(*path), encoding="utf-8") as file:
        return file.read()


def _ranks():
    """The ranks in their order, each with the function that takes it."""
    header = _read("include", "exo", "lock_rank.h")
    body = re.search(r"enum lock_rank \{(.*?)\n\};", header, re.S)[1]
    names = re.findall(r"^\tLOCK_RANK_(\w+),", body, re.M)
    first_irq = re.search(r"LOCK_RANK_FIRST_IRQ = LOCK_RANK_(\w+)", body)[1]
    irq = names.index(first_irq)
    return [(name, "spin_lock_irq" if index >= irq else "spin_lock")
            for index, name in enumerate(names)]


class LockingTest(unittest.TestCase):
    """The ranks, as each place lists them."""

    def test_table(self):
        rows = re.findall(r"^\| `(\w+)` \| `(spin_\w+)` \| \S", _read("docs", "locking.md"), re.M)
        self.assertEqual(rows, _ranks()[1:])  # without NONE

    def test_names(self):
        names = re.findall(r"\bNAME\((\w+)\)[,;]?", _read("kernel", "lock_rank.c").split("{", 1)[1])
        self.assertEqual(sorted(names), sorted(name for name, _ in _ranks()))

    def test_every_rank_is_used(self):
        names = [name for directory in ("arch", "drivers", "include", "kernel", "mm")
                 for suffix in (".c", ".h") for name in tree.files(directory, suffix)]
        sources = "".join(_read(name) for name in names
                          if not name.endswith(("lock_rank.h", "lock_rank.c")))
        unused = [name for name, _ in _ranks()[1:]
                  if not re.search(rf"\bLOCK_RANK_{name}\b", sources)]
        self.assertLessEqual(set(unused), NOT_YET_USED)


if __name__ == "__main__":
    unittest.main()
