# SPDX-License-Identifier: MIT
"""Running the programs of kconfig-frontends.

They read their files from environment variables and from the working directory, which is always
the output directory. Variables of the caller that would redirect them are taken out, except the
two that steer random configurations.
"""

import os
import subprocess
import sys

from problems import UserError

PACKAGE = "kconfig-frontends-nox"
KEPT = ("KCONFIG_SEED", "KCONFIG_PROBABILITY")


class Frontend:
    """The programs, bound to one tree and one output directory."""

    def __init__(self, kconfig, srctree, objtree):
        self.kconfig = kconfig
        self.srctree = os.path.abspath(srctree)
        self.objtree = os.path.abspath(objtree)

    def environment(self, config, extra):
        """The environment for a run on the file `config`."""
        env = {name: value for name, value in os.environ.items()
               if name in KEPT or not (name.startswith("KCONFIG_") or name == "CONFIG_")}
        env.update(srctree=self.srctree, KCONFIG_CONFIG=os.path.abspath(config), **extra)
        return env

    def start(self, program, options, config, extra, **how):
        """Run `program` to its end."""
        try:
            return subprocess.run([program, *options, self.kconfig], cwd=self.objtree, check=False,
                                  env=self.environment(config, extra), **how)
        except FileNotFoundError:
            raise UserError(f"{program} is not installed; run: apt-get install {PACKAGE}") from None

    def conf(self, *options, config, **extra):
        """Run kconfig-conf without a terminal; its standard output."""
        done = self.start("kconfig-conf", options, config, extra, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          encoding="utf-8", errors="replace")
        if done.returncode:
            raise UserError(f"kconfig-conf {options[0]} failed ({done.returncode}):\n"
                            f"{(done.stderr + done.stdout).strip()}")
        return done

    def interactive(self, program, *options, config):
        """Run a program on the caller's terminal."""
        sys.stdout.flush()
        done = self.start(program, options, config, {})
        if done.returncode:
            raise UserError(f"{program} ended with status {done.returncode}; "
                            "the configuration was not taken over")

    def settle(self, config):
        """Complete the file `config` with defaults until nothing changes; its text."""
        before = None
        for _ in range(8):
            self.conf("--olddefconfig", config=config)
            with open(config, encoding="utf-8") as file:
                text = file.read()
            if text == before:
                return text
            before = text
        raise UserError("the configuration does not settle under --olddefconfig; "
                        "look for options in the Kconfig files that turn each other on and off")
