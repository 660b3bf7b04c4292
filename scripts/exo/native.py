# SPDX-License-Identifier: MIT
"""The kernel's heaps beside the best of Debian, natively: TLSF, slab and buddy, glibc's malloc,
jemalloc and mimalloc, on the same traces in one run.

Each allocator is a program (tests/native) with a trace in its memory, which does rounds when it is
told to. All of them live at the same time, on one CPU, and take turns every few rounds, so that
whatever else the host does hits all alike. Each library runs as it is and, as a row of its own,
told never to give memory back to the system ("keep"); it is judged by whichever is better.

Times are the host's: nothing is committed and nothing fails for being slow.
"""
import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading

from exo import builds, child, native_queues, tree

TRACES = {"random": "random sizes and lifetimes", "queue": "producer and consumer",
          "boot": "much that stays, bursts that do not", "waves": "all in, all out, again",
          "resize": "strings that grow"}
HEAPS = ("tlsf", "slab", "buddy")
LIBRARIES = ("glibc", "jemalloc", "mimalloc")
KEEP = {  # how a library is told to keep its memory: older and newer names of the same settings
    "glibc": {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=4294967296:"
                                "glibc.malloc.mmap_threshold=33554432"},
    "jemalloc": {"MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"},
    "mimalloc": {"MIMALLOC_PURGE_DELAY": "-1", "MIMALLOC_ALLOW_DECOMMIT": "0",
                 "MIMALLOC_PAGE_RESET": "0"},
}
SETTINGS = ("GLIBC_TUNABLES", "MALLOC_", "MIMALLOC_", "LD_PRELOAD")  # none is inherited
CONFIGURATION = builds.Spec("bench")  # the numbers that the heaps are compiled with
TURN = 3  # rounds before it is the next program's turn
ROUNDS = 20
QUICK_ROUNDS, QUICK_SCALE = 2, 10
LEGEND = """\
ns/op: of the median round. worst, p99.99: of each operation's least time in all rounds. usual: the
worst of each operation's median time. in a round: p99.99 of the calmest round. faults: of pages, in
a round. Verdicts: a heap's place beside the libraries, each of them by the better of its rows, and
in brackets the best library's figure."""
FIGURES = {"worst": "worst case", "usual": "usual", "round_p9999": "in a round", "ns": "throughput"}
MAKE_TIMEOUT, ANSWER_TIMEOUT = 300, 120


class NativeError(Exception):
    """The comparison could not be made; the text says why."""

    def __init__(self, message, details=""):
        super().__init__(message)
        self.details = details


def build(directory, target="all"):
    """Makes the programs, or those of another target; returns their directory."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise NativeError("the heaps are native code of x86_64, and this host is not one")
    cache = builds.Builds(directory, os.cpu_count())
    cache.configure(CONFIGURATION)
    include = os.path.join(cache.path(CONFIGURATION), "include")
    out = os.path.join(cache.directory, "native")
    made = child.run(["make", "-f", "tests/native/Makefile", f"AUTOCONF={include}", f"OUT={out}",
                      f"-j{cache.jobs}", target], MAKE_TIMEOUT, cwd=tree.ROOT,
                     env={"MAKEFLAGS": ""})
    if not made.ok:
        raise NativeError(f"tests/native does not build: {made.reason()}", made.output)
    return out


class Program:
    """One allocator over one trace, waiting for commands."""

    def __init__(self, directory, allocator, trace, scale, cpu):
        self.allocator = allocator
        library, _, keep = allocator.partition(" ")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(SETTINGS)}
        environment.update(KEEP[library] if keep else {})
        self.errors = tempfile.TemporaryFile("w+")
        self.process = child.start([os.path.join(directory, f"native.{library}"), trace, scale],
                                   env=environment, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=self.errors)
        os.sched_setaffinity(self.process.pid, {cpu})
        self.verified, self.report, self.times, self.latencies = {}, {}, [], []

    def ask(self, command):
        """Gives a command, returns its answer."""
        watchdog = threading.Timer(ANSWER_TIMEOUT, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watchdog.cancel()
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            raise NativeError(f"{self.allocator}, `{command}`: no answer, exit status "
                              f"{self.process.returncode}", self.errors.read())
        return json.loads(answer)

    def end(self):
        """Kills the process."""
        child.kill(self.process)
        with contextlib.suppress(BrokenPipeError):  # a command that nobody has read
            self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


def run_trace(directory, trace, scale, rounds):
    """All allocators over one trace; returns a row for each."""
    cpu = max(os.sched_getaffinity(0))
    names = [*HEAPS, *LIBRARIES, *(f"{library} keep" for library in LIBRARIES)]
    programs = []
    try:
        for name in names:
            programs.append(Program(directory, name, trace, scale, cpu))
            programs[-1].verified = programs[-1].ask("verify")
        check([{"trace": trace, "allocator": program.allocator, **program.verified}
               for program in programs])
        for done in range(0, rounds, TURN):
            for program in programs:
                program.times += program.ask(f"time {min(TURN, rounds - done)}")["rounds"]
        for done in range(0, rounds, TURN):
            for program in programs:
                program.latencies += program.ask(f"latency {min(TURN, rounds - done)}")["rounds"]
        for program in programs:
            program.report = program.ask("report")
    finally:
        for program in programs:
            program.end()
    return [row(trace, program) for program in programs]


def row(trace, program):
    """What is known of one allocator over one trace. Times in ns, memory in bytes."""
    verified = program.verified
    times = [ns / verified["counted"] for ns, _ in program.times]
    return {"trace": trace, "allocator": program.allocator, **verified,
            "overhead": verified["peak_held"] / verified["peak_live"] - 1,
            "ns": statistics.median(times), "ns_least": min(times),
            "faults": statistics.median(faults for _, faults in program.times),
            **program.report,
            "round_p9999": min(p9999 for p9999, _ in program.latencies),
            "round_worst": min(worst for _, worst in program.latencies)}


def check(rows):
    """All allocators of a trace did the same, and rightly."""
    for key in ("operations", "checksum", "contents", "peak_live"):
        if len({row_of_one[key] for row_of_one in rows}) != 1:
            raise NativeError(f"{rows[0]['trace']}: the allocators differ in {key}: " + ", ".join(
                f"{row_of_one['allocator']} {row_of_one[key]}" for row_of_one in rows))
    for row_of_one in rows:
        if row_of_one["errors"]:
            raise NativeError(f"{row_of_one['trace']}: {row_of_one['allocator']} damaged blocks "
                              f"or itself: {row_of_one['errors']} errors")


def best(rows, library, key):
    """The better figure of a library's two rows."""
    return min(row_of_one[key] for row_of_one in rows
               if row_of_one["allocator"].partition(" ")[0] == library)


def rank(rows, heap, key):
    """(the place of one of our heaps among itself and the libraries, the best library's figure)"""
    ours = best(rows, heap, key)
    theirs = [best(rows, library, key) for library in LIBRARIES]
    return 1 + sum(figure < ours for figure in theirs), min(theirs)


def verdicts(rows):
    """A line for each of our heaps: the aim is the first place by the worst case and one of the
    first two by throughput. The others are told, not judged: they have more of the host's noise."""
    lines = []
    for heap in HEAPS:
        places = {key: rank(rows, heap, key) for key in FIGURES}
        good = places["worst"][0] == 1 and places["ns"][0] <= 2
        text = ", ".join(f"{what} {places[key][0]} ({places[key][1]:.{1 if key == 'ns' else 0}f})"
                         for key, what in FIGURES.items())
        lines.append(f"{heap}: {text} of {1 + len(LIBRARIES)}: "
                     f"{'as aimed' if good else 'NOT as aimed'}")
    return lines


def table(rows):
    """A trace's rows as text, the quickest first."""
    first = rows[0]
    lines = [f"{first['trace']}: {TRACES[first['trace']]}; {first['counted']:,} operations, at "
             f"most {first['peak_live'] / 1e6:.1f} MB in use",
             f"  {'allocator':14} {'ns/op':>6} {'worst':>7} {'p99.99':>7} {'usual':>7} "
             f"{'in a round':>10} {'faults':>7} {'overhead':>9} {'kept':>9}"]
    for line in sorted(rows, key=lambda row_of_one: row_of_one["ns"]):
        lines.append(f"  {line['allocator']:14} {line['ns']:6.1f} {line['worst']:7.0f} "
                     f"{line['p9999']:7.0f} {line['usual']:7.0f} {line['round_p9999']:10.0f} "
                     f"{line['faults']:7.0f} {line['overhead']:9.1%} "
                     f"{line['kept'] / 1e6:6.1f} MB")
    return lines + [f"  {text}" for text in verdicts(rows)]


def compare(directory, traces=tuple(TRACES), scale=1, rounds=ROUNDS, show=print):
    """Builds and measures; returns all rows."""
    programs = build(directory)
    found = []
    for trace in traces:
        rows = run_trace(programs, trace, scale, rounds)
        show("\n".join(table(rows)) + "\n")
        found += rows
    return found


def trace_list(text):
    """The argument of --traces."""
    names = text.split(",")
    for name in names:
        if name not in TRACES:
            raise argparse.ArgumentTypeError(f"there is no trace {name!r}: {', '.join(TRACES)}")
    return names


def round_count(text):
    """The argument of --rounds."""
    if not text.isdecimal() or not 1 <= int(text) <= 10000:
        raise argparse.ArgumentTypeError("a number from 1 to 10000")
    return int(text)


def main(arguments):
    """scripts/native"""
    parser = argparse.ArgumentParser(
        prog="scripts/native", description="Compare the kernel's heaps with glibc's malloc, "
        "jemalloc and mimalloc, natively, on the same traces. docs/benchmarks.md explains the "
        "figures.")
    parser.add_argument("--traces", type=trace_list, default=list(TRACES), metavar="NAMES",
                        help=f"only these, separated by commas, of {','.join(TRACES)}")
    parser.add_argument("--rounds", type=round_count, metavar="N",
                        help=f"rounds that are counted of each measure ({ROUNDS})")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of each trace and few rounds: does it work at all?")
    parser.add_argument("--queues", action="store_true",
                        help="instead, the lock-free queues beside Concurrency Kit's and "
                             "liburcu's")
    parser.add_argument("--json", metavar="FILE",
                        help="the rows go there as well (build/native.json, or with --queues "
                             "build/native-queues.json)")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(tree.BUILD, "native"),
                        help="where the programs are built (build/native)")
    options = parser.parse_args(arguments)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    file_name = options.json or os.path.join(
        tree.BUILD, "native-queues.json" if options.queues else "native.json")
    try:
        if options.queues:
            rows = native_queues.measure(options.build, build, options.quick, NativeError)
            print("\n".join(native_queues.table(rows)))
        else:
            rows = compare(options.build, options.traces,
                           QUICK_SCALE if options.quick else 1, rounds)
        with open(file_name, "w", encoding="utf-8") as file:
            file.write("[" + ",\n".join(json.dumps(line) for line in rows) + "]\n")
    except (NativeError, builds.BuildError, OSError) as error:
        print(f"scripts/native: {error}\n{getattr(error, 'details', '')}".rstrip(),
              file=sys.stderr)
        return 1
    legend = native_queues.LEGEND if options.queues else LEGEND
    print(f"{legend}\nJSON in {os.path.relpath(file_name)}")
    return 0
