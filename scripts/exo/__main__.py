# SPDX-License-Identifier: MIT
"""`python3 scripts/exo COMMAND ...`: the way in through which the shell scripts beside it come."""
import importlib
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

COMMANDS = {
    "run": "exo.run",
    "test": "exo.test",
    "matrix": "exo.matrix",
    "decode": "exo.decode",
    "extract-config": "exo.extract",
    "size": "exo.size",
    "bench": "exo.bench",
    "native": "exo.native",
    "stress": "exo.stress",
    "unittest": "exo.unittest_child",
}


def main():
    """Hands over to the module of the command."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: scripts/exo {{{','.join(COMMANDS)}}} ...", file=sys.stderr)
        return 2
    command = sys.argv.pop(1)
    sys.argv[0] = command
    return importlib.import_module(COMMANDS[command]).main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
