# SPDX-License-Identifier: MIT
"""The Kconfig tree as kconfiglib sees it.

kconfig-conf decides what a configuration is; kconfiglib only explains it. The two agree on values
because a tree is always evaluated with a result that kconfig-conf wrote. kconfiglib stops at its
first dependency loop, so its own check is switched off here and find_loops() names all loops; a
tree with loops must not be evaluated.

srctree is an environment variable for both programs: open_tree() sets it.
"""

import os

from problems import Problem, UserError

try:
    import kconfiglib
except ImportError:
    raise SystemExit("the Python module kconfiglib is missing; run: "
                     "apt-get install python3-kconfiglib, and use /usr/bin/python3") from None

kconfiglib._check_dep_loop_sym = lambda sym, ignore_choice: None
NUMBERS = (kconfiglib.INT, kconfiglib.HEX)
TRUTHS = (kconfiglib.BOOL, kconfiglib.TRISTATE)


def open_tree(kconfig, srctree):
    """Parse the tree that starts at the file `kconfig`; relative names are below srctree."""
    os.environ["srctree"] = os.path.abspath(srctree)
    try:
        return kconfiglib.Kconfig(kconfig, warn_to_stderr=False, suppress_traceback=False)
    except kconfiglib.KconfigError as error:
        raise UserError(f"{str(error).strip()}; mend the Kconfig file") from None
    except OSError as error:
        text = " ".join(str(error).split()).split(" Check that environment")[0]
        raise UserError(f"{text} Mend the Kconfig file") from None


def place(item):
    """Where a symbol or choice is defined: (file, line) of its first definition."""
    node = item.nodes[0]
    return node.filename, node.linenr


def defined(tree, name):
    """The symbol `name` if a Kconfig file defines it, else None."""
    sym = tree.syms.get(name)
    return sym if sym is not None and sym.nodes else None


def has_prompt(item):
    """Whether a person can set the item at all."""
    return any(node.prompt for node in item.nodes)


def is_number_text(name):
    """Whether a symbol name is a number that stands in an expression without quotes."""
    try:
        int(name, 16 if name[:2] in ("0x", "0X") else 10)
    except ValueError:
        return False
    return True


def is_env(sym):
    """Whether the symbol's value is an environment variable."""
    return bool(sym.env_var)


def symbols_in(expr):
    """The symbols of an expression that Kconfig files should define: no constants, no numbers."""
    return {item for item in kconfiglib.expr_items(expr)
            if isinstance(item, kconfiglib.Symbol) and not item.is_constant
            and not is_number_text(item.name)}


def same_choice(tree, name):
    """The names of the other members of the symbol's choice."""
    sym = tree.syms.get(name)
    if sym is None or not sym.choice:
        return []
    return [member.name for member in sym.choice.syms if member is not sym]


def number(text, kind):
    """The value of a number as kconfig reads it, or None."""
    try:
        return int(text, 16 if kind == kconfiglib.HEX else 10)
    except ValueError:
        return None


def active_range(sym):
    """The range in force: two symbols (their str_value is the number) and its condition; or None.

    The condition is the one that stands behind the range, without the symbol's dependencies.
    """
    for node in sym.nodes:
        for (low, high, cond), (_, _, own) in zip(node.ranges, node.orig_ranges):
            if kconfiglib.expr_value(cond):
                return low, high, own
    return None


def effective_text(sym):
    """The symbol's value as a message shows it."""
    if sym.orig_type in TRUTHS:
        return sym.str_value
    if sym.orig_type == kconfiglib.STRING:
        return f'"{sym.str_value}"'
    return sym.str_value or "not there"


def dependencies(sym):
    """What the value of `sym` hangs on: a list of (symbol, how)."""
    found = []

    def note(expr, how):
        found.extend((item, how) for item in symbols_in(expr) if item.nodes)

    for node in sym.nodes:
        if node.prompt:
            note(node.prompt[1], "depends on")
    note(sym.direct_dep, "depends on")
    note(sym.rev_dep, "is selected by")
    note(sym.weak_rev_dep, "is implied by")
    for value, cond in sym.defaults:
        note(value, "has a default from")
        note(cond, "has a default from")
    for low, high, cond in sym.ranges:
        for expr in (low, high, cond):
            note(expr, "has a range from")
    if sym.choice:
        note_choice(sym, note)
    return found


def note_choice(sym, note):
    """A member of a choice also hangs on the choice and on who else can be picked."""
    for node in sym.choice.nodes:
        if node.prompt:
            note(node.prompt[1], "is in a choice that depends on")
    for _, cond in sym.choice.defaults:
        note(cond, "is in a choice with a default from")
    for other in sym.choice.syms:
        for node in other.nodes:
            if node.prompt and other is not sym:
                note(node.prompt[1], "is in a choice with a member that depends on")


def find_loops(tree):
    """A Problem for each loop of dependencies, selects, implies, defaults or ranges."""
    graph = {sym: dependencies(sym) for sym in tree.unique_defined_syms}
    problems, done = [], set()
    for start in tree.unique_defined_syms:
        if start in done:
            continue
        loop = loop_through(graph, start)
        if loop:
            done.update(sym for sym, _ in loop)
            problems.append(loop_problem(loop))
    return problems


def loop_through(graph, start):
    """The shortest way from `start` back to itself, as [(symbol, how it hangs on the next)]."""
    ways = [[(start, how, item)] for item, how in graph[start]]
    seen = set()
    for way in ways:
        last = way[-1][2]
        if last is start:
            return [(sym, how) for sym, how, _ in way]
        if last not in seen:
            seen.add(last)
            ways.extend(way + [(last, how, item)] for item, how in graph[last])
    return None


def loop_problem(loop):
    """The Problem that tells a loop, at the definition of its first symbol."""
    text = "".join(f"CONFIG_{sym.name} {how} " for sym, how in loop)
    first = loop[0][0]
    return Problem(*place(first), first.name, f"dependency loop: {text}CONFIG_{first.name}",
                   "take one of these relations away")
