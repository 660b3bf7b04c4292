# SPDX-License-Identifier: MIT
"""A small Kconfig tree in a temporary directory, and the tools run on it.

SampleTest gives each test a fresh source tree and output directory. The tools run as the Makefile
runs them: as programs, with the source tree as working directory and no terminal.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TOOLS = os.path.join(TOP, "scripts", "kconfig")

KCONFIG = """\
mainmenu "Sample"

config TOOLCHAIN
	string
	option env="TOOLCHAIN"

config HAVE_ENGINE
	bool

config CC_NEW
	def_bool y if TOOLCHAIN = "new"
	help
	  Follows the toolchain.

config BASE
	bool "Base"
	default y
	select HAVE_ENGINE
	help
	  The ground.

config MIDDLE
	bool "Middle"
	depends on BASE
	help
	  On the ground.

config TOP_FLOOR
	bool "Top floor"
	depends on MIDDLE && !QUIET
	help
	  On the middle.

config QUIET
	bool "Quiet"
	help
	  No noise.

config CPUS
	int "Processors"
	range 1 64
	default 4
	help
	  How many.

config LEVEL
	int "Level"
	range 0 1 if QUIET
	range 0 5
	default 1
	help
	  How loud.

config QUEUE
	int "Queue"
	depends on MIDDLE
	range 1 CPUS
	default 1
	help
	  As many as there are processors.

config WIDE
	bool "Wide"
	depends on CPUS > 8 || TOP_FLOOR
	help
	  For many.

config PORT
	hex "Port"
	range 0x100 0xffff
	default 0x3f8
	help
	  Where.

config GREETING
	string "Greeting"
	default "it's \\"quoted\\""
	help
	  What.

config FORCED
	bool "Forced" if QUIET
	default y
	help
	  Only quiet kernels can do without.

choice
	prompt "Colour"
	default RED
	help
	  One of them.

config RED
	bool "Red"
	help
	  Warm.

config BLUE
	bool "Blue"
	help
	  Cold.

config GREEN
	bool "Green"
	depends on MIDDLE
	help
	  Fresh.

endchoice

source "part/Kconfig"
"""

PART = """\
config PART_ONE
	bool "Part one"
	default y
	help
	  Of several.
"""


class SampleTest(unittest.TestCase):
    """A test with a sample tree."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kconfig-test.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.src = os.path.join(self.folder, "src")
        self.obj = os.path.join(self.folder, "out")
        self.write("Kconfig", KCONFIG)
        self.write("part/Kconfig", PART)

    def write(self, name, text):
        """Write a file of the source tree; its path."""
        path = os.path.join(self.src, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def edit(self, name, old, new):
        """Replace text in a file of the source tree; the text must be there."""
        path = os.path.join(self.src, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        self.write(name, text.replace(old, new))

    def environment(self, extra):
        """The environment of a tool."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("KCONFIG_", "CONFIG_"))}
        return {**env, "LC_ALL": "C.UTF-8", "TOOLCHAIN": "old", **extra}

    def program(self, name, *options):
        """The command line of one of the tools."""
        return [sys.executable, os.path.join(TOOLS, name), *options]

    def configure_command(self, verb, *options):
        """The command line for a verb."""
        return self.program("configure.py", verb, "--kconfig", "Kconfig", "--srctree", ".",
                            "--objtree", self.obj, *options)

    def run_tool(self, command, status, env):
        """Run a tool; what it printed. Its status must be as said, and no traceback shown."""
        done = subprocess.run(command, cwd=self.src, env=self.environment(env), check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        output = done.stdout + done.stderr
        self.assertNotIn("Traceback", output)
        self.assertEqual(done.returncode, status, output)
        return output

    def configure(self, verb, *options, status=0, **env):
        """Run a verb; what it printed."""
        return self.run_tool(self.configure_command(verb, *options), status, env)

    def defconfig(self, text, *options, status=0, **env):
        """Configure from a defconfig with this text; what was printed."""
        self.write("sample_defconfig", text)
        return self.configure("defconfig", "--defconfig", "sample_defconfig", *options,
                              status=status, **env)

    def lint(self, status):
        """Run the lint; what it printed."""
        return self.run_tool(self.program("lint.py", "--kconfig", "Kconfig", "--srctree", "."),
                             status, {})

    def output(self, name=".config"):
        """The text of a file of the output directory."""
        with open(os.path.join(self.obj, name), encoding="utf-8") as file:
            return file.read()

    def set_config(self, text):
        """Make `text` the .config, as a person with an editor would."""
        os.makedirs(self.obj, exist_ok=True)
        with open(os.path.join(self.obj, ".config"), "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def stamps(self):
        """The modification time of every generated file, by name."""
        found = {}
        for folder, _, files in os.walk(os.path.join(self.obj, "include")):
            for name in files:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.obj)] = os.stat(path).st_mtime_ns
        return found
