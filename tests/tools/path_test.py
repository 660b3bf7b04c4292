# SPDX-License-Identifier: MIT
"""docs/path.md: each symbol is in the file under whose heading it stands."""
import re
import unittest

from exo import tree

HEADING = re.compile(r"^### (\S+)\n(.*?)(?=^##|\Z)", re.M | re.S)


class PathTest(unittest.TestCase):
    """The names of the page."""

    def test_names_exist(self):
        with open(tree.path("docs", "path.md"), encoding="utf-8") as file:
            parts = HEADING.findall(file.read())
        self.assertGreater(len(parts), 8)
        for name, text in parts:
            with open(tree.path(*name.split("/")), encoding="utf-8") as file:
                source = file.read()
            symbols = re.findall(r"`([A-Za-z_][\w/.]*)(?:\(\))?`", text)
            found = [symbol for symbol in symbols if re.search(rf"\b{re.escape(symbol)}\b", source)]
            self.assertTrue(found, f"{name} has none of {symbols}")
            missing = [symbol for symbol in symbols if symbol not in found]
            if name != "user/libexo/include/libexo/exo.h":
                self.assertEqual([], [m for m in missing if not self.is_elsewhere(m)], name)

    @staticmethod
    def is_elsewhere(symbol):
        """A file, or a row of the table of calls: named for where it leads."""
        if "/" in symbol:
            return True
        with open(tree.path("kernel", "syscall", "calls.table"), encoding="utf-8") as file:
            return re.search(rf"^\d+\t{symbol}\b", file.read(), re.M) is not None

    def test_at_most_six_files_a_way(self):
        with open(tree.path("docs", "path.md"), encoding="utf-8") as file:
            ways = file.read().split("\n## ")[1:]
        self.assertEqual([way.count("\n### ") <= 6 for way in ways], [True, True])


if __name__ == "__main__":
    unittest.main()
