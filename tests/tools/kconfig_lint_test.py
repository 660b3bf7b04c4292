#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of scripts/kconfig/lint.py: each rule broken once on a tree that is otherwise clean.

A row of BROKEN replaces text in the clean tree and names the place and words of the finding that
must be the only one. A row of CLEAN does the same and must draw none.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kconfig"))
from sample import SampleTest  # noqa: E402


def option(name, more=""):
    """A clean option with more lines."""
    return f'config {name}\n\tbool "{name}"\n{more}\thelp\n\t  A part.\n'


def number(limits, name="COUNT"):
    """An int with these lines for range and default."""
    return f'config {name}\n\tint "Count"\n{limits}\thelp\n\t  A number.\n'


# what is appended to part/Kconfig, the findings as parts of "FILE:LINE: text"
KCONFIG_RULES = {
    "undefined in depends": (option("NEW", "\tdepends on NOTHING\n"),
                             ["part/Kconfig:6: CONFIG_NOTHING: is not defined"]),
    "undefined in default": (option("NEW", "\tdefault y if NOTHING\n"),
                             ["part/Kconfig:6: CONFIG_NOTHING: is not defined"]),
    "undefined select": (option("NEW", "\tselect HAVE_NOTHING\n"),
                         ["part/Kconfig:6: CONFIG_HAVE_NOTHING: is not defined"]),
    "undefined imply": (option("NEW", "\timply NOTHING\n"),
                        ["part/Kconfig:6: CONFIG_NOTHING: is not defined"]),
    "undefined range": (number("\trange 1 NOTHING\n\tdefault 1\n"),
                        ["part/Kconfig:6: CONFIG_NOTHING: is not defined",
                         "part/Kconfig:6: CONFIG_COUNT: the int symbol COUNT"]),
    "undefined in if": (f"if NOTHING\n{option('NEW')}endif\n",
                        ["part/Kconfig:7: CONFIG_NOTHING: is not defined"]),
    "undefined in menu": (f'menu "M"\n\tvisible if NOTHING\n{option("NEW")}endmenu\n',
                          ["part/Kconfig:6: CONFIG_NOTHING: is not defined"]),
    "loop": (option("NEW", "\tdepends on OTHER\n") + option("OTHER", "\tdepends on NEW\n"),
             ["CONFIG_NEW: dependency loop: CONFIG_NEW depends on CONFIG_OTHER depends on"]),
    "two loops": (option("NEW", "\tdepends on OTHER\n") + option("OTHER", "\tdepends on NEW\n")
                  + option("NEW2", "\tdepends on NEW2\n"),
                  ["CONFIG_NEW: dependency", "CONFIG_NEW2: dependency"]),
    "imply loop": (option("NEW", "\timply OTHER\n") + option("OTHER", "\timply NEW\n"),
                   ["dependency loop: CONFIG_NEW is implied by CONFIG_OTHER is implied by"]),
    "select loop": (option("NEW", "\tdepends on HAVE_NEW\n\tselect HAVE_NEW\n")
                    + "config HAVE_NEW\n\tbool\n",
                    ["dependency loop: CONFIG_NEW depends on CONFIG_HAVE_NEW is selected by"]),
    "default loop": (option("NEW", "\tdefault OTHER\n") + option("OTHER", "\tdepends on NEW\n"),
                     ["has a default from CONFIG_OTHER depends on CONFIG_NEW"]),
    "no range": (number("\tdefault 1\n"), ["part/Kconfig:6: CONFIG_COUNT: has no range"]),
    "no default": (number("\trange 1 2\n"), ["part/Kconfig:6: CONFIG_COUNT: has no default"]),
    "range sometimes": (number("\trange 1 2 if BASE\n\tdefault 1\n"),
                        ["CONFIG_COUNT: has no range when none"]),
    "default sometimes": (number("\trange 1 2\n\tdefault 1 if BASE\n"),
                          ["CONFIG_COUNT: has no default when none"]),
    "default outside": (number("\trange 1 9\n\tdefault 10\n"),
                        ["CONFIG_COUNT: its default 10 is outside of its range 1..9"]),
    "default outside of one": (number("\trange 2 9 if BASE\n\trange 1 9\n\tdefault 1\n"),
                               ["its default 1 is outside of its range 2..9"]),
    "empty range": (number("\trange 9 1\n\tdefault 5\n"), ["its range 9..1 is empty"]),
    "no help": ('config NEW\n\tbool "New"\n', ["part/Kconfig:6: CONFIG_NEW: has no help text"]),
    "no prompt": ("config NEW\n\tdef_bool y\n",
                  ["CONFIG_NEW: has neither a prompt nor a help text"]),
    "choice without help": (f'choice\n\tprompt "C"\n\tdefault NEW\n{option("NEW")}endchoice\n',
                            ["part/Kconfig:6: the choice has no help text"]),
    "choice without prompt": (f'choice\n\thelp\n\t  H.\n{option("NEW")}endchoice\n',
                              ["part/Kconfig:6: the choice has no prompt"]),
    "default of choice": (f'choice\n\tprompt "C"\n\tdefault BASE\n\thelp\n\t  H.\n{option("NEW")}'
                          "endchoice\n", ["CONFIG_BASE: is the default of this choice but no mem"]),
    "select prompt": (option("NEW", "\tselect HAVE_X\n") + option("HAVE_X"),
                      ["CONFIG_NEW: selects CONFIG_HAVE_X, which has a prompt"]),
    "select name": (option("NEW", "\tselect OTHER\n") + "config OTHER\n\tbool\n\thelp\n\t  H.\n",
                    ["CONFIG_NEW: selects CONFIG_OTHER, which is not named HAVE_"]),
    "select dependency": (option("NEW", "\tselect HAVE_X\n")
                          + "config HAVE_X\n\tbool\n\tdepends on BASE\n",
                          ["selects CONFIG_HAVE_X, which depends on BASE"]),
    "unused": (option("UNUSED"), ["part/Kconfig:6: CONFIG_UNUSED: no source, makefile or script"]),
    "used by Kconfig only": (option("UNUSED") + option("NEW", "\tdepends on UNUSED\n"),
                             ["part/Kconfig:6: CONFIG_UNUSED: no source"]),
    "HAVE_ unused": ("config HAVE_UNUSED\n\tbool\n", ["CONFIG_HAVE_UNUSED: no source"]),
    "two members unused": ('choice\n\tprompt "C"\n\thelp\n\t  H.\n' + option("U1") + option("U2")
                           + "endchoice\n", ["CONFIG_U1: no source", "CONFIG_U2: no source"]),
    "no type": ('config NEW\n\tprompt "New"\n\thelp\n\t  H.\n', ["CONFIG_NEW: "]),
    "hex without 0x": ('config COUNT\n\thex "C"\n\trange 0x0 0xff\n\tdefault zz\n\thelp\n\t  H.\n',
                       ["CONFIG_zz: is not defined", "CONFIG_COUNT: "]),
}

KCONFIG_CLEAN = {
    "range by condition": number("\trange 2 9 if BASE\n\trange 1 9\n\tdefault 2 if BASE\n"
                                 "\tdefault 1\n"),
    "range by two conditions": number("\trange 2 9 if BASE && OTHER\n\trange 1 9\n"
                                      "\tdefault 2 if BASE && OTHER\n\tdefault 1\n")
                               + option("OTHER"),
    "range by negation": number("\trange 2 9 if BASE\n\trange 1 1\n\tdefault 1 if !BASE\n"
                                "\tdefault 2\n"),
    "range by dependency": number("\tdepends on BASE\n\trange 2 9\n\trange 1 1 if !BASE\n"
                                  "\tdefault 2\n"),
    "range by symbol": number("\trange 1 CPUS\n\tdefault 1\n"),
    "HAVE_ in Kconfig": option("NEW", "\tselect HAVE_X\n") + "config HAVE_X\n\tbool\n"
                        + option("OTHER", "\tdepends on HAVE_X\n"),
    "one member unused": 'choice\n\tprompt "C"\n\thelp\n\t  H.\n' + option("NEW") + option("U2")
                         + "endchoice\n",
    "members decide a value": 'choice\n\tprompt "C"\n\thelp\n\t  H.\n' + option("U1")
                              + option("U2") + "endchoice\nconfig COUNT\n\tint\n\trange 1 2\n"
                              "\tdefault 2 if U2\n\tdefault 1 if U1\n\tdefault 1\n\thelp\n\t  H.\n",
    "imply": option("NEW", "\timply OTHER\n") + option("OTHER"),
    "comparison": option("NEW", "\tdepends on CPUS > 8 && PORT = 0x3f8\n"),
    "promptless with help": "config NEW\n\tdef_bool y\n\thelp\n\t  Why.\n",
}

# file, its text, the findings
SOURCE_RULES = {
    "undefined in C": ("a.c", "\nint a = IS_ENABLED(CONFIG_NONE);\n",
                       ["a.c:2: CONFIG_NONE: is used here but no Kconfig"]),
    "undefined in a header": (
        "include/a.h", "#ifdef CONFIG_NONE\n#endif\n", ["include/a.h:1: CONFIG_NONE"]),
    "undefined in NASM": ("a.asm", "%ifdef CONFIG_NONE\n%endif\n", ["a.asm:1: CONFIG_NONE"]),
    "undefined in make": (
        "lib/Makefile", "obj-$(CONFIG_NONE) += a.o\n", ["lib/Makefile:1: CONFIG_NONE"]),
    "undefined in ld": ("a.ld.in", ". = CONFIG_NONE;\n", ["a.ld.in:1: CONFIG_NONE"]),
    "undefined in a script": (
        "scripts/run", "grep CONFIG_NONE=y .config\n", ["scripts/run:1: CONFIG_NONE"]),
    "ifdef": ("a.c", "\n#ifdef CONFIG_BASE\n#endif\n", ["a.c:2: CONFIG_BASE: preprocessor"]),
    "if": ("a.c", "#if X && \\\n\tIS_ENABLED(CONFIG_BASE)\n#endif\n", ["a.c:1: CONFIG_BASE: pre"]),
    "elif": (
        "a.c", "#if 0\n#  elif CONFIG_CPUS > 1\n#endif\n", ["a.c:2: CONFIG_CPUS: preprocessor"]),
    "orphan": ("lone/Kconfig", "config LONE\n", ["lone/Kconfig: no other Kconfig file sources"]),
}

SOURCE_CLEAN = {
    "comments": ("a.c", "/* CONFIG_NONE\n#if CONFIG_NONE */ // CONFIG_NONE\n"),
    "own macro": ("a.h", "#define CONFIG_OWN 1\nint a = CONFIG_OWN + CONFIG_PASTE_##x;\n"),
    "hash": ("a.c", "const char *h = CONFIG_HASH;\n"),
    "header stub": ("a.h", "#ifdef CONFIG_BASE\n#endif\n"),
    "NASM condition": ("a.asm", "%ifdef CONFIG_BASE ; CONFIG_NONE\n%endif\n"),
    "make comment": ("Makefile.more", "# CONFIG_NONE\nCONFIG_MINE := 1\nx := $(CONFIG_MINE)\n"),
    "documents": ("docs/a.c", "int a = CONFIG_NONE;\n"),
    "build output": ("out/a.c", "int a = CONFIG_NONE;\n"),
}


class LintTest(SampleTest):
    """The lint on the sample tree, where a source uses every option."""

    def setUp(self):
        super().setUp()
        names = ("CC_NEW BASE MIDDLE TOP_FLOOR QUIET CPUS LEVEL QUEUE WIDE PORT GREETING "
                 "FORCED RED BLUE PART_ONE NEW OTHER COUNT NEW2").split()
        self.write("use.h", "".join(f"use(CONFIG_{name})\n" for name in names)
                   + "#define CONFIG_NEW\n#define CONFIG_OTHER\n#define CONFIG_COUNT\n"
                   "#define CONFIG_NEW2\n")
        self.write("use.asm", "mov eax, CONFIG_HAVE_ENGINE\n")
        self.write("out/include/config/auto.conf", "")

    def expect(self, findings):
        """The lint must find these and nothing else."""
        output = self.lint(1 if findings else 0)
        if not findings:
            self.assertIn("no problem found", output)
            return
        rows = [row for row in output.splitlines() if "kconfig-conf:" not in row]
        for part in findings:
            self.assertEqual(sum(part in row for row in rows), 1, f"{part} in:\n{output}")
        self.assertEqual(len(rows), len(findings), output)

    def test_clean(self):
        self.expect([])

    def test_kconfig_rules(self):
        with open(os.path.join(self.src, "part/Kconfig"), encoding="utf-8") as file:
            clean = file.read()
        for name, (text, findings) in KCONFIG_RULES.items():
            with self.subTest(name):
                self.write("part/Kconfig", clean + text)
                self.expect(findings)
        for name, text in KCONFIG_CLEAN.items():
            with self.subTest(name):
                self.write("part/Kconfig", clean + text)
                self.expect([])

    def test_source_rules(self):
        for name, (path, text, findings) in SOURCE_RULES.items():
            with self.subTest(name):
                path = self.write(path, text)
                self.expect(findings)
                os.unlink(path)
        for name, (path, text) in SOURCE_CLEAN.items():
            with self.subTest(name):
                path = self.write(path, text)
                self.expect([])
                os.unlink(path)

    def test_use_in_a_comment_is_none(self):
        self.edit("use.h", "use(CONFIG_PORT)", "/* use(CONFIG_PORT) */ \"CONFIG_PORT\"")
        self.expect(["CONFIG_PORT: no source"])

    def test_front_end_is_asked(self):
        self.write("part/Kconfig", 'config NEW\n\tbool "New"\n\tdefault $(shell,echo y)\n'
                   "\thelp\n\t  H.\n")
        self.assertIn("kconfig-conf", self.lint(1))


if __name__ == "__main__":
    unittest.main()
