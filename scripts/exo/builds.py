# SPDX-License-Identifier: MIT
"""Builds of kernels that tests share: each configuration is configured and built once a run.

A configuration is a Spec. Its build directory stays between runs and make brings it up to date; it
is configured anew only when the Spec, a Kconfig file or a defconfig changed.
"""
import contextlib
import hashlib
import json
import os
import re
import tempfile
import threading
from dataclasses import dataclass

from exo import child, machine, tree
from exo.compile_once import CompileOnce

MAKE_TIMEOUT = 900
PROBABILITIES = {"random": "50", "likely": "90"}  # of yes, in per cent


class BuildError(Exception):
    """A configuration does not configure or build."""

    def __init__(self, message, details=""):
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Spec:
    """@base: a defconfig's name, allnoconfig, allyesconfig, random-SEED, or likely-SEED (random,
    too, but mostly yes: hardly one would have threads else); @changes: settings on top of a
    defconfig, as (name, value) pairs (tree.change_settings); @llvm: clang in place of gcc;
    @variables: further words for make, as ("EXTRA_CFLAGS=-fanalyzer",); @label: a name for many
    changes."""
    base: str
    changes: tuple = ()
    llvm: bool = False
    variables: tuple = ()
    label: str = ""

    @property
    def name(self):
        """A name that is also a directory's."""
        changes = [key if value is True else f"{key}.{value}" for key, value in self.changes]
        parts = [self.base] + ([self.label] if self.label else changes)
        name = "-".join(parts + ["clang"] * self.llvm + list(self.variables))
        return re.sub(r"[^\w.-]+", "_", name)

    def make_words(self):
        """The words of every make call for this configuration."""
        return (["LLVM=1"] if self.llvm else []) + list(self.variables)


def monitor_words(config, words):
    """The command line with which the monitor has the console, where programs would have it."""
    taken = any(word.split("=")[0] in ("user-test", "user-bench", "fuzz", "monitor")
                for word in words.split())
    if taken or not (config["OBJECTS"] and config["MONITOR"]):
        return words
    return f"{words} monitor".strip()


class Build:
    """A finished build."""

    def __init__(self, directory, spec):
        self.directory = directory
        self.spec = spec
        self.elf = os.path.join(directory, tree.KERNEL)
        self.config = tree.Config.load(os.path.join(directory, ".config"))

    @contextlib.contextmanager
    def machine(self, words="", firmware=None, **options):
        """The machine.Machine that boots this kernel with these command line words.

        An ISO is made for the time of the `with` block; without @firmware, the quickest is used.
        """
        firmware = firmware or machine.firmware_for(self.config)
        words = monitor_words(self.config, words)
        if firmware in ("pvh", "microvm"):
            yield machine.Machine.from_config(self.config, self.elf, firmware=firmware,
                                              command_line=words, **options)
            return
        with tempfile.TemporaryDirectory(prefix="exo-iso-") as directory:
            iso = os.path.join(directory, tree.ISO)
            make_iso(self.elf, iso, words)
            yield machine.Machine.from_config(self.config, iso, firmware=firmware, **options)


def make_iso(elf, iso, words="", modules=()):
    """Makes a bootable ISO of a kernel."""
    made = child.run([tree.path("scripts/build/make_iso.sh"), elf, iso, words, *modules], 120)
    if not made.ok:
        raise BuildError(f"no ISO of {elf}: {made.reason()}", made.output)


def make(directory, *words, timeout=MAKE_TIMEOUT, env=None):
    """Runs make in the source tree with O=directory; returns a child.Finished."""
    return child.run(["make", "-C", tree.ROOT, f"O={directory}", "--no-print-directory", *words],
                     timeout, env={"MAKEFLAGS": "", **(env or {})})


def _without_progress(output):
    """make's output without its one line a file."""
    return "\n".join(line for line in output.splitlines()
                     if not re.match(r"  [A-Z]+ +\S+$", line))


def _kconfig_state():
    """A hash over all that decides what configuring yields."""
    state = hashlib.sha256()
    for directory, subdirectories, files in os.walk(tree.ROOT):
        if directory == tree.ROOT:
            subdirectories[:] = [name for name in subdirectories
                                 if name not in ("build", ".git") and not name.startswith("build-")]
        subdirectories.sort()
        for name in sorted(files):
            if name.startswith("Kconfig") or name.endswith("_defconfig"):
                state.update(name.encode())
                state.update(tree.sha256(os.path.join(directory, name)).encode())
    return state.hexdigest()


class Builds:
    """The build directories below one directory. get() may be called from several threads."""

    def __init__(self, directory, jobs=1, scale=1.0):
        self.directory = os.path.abspath(directory)
        self.jobs = jobs
        self.scale = scale
        self.compile_once = CompileOnce(self.directory)
        self._lock = threading.Lock()
        self._locks = {}
        self._done = {}
        self._state = None

    def get(self, spec):
        """The Build of a Spec; raises the same BuildError for everyone if it cannot be had,
        but the compiler's words only to the first."""
        with self._lock:
            self._state = self._state or _kconfig_state()
            lock = self._locks.setdefault(spec, threading.Lock())
        with lock:
            if spec not in self._done:
                try:
                    self._done[spec] = self._build(spec)
                except BuildError as error:
                    self._done[spec] = error
            done = self._done[spec]
            if isinstance(done, BuildError):
                self._done[spec] = BuildError(str(done), "(as shown above)")
                raise done
        return done

    def path(self, spec):
        """Where a Spec is built."""
        return os.path.join(self.directory, spec.name)

    def _make(self, spec, *words, env=None):
        made = make(self.path(spec), *spec.make_words(), *words,
                    env={**self.compile_once.environment(), **(env or {})},
                    timeout=MAKE_TIMEOUT * self.scale)
        if not made.ok:
            raise BuildError(f"{spec.name}: make {' '.join(words)}: {made.reason()}",
                             _without_progress(made.output))

    def configure(self, spec):
        """Makes the .config of a Spec, unless it is there already."""
        directory = self.path(spec)
        stamp = os.path.join(directory, ".test-spec")
        text = json.dumps([self._state or _kconfig_state(), spec.base, spec.changes,
                           spec.make_words()])
        with contextlib.suppress(FileNotFoundError), open(stamp, encoding="utf-8") as file:
            if file.read() == text:
                return
        os.makedirs(directory, exist_ok=True)
        kind, _, seed = spec.base.partition("-")
        if kind in ("random", "likely"):
            self._make(spec, "randconfig", env={"KCONFIG_SEED": seed,
                                                "KCONFIG_PROBABILITY": PROBABILITIES[kind]})
        elif spec.base in ("allnoconfig", "allyesconfig"):
            self._make(spec, spec.base)
        else:
            self._make(spec, f"{spec.base}_defconfig", *self._fragment(spec))
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(text)

    def _fragment(self, spec):
        """The changes as a fragment: the words for make. The load checks that they are in force."""
        if not spec.changes:
            return []
        name = os.path.join(self.path(spec), "changes.config")
        with open(name, "w", encoding="utf-8") as file:
            file.write(tree.change_settings("", dict(spec.changes)))
        return [f"FRAGMENTS={name}"]

    def _build(self, spec):
        self.configure(spec)
        self._make(spec, f"-j{self.jobs}")
        return Build(self.path(spec), spec)
