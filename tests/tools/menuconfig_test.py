#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make menuconfig` on the real tree: change an option, save, build, see the change."""

import os
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class MenuconfigTest(unittest.TestCase):
    """The Makefile's menuconfig in tmux."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="exo-menu-")
        self.addCleanup(folder.cleanup)
        self.objtree = os.path.join(folder.name, "out")
        self.socket = os.path.join(folder.name, "tmux")
        self.addCleanup(self.tmux, "kill-server")

    def tmux(self, *words):
        """Run a tmux command; what it printed."""
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", "MAKEFLAGS": ""}
        return subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words],
                              env=environment, check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def make(self, *words, status=0):
        """Run make without a terminal; what it printed."""
        made = subprocess.run(["make", "-C", ROOT, f"O={self.objtree}", *words], check=False,
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, "MAKEFLAGS": ""})
        self.assertEqual(made.returncode, status, made.stdout)
        return made.stdout

    def wait_for(self, text):
        """Wait until the screen shows `text`."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            screen = self.tmux("capture-pane", "-p")
            if text in screen:
                return
            time.sleep(0.1)
        self.fail(f"'{text}' did not appear; the screen shows:\n{screen}")

    def read(self, name):
        """A file of the output directory."""
        with open(os.path.join(self.objtree, name), encoding="utf-8") as file:
            return file.read()

    def test_change_save_build(self):
        self.make("x86_64_defconfig")
        self.tmux("new-session", "-d", "-x", "100", "-y", "40", "-c", ROOT,
                  f"make O='{self.objtree}' menuconfig; echo status=$?; sleep 60")
        self.wait_for("Build, debugging and tests")
        self.tmux("send-keys", "/")
        self.wait_for("Search Configuration Parameter")
        self.tmux("send-keys", "UBSAN", "Enter")
        self.wait_for("Symbol: UBSAN [=n]")
        self.tmux("send-keys", "1")  # jumps to it
        self.wait_for("[ ] Trap undefined behaviour")
        self.tmux("send-keys", "y")
        self.wait_for("[*] Trap undefined behaviour")
        for _ in range(3):
            self.tmux("send-keys", "Escape", "Escape")
            time.sleep(1.5)  # ncurses waits to see whether more follows an escape
            if "save your new configuration" in self.tmux("capture-pane", "-p"):
                break
        self.wait_for("save your new configuration")
        self.tmux("send-keys", "Enter")
        self.wait_for("status=0")
        self.assertIn("CONFIG_UBSAN=y\n", self.read(".config"))
        self.assertIn("#define CONFIG_UBSAN 1\n", self.read("include/generated/autoconf.h"))
        self.assertIn("-fsanitize=undefined", self.make("V=1", "-j2"))

    def test_without_a_terminal(self):
        self.assertIn("needs a terminal", self.make("menuconfig", status=2))


if __name__ == "__main__":
    unittest.main()
