# SPDX-License-Identifier: MIT
"""docs/performance.md says of each part of a round trip how many instructions it has."""
import os
import re
import unittest

from exo import builds, listing, tree

ROW = re.compile(r"^\| (`.*?`) \| (\d+) \| (\d+) \|", re.M)


class ListingTest(unittest.TestCase):
    """scripts/bench --listing beside the table."""

    def test_the_table_is_what_is_executed(self):
        cache = builds.Builds(os.path.join(tree.BUILD, "bench"), os.cpu_count())
        found = listing.make(cache.get(listing.SPEC))
        ways = [{}, {}]  # the call, the reply
        for name, instructions in found:
            if name == listing.SERVER:
                ways.reverse()
            else:
                ways[0][name] = ways[0].get(name, 0) + len(instructions)
        reply, call = ways
        with open(tree.path("docs", "performance.md"), encoding="utf-8") as file:
            rows = ROW.findall(file.read())
        for names, of_call, of_reply in rows:
            names = re.findall("`(.*?)`", names)
            for way, number in ((call, of_call), (reply, of_reply)):
                self.assertEqual(sum(way.pop(name, 0) for name in names), int(number), names)
        self.assertEqual((call, reply), ({}, {}))


if __name__ == "__main__":
    unittest.main()
