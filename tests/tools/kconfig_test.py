#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of scripts/kconfig/configure.py: every error it must find, and what it leaves alone.

Each table row is a request and the message it must draw; the message has file, line, symbol,
reason and remedy. test_accepted has the opposite: requests near an error that are right.
"""

import hashlib
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kconfig"))
from sample import SampleTest  # noqa: E402

# request, line, symbol, parts of the message
ERRORS = {
    "unknown": ("CONFIG_CUPS=4\n", 1, "CUPS", ["unknown symbol", "did you mean CONFIG_CPUS"]),
    "unknown, unset": ("# CONFIG_NOWHERE is not set\n", 1, "NOWHERE",
                       ["unknown symbol", "remove this line"]),
    "above": ("\nCONFIG_CPUS=65\n", 2, "CPUS", ["65 is out of range 1..64"]),
    "below": ("CONFIG_CPUS=0\n", 1, "CPUS", ["0 is out of range 1..64", "from 1 to 64"]),
    "hex range": ("CONFIG_PORT=0xff\n", 1, "PORT", ["0xff is out of range 0x100..0xffff"]),
    "range by symbol": ("CONFIG_MIDDLE=y\nCONFIG_CPUS=3\nCONFIG_QUEUE=4\n", 3, "QUEUE",
                        ["4 is out of range 1..3 (CONFIG_CPUS)"]),
    "range by condition": ("CONFIG_QUIET=y\nCONFIG_LEVEL=3\n", 2, "LEVEL",
                           ["3 is out of range 0..1, which holds if QUIET"]),
    "unmet": ("CONFIG_TOP_FLOOR=y\n", 1, "TOP_FLOOR",
              ["unmet dependency: CONFIG_MIDDLE is n", "set CONFIG_MIDDLE=y"]),
    "unmet, innermost": ("# CONFIG_BASE is not set\nCONFIG_TOP_FLOOR=y\n", 2, "TOP_FLOOR",
                         ["CONFIG_MIDDLE is n because CONFIG_BASE is n (set at sample_defconfig:1)",
                          "set CONFIG_BASE=y and CONFIG_MIDDLE=y"]),
    "unmet, negation": ("CONFIG_MIDDLE=y\nCONFIG_QUIET=y\nCONFIG_TOP_FLOOR=y\n", 3, "TOP_FLOOR",
                        ["CONFIG_QUIET is y (set at sample_defconfig:2)", "set CONFIG_QUIET=n"]),
    "unmet, comparison": ("CONFIG_WIDE=y\n", 1, "WIDE",
                          ["CONFIG_CPUS > 8 does not hold (CONFIG_CPUS is 4)",
                           "CONFIG_TOP_FLOOR is n because CONFIG_MIDDLE is n", " or "]),
    "unmet, number": ("CONFIG_QUEUE=1\n", 1, "QUEUE", ["unmet dependency: CONFIG_MIDDLE is n"]),
    "unmet prompt": ("# CONFIG_FORCED is not set\n", 1, "FORCED",
                     ["cannot be turned off while CONFIG_QUIET is n", "set CONFIG_QUIET=y"]),
    "no value": ("CONFIG_CPUS=\n", 1, "CPUS", ["malformed line: no value"]),
    "blanks": ("CONFIG_CPUS = 4\n", 1, "CPUS", ["malformed line 'CONFIG_CPUS = 4'"]),
    "blank behind": ("CONFIG_CPUS=4 \n", 1, "CPUS", ["malformed line: blanks around"]),
    "no sign": ("CONFIG_CPUS\n", 1, "CPUS", ["malformed line"]),
    "prose": ("\n\nhello\n", 3, None, ["malformed line 'hello'"]),
    "almost unset": ("#CONFIG_BASE is not set\n", 1, "BASE", ["malformed line"]),
    "unset with more": ("# CONFIG_BASE is not set today\n", 1, "BASE", ["malformed line"]),
    "not UTF-8": ("CONFIG_CPUS=4\n# \udcff\n", 2, None, ["not UTF-8"]),
    "duplicate": ("CONFIG_CPUS=4\n\nCONFIG_CPUS=5\n", 3, "CPUS",
                  ["duplicate line: line 1 already says CONFIG_CPUS=4", "lines 1 and 3"]),
    "same twice": ("CONFIG_QUIET=y\nCONFIG_QUIET=y\n", 2, "QUIET", ["duplicate line"]),
    "CR LF": ("CONFIG_CPUS=4\r\nCONFIG_QUIET=y\r\n", 1, "CPUS",
              ["ends in CR LF, as do 1 more lines", "sed"]),
    "no 0x": ("CONFIG_PORT=3f8\n", 1, "PORT", ["does not start with 0x", "write 0x3f8"]),
    "no hex": ("CONFIG_PORT=0x3g8\n", 1, "PORT", ["is not a hexadecimal number"]),
    "no number": ("CONFIG_CPUS=many\n", 1, "CPUS", ["many is not a decimal number"]),
    "hex for int": ("CONFIG_CPUS=0x4\n", 1, "CPUS", ["0x4 is not a decimal number"]),
    "leading zero": ("CONFIG_CPUS=08\n", 1, "CPUS", ["08 is not a decimal number"]),
    "quoted number": ('CONFIG_CPUS="4"\n', 1, "CPUS", ["is not a number", "remove the quotes"]),
    "unset number": ("# CONFIG_CPUS is not set\n", 1, "CPUS", ["is of type int"]),
    "open quote": ('CONFIG_GREETING="hello\n', 1, "GREETING", ["bad quoting"]),
    "text behind": ('CONFIG_GREETING="a" b\n', 1, "GREETING", ["bad quoting"]),
    "escape": ('CONFIG_GREETING="a\\n"\n', 1, "GREETING", ["bad quoting"]),
    "no quotes": ("CONFIG_GREETING=hello\n", 1, "GREETING", ["bad quoting", "double quotes"]),
    "yes": ("CONFIG_BASE=yes\n", 1, "BASE", ["yes is not a value of a yes/no option"]),
    "quoted y": ('CONFIG_BASE="y"\n', 1, "BASE", ["not a value of a yes/no option"]),
    "module": ("CONFIG_BASE=m\n", 1, "BASE", ["m is not possible"]),
    "promptless": ("# CONFIG_BASE is not set\nCONFIG_HAVE_ENGINE=y\n", 2, "HAVE_ENGINE",
                   ["has no prompt", "selected by CONFIG_BASE", "remove this line"]),
    "promptless default": ("CONFIG_CC_NEW=y\n", 1, "CC_NEW", ["has no prompt", "from its default"]),
    "environment": ('CONFIG_TOOLCHAIN="x"\n', 1, "TOOLCHAIN",
                    ["has no prompt", "from the environment variable TOOLCHAIN"]),
    "two members": ("CONFIG_BLUE=y\nCONFIG_RED=y\n", 2, "RED",
                    ["choice conflict: line 1 already picks CONFIG_BLUE"]),
    "no member": ("# CONFIG_RED is not set\n", 1, "RED",
                  ['the choice "Colour" needs one member', "CONFIG_BLUE=y or CONFIG_GREEN=y"]),
    "unmet member": ("CONFIG_GREEN=y\n", 1, "GREEN", ["unmet dependency: CONFIG_MIDDLE is n"]),
}

ACCEPTED = {
    "nothing": "",
    "comments": "# CPUs\n\n#CONFIG_BASE=y\n# CONFIG_BASE stays\n",
    "limits": "CONFIG_CPUS=64\nCONFIG_PORT=0xFFFF\n",
    "no last line end": "CONFIG_CPUS=1",
    "dependencies": "CONFIG_MIDDLE=y\nCONFIG_CPUS=9\nCONFIG_QUEUE=9\nCONFIG_WIDE=y\n",
    "already off": "# CONFIG_TOP_FLOOR is not set\n",
    "n spelt out": "CONFIG_BASE=n\n",
    "string": 'CONFIG_GREETING="a \\"b\\" \\\\ c"\n',
    "empty string": 'CONFIG_GREETING=""\n',
    "promptless as it is": "CONFIG_HAVE_ENGINE=y\n# CONFIG_CC_NEW is not set\n",
    "member": "# CONFIG_RED is not set\nCONFIG_BLUE=y\n",
    "prompt opened": "CONFIG_QUIET=y\n# CONFIG_FORCED is not set\n",
}


class RequestTest(SampleTest):
    """What a defconfig may say."""

    def test_errors(self):
        for name, (text, line, symbol, parts) in ERRORS.items():
            with self.subTest(name):
                path = self.write("sample_defconfig", "")
                with open(path, "wb") as file:
                    file.write(text.encode("utf-8", "surrogateescape"))
                output = self.configure("defconfig", "--defconfig", "sample_defconfig", status=1)
                place = f"sample_defconfig:{line}: "
                place += f"CONFIG_{symbol}: " if symbol else ""
                found = [row for row in output.splitlines() if row.startswith(place)]
                self.assertEqual(len(found), 1, output)
                for part in parts:
                    self.assertIn(part, found[0])
                self.assertIn("; ", found[0])
                self.assertFalse(os.path.exists(os.path.join(self.obj, ".config")))

    def test_accepted(self):
        for name, text in ACCEPTED.items():
            with self.subTest(name):
                self.defconfig(text)
                for line in re.findall(r"^CONFIG_\w+=[^n].*", text, re.MULTILINE):
                    self.assertIn(f"{line}\n", self.output())

    def test_suggestion(self):
        self.assertIn("did you mean CONFIG_TOP_FLOOR?",
                      self.defconfig("CONFIG_TOPFLOOR=y\n", status=1))

    def test_all_errors_are_printed(self):
        text = "CONFIG_NONE=y\nCONFIG_CPUS=99\nCONFIG_PORT=1\nCONFIG_PORT=2\nCONFIG_TOP_FLOOR=y\n"
        rows = self.defconfig(text, status=1).splitlines()
        self.assertEqual([row.split(":")[1] for row in rows], ["1", "2", "3", "4", "4", "5"])

    def test_config_stays_when_anything_is_wrong(self):
        self.defconfig("CONFIG_CPUS=7\n")
        before, stamps = self.output(), self.stamps()
        self.defconfig("CONFIG_CPUS=8\nCONFIG_NONE=y\n", status=1)
        self.assertEqual(self.output(), before)
        self.assertEqual(self.stamps(), stamps)
        broken = before.replace("CONFIG_CPUS=7", "CONFIG_CPUS=700")
        self.set_config(broken)
        for verb in ("sync", "olddefconfig", "oldconfig", "savedefconfig", "listnewconfig"):
            self.assertIn("700 is out of range", self.configure(verb, status=1))
            self.assertEqual(self.output(), broken)

    def test_fragments(self):
        first = self.write("first", "CONFIG_CPUS=5\nCONFIG_BLUE=y\nCONFIG_QUIET=y\n")
        self.defconfig("CONFIG_CPUS=3\nCONFIG_RED=y\n", "--fragment", first)
        self.assertIn("CONFIG_CPUS=5\n", self.output())
        self.assertIn("CONFIG_BLUE=y\n", self.output())
        second = self.write("second", "CONFIG_CPUS=500\n")
        output = self.defconfig("", "--fragment", first, "--fragment", second, status=1)
        self.assertIn("second:1: CONFIG_CPUS: 500", output)

    def test_select_against_a_dependency(self):
        self.edit("Kconfig", "config HAVE_ENGINE\n\tbool\n",
                  "config HAVE_ENGINE\n\tbool\n\tdepends on QUIET\n")
        self.assertRegex(self.defconfig("", status=1), r"Kconfig:7: CONFIG_HAVE_ENGINE: is "
                         r"selected by CONFIG_BASE but its dependency QUIET is not met")
        self.defconfig("CONFIG_QUIET=y\n")

    def test_tree_errors(self):
        self.write("part/Kconfig", 'config PART\n\tint "Part"\n')
        self.assertIn("part/Kconfig:1: CONFIG_PART: has no value", self.defconfig("", status=1))
        self.write("part/Kconfig", 'config P\n\tbool "P"\n\tdepends on Q\n'
                   'config Q\n\tbool "Q"\n\tdepends on P\n')
        self.assertIn("dependency loop: CONFIG_P depends on CONFIG_Q", self.defconfig("", status=1))
        self.write("part/Kconfig", "confg P\n")
        self.assertIn("part/Kconfig:1", self.defconfig("", status=1))
        os.unlink(os.path.join(self.src, "part/Kconfig"))
        self.assertIn("part/Kconfig", self.defconfig("", status=1))


class FullConfigTest(SampleTest):
    """A .config that kconfig wrote, edited or overtaken by the tree."""

    def test_appended_promptless_symbol(self):
        self.defconfig("")
        self.set_config(self.output() + "CONFIG_CC_NEW=y\n")
        self.assertIn("CONFIG_CC_NEW: has no prompt", self.configure("sync", status=1))

    def test_stale_promptless_symbol(self):
        self.defconfig("", TOOLCHAIN="new")
        self.assertIn("CONFIG_CC_NEW=y", self.output())
        self.configure("sync", TOOLCHAIN="old")
        self.assertNotIn("CONFIG_CC_NEW=y", self.output())

    def test_new_option(self):
        self.defconfig("CONFIG_CPUS=3\n")
        self.edit("part/Kconfig", "config PART_ONE", "config PART_TWO\n\tint \"Two\"\n"
                  "\trange 1 9\n\tdefault 7\n\nconfig PART_ONE")
        self.assertEqual(self.configure("listnewconfig"), "CONFIG_PART_TWO=7\n")
        output = self.configure("oldconfig", status=1)
        self.assertIn("CONFIG_PART_TWO: new option, its default is 7; use olddefconfig", output)
        self.assertIn("CONFIG_PART_TWO: new option", self.configure("config", status=1))
        self.assertNotIn("PART_TWO", self.output())
        self.assertIn("note: ", note := self.configure("sync"))
        self.assertIn("CONFIG_PART_TWO=7", note)
        self.assertIn("CONFIG_PART_TWO=7\n", self.output())
        self.assertEqual(self.configure("sync"), "")
        self.configure("oldconfig")
        self.assertEqual(self.configure("listnewconfig"), "")

    def test_short_config_is_a_fragment(self):
        self.set_config("CONFIG_CPUS=3\n")
        self.assertNotIn("note", self.configure("sync"))
        self.assertIn("CONFIG_PART_ONE=y\n", self.output())

    def test_removed_option(self):
        self.defconfig("")
        self.edit("part/Kconfig", "PART_ONE", "PART_FIRST")
        output = self.configure("sync", status=1)
        self.assertRegex(output, r"\.config:\d+: CONFIG_PART_ONE: unknown symbol")

    def test_missing_config(self):
        self.write("defconfigs/small_defconfig", "")
        for verb in ("sync", "savedefconfig", "oldconfig"):
            output = self.configure(verb, status=1)
            self.assertIn("there is no configuration yet", output)
            self.assertIn("small_defconfig", output)
        self.configure("olddefconfig")

    def test_missing_defconfig(self):
        self.write("defconfigs/small_defconfig", "")
        output = self.configure("defconfig", "--defconfig", "defconfigs/big_defconfig", status=1)
        self.assertIn("no such defconfig; there are: small_defconfig", output)

    def test_unusable_output(self):
        self.write("file", "")
        self.obj = os.path.join(self.src, "file")
        self.assertIn("check that the directory given by O=", self.configure("olddefconfig",
                                                                             status=1))


class OutputTest(SampleTest):
    """The generated files and when they change."""

    def test_headers(self):
        self.defconfig("CONFIG_PORT=0x2F8\n")
        self.assertIn("#define CONFIG_CPUS 4\n", self.output("include/generated/autoconf.h"))
        lines = self.output("include/generated/autoconf.inc").splitlines()
        for line in ("%define CONFIG_BASE 1", "%define CONFIG_CPUS 4",
                     "%define CONFIG_PORT 0x2F8", "%define CONFIG_GREETING `it's \"quoted\"`"):
            self.assertIn(line, lines)
        self.assertNotIn("QUIET", "".join(lines))
        self.assertIn("$(srctree)/part/Kconfig", self.output("include/config/auto.conf.cmd"))

    def test_assembler_reads_strings(self):
        for value in ("plain", "it's", 'a "b"', "back\\slash `tick` 'and' \\\"quote\\\""):
            text = value if "\\" in value else value.replace('"', '\\"')
            text = text.replace("back\\slash", "back\\\\slash")
            self.defconfig(f'CONFIG_GREETING="{text}"\n')
            source = self.write("a.asm", '%include "autoconf.inc"\ndb CONFIG_GREETING\n')
            binary = os.path.join(self.folder, "a.bin")
            subprocess.run(["nasm", "-f", "bin", "-I", f"{self.obj}/include/generated/", source,
                            "-o", binary], check=True)
            with open(binary, encoding="utf-8") as file:
                self.assertEqual(file.read(), value.replace('\\"', '"'))

    def test_second_sync_touches_nothing(self):
        self.defconfig("")
        before, config = self.stamps(), os.stat(os.path.join(self.obj, ".config")).st_mtime_ns
        self.assertEqual(self.configure("sync"), "")
        after = self.stamps()
        changed = {name for name in after if after[name] != before.get(name)}
        # kconfig-conf's last act is the time stamp of the run; the other two are not inputs.
        self.assertLessEqual({"include/config/auto.conf"}, changed)
        self.assertLessEqual(changed, {f"include/config/{name}" for name in
                                       ("auto.conf", "auto.conf.cmd", "tristate.conf")})
        self.assertEqual(os.stat(os.path.join(self.obj, ".config")).st_mtime_ns, config)

    def test_only_the_changed_sentinel_is_touched(self):
        self.defconfig("CONFIG_CPUS=3\n")
        before = self.stamps()
        self.set_config(self.output().replace("CONFIG_CPUS=3", "CONFIG_CPUS=5"))
        self.configure("sync")
        after = self.stamps()
        changed = {name for name in after if after[name] != before.get(name)}
        self.assertEqual({name for name in changed if name.endswith(".h") and "/config/" in name},
                         {"include/config/cpus.h"})
        self.assertIn("include/generated/autoconf.h", changed)
        self.assertIn("include/generated/autoconf.inc", changed)

    def test_hash(self):
        def digest(text):
            self.defconfig(text)
            return re.search(r'CONFIG_HASH "([0-9a-f]{12})"\n',
                             self.output("include/generated/config_hash.h")).group(1)
        first = digest("")
        lines = sorted(re.findall(r"^CONFIG_.*", self.output(), re.MULTILINE))
        self.assertEqual(first, hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12])
        self.assertEqual(digest("CONFIG_CPUS=4\n"), first)
        self.assertNotEqual(digest("CONFIG_CPUS=5\n"), first)

    def test_no_change_is_said(self):
        self.assertIn("# configuration written to", self.defconfig(""))
        self.assertIn("# no change to", self.defconfig(""))

    def test_closed_pipe(self):
        with subprocess.Popen(self.configure_command("olddefconfig"), cwd=self.src, text=True,
                              env=self.environment({}), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdout.close()
            self.assertEqual(process.stderr.read(), "")
        self.assertIn("CONFIG_CPUS=4\n", self.output())

    def test_no_scratch_is_left(self):
        self.defconfig("")
        self.defconfig("CONFIG_NONE=y\n", status=1)
        self.assertEqual(set(os.listdir(self.obj)), {".config", "include"})

    def test_savedefconfig(self):
        text = "CONFIG_MIDDLE=y\nCONFIG_CPUS=3\nCONFIG_BLUE=y\n"
        self.defconfig(text)
        before = self.output()
        self.configure("savedefconfig")
        self.assertEqual(self.output("defconfig"), text)
        self.assertEqual(self.output(), before)


class WholesaleTest(SampleTest):
    """allnoconfig, allyesconfig and randconfig."""

    def test_all_no_and_yes(self):
        self.configure("allnoconfig")
        self.assertIn("# CONFIG_BASE is not set", self.output())
        self.assertEqual(self.configure("sync"), "")
        self.configure("allyesconfig")
        for name in ("BASE", "MIDDLE", "QUIET"):
            self.assertIn(f"CONFIG_{name}=y\n", self.output())
        self.assertEqual(self.configure("sync"), "")

    def test_random_configurations(self):
        values, texts = set(), set()
        for seed in range(12):
            output = self.configure("randconfig", KCONFIG_SEED=str(seed))
            self.assertIn(f"KCONFIG_SEED={seed:#x}\n", output)
            text = self.output()
            texts.add(text)
            values.add(int(re.search(r"^CONFIG_CPUS=(\d+)$", text, re.MULTILINE).group(1)))
            if seed % 3 == 0:
                self.assertEqual(self.configure("sync"), "")
        self.assertLessEqual({1, 4, 64}, values)
        self.assertGreater(len(values), 3)
        self.assertGreater(len(texts), 8)
        self.configure("randconfig", KCONFIG_SEED="11")
        self.assertEqual(self.output(), text)

    def test_seed(self):
        seed = re.search(r"KCONFIG_SEED=(0x[0-9a-f]+)", self.configure("randconfig")).group(1)
        first = self.output()
        self.configure("randconfig", KCONFIG_SEED=seed)
        self.assertEqual(self.output(), first)
        self.assertIn("KCONFIG_SEED=dice is not a seed",
                      self.configure("randconfig", KCONFIG_SEED="dice", status=1))


class DefconfigCheckTest(SampleTest):
    """scripts/kconfig/check_defconfigs.py."""

    def check(self, status):
        return self.run_tool(self.program("check_defconfigs.py", "--kconfig", "Kconfig",
                                          "--srctree", "."), status, {})

    def test_equal(self):
        self.write("defconfigs/a_defconfig", "CONFIG_CPUS=3\n")
        self.write("defconfigs/b_defconfig", "")
        self.assertIn("2 defconfigs", self.check(0))

    def test_drifted(self):
        self.write("defconfigs/a_defconfig", "CONFIG_CPUS=4\nCONFIG_QUIET=y\n")
        self.write("defconfigs/b_defconfig", "CONFIG_CPUS=99\n")
        output = self.check(1)
        self.assertIn("\n-CONFIG_CPUS=4\n", output)
        self.assertIn("make a_defconfig savedefconfig", output)
        self.assertIn("defconfigs/b_defconfig:1: CONFIG_CPUS: 99 is out of range", output)

    def test_none(self):
        self.write("defconfigs/readme", "")
        self.assertIn("no *_defconfig", self.check(1))


if __name__ == "__main__":
    unittest.main()
