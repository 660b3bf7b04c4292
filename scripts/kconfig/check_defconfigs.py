#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that every defconfigs/*_defconfig is what savedefconfig writes.

A defconfig that drifts from the Kconfig files says things that are defaults by now, or in another
order, and hides what the target is about. Each file is configured in a directory of its own.
"""

import argparse
import difflib
import os
import subprocess
import sys
import tempfile

from problems import UserError, run_main

CONFIGURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configure.py")


def configure(options, verb, objtree, *more):
    """Run one verb; its standard error if it failed, else None."""
    done = subprocess.run([sys.executable, CONFIGURE, verb, "--kconfig", options.kconfig,
                           "--srctree", options.srctree, "--objtree", objtree, *more],
                          check=False, capture_output=True, text=True)
    return done.stderr if done.returncode else None


def check(options, path):
    """What is wrong with one defconfig, as text; empty if nothing."""
    name = os.path.basename(path)
    with tempfile.TemporaryDirectory() as objtree:
        error = configure(options, "defconfig", objtree, "--defconfig", path) or \
            configure(options, "savedefconfig", objtree)
        if error:
            return error
        saved = os.path.join(objtree, "defconfig")
        with open(path, encoding="utf-8") as have, open(saved, encoding="utf-8") as want:
            lines = list(difflib.unified_diff(
                have.readlines(), want.readlines(), path, f"{name} as savedefconfig writes it"))
    if not lines:
        return ""
    return (f"{path}: differs from what savedefconfig writes; run: make {name} savedefconfig && "
            f"cp build/defconfig {path}\n{''.join(lines)}")


def main():
    """Check all defconfigs."""
    parser = argparse.ArgumentParser(description="Compare defconfigs with savedefconfig.")
    parser.add_argument("--kconfig", required=True, help="top Kconfig file, below the source tree")
    parser.add_argument("--srctree", required=True, help="source tree")
    options = parser.parse_args()
    folder = os.path.relpath(os.path.join(options.srctree, "defconfigs"))
    names = sorted(name for name in os.listdir(folder) if name.endswith("_defconfig"))
    if not names:
        raise UserError(f"{folder}: there is no *_defconfig here")
    faults = [text for text in (check(options, os.path.join(folder, name)) for name in names)
              if text]
    if faults:
        raise UserError("\n".join(text.strip() for text in faults))
    print(f"{len(names)} defconfigs are as savedefconfig writes them")
    return 0


if __name__ == "__main__":
    run_main(main)
