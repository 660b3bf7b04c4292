#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print compile_commands.json for a finished build, from the commands it saved.

usage: compile_commands.py OBJTREE
"""

import json
import os
import re
import sys


def entries(objtree):
    """Yield one entry for each C object under `objtree`."""
    for directory, _, names in sorted(os.walk(objtree)):
        for name in sorted(names):
            if not name.endswith(".o.cmd"):
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                found = re.search(r"^cmd_(\S+) := (.*-c -o \S+ (\S+\.c))$", file.read(), re.M)
            if found:
                command = found[2].replace("\\#", "#").replace("$$", "$")
                yield {"directory": os.getcwd(), "file": found[3], "command": command}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = list(entries(sys.argv[1]))
    if not rows:
        sys.exit(f"compile_commands.py: nothing built in {sys.argv[1]}; run make first")
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
