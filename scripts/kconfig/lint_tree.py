# SPDX-License-Identifier: MIT
"""The rules that a Kconfig tree must keep, checked without any configuration.

kconfig-conf passes most of these with status 0: an undefined symbol counts as n, a number without a
default is empty, a default outside of its range is bent, a select ignores dependencies. The rules:

  - every symbol in an expression, default, range, select or imply is defined; nothing loops;
  - every symbol has a type, a prompt and a help text; every choice has a prompt and a help text.
    A symbol without a prompt is a HAVE_ symbol, or an `option env` symbol, or its help says why;
  - every int and hex has a range and a default that always apply, and no default is outside of a
    range that it can meet;
  - `select` turns on only HAVE_ symbols without prompt and without dependencies;
  - the defaults of a choice are its members;
  - what kconfiglib and kconfig-conf warn about is wrong too.
"""

import os
import re
import tempfile

import kconfiglib
from kconfiglib import AND, NOT, OR, expr_str

import tree as kctree
from frontend import Frontend
from problems import Problem, UserError

WARNING = re.compile(r"(?:warning: )?(?:([^\s:]+):(\d+):\s*)?(?:warning: )?(.*)", re.DOTALL)
# kconfiglib's advice that does not hold for kconfig-frontends, and what is told better here.
PASSED_OVER = ("option env=", "'option env", "is not contained in the choice",
               "defined without a prompt")


def lint_tree(tree):
    """All Problems of the tree's own files."""
    problems = kctree.find_loops(tree) + undefined_symbols(tree) + library_warnings(tree)
    for sym in tree.unique_defined_syms:
        problems += symbol_texts(sym) + select_targets(sym)
        if sym.orig_type in kctree.NUMBERS:
            problems += number_rules(sym)
    for choice in tree.unique_choices:
        problems += choice_rules(choice)
    return problems


def undefined_symbols(tree):
    """A Problem at each place that names a symbol without a definition."""
    found = {}
    for node in tree.node_iter():
        for item in node.referenced:
            for sym in symbols_of(item):
                if not sym.nodes:
                    found.setdefault((sym.name, node.filename), node.linenr)
    return [Problem(file, line, name, "is not defined in any Kconfig file",
                    "define it, or correct the name")
            for (name, file), line in found.items()]


def symbols_of(item):
    """The item if it is a symbol that should be defined, as a set."""
    return kctree.symbols_in(item) if isinstance(item, kconfiglib.Symbol) else set()


def library_warnings(tree):
    """kconfiglib's warnings from parsing, as Problems."""
    problems = []
    for warning in tree.warnings:
        if any(text in warning for text in PASSED_OVER):
            continue
        file, line, text = WARNING.match(warning).groups()
        defined = re.search(r"\b(\w+) \(defined at ([^:)]+):(\d+)", text)
        if defined and not file:
            file, line = defined.group(2), defined.group(3)
        problems.append(Problem(file or "Kconfig", int(line or 0),
                                defined.group(1) if defined else "", " ".join(text.split()),
                                "mend the Kconfig file"))
    return problems


def front_end_warnings(kconfig, srctree):
    """What kconfig-conf says about the tree when it makes a configuration of defaults."""
    with tempfile.TemporaryDirectory() as folder:
        frontend = Frontend(kconfig, srctree, folder)
        try:
            done = frontend.conf("--alldefconfig", config=os.path.join(folder, "config"))
        except UserError as error:
            return [Problem(kconfig, 0, "", " ".join(str(error).split()))]
    text = done.stderr.replace(f"{os.path.abspath(srctree)}/", "")
    return [front_end_problem(kconfig, line) for line in text.splitlines()
            if re.search(r"\b(?:warning|error)\b", line)
            and not re.search(r"recursive dependency|environment variable \w+ undefined", line)]


def front_end_problem(kconfig, line):
    """One line of kconfig-conf's standard error as a Problem."""
    file, number, text = WARNING.match(line).groups()
    return Problem(file or kconfig, int(number or 0), "", f"kconfig-conf: {text}",
                   "mend the Kconfig file")


def problem(sym, reason, remedy):
    """A Problem at the definition of a symbol."""
    return Problem(*kctree.place(sym), sym.name, reason, remedy)


def symbol_texts(sym):
    """A Problem if the symbol lacks the prompt or the help that it needs."""
    helped = any(node.help for node in sym.nodes)
    if kctree.has_prompt(sym):
        return [] if helped else [problem(sym, "has no help text",
                                          "say what it is for and when to say N")]
    if sym.name.startswith("HAVE_") or kctree.is_env(sym) or helped:
        return []
    return [problem(sym, "has neither a prompt nor a help text",
                    "give it a prompt, name it HAVE_..., or say in a help text why it has none")]


def select_targets(sym):
    """A Problem for each `select` of anything but a free, promptless HAVE_ symbol."""
    problems = []
    for target in {target for target, _ in sym.selects}:
        if not target.nodes:
            continue
        faults = []
        if not target.name.startswith("HAVE_"):
            faults.append("is not named HAVE_...")
        if kctree.has_prompt(target):
            faults.append("has a prompt")
        if target.direct_dep is not target.kconfig.y:
            faults.append(f"depends on {expr_str(target.direct_dep)}")
        if faults:
            problems.append(problem(sym, f"selects CONFIG_{target.name}, which "
                                    f"{' and '.join(faults)}", "use 'depends on' or 'imply'"))
    return problems


def choice_rules(choice):
    """The Problems of a choice: texts and defaults."""
    file, line = kctree.place(choice)
    problems = []
    if not kctree.has_prompt(choice):
        problems.append(Problem(file, line, "", "the choice has no prompt", "give it a prompt"))
    if not any(node.help for node in choice.nodes):
        problems.append(Problem(file, line, "", "the choice has no help text",
                                "say what is chosen here"))
    for default, _ in choice.defaults:
        if isinstance(default, kconfiglib.Symbol) and default.choice is not choice:
            members = ", ".join(f"CONFIG_{member.name}" for member in choice.syms)
            problems.append(Problem(file, line, default.name,
                                    "is the default of this choice but no member of it",
                                    f"use one of {members}"))
    return problems


def number_rules(sym):
    """The Problems of an int or hex symbol: range, default, and whether they fit."""
    ranges = [limit for node in sym.nodes for limit in node.orig_ranges]
    defaults = [default for node in sym.nodes for default in node.orig_defaults]
    always = sym.kconfig.y
    problems = []
    for what, found in (("range", ranges), ("default", defaults)):
        if not found:
            problems.append(problem(sym, f"has no {what}", f"give it a {what}"))
        elif not any(entry[-1] is always for entry in found):
            problems.append(problem(sym, f"has no {what} when none of its conditions holds",
                                    f"end with a {what} without 'if'"))
    return problems + misfits(sym, ranges, defaults)


def misfits(sym, ranges, defaults):
    """A Problem for each pair of a range and a default that can meet and do not fit."""
    problems = []
    for index, (low, high, cond) in enumerate(ranges):
        bottom, top = constant(sym, low), constant(sym, high)
        text = f"{low.name}..{high.name}"
        if None not in (bottom, top) and bottom > top:
            problems.append(problem(sym, f"its range {text} is empty", "swap the limits"))
            continue
        for position, (default, when) in enumerate(defaults):
            value = constant(sym, default)
            earlier = [entry[-1] for entry in ranges[:index] + defaults[:position]]
            if value is None or not can_meet(sym.direct_dep, cond, when, earlier):
                continue
            if (bottom is not None and value < bottom) or (top is not None and value > top):
                problems.append(problem(sym, f"its default {default.name} is outside of its "
                                        f"range {text}", "change the default or the range"))
    return problems


def constant(sym, operand):
    """The number that an operand of range or default stands for, or None if it is a symbol."""
    if not isinstance(operand, kconfiglib.Symbol) or operand.nodes:
        return None
    return kctree.number(operand.name, sym.orig_type)


def can_meet(dependency, cond, when, earlier):
    """Whether a range under `cond` can be in force together with a default under `when`.

    The first range and the first default whose conditions hold win, so those of the `earlier`
    entries must be false, the two conditions and the symbol's dependency true. This looks for a
    plain contradiction among these; what it cannot see through counts as possible.
    """
    facts = {("y", True), ("n", False)}
    for expr in (dependency, cond, when):
        facts |= literals(expr, True)
    for expr in earlier:
        facts |= literals(expr, False)
    return not any((text, not truth) in facts for text, truth in facts)


def literals(expr, truth):
    """What must hold for `expr` to be `truth`, as far as it is plain: {(text, truth)}."""
    if isinstance(expr, tuple) and expr[0] == NOT:
        return literals(expr[1], not truth)
    facts = {(expr_str(expr), truth)}
    if isinstance(expr, tuple) and expr[0] == (AND if truth else OR):
        facts |= literals(expr[1], truth) | literals(expr[2], truth)
    return facts
