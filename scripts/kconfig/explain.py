# SPDX-License-Identifier: MIT
"""Why a requested value is not in force, and what would put it in force.

The tree has been loaded with the configuration that kconfig-conf made of the request. Expressions
are walked down to the innermost symbols that fail: for `A && B` each failing side, for `A || B`
both, through negations, and from a symbol that is n because of its own dependency on to that one.
"""

import kconfiglib
from kconfiglib import AND, NOT, OR, expr_str, expr_value

import tree as kctree

RELATIONS = {kconfiglib.EQUAL: "=", kconfiglib.UNEQUAL: "!=", kconfiglib.LESS: "<",
             kconfiglib.LESS_EQUAL: "<=", kconfiglib.GREATER: ">", kconfiglib.GREATER_EQUAL: ">="}
OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Explainer:
    """Explains requested values against a tree that holds the effective configuration."""

    def __init__(self, tree, request):
        self.tree = tree
        self.request = request

    def why_not(self, assignment):
        """(reason, remedy) for an assignment that is not in force."""
        sym = self.tree.syms[assignment.name]
        has = f"it is {kctree.effective_text(sym)}"
        if not kctree.has_prompt(sym):
            return (f"has no prompt, so a configuration cannot set it: {has}{self.source(sym)}",
                    "remove this line")
        blocked = self.blocked(sym)
        if blocked:
            reason, remedy = blocked
            if assignment.value == "n" and sym.orig_type in kctree.TRUTHS:
                return (f"cannot be turned off while {reason}: {has}",
                        f"{remedy}, or remove this line")
            return f"unmet dependency: {reason}", f"{remedy}, or remove this line"
        if sym.orig_type in kctree.NUMBERS:
            found = self.out_of_range(sym, assignment)
            if found:
                return found
        if sym.choice:
            return self.forced_choice(sym, has)
        if assignment.value == "n" and expr_value(sym.rev_dep):
            names = self.selectors(sym, active=True)
            return f"is selected by {join(names, 'and')}", f"set {assign(names, 'n', 'and')}"
        return (f"is not in force: {has}",
                "open it with 'make menuconfig' and look at its help for what it depends on")

    def source(self, sym):
        """Where the value of a promptless symbol comes from, as a half sentence."""
        if kctree.is_env(sym):
            return f", from the environment variable {sym.env_var}"
        names = self.selectors(sym)
        if names:
            return f", and is y when selected by {join(names, 'or')}"
        return ", from its default"

    def selectors(self, sym, active=False):
        """The names of the symbols that select `sym`; with `active`, of those that do so now."""
        return [other.name for other in self.tree.unique_defined_syms
                for target, cond in other.selects
                if target is sym and not (active and not min(other.tri_value, expr_value(cond)))]

    def blocked(self, sym):
        """(reason, remedy) if dependencies keep the symbol from being set, else None."""
        if not expr_value(sym.direct_dep):
            return self.failing(sym.direct_dep, True, {sym})
        conditions = [node.prompt[1] for node in sym.nodes if node.prompt]
        if not any(expr_value(cond) for cond in conditions):
            return self.failing(conditions[0], True, {sym})
        return None

    def failing(self, expr, wanted, seen):
        """(reason, remedy) for an expression that should be `wanted` (True: not n) but is not."""
        if not isinstance(expr, tuple):
            return self.failing_item(expr, wanted, seen)
        operator = expr[0]
        if operator == NOT:
            return self.failing(expr[1], not wanted, seen)
        if operator in (AND, OR):
            sides = [side for side in expr[1:] if bool(expr_value(side)) != wanted]
            word = "and" if (operator == AND) == wanted else "or"
            found = [self.failing(side, wanted, seen) for side in dict.fromkeys(sides)]
            reasons = dict.fromkeys(reason for reason, _ in found)
            remedies = list(dict.fromkeys(remedy for _, remedy in found))
            return " and ".join(reasons), f" {word} ".join(remedies)
        return self.failing_relation(expr, wanted)

    def failing_relation(self, expr, wanted):
        """failing() for a comparison."""
        for side in expr[1:]:
            if side.nodes and not expr_value(side.direct_dep):
                reason, remedy = self.failing(side.direct_dep, True, {side})
                return f"CONFIG_{side.name} has no value because {reason}", remedy
        sign = RELATIONS[expr[0]]
        need = f"{expr_name(expr[1])} {sign if wanted else OPPOSITE[sign]} {expr_name(expr[2])}"
        values = [f"{expr_name(side)} is {self.value_of(side)}"
                  for side in expr[1:] if side.nodes]
        return f"{need} does not hold ({', '.join(values)})", f"make {need} hold"

    def failing_item(self, item, wanted, seen):
        """failing() for a symbol or a choice."""
        if isinstance(item, kconfiglib.Choice):
            found = self.blocked(item) if item not in seen else None
            return found or ("its choice is not available", "make the choice available")
        if item.is_constant:
            return "it is never available", "remove this line"
        name = f"CONFIG_{item.name}"
        if not item.nodes:
            return f"{name} is not defined in any Kconfig file", "mend the Kconfig file"
        fact = f"{name} is {self.value_of(item)}"
        if not wanted:
            return fact, self.unset_remedy(item)
        if not kctree.has_prompt(item):
            names = self.selectors(item)
            if names:
                return (f"{fact} (selected by {join(names, 'or')})",
                        f"set {assign(names, 'y', 'or')}")
        if item not in seen and not expr_value(item.direct_dep):
            reason, remedy = self.failing(item.direct_dep, True, seen | {item})
            own = f" and CONFIG_{item.name}=y" if kctree.has_prompt(item) else ""
            return f"{fact} because {reason}", f"{remedy}{own}"
        if not kctree.has_prompt(item):
            return f"{fact} and has no prompt", f"meet the condition of its default ({at(item)})"
        return fact, f"set {name}=y"

    def unset_remedy(self, item):
        """How to turn a symbol off."""
        if item.choice:
            others = [member.name for member in item.choice.syms if member is not item]
            return f"set {assign(others, 'y', 'or')}"
        return f"set CONFIG_{item.name}=n"

    def value_of(self, sym):
        """The symbol's value, and the line of the request that set it."""
        text = kctree.effective_text(sym)
        line = self.request.get(sym.name)
        if line and line.value_text() == text:
            return f"{text} (set at {line.file}:{line.line})"
        return text

    def out_of_range(self, sym, assignment):
        """(reason, remedy) if the number is outside of the range in force, else None."""
        limits = kctree.active_range(sym)
        if not limits:
            return None
        low, high = (kctree.number(limit.str_value, sym.orig_type) for limit in limits[:2])
        value = kctree.number(assignment.value, sym.orig_type)
        if None in (low, high, value) or low <= value <= high:
            return None
        bounds = f"{limit_text(limits[0])}..{limit_text(limits[1])}"
        if limits[2] is not self.tree.y:
            bounds += f", which holds if {expr_str(limits[2])}"
        return (f"{assignment.value} is out of range {bounds}",
                f"use a value from {limits[0].str_value} to {limits[1].str_value}")

    def forced_choice(self, sym, has):
        """(reason, remedy) for a member of a choice that got the other value."""
        picked = sym.choice.selection
        others = [member.name for member in sym.choice.syms if member is not sym]
        prompts = [node.prompt[0] for node in sym.choice.nodes if node.prompt]
        choice = f'the choice "{prompts[0]}"' if prompts else "its choice"
        if picked is sym:
            return (f"{choice} needs one member and picks this one, so it is y",
                    f"set {assign(others, 'y', 'or')}")
        if picked:
            return (f"choice conflict: {choice} picks CONFIG_{picked.name}, so {has}",
                    f"remove CONFIG_{picked.name}=y, or remove this line")
        return f"{choice} picks nothing, so {has}", "remove this line"


def expr_name(expr):
    """An operand of a comparison with the name that a .config uses."""
    return f"CONFIG_{expr.name}" if expr.nodes else expr_str(expr)


def limit_text(limit):
    """One end of a range, with the symbol that it comes from."""
    return f"{limit.str_value} (CONFIG_{limit.name})" if limit.nodes else limit.str_value


def join(names, word):
    """'CONFIG_A, CONFIG_B or CONFIG_C'."""
    names = [f"CONFIG_{name}" for name in names]
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def assign(names, value, word):
    """'CONFIG_A=y or CONFIG_B=y'."""
    return f" {word} ".join(f"CONFIG_{name}={value}" for name in names)


def at(item):
    """The place of a definition, for messages."""
    return "{}:{}".format(*kctree.place(item))
