# SPDX-License-Identifier: MIT
"""The checks between a request and the configuration that kconfig-conf made of it.

Two steps. check_request() looks at each line alone and at choices: is the symbol known, does the
value fit its type. check_result() looks at the result: is each requested value in force, was
anything selected against its dependencies, has everything a value. Both return Problems and never
stop at the first.

In a file that kconfig wrote in full, the lines of promptless symbols are nobody's request. Such a
line is passed over if it says what the last accepted configuration said (include/config/auto.conf):
then the Kconfig files or the environment have changed, not the line. Otherwise a person wrote it.
"""

import difflib
import re

import kconfiglib
from kconfiglib import expr_str, expr_value

import tree as kctree
from explain import Explainer, at, join
from problems import Problem
from request import merge, unquote

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")


def check_request(tree, files, accepted):
    """(request, problems): what to hand to kconfig-conf, and what is wrong with the lines.

    `accepted` maps names to the text of their last accepted values.
    """
    problems = [problem for config in files for problem in config.problems]
    for config in files:
        problems += filter(None, (check_line(tree, line) for line in config.repeated))
        for assignment in list(config.assignments.values()):
            if config.full and is_stale(tree, assignment, accepted):
                del config.assignments[assignment.name]
                continue
            problem = check_line(tree, assignment)
            if problem:
                problems.append(problem)
                del config.assignments[assignment.name]
        problems += check_choices(tree, config)
    return merge(files, lambda name: kctree.same_choice(tree, name)), problems


def is_stale(tree, assignment, accepted):
    """Whether kconfig wrote this line of a promptless symbol at the last accepted load."""
    sym = kctree.defined(tree, assignment.name)
    if not accepted or sym is None or kctree.has_prompt(sym):
        return False
    return accepted.get(assignment.name, "n") == assignment.value_text()


def check_line(tree, assignment):
    """The Problem of one assignment alone, or None."""
    sym = kctree.defined(tree, assignment.name)
    if sym is None:
        return assignment.problem("unknown symbol", did_you_mean(tree, assignment.name))
    fault = type_fault(sym, assignment)
    return assignment.problem(*fault) if fault else None


def did_you_mean(tree, name):
    """The remedy for an unknown name."""
    names = [sym.name for sym in tree.unique_defined_syms if kctree.has_prompt(sym)]
    near = difflib.get_close_matches(name.upper(), names, 3, 0.7)
    if not near:
        return "remove this line ('make menuconfig' shows the options that exist; / searches)"
    return f"did you mean {join(near, 'or')}? Else remove this line"


def type_fault(sym, assignment):
    """(reason, remedy) if the value does not fit the symbol's type, else None."""
    value = assignment.value
    if sym.orig_type in kctree.TRUTHS:
        if assignment.quoted or value not in ("y", "n", "m"):
            return (f"{assignment.value_text()} is not a value of a yes/no option",
                    "use y, or n without quotes")
        if value == "m" and sym.type == kconfiglib.BOOL:
            return "m is not possible: there are no modules", "use y or n"
        return None
    if assignment.unset:
        return (f"is of type {kconfiglib.TYPE_TO_STR[sym.orig_type]}, so it cannot be 'not set'",
                "give it a value, or remove this line")
    if sym.orig_type == kconfiglib.STRING:
        return None if assignment.quoted else (
            f"bad quoting: {value} is not a string", f'write "{value}" in double quotes')
    if assignment.quoted:
        return f'"{value}" is not a number', "remove the quotes"
    if sym.orig_type == kconfiglib.INT and not INTEGER.fullmatch(value):
        return f"{value} is not a decimal number", "use digits only, without leading zeros"
    if sym.orig_type == kconfiglib.HEX and not HEXADECIMAL.fullmatch(value):
        if re.fullmatch(r"[0-9a-fA-F]+", value):
            return f"{value} is hexadecimal but does not start with 0x", f"write 0x{value}"
        return f"{value} is not a hexadecimal number", "use 0x and hexadecimal digits"
    return None


def check_choices(tree, config):
    """A Problem for each second y in one choice of one file; the later line is dropped."""
    picked, problems = {}, []
    for assignment in list(config.assignments.values()):
        choice = tree.syms[assignment.name].choice
        if choice is None or assignment.value != "y":
            continue
        first = picked.setdefault(choice, assignment)
        if first is not assignment:
            problems.append(assignment.problem(
                f"choice conflict: line {first.line} already picks CONFIG_{first.name}",
                f"keep one of the lines {first.line} and {assignment.line}"))
            del config.assignments[assignment.name]
    return problems


def values_of(text):
    """The values in a file that kconfig-conf wrote: name to the text behind the equals sign."""
    return dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.MULTILINE))


def in_force(sym, assignment, values):
    """Whether the requested value is the effective one."""
    effective = values.get(assignment.name)
    if sym.orig_type in kctree.TRUTHS:
        return assignment.value == (effective or "n")
    if effective is None:
        return False
    if sym.orig_type == kconfiglib.STRING:
        return unquote(effective) == assignment.value
    return kctree.number(effective, sym.orig_type) == kctree.number(assignment.value, sym.orig_type)


def check_result(tree, request, text):
    """The Problems of a result; `tree` has been loaded with the same `text`."""
    values = values_of(text)
    explainer = Explainer(tree, request)
    problems = [assignment.problem(*explainer.why_not(assignment))
                for assignment in request.values()
                if not in_force(tree.syms[assignment.name], assignment, values)]
    for sym in tree.unique_defined_syms:
        if sym.orig_type in kctree.NUMBERS and values.get(sym.name) == "":
            problems.append(Problem(*kctree.place(sym), sym.name, "has no value and no default",
                                    "give it a default in the Kconfig file"))
        if expr_value(sym.rev_dep) > expr_value(sym.direct_dep):
            problems.append(forced_against_dependency(explainer, sym))
    return problems


def forced_against_dependency(explainer, sym):
    """The Problem of a symbol that select turned on although its dependencies are not met."""
    names = explainer.selectors(sym, active=True)
    return Problem(*kctree.place(sym), sym.name,
                   f"is selected by {join(names, 'and')} but its dependency "
                   f"{expr_str(sym.direct_dep)} is not met", "meet it, or turn these off")


def new_symbols(tree, files):
    """The symbols a person could set that no file mentions, as [(symbol, value text)]."""
    mentioned = {name for config in files for name in config.assignments}
    return [(sym, kctree.effective_text(sym)) for sym in tree.unique_defined_syms
            if sym.visibility and sym.config_string and sym.name not in mentioned
            and not expr_value(sym.rev_dep)]
