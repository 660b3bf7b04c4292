# SPDX-License-Identifier: MIT
"""The files that a configuration becomes.

Order matters, because an interrupted run must not look finished: .config first, then the headers
written here, then kconfig-conf --silentoldconfig, whose last act is include/config/auto.conf. That
file is the time stamp: it is renewed by every run, all others only when their content changes.
Every file appears under its name complete, by rename.
"""

import hashlib
import os
import re

from check import values_of
from request import unquote

AUTOCONF = "include/config/auto.conf"
HEADER = "include/generated/autoconf.h"
DEPENDENCIES = "include/config/auto.conf.cmd"


def read_text(path):
    """The text of a file, or None if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_if_changed(path, text):
    """Write `text` to `path` by rename, if the file says something else; whether it did."""
    if read_text(path) == text:
        return False
    temporary = f"{path}.tmp.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return True


def nasm_string(text):
    """`text` as a NASM string: only back quotes know escapes."""
    for mark in "'\"":
        if mark not in text:
            return f"{mark}{text}{mark}"
    escaped = text.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def nasm_include(values):
    """The text of autoconf.inc."""
    lines = ["; Automatically generated file; DO NOT EDIT.\n"]
    for name, value in sorted(values.items()):
        if value == "y":
            value = "1"
        elif value.startswith('"'):
            value = nasm_string(unquote(value))
        lines.append(f"%define CONFIG_{name} {value}\n")
    return "".join(lines)


def config_hash(text):
    """The hash that stands for a configuration: 12 digits of its sorted CONFIG_ lines."""
    lines = sorted(line for line in text.splitlines() if line.startswith("CONFIG_"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def hash_header(text):
    """The text of config_hash.h."""
    return ("/* Automatically generated file; DO NOT EDIT. */\n"
            f'#define CONFIG_HASH "{config_hash(text)}"\n')


def install(frontend, text):
    """Make `text` the configuration of the output directory; whether .config changed."""
    config = os.path.join(frontend.objtree, ".config")
    old = read_text(config)
    if old is not None and old != text:
        write_if_changed(config + ".old", old)
    changed = write_if_changed(config, text)
    generate(frontend, text)
    return changed


def generate(frontend, text):
    """Write every header of the configuration `text`, which is in .config already."""
    generated = os.path.join(frontend.objtree, "include/generated")
    write_if_changed(os.path.join(generated, "autoconf.inc"), nasm_include(values_of(text)))
    write_if_changed(os.path.join(generated, "config_hash.h"), hash_header(text))
    header = os.path.join(frontend.objtree, HEADER)
    before, stamp = read_text(header), stamp_of(header)
    frontend.conf("--silentoldconfig", config=os.path.join(frontend.objtree, ".config"))
    if before is not None and read_text(header) == before:
        os.utime(header, ns=stamp)
    anchor_dependencies(os.path.join(frontend.objtree, DEPENDENCIES))


def stamp_of(path):
    """The times of a file for os.utime, or None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_atime_ns, status.st_mtime_ns


def anchor_dependencies(path):
    """Let auto.conf.cmd name the Kconfig files below $(srctree): make may run anywhere."""
    text = read_text(path)
    write_if_changed(path, re.sub(r"^\t(?=[^/$\s])", "\t$(srctree)/", text,
                                  flags=re.MULTILINE))
