# SPDX-License-Identifier: MIT
"""Finds the jobs of every layer: host, model, kernel, user, boot, matrix, tools,
static and bench. A new test file of any layer is found by its name; nothing has to be listed."""
import importlib.util
import json
import os
import re
import sys
import threading

from exo import bench, builds, child, ktap, selftests, stress, tree
from exo.results import FAILED, PASSED, Result
from exo.runner import Failed, Job
from exo.unittest_child import MARK

LAYERS = ("host", "model", "kernel", "user", "boot", "matrix", "tools", "static", "bench")
FUZZ_RUNS = 20000  # inputs for each fuzzer: seconds; a long hunt is run by hand
TOOL_TIMEOUT = 600

# A test kernel: every self test in the image, and a way out of QEMU with a status.
TESTING = (("TESTS", True), ("DEBUG_EXIT", True))
DEFAULT = builds.Spec("x86_64", TESTING)
DEBUG = builds.Spec("debug", TESTING)
# Memory for more threads than there can be; no floating point, and no messages.
FEW_THREADS = builds.Spec("x86_64", (*TESTING, ("THREADS_MAX", 16384), ("FPU_NONE", True),
                                     ("IPC", False)), label="few-threads")
# Messages the long way, of few words, with the simplest policy; the debug kernel has the long way
# with all of them.
IPC_SLOW = builds.Spec("x86_64", (*TESTING, ("IPC_FASTPATH", False), ("IPC_WORDS", 4),
                                  ("SCHED_ROUND_ROBIN", True)), label="ipc-slow")
# The other policies besides the default, with which programs must get on, too.
POLICIES = {policy: builds.Spec("x86_64", (*TESTING, (f"SCHED_{policy.upper()}", True)),
                                label=policy)
            for policy in ("priority", "edf", "stride")}
# The tests of the ABI as the program that is linked into a flat kernel.
FLAT_ABI = (*TESTING, ("ISOLATION_FLAT", True), ("FLAT_OBJECTS", True),
            ("FLAT_PROGRAM", "abi-test"))
FLAT = builds.Spec("x86_64", FLAT_ABI, label="flat-abi")
FLAT_DEBUG = builds.Spec("debug", FLAT_ABI, label="flat-abi")
TSAN = ("SANITIZE=thread", "OPTIMIZE=-O2")
HOST = builds.Spec("debug")  # the configuration whose numbers the host tests are compiled with


# ---- host ----------------------------------------------------------------------------------------

class HostPrograms:
    """Builds the host tests once, for all jobs."""

    def __init__(self):
        self._lock = threading.Lock()
        self._built = {}

    def make(self, context, target):
        """Builds `all`, `fuzz` or, for ThreadSanitizer, `threaded`; returns their directory."""
        with self._lock:
            if target not in self._built:
                context.builds.configure(HOST)
                name, words = ("tsan", TSAN) if target == "threaded" else ("host", ())
                out = os.path.join(context.builds.directory, name)
                done = _host_make(context, target, f"-j{context.builds.jobs}", f"OUT={out}",
                                  *words)
                self._built[target] = (out, done)
            out, done = self._built[target]
        return out, done


def _host_make(context, *words):
    include = os.path.join(context.builds.path(HOST), "include")
    return child.run(["make", "-f", "tests/host/Makefile", "SRCTREE=.", f"AUTOCONF={include}",
                      *words], 600 * context.scale, cwd=tree.ROOT, env={"MAKEFLAGS": ""})


def _host_job(programs, name, label, target="all"):
    def run(context):
        out, done = programs.make(context, target)
        program = os.path.join(out, name)
        if not done.ok:
            raise Failed(f"the tests do not build: {done.reason()}", done.output)
        ran = child.run([program], 120 * context.scale, cwd=tree.ROOT)
        report = ktap.parse_flat(ran.output)
        found = [Result(f"{label}.{case.name}", case.status, message=case.detail)
                 for case in report.cases]
        problems = report.problems
        if (ran.status != 0) != any(row.status == FAILED for row in found) or ran.timed_out:
            problems.append(ran.reason())
        if problems:
            found.append(Result(label, FAILED, message="; ".join(problems), details=ran.output))
        return found
    return run


def _fuzz_job(programs, name):
    def run(context):
        out, done = programs.make(context, "fuzz")
        if not done.ok:
            raise Failed(f"the fuzzers do not build: {done.reason()}", done.output)
        ran = child.run([os.path.join(out, name), f"-runs={FUZZ_RUNS}", "-seed=1",
                         "-max_total_time=60", f"-artifact_prefix={out}/{name}-"],
                        180 * context.scale, cwd=out)
        if not ran.ok:
            raise Failed(f"the fuzzer found an input: {ran.reason()}", ran.output[-8000:])
        if not re.search(r"^(Done|#\d+\s+DONE)", ran.output, re.M):
            raise Failed("the fuzzer ended without having finished its runs", ran.output[-4000:])
    return run


def _short(name):
    return re.sub(r"_test\b", "", name)


def _stem(file_name):
    return os.path.splitext(os.path.basename(file_name))[0]


def _host_programs(target, makefile="tests/host/Makefile"):
    """The names of the programs that a Makefile makes: X_test, or X_test.VARIANT."""
    listed = child.run(["make", "-s", "-f", makefile, target], 60, cwd=tree.ROOT,
                       env={"MAKEFLAGS": ""})
    if not listed.ok:
        raise RuntimeError(f"{makefile}: {listed.output}")
    return [os.path.basename(path) for path in listed.output.split()]


def host_jobs():
    """One job for each program of tests/host."""
    programs = HostPrograms()
    jobs = []
    for name in _host_programs("list"):
        source = tree.path("tests", "host", name.split(".")[0] + ".c")
        contents = selftests.contents_of(source, f"host.{_short(name)}")
        label = f"host.{_short(name)}"
        jobs.append(Job(label, _host_job(programs, name, label), 12, contents))
    for name in _host_programs("list-threaded"):
        label = f"tsan.{_short(name)}"
        jobs.append(Job(label, _host_job(programs, name, label, "threaded"), 12))
    for name in _host_programs("list-fuzz"):
        jobs.append(Job(f"host.{name}", _fuzz_job(programs, name), 15))
    return jobs


# ---- model ---------------------------------------------------------------------------------------

class ModelPrograms:
    """Builds each program of tests/model when its job runs: each takes seconds to compile."""

    def make(self, context, name):
        """Builds one; returns the directory."""
        out = os.path.join(context.builds.directory, "model")
        return out, child.run(["make", "-f", "tests/model/Makefile", f"OUT={out}",
                               os.path.join(out, name)], 600 * context.scale, cwd=tree.ROOT,
                              env={"MAKEFLAGS": ""})


def model_jobs():
    """The lock-free headers under a checker of the C11 memory model, and mistakes it must find."""
    programs = ModelPrograms()
    return [Job(f"model.{name}", _host_job(programs, name, f"model.{name}", name), 12)
            for name in _host_programs("list", "tests/model/Makefile")]


# ---- kernel and user -----------------------------------------------------------------------------

def _kernel_job(name, spec, **options):
    def run(context):
        return selftests.run(context.builds.get(spec), name, context.scale, **options)
    return Job(name, run, 20, selftests.contents(name))


def kernel_jobs():
    """The self tests of the shipped configurations, optimised and with every check on."""
    return [_kernel_job("kernel.x86_64", DEFAULT),
            _kernel_job("kernel.debug", DEBUG),
            _kernel_job("kernel.smp4", DEFAULT, smp=4),
            _kernel_job("kernel.nodes4", DEBUG, smp=8, numa=4, memory="512M")]


def _user_job(name, spec, words="user-test", **options):
    def run(context):
        return selftests.run(context.builds.get(spec), name, context.scale, words=words,
                             **options)
    return Job(name, run, 20, selftests.user_contents(name))


def _fuzz_calls_job(name, spec, calls, **options):
    def run(context):
        stress.fuzz(context.builds.get(spec), calls=calls, scale=context.scale, **options)
    return Job(name, run, 30)


def _fuzz_replay_job(name, spec, calls):
    """On one CPU a seed gives every thread the same calls again."""
    def run(context):
        first = [re.search(r"first=(\S+)", stress.fuzz(context.builds.get(spec), seed, calls=calls,
                                                       scale=context.scale))[1].split(",")
                 for seed in (1, 1, 2)]
        # A thread of which others have made an end before it was so far says 0.
        same = [[a == b for a, b in zip(first[0], other) if "0" not in (a, b)]
                for other in first[1:]]
        if not same[0] or not all(same[0]) or any(same[1]):
            raise Failed("a seed does not repeat the calls, or another one makes the same: "
                         f"{first}")
    return Job(name, run, 10)


def user_jobs():
    """The tests of the ABI: a program of a protected kernel, on one CPU, on several, on an old one,
    without FSGSBASE, SMEP, SMAP, UMIP, XSAVE, and with each policy; the same linked into a flat
    kernel; and the fuzzer of system calls, whose CPUs wait for each other most of the time where
    they are the host's threads."""
    return [_user_job("user.x86_64", DEFAULT),
            _user_job("user.qemu64", DEFAULT, cpu="qemu64"),
            _user_job("user.smp4", DEFAULT, smp=4),
            _user_job("user.priority", POLICIES["priority"]),
            _user_job("user.edf", POLICIES["edf"]),
            _user_job("user.stride", POLICIES["stride"]),
            _user_job("user.smp8", DEFAULT, "user-test=revoke", smp=8),
            _user_job("user.smp8-ntf", DEFAULT, "user-test=ntf", smp=8),
            _user_job("user.smp8-irq", DEFAULT, "user-test=irq", smp=8),
            _user_job("user.smp8-ipc", DEFAULT, "user-test=ipc_stress", smp=8),
            _user_job("user.ipc-slow", IPC_SLOW, smp=2),
            _user_job("user.debug", DEBUG, smp=2),
            _user_job("user.flat", FLAT),
            _user_job("user.flat-qemu64", FLAT, cpu="qemu64"),
            _user_job("user.flat-smp4", FLAT, smp=4),
            _user_job("user.flat-debug", FLAT_DEBUG, smp=2),
            _user_job("user.few-threads", FEW_THREADS, "user-test=thread_price",
                      memory="1G"),
            _user_job("user.no-ipc", FEW_THREADS, "user-test=leak", memory="1G"),
            _fuzz_calls_job("user.fuzz", DEFAULT, 1000000),
            _fuzz_replay_job("user.fuzz-replay", DEFAULT, 15000),
            _fuzz_calls_job("user.fuzz-smp4", DEFAULT, 60000, smp=4),
            _fuzz_calls_job("user.fuzz-debug", DEBUG, 60000, smp=2)]


# ---- jobs written in Python ----------------------------------------------------------------------

def python_jobs(layer):
    """The jobs() of every tests/<layer>/*_test.py."""
    found = []
    for file_name in tree.files(f"tests/{layer}", "_test.py"):
        spec = importlib.util.spec_from_file_location(f"{layer}_{_stem(file_name)}", file_name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.jobs()
    return found


# ---- tools ---------------------------------------------------------------------------------------

def _tool_job(name, file_name):
    def run(context):
        ran = child.run([sys.executable, "-B", tree.path("scripts/exo"), "unittest", file_name],
                        TOOL_TIMEOUT * context.scale, cwd=tree.ROOT,
                        env={"EXO_TEST_SCALE": str(context.scale),
                             **context.builds.compile_once.environment()})
        rows = [json.loads(line[len(MARK):]) for line in ran.output.splitlines()
                if line.startswith(MARK)]
        found = [Result(f"{name}.{row.pop('name')}", **row) for row in rows]
        if ran.ok == any(row.status == FAILED for row in found) or not found:
            found.append(Result(name, FAILED, message=ran.reason(), details=ran.output[-8000:]))
        return found
    return run


def tool_jobs():
    """One job for each tests/tools/*_test.py."""
    jobs = []
    for file_name in tree.files("tests/tools", "_test.py"):
        name = "tools." + _short(_stem(file_name))
        with open(file_name, encoding="utf-8") as file:
            cases = re.findall(r"^    def (test_\w+)", file.read(), re.M)
        jobs.append(Job(name, _tool_job(name, file_name), 40 if "build" in name else 10,
                        [f"{name}.{case}" for case in cases]))
    return jobs


# ---- bench ---------------------------------------------------------------------------------------

def _measure(context):
    expected = bench.load_expected()
    found = []
    rows = bench.measure_standing(context.builds)
    for row, text, worse in bench.judge(rows, expected):
        found.append(Result(f"bench.{row['name']}", FAILED if worse else PASSED,
                            message=f"{row['p50']} {row['unit']}: {text}" if worse else ""))
    missing = set(expected["rows"]) - {row["name"] for row in rows}
    return found + [Result(f"bench.{name}", FAILED, message="committed, but not measured")
                    for name in sorted(missing)]


def bench_jobs():
    """The standing set against the committed figures (scripts/bench)."""
    return [Job("bench", _measure, 60)]
