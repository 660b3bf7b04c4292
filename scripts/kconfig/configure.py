#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The configuration verbs of the Makefile: menuconfig, oldconfig, defconfig, sync and so on.

Debian's kconfig-frontends does the configuring; this program decides what it may accept. Every
verb ends in Session.accept(): the request (the .config as the person left it, or a defconfig and
fragments) is read strictly, kconfig-conf completes a copy, each requested value must be in force
in that copy, and only then is .config replaced and are the headers written. If anything is wrong,
all of it is printed, .config stays as it was, and the status is 1.

`sync` is what a plain make runs when .config or a Kconfig file has changed.
"""

import argparse
import os
import shutil
import sys
import tempfile

import outputs
import randomize
from check import check_request, check_result, new_symbols, values_of
from frontend import Frontend
from problems import Problem, Problems, UserError, run_main, shown
from request import read_config
from tree import find_loops, open_tree

ASKING = ("config", "oldconfig")
MENUS = {"menuconfig": "kconfig-mconf", "nconfig": "kconfig-nconf"}
WHOLESALE = ("allnoconfig", "allyesconfig", "randconfig")
MERGING = ("defconfig", "olddefconfig", "sync", "savedefconfig")


class Session:
    """One run on one output directory. `scratch` is a directory on the same file system."""

    def __init__(self, options):
        self.options = options
        self.frontend = Frontend(options.kconfig, options.srctree, options.objtree)
        self.config = os.path.join(self.frontend.objtree, ".config")
        self.tree = open_tree(options.kconfig, options.srctree)
        loops = find_loops(self.tree)
        if loops:
            raise Problems(loops)
        self.scratch = None

    def __enter__(self):
        for name in ("include/config", "include/generated"):
            os.makedirs(os.path.join(self.frontend.objtree, name), exist_ok=True)
        self.scratch = tempfile.mkdtemp(prefix=".kconfig.", dir=self.frontend.objtree)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch)

    def scratch_file(self, text=""):
        """The path of the working copy of .config, holding `text`."""
        path = os.path.join(self.scratch, "config")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def settle(self, text):
        """kconfig-conf's completion of a configuration text."""
        return self.frontend.settle(self.scratch_file(text))

    def load(self, text):
        """Load a complete configuration into the tree."""
        self.tree.load_config(self.scratch_file(text), replace=True)

    def accepted(self):
        """The values of the last accepted configuration, by name."""
        text = outputs.read_text(os.path.join(self.frontend.objtree, outputs.AUTOCONF))
        return values_of(text or "")

    def check(self, paths):
        """(files, text): the parsed request of `paths` and its completion, without a fault."""
        files = [read_config(path) for path in paths]
        request, problems = check_request(self.tree, files, self.accepted())
        text = self.settle("".join(line.text() for line in request.values()))
        self.load(text)
        problems += check_result(self.tree, request, text)
        if problems:
            raise Problems(problems)
        return files, text

    def accept(self, paths):
        """Check the request of `paths` and make it the configuration; the parsed files."""
        files, text = self.check(paths)
        self.install(text)
        return files

    def install(self, text):
        """Write .config and the headers, and say what became of .config."""
        if outputs.install(self.frontend, text):
            print(f"#\n# configuration written to {shown(self.config)}\n#")
        elif self.options.verb != "sync" and self.options.verb not in MENUS:  # they say it
            print(f"#\n# no change to {shown(self.config)}\n#")

    def sources(self):
        """The files of the request for verbs that start from .config."""
        if not os.path.exists(self.config):
            raise UserError(self.nothing_configured())
        return [self.config, *self.options.fragment]

    def nothing_configured(self):
        """What to do when there is no .config."""
        output = shown(self.frontend.objtree)
        make = "make" if output == "build" else f"make O={output}"
        names = self.defconfigs()
        how = f"make one with '{make} menuconfig'"
        if names:
            how = (f"pick one with '{make} {names[0]}' (there are: {' '.join(names)}), "
                   f"or {how}")
        return f"{shown(self.config)}: there is no configuration yet; {how}"

    def defconfigs(self):
        """The names of the tree's defconfigs, the one named like the default target first."""
        folder = os.path.join(self.frontend.srctree, "defconfigs")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted((name for name in names if name.endswith("_defconfig")),
                      key=lambda name: (name != "x86_64_defconfig", name))

    def new_lines(self, files):
        """'CONFIG_X=value' for each option that the loaded configuration has and no file names."""
        return [f"CONFIG_{sym.name}={value}" for sym, value in new_symbols(self.tree, files)]


def defconfig(session):
    """Start from a defconfig file and fragments."""
    path = session.options.defconfig
    if not path:
        raise UserError("the verb defconfig needs --defconfig FILE")
    if not os.path.exists(path):
        raise UserError(f"{shown(path)}: no such defconfig; "
                        f"there are: {' '.join(session.defconfigs()) or 'none'}")
    session.accept([path, *session.options.fragment])


def sync(session):
    """Take .config over; name what a configuration written by kconfig did not know yet."""
    files = session.accept(session.sources())
    new = session.new_lines(files)
    if new and files[0].full:
        print(f"note: {shown(session.config)}: new options, taken with their defaults: "
              f"{' '.join(new)}")


def olddefconfig(session):
    """Complete .config with defaults; without one, all options take their defaults."""
    if os.path.exists(session.config):
        session.accept(session.sources())
    else:
        session.accept(session.options.fragment)


def savedefconfig(session):
    """Write the shortest file that means the same as .config."""
    _, text = session.check(session.sources())
    target = os.path.join(session.scratch, "defconfig")
    session.frontend.conf("--savedefconfig", target, config=session.scratch_file(text))
    final = os.path.join(session.frontend.objtree, "defconfig")
    outputs.write_if_changed(final, outputs.read_text(target))
    print(f"#\n# configuration written to {shown(final)}\n#")


def listnewconfig(session):
    """Print the options that .config does not mention, with the values they would get."""
    exists = os.path.exists(session.config)
    files, _ = session.check([session.config] if exists else [])
    print("".join(f"{line}\n" for line in session.new_lines(files)), end="")


def wholesale(session):
    """allnoconfig, allyesconfig and randconfig."""
    verb, extra = session.options.verb, {}
    config = session.scratch_file()
    if verb == "randconfig":
        seed = randomize.seed_from_environment()
        print(f"KCONFIG_SEED={seed:#x}")
        extra["KCONFIG_SEED"] = str(seed)
    session.frontend.conf(f"--{verb}", config=config, **extra)
    text = session.frontend.settle(config)
    if verb == "randconfig":
        text = randomize.vary_numbers(session.tree, session.load, session.settle, seed, text)
    session.load(text)
    problems = check_result(session.tree, {}, text)
    if problems:
        raise Problems(problems)
    session.install(text)


def asking(session):
    """config and oldconfig: questions on the terminal; without one, nothing may be new."""
    files, _ = session.check(session.sources())
    verb = session.options.verb
    if sys.stdin.isatty() and sys.stdout.isatty():
        option = "--oldaskconfig" if verb == "config" else "--oldconfig"
        session.frontend.interactive("kconfig-conf", option, config=session.config)
    else:
        new = session.new_lines(files)
        if new:
            raise Problems([Problem(shown(session.config), 0, line[7:].split("=")[0],
                                    f"new option, its default is {line.split('=', 1)[1]}",
                                    "use olddefconfig to take the defaults, or run "
                                    f"'make {verb}' on a terminal") for line in new])
    session.accept([session.config])


def menu(session):
    """menuconfig and nconfig: a program on the whole terminal, then the usual check."""
    verb = session.options.verb
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(f"{verb} needs a terminal on standard input and output; run it on one, or "
                        f"edit {shown(session.config)} and use olddefconfig")
    if os.path.exists(session.config):
        session.check([session.config])
    session.frontend.interactive(MENUS[verb], config=session.config)
    if not os.path.exists(session.config):
        print(f"{shown(session.config)}: nothing was saved, so there is still no configuration")
        return
    session.accept([session.config])


VERBS = {"sync": sync, "defconfig": defconfig, "olddefconfig": olddefconfig,
         "savedefconfig": savedefconfig, "listnewconfig": listnewconfig,
         **dict.fromkeys(ASKING, asking), **dict.fromkeys(MENUS, menu),
         **dict.fromkeys(WHOLESALE, wholesale)}


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description="Configure an output directory.")
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("--kconfig", required=True, help="top Kconfig file, below the source tree")
    parser.add_argument("--srctree", required=True, help="source tree")
    parser.add_argument("--objtree", required=True, help="output directory, made if missing")
    parser.add_argument("--defconfig", help="file to start from (verb defconfig)")
    parser.add_argument("--fragment", action="append", default=[],
                        help="file whose values come on top; can be repeated")
    options = parser.parse_args()
    if options.fragment and options.verb not in MERGING:
        parser.error(f"--fragment goes with {', '.join(MERGING)}, not with {options.verb}")
    return options


def main():
    """Run the verb."""
    options = arguments()
    with Session(options) as session:
        VERBS[options.verb](session)
    return 0


if __name__ == "__main__":
    run_main(main)
