# SPDX-License-Identifier: MIT
"""The rules between the Kconfig tree and the sources, makefiles and scripts that use it.

A symbol is used where its CONFIG_ name stands outside of comments and strings (scripts, where
names are strings, count their strings). Three kinds of symbols may be used by Kconfig alone: HAVE_
symbols in the expressions of others, symbols that decide the value of one without a prompt, and one
member of each choice, which is then the case that remains when the code has asked for the others. A
name that a source defines itself with #define, %define or as a make variable is no option.
"""

import os
import re

import kconfiglib
import tree as kctree
from problems import Problem

NAME = re.compile(r"\bCONFIG_(\w*[A-Za-z0-9])\b(?!\s*##)")
DEFINE = re.compile(r"^[ \t]*[#%][ \t]*i?x?define[ \t]+CONFIG_(\w+)", re.MULTILINE)
MAKE_VARIABLE = re.compile(r"^[ \t]*(?:export |override )?CONFIG_(\w+)[ \t]*[:?+]?=", re.MULTILINE)
CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b.*\bCONFIG_(\w+)", re.MULTILINE)

C_COMMENT = r"/\*.*?\*/|//[^\n]*"
STRINGS = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'"
COMMENTS = {"c": C_COMMENT, "asm": r";[^\n]*", "make": r"(?<!\\)#[^\n]*", "ld": C_COMMENT,
            "script": r'(?<![\w$\'"{\\])#[^\n]*|^[ \t]*[rf]?"""(?:.|\n)*?"""'}

SKIPPED = {"docs", "build", ".git", "__pycache__"}
OWN_FOLDERS = ("scripts/kconfig", "tests/tools")


def kind_of(path, folder):
    """Which language a file is in ("c", "asm", "make", "ld", "script"), or None."""
    name = os.path.basename(path)
    if name.startswith("Makefile") or name.endswith(".mk"):
        return "make"
    if re.search(r"\.ld(s|\.|$)", name):
        return "ld"
    suffix = os.path.splitext(name)[1]
    if suffix in (".c", ".h", ".S"):
        return "c"
    if suffix in (".asm", ".inc"):
        return "asm"
    if (folder + "/").startswith(("scripts/", ".ci/")) and suffix in ("", ".py", ".sh"):
        return "script"
    return None


def source_files(srctree):
    """(path, name below srctree, kind) of every file that may use options."""
    for folder, folders, files in os.walk(srctree):
        below = os.path.relpath(folder, srctree)
        below = "" if below == "." else below
        folders[:] = sorted(name for name in folders if not skipped(srctree, below, name))
        for name in sorted(files):
            kind = kind_of(name, below)
            if kind:
                yield os.path.join(folder, name), os.path.join(below, name), kind


def skipped(srctree, below, name):
    """Whether a folder holds no sources: documents, build output, these tools and their samples."""
    path = os.path.join(below, name)
    return name in SKIPPED or path in OWN_FOLDERS or name.startswith("build-") or \
        path in ("include/generated", "include/config") or \
        os.path.exists(os.path.join(srctree, path, "include/config/auto.conf"))


def blank(match):
    """Spaces in place of a match, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", match.group())


def strip(text, kind, strings):
    """`text` without comments; with `strings`, also without what stands in quotes."""
    def keep(match):
        quoted = match.group()[0] in "\"'" and not match.group().startswith('"""')
        return match.group() if quoted and not strings else blank(match)
    # A makefile's and a script's quotes may be single, in prose: only comments matter there.
    pattern = COMMENTS[kind] if kind in ("make", "script") else f"{COMMENTS[kind]}|{STRINGS}"
    return re.sub(pattern, keep, text, flags=re.DOTALL | re.MULTILINE)


class Sources:
    """What the sources say: names used, names mentioned with their first place, conditions."""

    def __init__(self, srctree):
        self.used = set()
        self.mentioned = {}
        self.own = set()
        self.conditions = []
        for path, name, kind in source_files(srctree):
            with open(path, encoding="utf-8", errors="replace") as file:
                self.read(file.read(), name, kind)

    def read(self, text, name, kind):
        """Take in one file."""
        bare = strip(text, kind, strings=False)
        self.own.update(DEFINE.findall(bare))
        if kind == "make":
            self.own.update(MAKE_VARIABLE.findall(bare))
        self.used.update(NAME.findall(strip(text, kind, strings=True)))
        for match in NAME.finditer(bare):
            self.mentioned.setdefault((match.group(1), name), line_of(bare, match))
        if name.endswith(".c"):
            joined = re.sub(r"\\\n", "  ", bare)
            for match in CONDITION.finditer(joined):
                self.conditions.append((name, line_of(bare, match), match.group(1)))


def line_of(text, match):
    """The line number where a match starts."""
    return text.count("\n", 0, match.start()) + 1


def lint_sources(tree, srctree):
    """All Problems between the tree and the files below srctree."""
    sources = Sources(srctree)
    return unused(tree, sources) + undefined(tree, sources) + conditions(sources) + \
        orphans(tree, srctree)


def decides_values(tree):
    """The symbols on which the default of a symbol without a prompt depends."""
    derived = [sym for sym in tree.unique_defined_syms
               if not any(node.prompt for node in sym.nodes)]
    return {item for sym in derived for _, condition in sym.defaults
            for item in kconfiglib.expr_items(condition)}


def unused(tree, sources):
    """A Problem for each symbol that nothing uses."""
    inside = {item for node in tree.node_iter() for item in node.referenced}
    deciding = decides_values(tree)
    problems = []
    for sym in tree.unique_defined_syms:
        if sym.name in sources.used or kctree.is_env(sym) or sym in deciding:
            continue
        if sym.name.startswith("HAVE_") and sym in inside:
            continue
        if sym.choice and all(member.name in sources.used or member in deciding
                              for member in sym.choice.syms if member is not sym):
            continue
        problems.append(Problem(*kctree.place(sym), sym.name,
                                "no source, makefile or script uses it", "use it or remove it"))
    return problems


def undefined(tree, sources):
    """A Problem for each name in the sources that no Kconfig file defines."""
    return [Problem(file, line, name, "is used here but no Kconfig file defines it",
                    "define it, or correct the name")
            for (name, file), line in sources.mentioned.items()
            if kctree.defined(tree, name) is None and name not in sources.own | {"HASH"}]


def conditions(sources):
    """A Problem for each preprocessor condition on an option in a .c file."""
    return [Problem(file, line, name, "preprocessor condition on an option in a .c file",
                    "use IS_ENABLED(), a stub in a header, or a file picked by obj-$(CONFIG_...)")
            for file, line, name in sources.conditions]


def orphans(tree, srctree):
    """A Problem for each Kconfig file that the tree does not source."""
    known = {os.path.normpath(name) for name in tree.kconfig_filenames}
    problems = []
    for folder, folders, files in os.walk(srctree):
        below = os.path.relpath(folder, srctree)
        folders[:] = [name for name in folders
                      if not skipped(srctree, "" if below == "." else below, name)]
        for name in files:
            path = os.path.normpath(os.path.join(below, name))
            if re.fullmatch(r"Kconfig(\..*)?", name) and path not in known:
                problems.append(Problem(path, 0, "", "no other Kconfig file sources this one",
                                        "source it or remove it"))
    return problems
