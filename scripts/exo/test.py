# SPDX-License-Identifier: MIT
"""scripts/test: every test of the project, one command."""
import argparse
import os
import re
import signal
import sys
import time

from exo import builds, child, layers, matrix, results, static, tree
from exo.runner import Context, run_all

JOBS_OF = {
    "host": layers.host_jobs,
    "model": layers.model_jobs,
    "kernel": layers.kernel_jobs,
    "user": layers.user_jobs,
    "boot": lambda: layers.python_jobs("boot"),
    "matrix": matrix.jobs,
    "tools": layers.tool_jobs,
    "static": static.jobs,
    "bench": layers.bench_jobs,
}


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run the tests.",
        epilog="Layers: host (pure code on this machine; tsan.* for data races), model (lock-free\n"
               "code under every interleaving), kernel (self tests in a guest), user (those of\n"
               "the ABI, by a program in ring 3), boot (whole machines), matrix (many\n"
               "configurations), tools (the scripts), static (checks that run nothing), bench\n"
               "(the committed figures).\n\n"
               "A test's name is layer.job[.suite].case; --filter is searched for in it. The last\n"
               "line is `N passed, N failed, N skipped`; the status is 0 only if none failed and\n"
               "some passed. A guest that failed is shown with the end of its log and a backtrace.")
    parser.add_argument("--filter", metavar="REGEX", type=_regex, help="only tests whose name "
                        "contains it")
    parser.add_argument("--layer", action="append", choices=list(JOBS_OF), metavar="LAYER",
                        help=f"only this layer: {', '.join(JOBS_OF)}; may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="this many at a time (default: the number of CPUs, %(default)s)")
    parser.add_argument("--timeout", type=float, default=1.0, metavar="FACTOR",
                        help="stretch every time limit, for a slow machine")
    parser.add_argument("--list", action="store_true", help="print the jobs and stop")
    parser.add_argument("--out", default=os.path.join(tree.BUILD, "test"), metavar="DIR",
                        help="builds and junit.xml go there (build/test)")
    parser.add_argument("--fresh", nargs="?", const="", metavar="RELEASE",
                        help="in a minimal Debian made for it (the host's release, or trixie, "
                             "...): scripts/run --command help, then scripts/test, as a newcomer "
                             "would; needs root")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    return options


def _regex(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from error


def collect(options):
    """The jobs that the command line asks for."""
    chosen = []
    for layer, make_jobs in JOBS_OF.items():
        if not options.layer or layer in options.layer:
            chosen += make_jobs()
    if options.filter:
        chosen = [job for job in chosen if job.matches(options.filter)]
    return chosen


def _terminated(*_):
    raise KeyboardInterrupt


def run(options, chosen):
    """Runs the jobs and reports; returns the exit status."""
    began = time.monotonic()
    context = Context(builds.Builds(options.out, options.jobs, options.timeout), options.timeout,
                      options.filter)
    found = run_all(chosen, context, options.jobs)
    seconds = time.monotonic() - began
    junit = os.path.join(options.out, "junit.xml")
    results.write_junit(junit, found, seconds)
    failed = [row for row in found if row.status == results.FAILED]
    if failed:
        print("\nFailed:")
        for row in failed:
            print(f"  {row.name}: {row.message}")
    compiled, reused = context.builds.compile_once.counts()
    if compiled:
        print(f"{compiled} files of kernels compiled, {reused} the same as one of those")
    print(f"{seconds:.0f} s; JUnit XML in {os.path.relpath(junit)}")
    print(results.summary(found), flush=True)
    return results.exit_status(found)


def main(arguments):
    """scripts/test"""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    if options.fresh is not None:
        from exo import fresh
        return fresh.main(options)
    chosen = collect(options)
    if options.list:
        print("\n".join(job.name for job in chosen))
        return 0
    if not chosen:
        print("scripts/test: no test has such a name; see --list", file=sys.stderr)
        print(results.summary([]))
        return 1
    try:
        return run(options, chosen)
    except KeyboardInterrupt:
        child.kill_all()
        print("\nscripts/test: interrupted", file=sys.stderr)
        return 130
