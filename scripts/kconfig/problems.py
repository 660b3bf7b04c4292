# SPDX-License-Identifier: MIT
"""Problems: how the configuration tools name what is wrong and where.

A Problem is one thing that a person has to mend: the place, the symbol, the reason and the remedy.
All problems of a run are collected and printed together, sorted by place, so that one run shows
everything. A UserError stops a run at once: a missing file, a missing tool, no terminal.
"""

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One finding. `line` is 0 where a line has no meaning; `symbol` has no CONFIG_ prefix."""

    file: str
    line: int
    symbol: str
    reason: str
    remedy: str = ""

    def __str__(self):
        place = f"{self.file}:{self.line}" if self.line else self.file
        symbol = f"CONFIG_{self.symbol}: " if self.symbol else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}: {symbol}{self.reason}{remedy}"


class UserError(Exception):
    """Something the person can mend; its text is the whole message."""


class Problems(UserError):
    """One or more Problem objects, sorted by place."""

    def __init__(self, found):
        self.found = sorted(set(found))
        super().__init__("\n".join(str(problem) for problem in self.found))


def shown(path):
    """`path` as a person wants to read it: relative below the working directory, else as it is."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def run_main(main):
    """Run main() and exit; user errors and failed file operations become messages."""
    try:
        status = main()
        sys.stdout.flush()  # here, where a closed pipe is expected, and not in Python's last breath
        sys.exit(status)
    except BrokenPipeError:
        # Whoever read the output (head, less) has seen enough; the work before it is done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(f"{name}{error.strerror}; check that the directory given by O= exists, is a "
              "directory and can be written", file=sys.stderr)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)
