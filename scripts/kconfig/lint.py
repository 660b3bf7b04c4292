#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the Kconfig tree and its use; lint_tree.py and lint_sources.py have the rules.

Prints FILE:LINE: SYMBOL: reason; remedy for everything that breaks a rule, and then ends with 1.
"""

import argparse

from lint_sources import lint_sources
from lint_tree import front_end_warnings, lint_tree
from problems import Problems, run_main
from tree import open_tree


def main():
    """Run all rules."""
    parser = argparse.ArgumentParser(description="Check a Kconfig tree and its use.")
    parser.add_argument("--kconfig", required=True, help="top Kconfig file, below the source tree")
    parser.add_argument("--srctree", required=True, help="source tree")
    options = parser.parse_args()
    tree = open_tree(options.kconfig, options.srctree)
    problems = lint_tree(tree) + lint_sources(tree, options.srctree) + \
        front_end_warnings(options.kconfig, options.srctree)
    if problems:
        raise Problems(problems)
    print(f"{len(tree.unique_defined_syms)} options in {len(tree.kconfig_filenames)} "
          "Kconfig files: no problem found")
    return 0


if __name__ == "__main__":
    run_main(main)
