# SPDX-License-Identifier: MIT
"""What kernels with CONFIG_BENCH print (kernel/bench/bench.c), as rows."""
import re

END = r"^BENCH END (\d+)\r?$"  # re.M; a newline follows
_ROW = re.compile(r"^BENCH (\S+) unit=(\w+) n=(\d+) min=(\d+) p50=(\d+) p99=(\d+)\r?$", re.M)


class BenchError(Exception):
    """A measurement could not be made; the text says why."""


def row(name, unit, value, low=None, high=None, samples=1):
    """One result."""
    return {"name": name, "unit": unit, "n": samples, "min": value if low is None else low,
            "p50": value, "p99": value if high is None else high}


def parse(text, prefix="", suffix=""):
    """The rows of a guest's output; every row that it promised must be there."""
    end = re.search(END, text, re.M)
    found = _ROW.findall(text)
    if not end or int(end[1]) != len(found) or not found:
        raise BenchError(f"the guest printed {len(found)} BENCH rows "
                         f"{'and no BENCH END' if not end else 'but promised ' + end[1]}")
    return [row(prefix + name + suffix, unit, int(p50), int(low), int(p99), int(n))
            for name, unit, n, low, p50, p99 in found]
