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
import sys
import tempfile
import time

from exo import bench_smp, boot_trace, builds, child, listing, machine, size, symbols, tree
from exo.bench_rows import END, BenchError, parse, row
from exo.guest import PROMPT, Guest, GuestFailure

EXPECTED = tree.path("tests", "bench", "expected.json")
README = tree.path("README.md")
FLAT, SMP = "flat.", "smp1."
# As bench_flat, but for several CPUs; the policy is that of bench_flat.
SMP_SETTINGS = (("SMP", True), ("SCHED_PRIORITY", True))
STANDING = (  # (what is built, prefix of its rows)
    (builds.Spec("bench"), ""),
    (builds.Spec("bench_flat"), FLAT),
    (builds.Spec("bench_flat", SMP_SETTINGS), SMP),
)
# Other choices on top of one of these: (what is built, prefix, rows whose name contains one of
# these, what is put behind it).
VARIANTS = (
    (builds.Spec("bench", (("FRAME_CACHE", False),)), "", ("frame.alloc_free",), ".buddy"),
    (builds.Spec("bench", (("FRAME_CACHE", False), ("FRAME_BITMAP", True))), "",
     ("frame.alloc_free",), ".bitmap"),
    (builds.Spec("bench", (("HEAP_BUDDY", True),)), "", ("heap.",), ".buddy"),
    (builds.Spec("bench", (("HEAP_SLAB", True),)), "", ("heap.",), ".slab"),
    *((builds.Spec("bench", ((f"SCHED_{policy.upper()}", True),)), "", ("thread.", "sem."),
       f".{policy}") for policy in ("round_robin", "stealing", "edf", "stride")),
    (builds.Spec("bench", (("PTI", True),)), "",
     ("call.null", "foreign.", "upcall.", "yield.env", "env.", "user.", "ipc."), ".pti"),
    (builds.Spec("bench", SMP_SETTINGS), SMP, ("ipc.",), ""),
    (builds.Spec("bench_flat", (*SMP_SETTINGS, ("SPIN_MCS", True))), SMP, ("sem.",), ".mcs"),
)
PROGRAMS = "ipc."  # rows of SMP that are protected programs', and stand beside rows without prefix
SMP_FREE = ("ipc.rt.cap",)  # of them, those that go another way there (docs/performance.md)
SMP_COST = 0.10  # the most that a row of SMP may be above that of FLAT, as a share of it
SMP_LOCKS = (".mcs",)  # endings of rows of SMP that FLAT, which has no spinlocks, is without
ENTRY_TO_MAIN = "boot.entry_to_main"
MEMORY = "512M"  # of the machine
ICOUNT = ["-icount", "shift=0,sleep=off"]
TOLERANCE = 0.01  # of a figure, where expected.json names no other


def measure(elf, config, prefix="", words="", suffix=""):
    """Boots a kernel with CONFIG_BENCH under icount; returns its rows."""
    if not (config["BENCH"] and config["BOOT_PVH"] and config["SERIAL_16550"]):
        raise BenchError("this configuration has no benchmarks: it needs CONFIG_BENCH=y, "
                         "CONFIG_BOOT_PVH=y and CONFIG_SERIAL_16550=y")
    outputs = [_output(elf, config, "bench", words)]
    if config["PROTECTED"] and (not suffix or config["PTI"]) and words != ENTRY_TO_MAIN:
        outputs.append(_output(elf, config, "user-bench", words))
    rows = []
    for output in outputs:
        if not words or "BENCH END 0" not in output:
            rows += parse(output, prefix, suffix)
    if not rows:
        raise BenchError(f"no benchmark's name contains {words!r}")
    return rows


def _output(elf, config, word, filter_):
    """What a kernel prints that runs the benchmarks whose names contain a text; all if it is ""."""
    word = f"{word}={filter_}" if filter_ else word
    with Guest(machine.Machine.from_config(config, elf, firmware="pvh", extra=ICOUNT,
                                           memory=MEMORY, command_line=f"{word} icount"),
               elf) as guest:
        guest.expect(f"(?m){END}\n", 120)
        return guest.output


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
        if build.config["BENCH"] and name not in [spec.base for spec, _ in STANDING]:
            row_of_boot, = measure(build.elf, build.config, words=ENTRY_TO_MAIN)
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
            guest.expect(PROMPT, 20)
            return [row("boot.iso_to_prompt", "ms", round((time.monotonic() - began) * 1000))]


def measure_standing(cache):
    """All rows of the standing set."""
    rows = []
    for spec, prefix in STANDING:
        build = cache.get(spec)
        rows += measure(build.elf, build.config, prefix)
    for spec, prefix, filters, suffix in VARIANTS:
        build = cache.get(spec)
        for words in filters:
            rows += measure(build.elf, build.config, prefix, words, suffix)
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


def smp_verdict(result, flat):
    """The same for a row of SMP against @flat: {name: p50} of the rows of FLAT in the same run."""
    name = result["name"]
    if not name.startswith(SMP):
        return "", False
    beside = name[len(SMP):]
    if not beside.startswith(PROGRAMS):
        beside = FLAT + beside
    for ending in SMP_LOCKS:
        beside = beside.removesuffix(ending)
    if not flat.get(beside) or beside in SMP_FREE:
        return "", False
    share = (result["p50"] - flat[beside]) / flat[beside]
    if share > SMP_COST:
        return (f"{result['p50']} is {share:.1%} ABOVE {beside}'s {flat[beside]}, of at most "
                f"{SMP_COST:.1%}"), True
    return "", False


def judge(rows, expected):
    """Every row as (row, what to say, whether it fails)."""
    flat = {result["name"]: result["p50"] for result in rows
            if result["name"].startswith((FLAT, PROGRAMS))}
    for result in rows:
        said = [verdict(result, expected), smp_verdict(result, flat)]
        yield (result, "; ".join(text for text, _ in said if text),
               any(bad for _, bad in said))


def compare(rows, expected, whole):
    """Prints all rows beside the committed figures; True if none is worse. @whole: a missing row
    fails."""
    worse = []
    print(f"{'row':44} {'unit':>5} {'min':>9} {'p50':>9} {'p99':>9}  committed")
    for result, text, bad in judge(rows, expected):
        print(f"{result['name']:44} {result['unit']:>5} {result['min']:>9} {result['p50']:>9} "
              f"{result['p99']:>9}  {text}".rstrip())
        worse += [result["name"]] if bad else []
    missing = sorted(set(expected["rows"]) - {result["name"] for result in rows}) if whole else []
    if missing:
        print("missing: " + " ".join(missing))
    if worse:
        print("worse than committed, or beyond a limit: " + " ".join(worse) + "\nIf a figure is "
              "meant to be worse, say why in the commit and record it with: "
              "scripts/bench --update")
    return not worse and not missing


def update(rows, expected):
    """Writes the figures of this run as the committed ones; tolerances and limits stay."""
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
    return [f"{rows[row_name]['p50']:,}" if row_name in rows else "–" for row_name in names]


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
    for spec, prefix in STANDING:
        with open(os.path.join(cache.get(spec).directory, ".config"),
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
    parser.add_argument("--smp", action="store_true", help="measure what two CPUs get done beside "
                        "one, in time of this host, and compare with nothing committed")
    parser.add_argument("--listing", action="store_true", help=f"print each instruction of one "
                        f"{listing.ROW} (docs/performance.md)")
    parser.add_argument("--runs", type=int, default=bench_smp.RUNS, metavar="N",
                        help=f"with --smp: boots of each machine ({bench_smp.RUNS})")
    parser.add_argument("--filter", default="", metavar="TEXT",
                        help="with --build or --smp: only benchmarks whose name contains TEXT")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(tree.BUILD, "bench.json"),
                        help="the rows go there as well (build/bench.json)")
    parser.add_argument("--update", action="store_true",
                        help="record this run as the committed figures")
    options = parser.parse_args(arguments)
    if options.update and (options.build or options.smp):
        parser.error("--update records the standing set: leave out --build and --smp")
    if options.runs < 1:
        parser.error("--runs: at least 1")
    cache = builds.Builds(os.path.join(tree.BUILD, "bench"), os.cpu_count())
    try:
        if options.listing:
            return 0 if listing.run(cache) else 1
        if options.smp:
            rows, good = bench_smp.run(cache, options.runs, options.filter or "smp."), True
        elif options.build:
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
