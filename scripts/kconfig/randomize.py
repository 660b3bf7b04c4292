# SPDX-License-Identifier: MIT
"""Random configurations that also vary the numbers.

kconfig-conf --randconfig decides yes/no options and choices from KCONFIG_SEED and leaves every
number at its default. Here each number takes its least, its greatest, its default or some other
value. The draw hangs on the seed and the symbol's name alone, so an option added elsewhere does
not change it. Since numbers can open or close other options and move other ranges, drawing and
completing repeat until both rest.
"""

import os
import random
import re

import kconfiglib

import tree as kctree
from problems import UserError

DRAWS = ("least", "greatest", "default", "between")


def seed_from_environment():
    """The seed in KCONFIG_SEED, or a fresh one."""
    text = os.environ.get("KCONFIG_SEED", "")
    if not text:
        return random.SystemRandom().randrange(1, 1 << 31)
    try:
        seed = int(text, 0)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 31:
        raise UserError(f"KCONFIG_SEED={text} is not a seed; "
                        "give a number from 0 to 0x7fffffff (decimal, or hexadecimal with 0x)")
    return seed


def draw(seed, name, low, high):
    """The value for a number with this range, or None for its default."""
    source = random.Random(f"{seed}:{name}")
    kind = source.choice(DRAWS)
    share = source.random()
    if kind == "default":
        return None
    if kind == "between":
        return low + int(share * (high - low + 1))
    return low if kind == "least" else high


def draw_text(seed, sym):
    """The text of the number drawn for `sym`, or None for its default."""
    limits = kctree.active_range(sym)
    if not limits:
        return None
    low, high = (kctree.number(limit.str_value, sym.orig_type) for limit in limits[:2])
    if low is None or high is None or low > high:
        return None
    value = draw(seed, sym.name, low, high)
    if value is None:
        return None
    return hex(value) if sym.orig_type == kconfiglib.HEX else str(value)


def vary_numbers(tree, load, settle, seed, text):
    """`text`, a complete configuration, with drawn numbers.

    load(text) loads a configuration into `tree`; settle(text) completes one.
    """
    for _ in range(16):
        load(text)
        varied = text
        for sym in tree.unique_defined_syms:
            if sym.orig_type in kctree.NUMBERS and sym.visibility:
                varied = set_number(varied, sym.name, draw_text(seed, sym))
        varied = settle(varied)
        if varied == text:
            return text
        text = varied
    raise UserError("the random numbers do not settle; "
                    "look for ranges in the Kconfig files that hang on each other")


def set_number(text, name, value):
    """`text` with this value for the symbol; without its line if value is None."""
    line = f"CONFIG_{name}={value}\n" if value is not None else ""
    return re.sub(rf"^CONFIG_{name}=.*\n", line, text, flags=re.MULTILINE)
