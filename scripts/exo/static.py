# SPDX-License-Identifier: MIT
"""The static layer: checks that run no kernel."""
import json
import os
import re
import shlex
import tempfile

from exo import boot_code, builds, child, layers, tree
from exo.runner import Failed, Job, Skip

C_DIRECTORIES = ("arch", "drivers", "include", "ipc", "kernel", "lib", "mm", "user", "tests")
CPPCHECK_FALSE = {  # what cppcheck says wrongly, and why
    "unmatchedSuppression": "this list may name more than a version of cppcheck says",
    "unknownSuppression": "or knows",
    "normalCheckLevelMaxBranches": "newer versions say so of what they did not look at",
    "comparePointers": "linker.ld's symbols bound one array, which cppcheck cannot know",
    "subtractPointers": "the same",
    "uninitvar:*/kernel/log_ring.c": "a struct is filled byte by byte",
    "selfAssignment:*/kernel/monitor/panic_command.c": "a volatile write is the point",
    "va_end_missing:*/kernel/panic.c": "panic() does not return",
}
LOCK_MISTAKES = (  # one after the other, after `static struct spinlock lock;`
    "void f(void); void f(void) { spin_lock(&lock); }",
    "void f(void); void f(void) { spin_unlock(&lock); }",
    "void f(void); void f(void) { irq_restore(spin_lock_irq(&lock)); }",
    "static int x __guarded_by(lock); int f(void); int f(void) { return x; }",
)
FILE_LINES, PYTHON_COLUMNS = 500, 100
CLANG_FORMAT = 14  # the version whose layout is the tree's
_CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\bCONFIG_", re.M)


def c_files(suffixes=(".c", ".h")):
    """All C sources, sorted."""
    return sorted(name for directory in C_DIRECTORIES for suffix in suffixes
                  for name in tree.files(directory, suffix))


def _run(context, command, what, timeout=300):
    done = child.run(command, timeout * context.scale, cwd=tree.ROOT)
    if not done.ok:
        raise Failed(f"{what}: {done.reason()}", done.output[-16000:])
    return done


def clang_format(context):
    """The layout of every C file is that of .clang-format, as one version understands it."""
    asked = child.run(["clang-format", "--version"], 30)
    version = re.search(r"version (\d+)", asked.output)
    if not asked.ok or not version:
        raise Failed("clang-format does not tell its version", asked.output)
    if int(version[1]) != CLANG_FORMAT:
        raise Skip(f"clang-format {version[1]} lays out otherwise than {CLANG_FORMAT}")
    done = child.run(["clang-format", "--dry-run", "-Werror", *c_files()], 300 * context.scale,
                     cwd=tree.ROOT)
    names = sorted(set(re.findall(r"^(.*?):\d+:\d+: error: code should be", done.output, re.M)))
    if names or not done.ok:
        raise Failed(f"clang-format -i would change {len(names)} files: {done.reason()}",
                     "\n".join(names) or done.output)


def kconfig_lint(context):
    """The Kconfig tree is sound, and each defconfig is what savedefconfig writes."""
    _run(context, ["make", "--no-print-directory", "check-kconfig"], "make check-kconfig")


def cppcheck(context):
    """cppcheck has no complaint."""
    context.builds.configure(layers.HOST)
    include = os.path.join(context.builds.path(layers.HOST), "include")
    sources = [name for name in c_files((".c",)) if not name.startswith(tree.path("tests"))]
    _run(context, ["cppcheck", "--quiet", "--error-exitcode=1", "--inline-suppr", "--std=c11",
                   "--enable=warning,performance,portability", "--suppress=missingIncludeSystem",
                   *[f"--suppress={what}" for what in CPPCHECK_FALSE],
                   f"-j{context.builds.jobs}",
                   "--include=" + tree.path("include/exo/config.h"), "-I", include,
                   "-I", tree.path("include"), "-I", tree.path("arch/x86_64/include"), *sources],
         "cppcheck")


def _compilations(build):
    """The compilation of each file of a build: its directory, file and command."""
    listed = child.run(["/usr/bin/python3", "-B", "scripts/build/compile_commands.py",
                        build.directory], 60, cwd=tree.ROOT)
    if not listed.ok:
        raise Failed("no list of compilations", listed.output)
    return json.loads(listed.output)


def sparse(context):
    """sparse has no complaint, given each file with the options of its compilation."""
    wrong = []
    for row in _compilations(context.builds.get(layers.DEBUG)):
        done = child.run(["sparse", *_sparse_words(row)], 60 * context.scale, cwd=row["directory"])
        if not done.ok or done.output:
            wrong.append(done.output or f"{row['file']}: {done.reason()}")
    if wrong:
        raise Failed(f"sparse complains of {len(wrong)} files", "\n".join(wrong))


def _sparse_words(row):
    """sparse's options for one compilation."""
    kept = ["-Wsparse-error", "-D__GCC_ATOMIC_TEST_AND_SET_TRUEVAL=1",
            "-D__UINT64_C(c)=c##UL", "-D__INT64_C(c)=c##L"]
    if row["file"].startswith("tests/"):
        kept.append("-Wno-decl")  # TEST_SUITE() defines what the linker, not a header, collects
    return kept + _without_output(shlex.split(row["command"])[1:])


def _without_output(words):
    """A compiler's words without those that say what it writes."""
    kept, words = [], iter(words)
    for word in words:
        if word in ("-MF", "-MT", "-o"):
            next(words)
        elif word not in ("-MMD", "-c"):
            kept.append(word)
    return kept


def gcc_analyzer(context):
    """gcc -fanalyzer has no complaint."""
    context.builds.get(builds.Spec("debug", (("TESTS", False),),
                                   variables=("EXTRA_CFLAGS=-fanalyzer",)))


def thread_safety(context):
    """clang knows of no lock that is missing or kept, and would say so if there were one."""
    build = context.builds.get(builds.Spec("debug", llvm=True))
    row = next(row for row in _compilations(build) if row["file"].endswith("kernel/log.c"))
    words = _without_output(shlex.split(row["command"]))[:-1]  # without the file
    for mistake in LOCK_MISTAKES:
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            file.write(f"#include <exo/spinlock.h>\nstatic struct spinlock lock;\n{mistake}\n")
            file.flush()
            done = child.run([*words, "-fsyntax-only", file.name], 60 * context.scale,
                             cwd=row["directory"])
        if done.ok or "-Wthread-safety" not in done.output:
            raise Failed(f"clang does not see what is wrong with {mistake}", done.output)


def released(context):
    """Nothing uses boot code when it is gone; and the check sees it where something does."""
    for spec in (layers.DEFAULT, builds.Spec("embedded_protected"), builds.Spec("debug")):
        build = context.builds.get(spec)
        boot_code.check(build)
    wrong = os.path.join(build.directory, "kernel", "uses-boot-code.o")
    row = next(row for row in _compilations(build) if row["file"].endswith("mm/memory.c"))
    words = _without_output(shlex.split(row["command"]))[:-1]  # without the file
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write("#include <exo/memory_plan.h>\nvoid f(struct memory_plan *plan);\n"
                   "void f(struct memory_plan *plan) { memory_plan_frames(plan); }\n")
        file.flush()
        child.run([*words, "-c", "-o", wrong, file.name], 60 * context.scale, cwd=tree.ROOT)
    try:
        if boot_code.uses(build.directory) != [
                "kernel/uses-boot-code.o: .text.f uses memory_plan_frames"]:
            raise Failed("the check does not see a use of memory_plan_frames()")
    finally:
        os.unlink(wrong)


def style(_):
    """The rules of the house that a program can count."""
    wrong = []
    for name in c_files():
        with open(name, encoding="utf-8") as file:
            text = file.read()
        short = os.path.relpath(name, tree.ROOT)
        if "SPDX-License-Identifier: MIT" not in text[:200]:
            wrong.append(f"{short}:1: no SPDX line")
        if text.count("\n") > FILE_LINES:
            wrong.append(f"{short}: {text.count(chr(10))} lines, at most {FILE_LINES}")
        if name.endswith(".c"):
            wrong += [f"{short}:{text.count(chr(10), 0, match.start()) + 1}: a condition on "
                      "CONFIG_ in a .c file: use IS_ENABLED() or a file of its own"
                      for match in _CONDITION.finditer(text)]
    wrong += _python_style()
    if wrong:
        raise Failed(f"{len(wrong)} breaches of the house style", "\n".join(wrong))


def _python_style():
    wrong = []
    for name in tree.files("scripts", ".py") + tree.files("tests", ".py"):
        short = os.path.relpath(name, tree.ROOT)
        with open(name, encoding="utf-8") as file:
            lines = file.read().splitlines()
        if len(lines) > FILE_LINES:
            wrong.append(f"{short}: {len(lines)} lines, at most {FILE_LINES}")
        wrong += [f"{short}:{number}: {len(line)} columns, at most {PYTHON_COLUMNS}"
                  for number, line in enumerate(lines, 1) if len(line) > PYTHON_COLUMNS]
        if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
            wrong.append(f"{short}:1: no SPDX line")
    return wrong


def jobs():
    """All static checks."""
    return [
        Job("static.clang-format", clang_format, 5),
        Job("static.kconfig-lint", kconfig_lint, 5),
        Job("static.cppcheck", cppcheck, 30),
        Job("static.style", style, 1),
        Job("static.sparse", sparse, 20),
        Job("static.gcc-analyzer", gcc_analyzer, 30),
        Job("static.thread-safety", thread_safety, 30),
        Job("static.boot-code", released, 10),
    ]
