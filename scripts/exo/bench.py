# SPDX-License-Identifier: MIT
"""The benchmarks: builds the standing set of configurations, measures, compares with the committed
figures of tests/bench/expected.json.

Guest instructions are counted exactly: one CPU under `-icount shift=0,sleep=off`, where the time
stamp counter advances by one an instruction. A row fails when it rises beyond its tolerance;
figures of another compiler are shown but not compared, since they differ for reasons that are not
the tree's. Times (unit ms) depend on the host and are only reported.
"""
import argparse
import functools
import json
import os
import re
import sys
import tempfile
import time

from exo import boot_trace, builds, child, machine, size, symbols, tree
from exo.guest import Guest, GuestFailure

EXPECTED = tree.path("tests", "bench", "expected.json")
README = tree.path("README.md")
STANDING = (("bench", ""), ("bench_flat", "flat."))  # (defconfig, prefix of its rows)
# Other choices on top of bench: (settings, rows whose name contains this, what is put behind it).
VARIANTS = (
    ((("FRAME_CACHE", False),), "frame.alloc_free", ".buddy"),
    ((("FRAME_CACHE", False), ("FRAME_BITMAP", True)), "frame.alloc_free", ".bitmap"),
    ((("HEAP_BUDDY", True),), "heap.", ".buddy"),
    ((("HEAP_SLAB", True),), "heap.", ".slab"),
)
MEMORY = "512M"  # of the machine
ICOUNT = ["-icount", "shift=0,sleep=off"]
TOLERANCE = 0.01  # of a figure, where expected.json names no other
_ROW = re.compile(r"^BENCH (\S+) unit=(\w+) n=(\d+) min=(\d+) p50=(\d+) p99=(\d+)\r?$", re.M)
_END = re.compile(r"^BENCH END (\d+)\r?$", re.M)


class BenchError(Exception):
    """A measurement could not be made; the text says why."""


def row(name, unit, value, low=None, high=None, samples=1):
    """One result."""
    return {"name": name, "unit": unit, "n": samples, "min": value if low is None else low,
            "p50": value, "p99": value if high is None else high}


def parse(text, prefix="", suffix=""):
    """The rows of a guest's output; every row that it promised must be there."""
    end = _END.search(text)
    found = _ROW.findall(text)
    if not end or int(end[1]) != len(found) or not found:
        raise BenchError(f"the guest printed {len(found)} BENCH rows "
                         f"{'and no BENCH END' if not end else 'but promised ' + end[1]}")
    return [row(prefix + name + suffix, unit, int(p50), int(low), int(p99), int(n))
            for name, unit, n, low, p50, p99 in found]


def measure(elf, config, prefix="", words="", suffix=""):
    """Boots a kernel with CONFIG_BENCH under icount; returns its rows."""
    if not (config["BENCH"] and config["BOOT_PVH"] and config["SERIAL_16550"]):
        raise BenchError("this configuration has no benchmarks: it needs CONFIG_BENCH=y, "
                         "CONFIG_BOOT_PVH=y and CONFIG_SERIAL_16550=y")
    bench = f"bench={words}" if words else "bench"
    with Guest(machine.Machine.from_config(config, elf, firmware="pvh", extra=ICOUNT,
                                           memory=MEMORY, command_line=f"{bench} icount"),
               elf) as guest:
        guest.expect(f"(?m){_END.pattern}\n", 120)
        return parse(guest.output, prefix, suffix)


def measure_sizes(cache):
    """size.text, size.total and size.footprint of every defconfig."""
    rows = []
    for name in tree.defconfigs():
        found = size.sizes(cache.get(builds.Spec(name)).elf)
        rows.append(row(f"size.text.{name}", "bytes", found["text"]))
        rows.append(row(f"size.total.{name}", "bytes", found["total"]))
        rows.append(row(f"size.footprint.{name}", "bytes", found["footprint"]))
    return rows


def measure_boots(cache):
    """boot.entry_to_main.NAME of the other defconfigs that carry benchmarks."""
    rows = []
    for name in tree.defconfigs():
        build = cache.get(builds.Spec(name))
        if build.config["BENCH"] and name not in dict(STANDING):
            row_of_boot, = measure(build.elf, build.config, words="boot.entry_to_main")
            row_of_boot["name"] += f".{name}"
            rows.append(row_of_boot)
    return rows


def measure_prompt(cache):
    """Milliseconds from QEMU's start to the prompt of the default ISO under BIOS."""
    build = cache.get(builds.Spec("x86_64"))
    with build.machine(firmware="bios") as described:
        began = time.monotonic()
        with Guest(described, build.elf) as guest:
            guest.wait_ready(60)
            guest.expect(r"exo> ", 20)
            return [row("boot.iso_to_prompt", "ms", round((time.monotonic() - began) * 1000))]


def measure_standing(cache):
    """All rows of the standing set."""
    rows = []
    for name, prefix in STANDING:
        build = cache.get(builds.Spec(name))
        rows += measure(build.elf, build.config, prefix)
    for settings, words, suffix in VARIANTS:
        build = cache.get(builds.Spec("bench", settings))
        rows += measure(build.elf, build.config, "", words, suffix)
    build = cache.get(builds.Spec("embedded_minimal"))
    rows.append(row("boot.entry_to_idle.embedded_minimal", "insn",
                    boot_trace.entry_to_idle(build.elf, build.config)))
    return rows + measure_boots(cache) + measure_sizes(cache) + measure_prompt(cache)


@functools.cache
def compiler():
    """The compiler that builds the figures, as "gcc 12"."""
    name = symbols.cross_tool("gcc")
    answer = child.run([name, "-dumpversion"], 20) if name else None
    return f"gcc {answer.output.split('.')[0].strip()}" if answer and answer.ok else "unknown"


def load_expected(file_name=EXPECTED):
    """The committed figures: {"compiler": ..., "rows": {name: {"unit", "p50"}}}.

    A row may have a "tolerance" of its own, and a "limit" that holds whatever was recorded and by
    whichever compiler.
    """
    try:
        with open(file_name, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"compiler": compiler(), "rows": {}}


def verdict(result, expected):
    """(what to say, whether it fails) for one row against the committed figures."""
    if result["unit"] in ("ms", "ns"):
        return "host time, not compared", False
    limit = expected["rows"].get(result["name"], {}).get("limit")
    if limit is not None and result["p50"] > limit:
        return f"BEYOND its limit {limit}", True
    if expected["compiler"] != compiler():
        return f"not compared with {expected['compiler']}", False
    known = expected["rows"].get(result["name"])
    if not known:
        return "new", False
    change = result["p50"] - known["p50"]
    if not change:
        return "", False
    share = change / known["p50"] if known["p50"] else 1.0
    text = f"{known['p50']} {share:+.1%}"
    if change < 0:
        return text + " better: record it", False
    if share <= known.get("tolerance", TOLERANCE):
        return text, False
    return text + " WORSE", True


def compare(rows, expected, whole):
    """Prints all rows beside the committed figures; True if none is worse. @whole: a missing row
    fails."""
    worse = []
    print(f"{'row':44} {'unit':>5} {'min':>9} {'p50':>9} {'p99':>9}  committed")
    for result in rows:
        text, bad = verdict(result, expected)
        print(f"{result['name']:44} {result['unit']:>5} {result['min']:>9} {result['p50']:>9} "
              f"{result['p99']:>9}  {text}".rstrip())
        worse += [result["name"]] if bad else []
    missing = sorted(set(expected["rows"]) - {result["name"] for result in rows}) if whole else []
    if missing:
        print("missing: " + " ".join(missing))
    if worse:
        print("worse than committed: " + " ".join(worse) + "\nIf that is meant, say why in the "
              "commit and record it with: scripts/bench --update")
    return not worse and not missing


def update(rows, expected):
    """Writes the figures of this run as the committed ones; tolerances stay."""
    kept = expected["rows"]
    new = {result["name"]: {**kept.get(result["name"], {}), "unit": result["unit"],
                            "p50": result["p50"]}
           for result in rows if result["unit"] not in ("ms", "ns")}
    os.makedirs(os.path.dirname(EXPECTED), exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(EXPECTED), delete=False,
                                     encoding="utf-8") as file:
        json.dump({"compiler": compiler(), "rows": dict(sorted(new.items()))}, file, indent=1)
        file.write("\n")
    os.chmod(file.name, 0o644)
    os.replace(file.name, EXPECTED)
    update_readme(new)
    print(f"recorded in {os.path.relpath(EXPECTED)}, and in the README's table")


def readme_cells(name, rows):
    """What the README's table of targets shows of a defconfig: text, total, boot."""
    boots = {"bench": "boot.entry_to_main", "bench_flat": "flat.boot.entry_to_main",
             "embedded_minimal": "boot.entry_to_idle.embedded_minimal"}
    names = (f"size.text.{name}", f"size.total.{name}",
             boots.get(name, f"boot.entry_to_main.{name}"))
    return [f"{rows[row_name]['p50']:,}" for row_name in names]


def update_readme(rows):
    """Puts the committed figures into the README's table."""
    with open(README, encoding="utf-8") as file:
        lines = file.readlines()
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = cells[0].strip("`")
        if line.startswith("| `") and name in tree.defconfigs():
            cells[3:6] = readme_cells(name, rows)
            lines[number] = f"| {' | '.join(cells)} |\n"
    with open(README, "w", encoding="utf-8") as file:
        file.writelines(lines)


def prefix_of(config_text, cache):
    """The prefix under which a configuration's rows are committed, or None if they are not."""
    for name, prefix in STANDING:
        with open(os.path.join(cache.get(builds.Spec(name)).directory, ".config"),
                  encoding="utf-8") as file:
            if file.read() == config_text:
                return prefix
    return None


def bench_one(directory, words, cache):
    """make bench: the rows of one build; compared if it is one of the standing set."""
    with open(os.path.join(directory, ".config"), encoding="utf-8") as file:
        text = file.read()
    prefix = prefix_of(text, cache)
    rows = measure(os.path.join(directory, tree.KERNEL), tree.Config.parse(text), prefix or "",
                   words)
    expected = load_expected() if prefix is not None else {"compiler": compiler(), "rows": {}}
    return rows, compare(rows, expected, whole=False)


def main(arguments):
    """scripts/bench"""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Build and measure the "
                                     "standing set of configurations, in guest instructions.")
    parser.add_argument("--build", metavar="DIR", help="measure just the kernel built in DIR")
    parser.add_argument("--filter", default="", metavar="TEXT",
                        help="with --build: only benchmarks whose name contains TEXT")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(tree.BUILD, "bench.json"),
                        help="the rows go there as well (build/bench.json)")
    parser.add_argument("--update", action="store_true",
                        help="record this run as the committed figures")
    options = parser.parse_args(arguments)
    if options.update and options.build:
        parser.error("--update records the standing set: leave out --build")
    cache = builds.Builds(os.path.join(tree.BUILD, "bench"), os.cpu_count())
    try:
        if options.build:
            rows, good = bench_one(options.build, options.filter, cache)
        else:
            rows = measure_standing(cache)
            good = options.update or compare(rows, load_expected(), whole=True)
    except (BenchError, boot_trace.TraceError, builds.BuildError, machine.MachineError,
            size.SizeError, OSError) as error:
        print(f"scripts/bench: {error}\n{getattr(error, 'details', '')}".rstrip(), file=sys.stderr)
        return 1
    except GuestFailure as error:
        print(f"scripts/bench: {error.report()}", file=sys.stderr)
        return 1
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    print(f"JSON in {os.path.relpath(options.json)}")
    if options.update:
        compare(rows, {"compiler": compiler(), "rows": {}}, whole=False)
        update(rows, load_expected())
    return 0 if good else 1
