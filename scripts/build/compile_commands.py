#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print compile_commands.json for a finished build, from the commands it saved.

usage: compile_commands.py OBJTREE
"""

import json
import os
import re
import sys


def linked_objects(objtree):
    """The objects of the kernel as it was linked last, so none of a source that is gone."""
    try:
        with open(os.path.join(objtree, "exo-kernel.elf.cmd"), encoding="utf-8") as file:
            command = re.search(r"^cmd_\S+ := (.*)$", file.read(), re.M)[1]
    except FileNotFoundError:
        sys.exit(f"compile_commands.py: no kernel is built in {objtree}; run make first")
    return [word for word in command.split() if word.endswith(".o")]


def entries(objtree):
    """Yield one entry for each C object of the kernel."""
    for name in linked_objects(objtree):
        with open(name + ".cmd", encoding="utf-8") as file:
            found = re.search(r"^cmd_(\S+) := (.*-c -o \S+ (\S+\.c))$", file.read(), re.M)
        if found:
            command = found[2].replace("\\#", "#").replace("$$", "$")
            yield {"directory": os.getcwd(), "file": found[3], "command": command}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    json.dump(list(entries(sys.argv[1])), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
