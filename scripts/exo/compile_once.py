# SPDX-License-Identifier: MIT
"""The builds of one run share the objects that are the same (scripts/build/compile_once.c).

The makefiles know nothing of it: what stands before the compilers in PATH does it. A person's own
builds are without.
"""
import os
import shutil
import threading

from exo import child, tree

COMPILERS = ("x86_64-elf-gcc", "x86_64-linux-gnu-gcc", "clang")  # that may build a kernel
SOURCE = tree.path("scripts", "build", "compile_once.c")
NAME = "compile-once"


class CompileOnce:
    """The directory below @directory, made anew when it is first asked for. In a test that runs
    builds of its own, it is that of the run."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, NAME)
        self._lock = threading.Lock()
        self._path = None

    def environment(self):
        """What a child needs in its environment."""
        with self._lock:
            if self._path is None:
                self._path = self._make()
        return {"PATH": self._path}

    def _make(self):
        path = os.environ.get("PATH", "")
        if without(path) != path:
            return path
        shutil.rmtree(self.directory, ignore_errors=True)
        programs = os.path.join(self.directory, "bin")
        os.makedirs(programs)
        os.makedirs(os.path.join(self.directory, "objects"))
        program = os.path.join(programs, NAME)
        made = child.run([shutil.which("gcc") or "cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o",
                          program, SOURCE], 60)
        if not made.ok:
            raise RuntimeError(f"{SOURCE}: {made.reason()}\n{made.output}")
        for name in COMPILERS:
            if shutil.which(name):
                os.link(program, os.path.join(programs, name))
        return f"{programs}{os.pathsep}{path}"

    def counts(self):
        """(files compiled, objects that could be copied)."""
        try:
            with open(os.path.join(self.directory, "log"), encoding="utf-8") as file:
                words = [line.split(" ", 1)[0] for line in file]
        except FileNotFoundError:
            return 0, 0
        return words.count("compiled"), words.count("reused")


def without(path):
    """A PATH that has the compilers themselves."""
    return os.pathsep.join(part for part in path.split(os.pathsep)
                           if os.path.basename(os.path.dirname(part)) != NAME)
