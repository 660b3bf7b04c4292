#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of menuconfig, nconfig and oldconfig as a person at a terminal uses them.

The terminal is tmux on a socket of its own: keys go in, the screen is read back.
"""

import os
import shlex
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kconfig"))
from sample import SampleTest  # noqa: E402


class TerminalTest(SampleTest):
    """Verbs on a terminal."""

    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.folder, "tmux")
        self.addCleanup(self.tmux, "kill-server", check=False)

    def tmux(self, *words, check=True):
        """Run a tmux command; what it printed."""
        return subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words],
                              env=self.environment({}), check=check, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def start(self, verb):
        """Run a verb in a terminal of 100 by 40."""
        command = f"{shlex.join(self.configure_command(verb))}; echo status=$?; sleep 60"
        self.tmux("new-session", "-d", "-x", "100", "-y", "40", "-c", self.src, command)

    def wait_for(self, text):
        """The screen, once it shows `text`."""
        end = time.monotonic() + 20
        screen = ""
        while time.monotonic() < end:
            screen = self.tmux("capture-pane", "-p")
            if text in screen:
                return screen
            time.sleep(0.05)
        self.fail(f"'{text}' did not appear; the screen shows:\n{screen}")

    def press(self, *keys):
        """Type keys."""
        self.tmux("send-keys", *keys)

    def test_menuconfig_toggles_saves_and_checks(self):
        self.defconfig("")
        self.start("menuconfig")
        self.wait_for("[*] Base")
        self.press("n")
        self.wait_for("[ ] Base")
        self.press("Right", "Enter")
        self.wait_for("save your new configuration")
        self.press("Enter")
        self.wait_for("status=0")
        self.assertIn("# CONFIG_BASE is not set\n", self.output())
        self.assertNotIn("CONFIG_BASE", self.output("include/generated/autoconf.h"))

    def test_menuconfig_from_nothing(self):
        self.start("menuconfig")
        self.wait_for("[*] Base")
        self.press("Right", "Enter")
        self.wait_for("save your new configuration")
        self.press("Right", "Enter")
        self.wait_for("status=0")
        self.assertFalse(os.path.exists(os.path.join(self.obj, ".config")))

    def test_menuconfig_result_is_checked(self):
        self.edit("Kconfig", "config HAVE_ENGINE\n\tbool\n",
                  "config HAVE_ENGINE\n\tbool\n\tdepends on QUIET\n")
        self.start("menuconfig")
        self.wait_for("[*] Base")
        self.press("Right", "Enter")
        self.wait_for("save your new configuration")
        self.press("Enter")
        self.wait_for("status=1")
        self.assertIn("is selected by CONFIG_BASE", self.wait_for("CONFIG_HAVE_ENGINE"))
        self.assertFalse(os.path.exists(os.path.join(self.obj, "include/generated/autoconf.h")))

    def test_menuconfig_refuses_a_wrong_config(self):
        self.set_config("CONFIG_CPUS=700\n")
        self.start("menuconfig")
        self.assertIn("700 is out of range", self.wait_for("status=1"))
        self.assertEqual(self.output(), "CONFIG_CPUS=700\n")

    def test_nconfig(self):
        self.defconfig("")
        self.start("nconfig")
        self.wait_for("[*] Base")
        self.press("n")
        self.wait_for("[ ] Base")
        self.press("F9")
        self.wait_for("save your new configuration")
        self.press("Enter")
        self.wait_for("<OK>")
        self.press("Enter")
        self.wait_for("status=0")
        self.assertIn("# CONFIG_BASE is not set\n", self.output())

    def test_oldconfig_asks(self):
        self.defconfig("")
        self.edit("part/Kconfig", "config PART_ONE", "config PART_TWO\n\tint \"Two\"\n"
                  "\trange 1 9\n\tdefault 7\n\nconfig PART_ONE")
        self.start("oldconfig")
        self.wait_for("Two (PART_TWO) [7] (NEW)")
        self.press("5", "Enter")
        self.wait_for("status=0")
        self.assertIn("CONFIG_PART_TWO=5\n", self.output())

    def test_without_a_terminal(self):
        for verb in ("menuconfig", "nconfig"):
            output = self.configure(verb, status=1)
            self.assertIn(f"{verb} needs a terminal", output)
            self.assertLess(len(output), 300)


if __name__ == "__main__":
    unittest.main()
